package httpserver_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/httpserver"
	"samjournal/internal/httpserver/internal/testschema"
)

func TestReadyzOfAServerThatIsDegraded(t *testing.T) {
	t.Parallel()

	var degraded, unready atomic.Pointer[error]

	s := start(t, func(_ *httpserver.Config, d *httpserver.Deps) {
		d.Degraded = func() error { return load(&degraded) }
		d.Ready = func(context.Context) error { return load(&unready) }
	})

	a := s.do(t, http.MethodGet, "/readyz", "")
	require.JSONEq(t, `{"status":"ready"}`, a.text)

	lost := errors.New("notifications are lost")
	degraded.Store(&lost)

	a = s.do(t, http.MethodGet, "/readyz", "")
	require.Equal(t, http.StatusOK, a.status, "requests are answered")
	require.JSONEq(t, `{"status":"degraded","reason":"notifications are lost"}`, a.text)

	away := errors.New("the database is away")
	unready.Store(&away)

	a = s.do(t, http.MethodGet, "/readyz", "")
	require.Equal(t, http.StatusServiceUnavailable, a.status, "they are not")
	require.JSONEq(t, `{"status":"unavailable","reason":"the database is away"}`, a.text)
}

func TestStrangersAreNotToldWhyAServerIsNotReady(t *testing.T) {
	t.Parallel()

	var degraded, unready atomic.Pointer[error]

	s := startOpen(t, func(_ *httpserver.Config, d *httpserver.Deps) {
		d.Degraded = func() error { return load(&degraded) }
		d.Ready = func(context.Context) error { return load(&unready) }
	})
	require.JSONEq(t, `{"status":"ready"}`, s.do(t, http.MethodGet, "/readyz", "").text)

	cause := errors.New("dial tcp db.internal:5432: password=hunter2")
	unready.Store(&cause)

	for range 3 {
		a := s.do(t, http.MethodGet, "/readyz", "")
		require.Equal(t, http.StatusServiceUnavailable, a.status)
		require.JSONEq(t, `{"status":"unavailable","reason":"the database cannot be used; the server's log says why"}`, a.text)
	}

	unready.Store(nil)
	degraded.Store(&cause)
	require.JSONEq(t, `{"status":"degraded","reason":"not everything works as it should; the server's log says what"}`,
		s.do(t, http.MethodGet, "/readyz", "").text)

	degraded.Store(nil)
	require.JSONEq(t, `{"status":"ready"}`, s.do(t, http.MethodGet, "/readyz", "").text)

	changes := s.log.lines(t, "readiness changed")
	require.Len(t, changes, 3, "however often probes ask")
	require.Equal(t, "unavailable", changes[0]["status"])
	require.Equal(t, cause.Error(), changes[0]["reason"])
	require.Equal(t, "degraded", changes[1]["status"])
	require.Equal(t, "ready", changes[2]["status"])
}

func TestProbesThatComeTogetherLookOnce(t *testing.T) {
	t.Parallel()

	const probes = 50

	var most, now atomic.Int64

	gate, asked := make(chan struct{}), make(chan struct{}, probes)
	s := startOpen(t, func(_ *httpserver.Config, d *httpserver.Deps) {
		d.Ready = func(context.Context) error {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)

			asked <- struct{}{}
			<-gate

			return nil
		}
	})

	answers := make(chan string, probes)
	for range probes {
		go func() { answers <- s.text("/readyz") }()
	}

	receive(t, asked, "the first look")
	require.Never(t, func() bool { return len(asked) > 0 }, 300*time.Millisecond, 10*time.Millisecond, "a second one beside it")
	close(gate)

	for range probes {
		require.JSONEq(t, `{"status":"ready"}`, receive(t, answers, "an answer"))
	}

	require.EqualValues(t, 1, most.Load(), "at a time")
}

func TestMetricsAreForOperators(t *testing.T) {
	t.Parallel()

	s := startOpen(t, func(_ *httpserver.Config, d *httpserver.Deps) {
		d.Viewer = byToken
		d.Operator = func(ctx context.Context) bool { return testschema.Viewer(ctx) == "operator" }
	})

	a := s.do(t, http.MethodGet, "/metrics", "")
	require.Equal(t, http.StatusUnauthorized, a.status)
	require.Equal(t, "Bearer", a.header.Get("Www-Authenticate"))
	require.NotContains(t, a.text, "samjournal_")

	a = s.do(t, http.MethodGet, "/metrics", "", "Authorization", "alice")
	require.Equal(t, http.StatusForbidden, a.status)
	require.Equal(t, "FORBIDDEN", a.code(t))

	require.Contains(t, s.metric(t, "Authorization", "operator"), "samjournal_refused_total")

	a = startOpen(t, func(_ *httpserver.Config, d *httpserver.Deps) { d.Operator = nil }).do(t, http.MethodGet, "/metrics", "")
	require.Equal(t, http.StatusForbidden, a.status, "who does not say who operators are has none")
	require.Equal(t, http.StatusOK, start(t, nil).do(t, http.MethodGet, "/metrics", "").status, "on loopback nobody else asks")
}

func load(p *atomic.Pointer[error]) error {
	if err := p.Load(); err != nil {
		return *err
	}

	return nil
}
