package httpserver_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// wire is a WebSocket client that speaks frames, so that a test can break the protocol.
type wire struct {
	t    *testing.T
	conn *websocket.Conn
	ctx  context.Context //nolint:containedctx // the test's
}

// dial connects without a word.
func (s *site) dial(t *testing.T, subprotocols ...string) *wire {
	t.Helper()

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)

	conn, resp, err := websocket.Dial(ctx, "ws://"+s.address+"/graphql", &websocket.DialOptions{Subprotocols: subprotocols})
	require.NoError(t, err)

	if resp.Body != nil {
		_ = resp.Body.Close()
	}

	conn.SetReadLimit(64 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })

	return &wire{t: t, conn: conn, ctx: ctx}
}

// connect is dial and an acknowledged connection_init.
func (s *site) connect(t *testing.T) *wire {
	t.Helper()

	w := s.dial(t, "graphql-transport-ws")
	w.send(`{"type":"connection_init"}`)

	answer := w.read()
	for answer == `{"type":"ping"}` { // where a test has the server ping so often that one comes first
		answer = w.read()
	}

	require.JSONEq(t, `{"type":"connection_ack"}`, answer)

	return w
}

func (w *wire) send(text string) {
	w.t.Helper()
	require.NoError(w.t, w.conn.Write(w.ctx, websocket.MessageText, []byte(text)))
}

// subscribe sends a subscribe message.
func (w *wire) subscribe(id, query string) {
	w.t.Helper()

	payload, err := json.Marshal(map[string]any{"id": id, "type": "subscribe", "payload": map[string]any{"query": query}})
	require.NoError(w.t, err)
	w.send(string(payload))
}

func (w *wire) read() string {
	w.t.Helper()

	_, text, err := w.conn.Read(w.ctx)
	require.NoError(w.t, err)

	return string(text)
}

func (w *wire) expect(want string) {
	w.t.Helper()
	require.JSONEq(w.t, want, w.read())
}

// expectError reads an error message for the operation, and returns its code.
func (w *wire) expectError(id string) string {
	w.t.Helper()

	var m struct {
		ID      string  `json:"id"`
		Type    string  `json:"type"`
		Payload []fault `json:"payload"`
	}

	text := w.read()
	require.NoError(w.t, json.Unmarshal([]byte(text), &m), text)
	require.Equal(w.t, "error", m.Type, text)
	require.Equal(w.t, id, m.ID)
	require.Len(w.t, m.Payload, 1)

	code, _ := m.Payload[0].Extensions["code"].(string)

	return code
}

// expectClose reads until the connection is closed, and compares the code.
func (w *wire) expectClose(code websocket.StatusCode, reason string) {
	w.t.Helper()

	for {
		_, _, err := w.conn.Read(w.ctx)
		if err == nil {
			continue
		}

		var closed websocket.CloseError
		require.ErrorAs(w.t, err, &closed)
		require.Equal(w.t, code, closed.Code, closed.Reason)
		require.Contains(w.t, closed.Reason, reason)

		return
	}
}
