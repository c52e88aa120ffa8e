package httpserver_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/httpserver"
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

func load(p *atomic.Pointer[error]) error {
	if err := p.Load(); err != nil {
		return *err
	}

	return nil
}
