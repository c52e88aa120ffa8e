package httpserver_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"samjournal/internal/httpserver"
	"samjournal/internal/httpserver/internal/testschema"
)

func TestWebSocketCarriesEveryKindOfOperation(t *testing.T) {
	t.Parallel()

	w := start(t, nil).connect(t)

	w.subscribe("q", `{ hello(name: "<b>") }`)
	require.Contains(t, w.read(), `"payload":{"data":{"hello":"hello <b>"}}`)
	w.expect(`{"id":"q","type":"complete"}`)

	w.subscribe("m", `mutation { bump(by: 3) }`)
	w.expect(`{"id":"m","type":"next","payload":{"data":{"bump":3}}}`)
	w.expect(`{"id":"m","type":"complete"}`)

	w.subscribe("s", `subscription { count(to: 2) }`)
	w.expect(`{"id":"s","type":"next","payload":{"data":{"count":0}}}`)
	w.expect(`{"id":"s","type":"next","payload":{"data":{"count":1}}}`)
	w.expect(`{"id":"s","type":"complete"}`)

	for range 100 { // an id is free again as soon as its complete is there
		w.subscribe("q", `{ hello }`)
		w.expect(`{"id":"q","type":"next","payload":{"data":{"hello":"hello world"}}}`)
		w.expect(`{"id":"q","type":"complete"}`)
	}
}

func TestWebSocketErrors(t *testing.T) {
	t.Parallel()

	w := start(t, nil).connect(t)

	w.subscribe("1", `{ nope }`)
	require.Equal(t, "BAD_USER_INPUT", w.expectError("1"))

	w.subscribe("2", `subscription { refused(code: "CURSOR_INVALID") }`)
	require.Equal(t, "CURSOR_INVALID", w.expectError("2"))

	w.subscribe("3", `subscription { breaks(code: "UNAVAILABLE") }`)
	w.expect(`{"id":"3","type":"next","payload":{"data":{"breaks":0}}}`)
	require.Equal(t, "UNAVAILABLE", w.expectError("3"))

	w.subscribe("4", `subscription { boom }`)
	require.Equal(t, "INTERNAL", w.expectError("4"))

	// Execution has begun: errors and data come in next.
	w.subscribe("5", `{ fail(code: "NOT_FOUND") }`)
	require.Contains(t, w.read(), `"data":null`)
	w.expect(`{"id":"5","type":"complete"}`)

	// One operation's bad content is its own affair.
	w.send(`{"id":"6","type":"subscribe","payload":{"query":"{hello}","variables":{"a":1,"a":2}}}`)
	require.Equal(t, "BAD_USER_INPUT", w.expectError("6"))
	w.send(`{"id":"7","type":"subscribe","payload":{"query":"{hello}","variables":{"a":"\udc00"}}}`)
	require.Equal(t, "BAD_USER_INPUT", w.expectError("7"))
}

func TestWebSocketCloseCodes(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.MaxBodyBytes = 2000 })

	const connectionInit = `{"type":"connection_init"}`

	for name, c := range map[string]struct {
		send   []string
		code   websocket.StatusCode
		reason string
	}{
		"subscribe before init": {[]string{`{"id":"1","type":"subscribe","payload":{"query":"{hello}"}}`}, 4401, "Unauthorized"},
		"second init":           {[]string{connectionInit, connectionInit}, 4429, "Too many init"},
		"not JSON":              {[]string{`{"type":`}, 4400, "Invalid message"},
		"not an object":         {[]string{`[]`}, 4400, "Invalid message"},
		"no type":               {[]string{`{}`}, 4400, "Invalid message"},
		"unknown type":          {[]string{`{"type":"start"}`}, 4400, "Invalid message"},
		"init payload":          {[]string{`{"type":"connection_init","payload":"x"}`}, 4400, "Invalid message"},
		"duplicate before init": {[]string{`{"type":"connection_init","payload":{"a":1,"a":2}}`}, 4400, "duplicate member name"},
		"no id":                 {[]string{connectionInit, `{"type":"subscribe","payload":{"query":"{hello}"}}`}, 4400, ""},
		"empty id":              {[]string{connectionInit, `{"id":"","type":"subscribe","payload":{"query":"{hello}"}}`}, 4400, ""},
		"number as id":          {[]string{connectionInit, `{"id":1,"type":"complete"}`}, 4400, ""},
		"no query":              {[]string{connectionInit, `{"id":"1","type":"subscribe","payload":{}}`}, 4400, `"query"`},
		"no payload":            {[]string{connectionInit, `{"id":"1","type":"subscribe"}`}, 4400, ""},
		"duplicate id": {[]string{
			connectionInit,
			`{"id":"ä1","type":"subscribe","payload":{"query":"subscription{forever}"}}`,
			`{"id":"ä1","type":"subscribe","payload":{"query":"subscription{forever}"}}`,
		}, 4409, "Subscriber for ä1 already exists"},
		"too large": {[]string{`{"type":"ping","payload":"` + strings.Repeat("x", 2000) + `"}`}, websocket.StatusMessageTooBig, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := s.dial(t, "graphql-transport-ws")
			for _, text := range c.send {
				w.send(text)
			}

			w.expectClose(c.code, c.reason)
		})
	}

	w := s.dial(t, "graphql-transport-ws")
	require.NoError(t, w.conn.Write(w.ctx, websocket.MessageBinary, []byte(`{"type":"connection_init"}`)))
	w.expectClose(4400, "text")

	s.dial(t).expectClose(4406, "Subprotocol not acceptable")
	s.dial(t, "graphql-ws").expectClose(4406, "Subprotocol not acceptable")
}

func TestWebSocketInitHasATimeLimit(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.InitTimeout = 50 * time.Millisecond })
	s.dial(t, "graphql-transport-ws").expectClose(4408, "Connection initialisation timeout")

	w := s.connect(t)
	w.subscribe("1", `subscription { forever }`)
	w.read()

	// The limit is over when the other connection has met it.
	s.dial(t, "graphql-transport-ws").expectClose(4408, "")
	w.send(`{"type":"ping"}`)
	w.expect(`{"type":"pong"}`)
}

func TestWebSocketViewer(t *testing.T) {
	t.Parallel()

	s := start(t, func(_ *httpserver.Config, d *httpserver.Deps) {
		d.Viewer = func(ctx context.Context, r *http.Request, init map[string]any) (context.Context, error) {
			require.Equal(t, "/graphql", r.URL.Path)

			switch name := init["token"]; name {
			case nil:
				return nil, errNoToken
			case "broken":
				return nil, errors.New("connection refused")
			default:
				return testschema.WithViewer(ctx, fmt.Sprint(name)), nil
			}
		}
	})

	w := s.dial(t, "graphql-transport-ws")
	w.send(`{"type":"connection_init","payload":{"token":"alice"}}`)
	w.expect(`{"type":"connection_ack"}`)
	w.subscribe("1", `{ viewer requestID }`)
	require.Contains(t, w.read(), `"viewer":"alice"`)

	w = s.dial(t, "graphql-transport-ws")
	w.send(`{"type":"connection_init"}`)
	w.expectClose(4401, "no token")

	w = s.dial(t, "graphql-transport-ws")
	w.send(`{"type":"connection_init","payload":{"token":"broken"}}`)
	w.expectClose(4500, "internal server error")

	a := s.ask(t, `{ hello }`)
	require.Equal(t, http.StatusUnauthorized, a.status)
	require.Equal(t, "UNAUTHENTICATED", a.code(t))
}

func TestViewerRefusalsTellWhetherToTryAgain(t *testing.T) {
	t.Parallel()

	for code, want := range map[string]struct {
		status int
		close  websocket.StatusCode
	}{
		"UNAUTHENTICATED": {http.StatusUnauthorized, 4401},
		"FORBIDDEN":       {http.StatusForbidden, 4403},
		"BAD_USER_INPUT":  {http.StatusBadRequest, 4400},
		"MADE_UP":         {http.StatusUnauthorized, 4401},
		"RATE_LIMITED":    {http.StatusTooManyRequests, 4503},
		"UNAVAILABLE":     {http.StatusServiceUnavailable, 4503},
		"INTERNAL":        {http.StatusInternalServerError, 4500},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()

			s := start(t, func(_ *httpserver.Config, d *httpserver.Deps) {
				d.Viewer = func(context.Context, *http.Request, map[string]any) (context.Context, error) {
					return nil, &gqlerror.Error{Message: "refused", Extensions: map[string]any{"code": code}}
				}
			})

			for _, accept := range []string{"application/json", responseJSON, eventStream} {
				a := s.ask(t, `{ hello }`, "Accept", accept)
				require.Equal(t, want.status, a.status, accept)
				require.Equal(t, code, a.code(t))
			}

			w := s.dial(t, "graphql-transport-ws")
			w.send(`{"type":"connection_init"}`)
			w.expectClose(want.close, "")
		})
	}
}

func TestWebSocketPingIsAnsweredWithItsPayload(t *testing.T) {
	t.Parallel()

	w := start(t, nil).dial(t, "graphql-transport-ws")
	w.send(`{"type":"ping"}`)
	w.expect(`{"type":"pong"}`)
	w.send(`{"type":"ping","payload":{"n":1.10}}`)
	require.Equal(t, `{"type":"pong","payload":{"n":1.10}}`, w.read())
	w.send(`{"type":"pong"}`)
	w.send(`{"type":"connection_init"}`)
	w.expect(`{"type":"connection_ack"}`)
}

func TestWebSocketIsPinged(t *testing.T) {
	t.Parallel()

	// A client that does not answer within the interval is cut off: a busy machine may need a second to answer.
	w := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.PingInterval = time.Second }).connect(t)
	for range 2 {
		w.expect(`{"type":"ping"}`)
	}
}

func TestWebSocketCompleteCancelsTheOperation(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	w := s.connect(t)
	w.subscribe("1", `subscription { forever }`)
	w.read()
	w.send(`{"id":"1","type":"complete"}`)
	receive(t, s.resolver.Left, "the source to end")

	w.send(`{"id":"unknown","type":"complete"}`) // its own end may have crossed it
	w.subscribe("1", `{ hello }`)
	w.expect(`{"id":"1","type":"next","payload":{"data":{"hello":"hello world"}}}`)
}

func TestWebSocketOperationsAreBounded(t *testing.T) {
	t.Parallel()

	w := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.MaxOperations = 2 }).connect(t)

	for _, id := range []string{"1", "2"} {
		w.subscribe(id, `subscription { forever }`)
		w.read()
	}

	w.subscribe("3", `{ hello }`)
	require.Equal(t, "RATE_LIMITED", w.expectError("3"))
}

func TestWebSocketConnectionsAreBounded(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.MaxStreams = 1 })
	w := s.connect(t)
	s.dial(t, "graphql-transport-ws").expectClose(4503, "Too many connections")

	a := s.ask(t, `subscription { forever }`, "Accept", "text/event-stream")
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Equal(t, "UNAVAILABLE", a.code(t))
	require.Equal(t, "1", a.header.Get("Retry-After"))

	// The place is free again when the first has left.
	require.NoError(t, w.conn.Close(websocket.StatusNormalClosure, ""))
	eventually(t, func() bool { return s.ask(t, `{ hello }`, "Accept", "text/event-stream").status == http.StatusOK }, "a place")
}

func TestWebSocketClientThatLeavesCancelsItsOperations(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	w := s.connect(t)
	w.subscribe("1", `subscription { forever }`)
	w.read()
	w.subscribe("2", `{ slow }`)
	receive(t, s.resolver.Waiting, "slow to wait")

	require.NoError(t, w.conn.CloseNow())
	receive(t, s.resolver.Left, "the source to end")
	eventually(t, func() bool { return len(s.log.lines(t, "operation")) == 2 }, "both operations to end")
	require.Contains(t, s.log.String(), `"type":"query","code":"CANCELED"`)
}

func TestWebSocketClientThatStopsReadingIsReleased(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.WriteTimeout = 100 * time.Millisecond })
	w := s.connect(t)
	w.subscribe("1", `subscription { flood(size: 1000000) }`)
	w.subscribe("2", `subscription { forever }`)

	// Nobody reads: the sockets' buffers fill up, and the write timeout ends the connection with all it carries.
	receive(t, s.resolver.Left, "the first source to end")
	receive(t, s.resolver.Left, "the second source to end")
}

func TestWebSocketClientThatVanishedIsReleased(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.PingInterval = 50 * time.Millisecond })
	w := s.connect(t)
	w.subscribe("1", `subscription { forever }`)

	// A client that does not read does not answer a ping frame either.
	receive(t, s.resolver.Left, "the source to end")
}

func TestWebSocketOperationsHaveTheirOwnRequestIDs(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	w := s.connect(t)
	w.subscribe("1", `{ requestID }`)
	first := w.read()
	w.read()
	w.subscribe("2", `{ requestID }`)
	require.NotEqual(t, strings.TrimPrefix(first, `{"id":"1"`), strings.TrimPrefix(w.read(), `{"id":"2"`))
	w.read()
	eventually(t, func() bool { return len(s.log.lines(t, "operation")) == 2 }, "two lines")
	require.Equal(t, "websocket", s.log.lines(t, "operation")[0]["transport"])
}

func TestWebSocketUpgradeOfAnotherOriginIsRefused(t *testing.T) {
	t.Parallel()

	s := start(t, nil)

	for origin, want := range map[string]int{
		"http://" + s.address: http.StatusSwitchingProtocols,
		"http://evil.example": http.StatusForbidden,
		"null":                http.StatusForbidden,
	} {
		conn, resp, err := websocket.Dial(t.Context(), "ws://"+s.address+"/graphql", &websocket.DialOptions{
			Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{"Origin": {origin}},
		})
		require.Equal(t, want, resp.StatusCode, origin)

		if err == nil {
			_ = conn.CloseNow()
		} else {
			_ = resp.Body.Close()
		}
	}
}

func TestAMessageOfAnotherFormIsToldWhatIsWrong(t *testing.T) {
	t.Parallel()

	s := start(t, nil)

	for message, want := range map[string]string{
		`[]`:                            "a message must be a JSON object",
		`{"id":"1"}`:                    `"type" must be a string`,
		`{"type":"unheard"}`:            `"type" must be one of the protocol's`,
		`{"type":"complete","id":1}`:    `"id" must be a string`,
		`{"type":"subscribe"}`:          `"id" must be a string of 1 to 256 bytes`,
		`{"type":"subscribe","id":"1"}`: "a request must be a JSON object",
		`{"type":"complete","id":""}`:   `"id" must be a string of 1 to 256 bytes`,
		`{"type":"subscribe","id":"1","payload":{"query":1}}`: `"query" must be a string that is not empty`,
	} {
		w := s.connect(t)
		w.send(message)
		w.expectClose(4400, "Invalid message received: "+want)
	}
}
