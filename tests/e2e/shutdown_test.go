package e2e

import (
	"io"
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
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			s := serve(t, db.where, "--drain-delay=1s")
			follower := s.follow(t)
			s.append(t, nil)
			require.Equal(t, "0", value(t, follower.next(t), "node", "position").(interface{ String() string }).String())

			release := db.lockHead(t)
			answered := s.createLater(t)
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
			require.JSONEq(t, `{"data": {"createEntry": {"created": true}}}`, <-answered)
			require.Zero(t, s.wait(t), s.stderr.String())
			require.Equal(t, "2", serve(t, db.where).size(t))
		})
	}
}

// createLater sends a createEntry and returns as soon as the server has counted the request among its work: it has done so
// when it asks for the body. The channel gets the answer's body.
func (s *server) createLater(t testing.TB) <-chan string {
	t.Helper()
	begun, answered := make(chan struct{}), make(chan string, 1)
	trace := &httptrace.ClientTrace{Got100Continue: func() { close(begun) }}
	body := `{"query": "mutation { createEntry(input: {request: 1, response: 2}) { created } }"}`
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodPost, s.url+"/graphql",
		strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Expect", "100-continue")
	hc := client(t)
	go func() {
		resp, err := hc.Do(req)
		if err != nil {
			answered <- err.Error()
			return
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			text = []byte(err.Error())
		}
		answered <- string(text)
	}()
	<-begun
	return answered
}

func TestAnAnsweredEntrySurvivesAKilledServer(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			s := serve(t, db.where)
			keys := make([]any, 0, 20)
			for range cap(keys) {
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
}

func TestAnInterruptEndsTheServerToo(t *testing.T) {
	t.Parallel()
	s := serve(t, newSQLite(t).where)
	s.signal(syscall.SIGINT)
	require.Zero(t, s.wait(t), s.stderr.String())
}

func TestASecondSignalEndsTheServerAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, newSQLite(t).where, "--drain-delay=10m")
	s.signal(syscall.SIGINT)
	eventually(t, "/readyz answers 503", func() bool { return s.status(t, "/readyz") == http.StatusServiceUnavailable })
	s.signal(syscall.SIGINT)
	require.Equal(t, -1, s.wait(t), "it was ended by the signal")
}

func TestTheDrainDelayTakesNothingFromTheTimeOfRunningWork(t *testing.T) {
	t.Parallel()
	s := serve(t, newSQLite(t).where, "--drain-delay=1100ms", "--shutdown-timeout=1s")
	s.stop(t)
}

func TestWorkThatDoesNotFinishInTimeIsCutShortAndTold(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			s := serve(t, db.where, "--shutdown-timeout=1s")
			release := db.lockHead(t)
			answered := s.createLater(t)
			s.signal(syscall.SIGTERM)
			require.Equal(t, 1, s.wait(t))
			require.Contains(t, s.stderr.String(), "cut short")
			<-answered
			release()
			require.Equal(t, "0", serve(t, db.where).size(t), "what was not answered was not stored")
		})
	}
}
