package e2e

import (
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// refusal reads messages until one is the error of an operation, and returns its code and text.
func (s *subscription) refusal(t testing.TB) (code, message string) {
	t.Helper()
	for {
		m := s.read(t)
		if m["type"] != "error" {
			continue
		}
		errors, ok := m["payload"].([]any)
		require.True(t, ok, m)
		code, _ = value(t, errors[0], "extensions", "code").(string)
		message, _ = value(t, errors[0], "message").(string)
		return code, message
	}
}

func TestEachLimitOnConnectionsAndOperationsHasItsError(t *testing.T) {
	t.Parallel()
	s := serve(t, newSQLite(t).where, "--max-connections=2", "--max-connection-operations=2", "--max-viewer-operations=3")
	first, second := s.subscribe(t, nil), s.subscribe(t, nil)

	third := map[string]any{"type": "subscribe", "payload": map[string]any{"query": "subscription { entryCreated { cursor } }"}}
	for _, id := range []string{"b", "c"} {
		third["id"] = id
		first.send(t, third)
	}
	code, message := first.refusal(t)
	require.Equal(t, "RATE_LIMITED", code)
	require.Contains(t, message, "this connection has 2 operations running")

	third["id"] = "b"
	second.send(t, third)
	code, message = second.refusal(t)
	require.Equal(t, "RATE_LIMITED", code)
	require.Contains(t, message, "you have 3 operations running")
	refused := s.ask(t, `{ viewer { role } }`, nil)
	require.Len(t, refused.errors, 1)
	require.Equal(t, "RATE_LIMITED", refused.errors[0].code())

	require.Equal(t, websocket.StatusCode(4503), s.dial(t).closed(t))
	first.send(t, map[string]any{"type": "complete", "id": "b"})
	eventually(t, "a place is free", func() bool { return len(s.ask(t, `{ viewer { role } }`, nil).errors) == 0 })
}
