package e2e

import (
	"net/http"
	"net/http/httptrace"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

func TestOnSIGTERMRunningWorkFinishesAndSubscribersAreSentElsewhere(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, db database) {
		s := serve(t, db.where, "--drain-delay=1s")
		follower := s.follow(t)
		s.append(t, nil)
		require.Equal(t, "0", value(t, follower.next(t), "node", "position").(interface{ String() string }).String())

		release := db.lockHead(t)
		answered := make(chan answer, 1)
		begun := make(chan struct{})
		go func() { answered <- s.createSlowly(t, begun) }()
		<-begun
		s.signal(syscall.SIGTERM)
		eventually(t, "/readyz answers 503", func() bool { return s.status(t, "/readyz") == http.StatusServiceUnavailable })
		require.Equal(t, http.StatusOK, s.status(t, "/healthz"))
		require.Empty(t, s.ask(t, `{ viewer { role } }`, nil).errors, "during the delay everything goes on")
		eventually(t, "new operations are refused", func() bool {
			a := s.ask(t, `{ viewer { role } }`, nil)
			return len(a.errors) == 1 && a.errors[0].code() == "UNAVAILABLE" && a.header.Get("Retry-After") != ""
		})
		require.Equal(t, websocket.StatusServiceRestart, follower.closed(t))
		require.Empty(t, answered, "the append still waits")
		release()
		a := <-answered
		require.Empty(t, a.errors)
		require.Equal(t, true, value(t, a.data, "createEntry", "created"))
		require.Zero(t, s.wait(t), s.stderr.String())
		require.Equal(t, "2", serve(t, db.where).size(t))
	})
}

// createSlowly appends an entry and closes begun as soon as the server has counted the request among its work: it has done
// so when it asks for the body.
func (s *server) createSlowly(t testing.TB, begun chan struct{}) answer {
	t.Helper()
	trace := &httptrace.ClientTrace{Got100Continue: func() { close(begun) }}
	body := `{"query": "mutation { createEntry(input: {request: 1, response: 2}) { created } }"}`
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodPost, s.url+"/graphql",
		strings.NewReader(body))
	require.NoError(t, err)
	return send(t, req, "Content-Type", "application/json", "Expect", "100-continue")
}

func TestAnAnsweredEntrySurvivesAKilledServer(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, db database) {
		s := serve(t, db.where)
		var keys []any
		for range 20 {
			keys = append(keys, s.append(t, map[string]any{"username": "bob"}))
		}
		s.kill(t)
		s = serve(t, db.where)
		for position, e := range s.all(t, "key position") {
			require.Equal(t, keys[position], e["key"])
		}
		require.Equal(t, "20", s.size(t))
		s.append(t, nil)
	})
}

func TestAnInterruptEndsTheServerToo(t *testing.T) {
	t.Parallel()
	s := serve(t, newSQLite(t).where)
	s.signal(syscall.SIGINT)
	require.Zero(t, s.wait(t), s.stderr.String())
}
