package httpserver_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"samjournal/internal/httpserver"
)

func TestWhoIsNotLetInTakesNoMemory(t *testing.T) {
	t.Parallel()

	s := startOpen(t, func(c *httpserver.Config, d *httpserver.Deps) {
		smallIntake(c, d)

		d.Viewer = byToken
	})

	for range 10 { // of which four would fit
		s.trickle(t, 99_000)
	}

	// The bodies have come as far as they will when those of others have.
	for range 20 {
		a := s.post(t, padded(), "Authorization", "alice")
		require.Equal(t, http.StatusOK, a.status, a.text)
	}

	require.Contains(t, s.metric(t, "Authorization", "alice"), `samjournal_refused_total{reason="memory"} 0`)
}

func TestMessagesOfWhoIsNotKnownYetAreShort(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	// One byte too many: with more of them unread the connection may be reset before the close code is read.
	init := `{"type":"connection_init","payload":{"pad":"`
	init += strings.Repeat("x", 64<<10+1-len(init)-len(`"}}`)) + `"}}`

	w := s.dial(t, "graphql-transport-ws")
	w.send(init)
	w.expectClose(websocket.StatusMessageTooBig, "")

	w = s.connect(t)
	w.send(`{"type":"ping","payload":{"pad":"` + strings.Repeat("x", 70_000) + `"}}`)
	require.Contains(t, w.read(), `"type":"pong"`)
}

func TestWhoIsShutOutWhileABodyComesIsNotServed(t *testing.T) {
	t.Parallel()

	var revoked atomic.Bool

	s := startOpen(t, func(_ *httpserver.Config, d *httpserver.Deps) {
		d.Viewer = func(ctx context.Context, _ *http.Request, _ map[string]any) (context.Context, error) {
			if revoked.Swap(true) {
				return nil, errNoToken
			}

			return ctx, nil
		}
	})

	body, rest := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url("/graphql"), body)
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")

	go func() {
		_, _ = io.WriteString(rest, `{"query":"mutation { bump }"`)

		<-time.After(1500 * time.Millisecond) // the time itself is what counts

		_, _ = io.WriteString(rest, `}`)
		_ = rest.Close()
	}()

	resp, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	require.Zero(t, s.resolver.Bumped.Load())
}
