package httpserver_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"samjournal/internal/httpserver"
	"samjournal/internal/httpserver/internal/testschema"
)

// behindProxy serves others than loopback, and believes the tests where they say that they come from.
func behindProxy(t *testing.T, change func(*httpserver.Config, *httpserver.Deps)) *site {
	t.Helper()

	return startOpen(t, func(c *httpserver.Config, d *httpserver.Deps) {
		c.Edge.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}

		change(c, d)
	})
}

// standing is a clock that never moves: no bucket fills again.
func standing(d *httpserver.Deps) {
	now := time.Now()
	d.Now = func() time.Time { return now }
}

// byToken makes the value of Authorization the viewer; "wrong" is none.
func byToken(ctx context.Context, r *http.Request, init map[string]any) (context.Context, error) {
	name := r.Header.Get("Authorization")
	if given, ok := init["authorization"].(string); ok {
		name = given
	}

	switch name {
	case "":
		return nil, errNoToken
	case "wrong", "wrong too":
		return nil, errNoToken
	default:
		return testschema.WithViewer(ctx, name), nil
	}
}

func requireLimited(t *testing.T, a answer) {
	t.Helper()
	require.Equal(t, http.StatusTooManyRequests, a.status, a.text)
	require.Equal(t, "RATE_LIMITED", a.code(t))

	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	require.NoError(t, err)

	ms, ok := a.Errors[0].Extensions["retryAfterMs"].(float64)
	require.True(t, ok, a.text)
	require.Positive(t, ms)
	require.GreaterOrEqual(t, float64(seconds)*1000, ms)
	require.Less(t, float64(seconds-1)*1000, ms)
}

func TestRequestsOfAnAddressAreLimited(t *testing.T) {
	t.Parallel()

	s := behindProxy(t, func(c *httpserver.Config, d *httpserver.Deps) {
		c.Rates.AddressRequests = 2
		c.Edge.AllowedOrigins = []string{app}

		standing(d)
	})

	for range 4 {
		require.Equal(t, http.StatusOK, s.ask(t, `{ hello }`, "X-Forwarded-For", "203.0.113.9").status)
	}

	a := s.ask(t, `{ hello }`, "X-Forwarded-For", "203.0.113.9", "Origin", app)
	requireLimited(t, a)
	require.Equal(t, app, a.header.Get("Access-Control-Allow-Origin"), "a page may read when to try again")
	requireLimited(t, s.do(t, http.MethodGet, "/playground/", "", "X-Forwarded-For", "203.0.113.9"))
	requireLimited(t, s.ask(t, `{ hello }`, "X-Forwarded-For", "198.51.100.77, 203.0.113.9"))
	require.Equal(t, http.StatusOK, s.ask(t, `{ hello }`, "X-Forwarded-For", "203.0.113.10").status, "others are not held up")
	require.Equal(t, http.StatusOK, s.do(t, http.MethodGet, "/healthz", "", "X-Forwarded-For", "203.0.113.9").status)
	require.Equal(t, http.StatusOK, s.do(t, http.MethodGet, "/readyz", "", "X-Forwarded-For", "203.0.113.9").status)
	require.Contains(t, s.metric(t), `samjournal_refused_total{reason="address_rate"} 3`)

	// An upgrade is a request.
	_, resp, err := websocket.Dial(t.Context(), "ws://"+s.address+"/graphql", &websocket.DialOptions{
		HTTPHeader: http.Header{"X-Forwarded-For": {"203.0.113.9"}},
	})
	require.Error(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusTooManyRequests, resp.StatusCode)
}

func TestNothingIsLimitedOnLoopback(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, d *httpserver.Deps) {
		c.Rates = httpserver.RateLimits{
			ViewerRequests: 1, ViewerCost: 1, AddressRequests: 1, AddressConnections: 1, FailedLogins: 1,
		}
		d.ViewerName = func(context.Context) string { return "operator" }

		standing(d)
	})
	s.connect(t)
	s.connect(t)

	for range 10 {
		require.Equal(t, http.StatusOK, s.ask(t, `{ hello }`).status)
	}
}

func TestOperationsOfAViewerAreLimited(t *testing.T) {
	t.Parallel()

	s := behindProxy(t, func(c *httpserver.Config, d *httpserver.Deps) {
		c.Rates.ViewerRequests = 2
		d.Viewer = byToken
		d.ViewerName = testschema.Viewer

		standing(d)
	})

	for i := range 3 { // whichever address they come from
		a := s.ask(t, `{ hello }`, "Authorization", "alice", "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i))
		require.Equal(t, http.StatusOK, a.status)
	}

	w := s.dial(t, "graphql-transport-ws")
	w.send(`{"type":"connection_init","payload":{"authorization":"alice"}}`)
	w.expect(`{"type":"connection_ack"}`)
	w.subscribe("1", `{ hello }`)
	require.Contains(t, w.read(), `"data"`)
	w.expect(`{"id":"1","type":"complete"}`)
	w.subscribe("2", `{ hello }`)
	require.Equal(t, "RATE_LIMITED", w.expectError("2"), "the operation is refused, the connection goes on")
	w.send(`{"type":"ping"}`)
	w.expect(`{"type":"pong"}`)

	for _, accept := range []string{"application/json", responseJSON, eventStream} {
		requireLimited(t, s.ask(t, `{ hello }`, "Authorization", "alice", "Accept", accept))
	}

	require.Equal(t, http.StatusOK, s.ask(t, `{ hello }`, "Authorization", "bob").status)
	require.Contains(t, s.metric(t, "Authorization", "carol"), `samjournal_refused_total{reason="viewer_rate"} 4`)
}

func TestWebSocketMessagesComeNoFasterThanTheRate(t *testing.T) {
	t.Parallel()

	s := startOpen(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.Rates.AddressRequests = 50 })
	w := s.connect(t)
	began := time.Now()

	for range 150 { // 100 at once, then 50 in a second
		w.send(`{"type":"ping"}`)
	}

	for range 150 {
		w.expect(`{"type":"pong"}`)
	}

	require.Greater(t, time.Since(began), 900*time.Millisecond)
}

func TestPingFramesComeNoFasterThanTheRate(t *testing.T) {
	t.Parallel()

	s := startOpen(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.Rates.AddressRequests = 50 })
	w := s.connect(t)
	began := time.Now()

	ended := make(chan struct{})
	go func() { // pongs are taken by who reads
		defer close(ended)

		_, _, _ = w.conn.Read(w.ctx)
	}()

	for range 150 {
		require.NoError(t, w.conn.Ping(w.ctx))
	}

	require.Greater(t, time.Since(began), 900*time.Millisecond)
	require.NoError(t, w.conn.CloseNow())
	receive(t, ended, "the reader")
}

func TestAConnectionIsClosedWhoseAddressSendsFarTooMuch(t *testing.T) {
	t.Parallel()

	s := startOpen(t, func(c *httpserver.Config, d *httpserver.Deps) {
		c.Rates.AddressRequests = 1

		standing(d)
	})
	w := s.dial(t, "graphql-transport-ws")
	w.send(`{"type":"connection_init"}`)
	w.expect(`{"type":"connection_ack"}`)

	for range 4 { // one waits for a second, the next for two
		w.send(`{"type":"pong"}`)
	}

	w.expectClose(4503, "Too many messages from your address")
}

func TestConnectionsOfAnAddressAreLimited(t *testing.T) {
	t.Parallel()

	s := startOpen(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.Rates.AddressConnections = 3 })

	held := make([]net.Conn, 3)
	for i := range held {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.address)
		require.NoError(t, err)

		held[i] = conn
		t.Cleanup(func() { _ = conn.Close() })
	}

	refused := func() bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.address)
		require.NoError(t, err)

		defer conn.Close()

		_, err = fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		if err != nil {
			return true
		}

		n, _ := conn.Read(make([]byte, 1))

		return n == 0
	}
	eventually(t, refused, "the fourth connection to be closed")

	require.NoError(t, held[0].Close())
	eventually(t, func() bool { return !refused() }, "its place to be free")
	eventually(t, func() bool {
		return regexp.MustCompile(`refused_total{reason="address_connections"} [1-9]`).MatchString(s.text("/metrics"))
	}, "the refusals to be counted")
}

func TestAWebSocketsConnectionIsCountedUntilItEnds(t *testing.T) {
	t.Parallel()

	s := startOpen(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.Edge.MaxConnections = 1 })
	connect := func() *websocket.Conn {
		conn, resp, err := websocket.Dial(t.Context(), "ws://"+s.address+"/graphql", &websocket.DialOptions{
			Subprotocols: []string{"graphql-transport-ws"},
		})
		if err != nil {
			return nil
		}

		require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)

		return conn
	}

	for range 3 {
		var conn *websocket.Conn

		eventually(t, func() bool {
			conn = connect()

			return conn != nil
		}, "a place")
		require.Nil(t, connect(), "it is the only one")
		require.NoError(t, conn.CloseNow())
	}
}

func TestConnectionsOfAllAreLimited(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.Edge.MaxConnections = 1 })
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.address)
	require.NoError(t, err)

	eventually(t, func() bool {
		second, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.address)
		require.NoError(t, err)

		defer second.Close()

		require.NoError(t, second.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
		_, err = second.Read(make([]byte, 1))

		return err != nil && !isTimeout(err)
	}, "the second connection to be closed")

	require.NoError(t, conn.Close())
	eventually(t, func() bool { return s.text("/healthz") == `{"status":"ok"}` }, "a place")
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error) //nolint:errorlint // it comes from the connection itself

	return ok && timeout.Timeout()
}

func TestStreamsOfAClientBehindAProxyAreLimited(t *testing.T) {
	t.Parallel()

	s := behindProxy(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.Rates.AddressConnections = 1 })
	first := s.dialFrom(t, "203.0.113.9")
	first.send(`{"type":"connection_init"}`)
	first.expect(`{"type":"connection_ack"}`)
	s.dialFrom(t, "203.0.113.9").expectClose(4503, "Too many connections from your address")

	a := s.ask(t, `subscription { forever }`, "Accept", eventStream, "X-Forwarded-For", "203.0.113.9")
	require.Equal(t, http.StatusTooManyRequests, a.status)
	require.Equal(t, "RATE_LIMITED", a.code(t))

	// Others have places, whatever the proxy's own connections are.
	second := s.dialFrom(t, "203.0.113.10")
	second.send(`{"type":"connection_init"}`)
	second.expect(`{"type":"connection_ack"}`)

	require.NoError(t, first.conn.CloseNow())
	eventually(t, func() bool {
		a := s.ask(t, `subscription { count(to: 1) }`, "Accept", eventStream, "X-Forwarded-For", "203.0.113.9")

		return a.status == http.StatusOK
	}, "the place to be free again")
}

func TestWrongCredentialsOfAnAddressAreSlowedDown(t *testing.T) {
	t.Parallel()

	var looked atomic.Int64

	s := behindProxy(t, func(c *httpserver.Config, d *httpserver.Deps) {
		c.Rates.FailedLogins = 3
		d.Viewer = func(ctx context.Context, r *http.Request, init map[string]any) (context.Context, error) {
			looked.Add(1)

			return byToken(ctx, r, init)
		}

		standing(d)
	})
	from := []string{"X-Forwarded-For", "203.0.113.9", "Authorization"}

	require.Equal(t, http.StatusOK, s.ask(t, `{ hello }`, append(from, "alice")...).status)

	for range 3 {
		a := s.ask(t, `{ hello }`, append(from, "wrong")...)
		require.Equal(t, http.StatusUnauthorized, a.status)
		require.Equal(t, "Bearer", a.header.Get("Www-Authenticate"))
	}

	before := looked.Load()
	requireLimited(t, s.ask(t, `{ hello }`, append(from, "wrong too")...))
	requireLimited(t, s.ask(t, `{ hello }`, append(from, "bob")...))
	requireLimited(t, s.do(t, http.MethodGet, "/metrics", "", append(from, "wrong")...))
	require.Equal(t, before, looked.Load(), "what is refused is not looked at")

	w := s.dialFrom(t, "203.0.113.9")
	w.send(`{"type":"connection_init","payload":{"authorization":"wrong"}}`)
	w.expectClose(4503, "(SAMJOURNAL_RATE_FAILED_LOGINS)")

	// Who was right before, who says nothing at all, and others' addresses are not held up.
	require.Equal(t, http.StatusOK, s.ask(t, `{ hello }`, append(from, "alice")...).status)
	require.Equal(t, http.StatusUnauthorized, s.ask(t, `{ hello }`, from[:2]...).status)
	require.Equal(t, http.StatusUnauthorized,
		s.ask(t, `{ hello }`, "X-Forwarded-For", "203.0.113.10", "Authorization", "wrong").status)
	require.Contains(t, s.metric(t, "Authorization", "carol"), `samjournal_refused_total{reason="failed_logins"} 4`)
}

// dialFrom is dial from behind the proxy.
func (s *site) dialFrom(t *testing.T, address string) *wire {
	t.Helper()

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)

	conn, _, err := websocket.Dial(ctx, "ws://"+s.address+"/graphql", &websocket.DialOptions{
		Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{"X-Forwarded-For": {address}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.CloseNow() })

	return &wire{t: t, conn: conn, ctx: ctx}
}
