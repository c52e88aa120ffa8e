package httpserver_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/httpserver"
	"samjournal/internal/httpserver/internal/testschema"
)

func TestShutdownFinishesWorkAndEndsStreams(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	w := s.connect(t)
	w.subscribe("s", `subscription { forever }`)
	w.read()
	w.subscribe("m", `mutation { slowBump }`)
	receive(t, s.resolver.Waiting, "the mutation on the WebSocket to wait")

	lines, _ := s.listen(t, `subscription { forever }`)
	require.True(t, lines.Scan())

	answered := make(chan string, 1)
	go func() { answered <- s.text("/graphql?query=%7Bslow%7D") }()

	receive(t, s.resolver.Waiting, "the query to wait")

	ended := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()

		ended <- s.Shutdown(ctx)
	}()

	// While work is under way, probes see that the server goes, and new work is sent elsewhere.
	eventually(t, func() bool { return s.do(t, http.MethodGet, "/readyz", "").status == http.StatusServiceUnavailable }, "503")
	require.Contains(t, s.do(t, http.MethodGet, "/readyz", "").text, "shutting down")
	require.Equal(t, http.StatusOK, s.do(t, http.MethodGet, "/healthz", "").status)
	eventually(t, func() bool { return s.ask(t, `{ hello }`).status == http.StatusServiceUnavailable }, "refusal")
	s.dial(t, "graphql-transport-ws").expectClose(1012, "Service restart")

	// Both subscriptions end first, the event stream without complete.
	receive(t, s.resolver.Left, "a source to end")
	receive(t, s.resolver.Left, "a source to end")

	for lines.Scan() {
		require.NotContains(t, lines.Text(), "complete")
	}

	close(s.resolver.Gate)
	require.JSONEq(t, `{"data":{"slow":"slow"}}`, receive(t, answered, "the answer"))
	w.expect(`{"id":"m","type":"next","payload":{"data":{"slowBump":1}}}`)
	w.expect(`{"id":"m","type":"complete"}`)
	w.expectClose(1012, "Service restart")
	require.NoError(t, receive(t, ended, "the shutdown"))
}

func TestShutdownCutsShortWhatDoesNotEnd(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	w := s.connect(t)
	w.subscribe("m", `mutation { slowBump }`)
	receive(t, s.resolver.Waiting, "the mutation to wait")

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()

	require.ErrorIs(t, s.Shutdown(ctx), context.DeadlineExceeded)
	require.Zero(t, s.resolver.Bumped.Load())

	_, _, err := w.conn.Read(w.ctx)
	require.Error(t, err)
}

func TestDrainDelayServesOnWhileReadyzSaysNo(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.DrainDelay = time.Hour })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)

	go func() { ended <- s.Shutdown(ctx) }()

	eventually(t, func() bool { return s.do(t, http.MethodGet, "/readyz", "").status == http.StatusServiceUnavailable }, "503")
	require.Equal(t, http.StatusOK, s.ask(t, `{ hello }`).status)
	cancel()

	// The end of its time cuts the delay short, and there is nothing else to wait for.
	if err := receive(t, ended, "the shutdown"); err != nil {
		require.ErrorIs(t, err, context.Canceled)
	}
}

func TestAClientThatLeavesCancelsItsQuery(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url("/graphql?query=%7Bslow%7D"), http.NoBody)
	require.NoError(t, err)

	left := make(chan error, 1)
	go func() {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			_ = resp.Body.Close()
		}

		left <- err
	}()

	receive(t, s.resolver.Waiting, "slow to wait")
	leave()
	require.ErrorIs(t, receive(t, left, "the client to leave"), context.Canceled)
	eventually(t, func() bool { return len(s.log.lines(t, "operation")) == 1 }, "the operation to end")
	require.Equal(t, "CANCELED", s.log.lines(t, "operation")[0]["code"])
	require.Empty(t, s.log.lines(t, "internal error"), "a client that leaves is no fault")
}

func TestReadyzAsksTheDatabase(t *testing.T) {
	t.Parallel()

	ready := errors.New("migrations 2 to 3 are pending")
	s := start(t, func(_ *httpserver.Config, d *httpserver.Deps) {
		d.Ready = func(context.Context) error { return ready }
	})

	a := s.do(t, http.MethodGet, "/readyz", "")
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.JSONEq(t, `{"status":"unavailable","reason":"migrations 2 to 3 are pending"}`, a.text)
	require.Equal(t, http.StatusOK, s.do(t, http.MethodGet, "/healthz", "").status)

	a = start(t, nil).do(t, http.MethodGet, "/readyz", "")
	require.Equal(t, http.StatusOK, a.status)
	require.JSONEq(t, `{"status":"ready"}`, a.text)
}

func TestMetricsCountOperations(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	s.ask(t, `{ hello }`)
	s.ask(t, `{ nope }`)
	s.ask(t, `{ fail(code: "invented") }`)
	s.connect(t)

	a := s.do(t, http.MethodGet, "/metrics", "")
	require.Equal(t, http.StatusOK, a.status)

	for _, line := range []string{
		`samjournal_graphql_operations_total{code="OK",transport="http",type="query"} 1`,
		`samjournal_graphql_operations_total{code="BAD_USER_INPUT",transport="http",type="invalid"} 1`,
		`samjournal_graphql_operations_total{code="OTHER",transport="http",type="query"} 1`,
		`samjournal_graphql_operation_duration_seconds_count{transport="http",type="query"} 2`,
		`samjournal_streams{transport="websocket"} 1`,
		`go_goroutines`, `process_start_time_seconds`,
	} {
		require.Contains(t, a.text, line)
	}
}

func TestPlaygroundWithoutItsFilesSaysHowToBuildIt(t *testing.T) {
	t.Parallel()

	s := start(t, nil)

	for _, from := range []string{"/", "/playground"} {
		a := s.do(t, http.MethodGet, from, "")
		require.Equal(t, http.StatusFound, a.status)
		require.Equal(t, "/playground/", a.header.Get("Location"))
	}

	a := s.do(t, http.MethodGet, "/playground/", "")
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, a.text, "make web")
	require.Equal(t, http.StatusNotFound, s.do(t, http.MethodGet, "/playground/assets/x.js", "").status)
}

func TestPlaygroundServesItsFiles(t *testing.T) {
	t.Parallel()

	s := start(t, func(_ *httpserver.Config, d *httpserver.Deps) {
		d.Static = fstest.MapFS{
			"index.html":      {Data: []byte("<title>Playground</title>")},
			"favicon.svg":     {Data: []byte("<svg/>")},
			"assets/a-123.js": {Data: []byte("1")},
		}
	})

	a := s.do(t, http.MethodGet, "/playground/", "")
	require.Contains(t, a.text, "<title>Playground</title>")
	require.Equal(t, "text/html; charset=utf-8", a.header.Get("Content-Type"))
	require.Equal(t, "no-cache", a.header.Get("Cache-Control"))
	require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
	require.Equal(t, "DENY", a.header.Get("X-Frame-Options"))
	require.Contains(t, a.header.Get("Content-Security-Policy"), "default-src 'self'")
	require.Contains(t, a.header.Get("Content-Security-Policy"), "connect-src 'self' ws://"+s.address+" wss://"+s.address+";")

	a = s.do(t, http.MethodGet, "/playground/assets/a-123.js", "")
	require.Contains(t, a.header.Get("Content-Type"), "javascript")
	require.Contains(t, a.header.Get("Cache-Control"), "immutable")

	for _, missing := range []string{"/playground/assets/", "/playground/assets", "/playground/nope.js", "/playground/..%2fx"} {
		require.Equal(t, http.StatusNotFound, s.do(t, http.MethodGet, missing, "").status, missing)
	}

	require.Equal(t, http.StatusMethodNotAllowed, s.do(t, http.MethodPost, "/playground/", "").status)
}

func TestConsoleIsServedAtTheRoot(t *testing.T) {
	t.Parallel()

	s := start(t, func(_ *httpserver.Config, d *httpserver.Deps) {
		d.Static = fstest.MapFS{
			"console.html":    {Data: []byte("<title>Console</title>")},
			"index.html":      {Data: []byte("<title>Playground</title>")},
			"favicon.svg":     {Data: []byte("<svg/>")},
			"assets/a-123.js": {Data: []byte("1")},
		}
	})

	a := s.do(t, http.MethodGet, "/", "")
	require.Contains(t, a.text, "<title>Console</title>")
	require.Equal(t, "no-cache", a.header.Get("Cache-Control"))
	require.Contains(t, a.header.Get("Content-Security-Policy"), "default-src 'self'; style-src 'self'; ")
	require.NotContains(t, a.header.Get("Content-Security-Policy"), "unsafe")
	require.Contains(t, s.do(t, http.MethodGet, "/assets/a-123.js", "").header.Get("Cache-Control"), "immutable")
	require.Equal(t, http.StatusOK, s.do(t, http.MethodGet, "/favicon.svg", "").status)

	for _, missing := range []string{"/assets/", "/assets/nope.js", "/console.html", "/index.html", "/assets/..%2findex.html"} {
		require.Equal(t, http.StatusNotFound, s.do(t, http.MethodGet, missing, "").status, missing)
	}

	require.Equal(t, http.StatusMethodNotAllowed, s.do(t, http.MethodPost, "/", "").status)
}

func TestOtherAddressesAre404(t *testing.T) {
	t.Parallel()

	a := start(t, nil).do(t, http.MethodGet, "/nowhere", "")
	require.Equal(t, http.StatusNotFound, a.status)
	require.Equal(t, "NOT_FOUND", a.code(t))
}

func TestLoopbackProtection(t *testing.T) {
	t.Parallel()

	s := start(t, nil)

	for _, host := range []string{
		"localhost", "localhost:8080", "LOCALHOST", "app.localhost:1", "127.0.0.1", "127.9.9.9:80", "[::1]", "[::1]:8080",
	} {
		require.Equal(t, http.StatusOK, s.ask(t, `{ hello }`, "Host", host).status, host)
	}

	for _, host := range []string{
		"evil.example", "evil.example:8080", "localhost.evil.example", "xlocalhost", "192.168.1.2", "127.0.0.1.evil.example",
		"2130706433", "0.0.0.0", "[::]", "[2001:db8::1]:80",
	} {
		a := s.ask(t, `{ hello }`, "Host", host)
		require.Equal(t, http.StatusForbidden, a.status, host)
		require.Equal(t, "FORBIDDEN", a.code(t))
		require.Contains(t, a.Errors[0].Message, "Host")
		require.Equal(t, http.StatusForbidden, s.do(t, http.MethodGet, "/healthz", "", "Host", host).status)
	}

	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP"} {
		a := s.ask(t, `{ hello }`, header, "1.2.3.4")
		require.Equal(t, http.StatusForbidden, a.status, header)
		require.Contains(t, a.Errors[0].Message, "proxy")
	}
}

func TestOriginProtection(t *testing.T) {
	t.Parallel()

	for _, loopback := range []bool{true, false} {
		s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.LoopbackOnly = loopback })
		own := "http://" + s.address
		require.Equal(t, http.StatusOK, s.ask(t, `{ hello }`, "Origin", own, "Sec-Fetch-Site", "same-origin").status)

		for _, headers := range [][]string{
			{"Origin", "http://evil.example"},
			{"Origin", "http://127.0.0.1:1"},
			{"Origin", "null"},
			{"Origin", ""},
			{"Origin", "file://" + s.address},
			{"Sec-Fetch-Site", "cross-site"},
			{"Sec-Fetch-Site", "same-site"},
		} {
			a := s.ask(t, `{ hello }`, headers...)
			require.Equal(t, http.StatusForbidden, a.status, headers)
			require.Equal(t, "FORBIDDEN", a.code(t))

			a = s.do(t, http.MethodGet, "/graphql?query=%7Bhello%7D", "", headers...)
			require.Equal(t, http.StatusForbidden, a.status, headers)

			a = s.ask(t, `subscription { count(to: 1) }`, append(headers, "Accept", eventStream)...)
			require.Equal(t, http.StatusForbidden, a.status, headers)
		}

		// A link on another site may lead to the Playground.
		a := s.do(t, http.MethodGet, "/playground/", "", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate")
		require.Equal(t, http.StatusOK, a.status)
	}
}

func TestRemoteServerTakesAnyHostAndProxies(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.LoopbackOnly = false })
	a := s.ask(t, `{ hello }`, "Host", "journal.example", "X-Forwarded-For", "1.2.3.4", "Origin", "https://journal.example")
	require.Equal(t, http.StatusOK, a.status)
}

func TestNewRefusesWhatIsMissing(t *testing.T) {
	t.Parallel()

	schema := testschema.NewExecutableSchema(testschema.Config{Resolvers: testschema.New()})
	_, err := httpserver.New(httpserver.DefaultConfig(), schema, httpserver.Deps{})
	require.ErrorContains(t, err, "Deps.Present")

	_, err = httpserver.New(httpserver.Config{}, schema, httpserver.Deps{Present: present})
	require.ErrorContains(t, err, "Config.MaxBodyBytes must be positive")
	require.ErrorContains(t, err, "Deps.Logger")

	cfg := httpserver.DefaultConfig()
	cfg.DrainDelay = -1
	_, err = httpserver.New(cfg, schema, httpserver.Deps{Present: present})
	require.ErrorContains(t, err, "DrainDelay")
}

func TestWhatACrowdLeavesBehindIsCollected(t *testing.T) {
	t.Parallel()

	forced := func() uint32 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)

		return m.NumForcedGC
	}
	s := start(t, nil)
	before := forced()

	for range 300 {
		s.dial(t, "graphql-transport-ws")
	}

	eventually(t, func() bool { return forced() > before }, "the collector")
}
