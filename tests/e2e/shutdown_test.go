package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync"
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

func TestAnsweredEntriesSurviveAServerThatIsKilledAtWork(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			s := serve(t, db.where)
			var writers sync.WaitGroup
			answered := make(chan string, 100_000)
			for range 8 {
				hc := client(t)
				writers.Go(func() {
					for key, err := s.appendWith(hc); err == nil; key, err = s.appendWith(hc) {
						answered <- key
					}
				})
			}
			eventually(t, "some are answered", func() bool { return len(answered) > 50 })
			s.kill(t)
			writers.Wait()
			close(answered)

			s = serve(t, db.where)
			stored := map[any]bool{}
			for position, e := range s.all(t, "key position") {
				require.Equal(t, json.Number(strconv.Itoa(position)), e["position"])
				stored[e["key"]] = true
			}
			for key := range answered {
				require.True(t, stored[key], "an answered entry is gone")
			}
			s.append(t, nil)
		})
	}
}

// appendWith appends an entry and returns the key that was answered.
func (s *server) appendWith(hc *http.Client) (key string, err error) {
	resp, err := hc.Post(s.url+"/graphql", "application/json",
		strings.NewReader(`{"query": "mutation { createEntry(input: {username: \"bob\", request: 1, response: 2}) { key } }"}`))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct {
		Data struct{ CreateEntry struct{ Key string } }
	}
	err = json.NewDecoder(resp.Body).Decode(&answer)
	if err == nil && answer.Data.CreateEntry.Key == "" {
		err = errors.New("no key")
	}
	return answer.Data.CreateEntry.Key, err
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
	eventually(t, "the process ends", func() bool {
		s.signal(syscall.SIGINT)
		select {
		case <-s.ended:
			return true
		default:
			return false
		}
	})
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
