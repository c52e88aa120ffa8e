package httpserver_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/httpserver"
	"samjournal/internal/httpserver/internal/testschema"
)

// oneAtATime lets one operation run; others do not wait.
func oneAtATime(c *httpserver.Config, _ *httpserver.Deps) {
	c.Edge.MaxExecuting, c.Edge.MaxWaiting = 1, 0
}

// occupy has a slow query run until the gate opens.
func (s *site) occupy(t *testing.T) (answers chan string) {
	t.Helper()

	answers = make(chan string, 1)
	go func() { answers <- s.text("/graphql?query=%7Bslow%7D") }()

	receive(t, s.resolver.Waiting, "the query to run")

	return answers
}

func TestOperationsThatRunAreBoundedOnAllTransports(t *testing.T) {
	t.Parallel()

	s := start(t, oneAtATime)
	w := s.connect(t)
	answers := s.occupy(t)

	for _, query := range []string{`{ hello }`, `mutation { bump }`} {
		for _, accept := range []string{"application/json", responseJSON, eventStream} {
			a := s.ask(t, query, "Accept", accept)
			require.Equal(t, http.StatusServiceUnavailable, a.status, accept)
			require.Equal(t, "UNAVAILABLE", a.code(t))
			require.Equal(t, "1", a.header.Get("Retry-After"))
			require.InDelta(t, 1000, a.Errors[0].Extensions["retryAfterMs"], 0)
		}

		w.subscribe("1", query)
		require.Equal(t, "UNAVAILABLE", w.expectError("1"))
	}

	w.subscribe("s", `subscription { forever }`)
	require.Equal(t, "UNAVAILABLE", w.expectError("s"))
	require.Contains(t, s.metric(t), `samjournal_refused_total{reason="operations"} 9`)
	require.Zero(t, s.resolver.Bumped.Load())

	close(s.resolver.Gate)
	require.JSONEq(t, `{"data":{"slow":"slow"}}`, receive(t, answers, "the answer"))
	eventually(t, func() bool { return s.ask(t, `{ hello }`).status == http.StatusOK }, "the place to be free")
}

func TestASubscriptionHoldsAPlaceOnlyWhileItBegins(t *testing.T) {
	t.Parallel()

	s := start(t, oneAtATime)
	w := s.connect(t)
	w.subscribe("1", `subscription { forever }`)
	w.expect(`{"id":"1","type":"next","payload":{"data":{"forever":0}}}`)

	lines, _ := s.listen(t, `subscription { forever }`)
	for lines.Scan() && lines.Text() != `data: {"data":{"forever":0}}` {
		require.NoError(t, lines.Err())
	}

	eventually(t, func() bool { return s.ask(t, `{ hello }`).status == http.StatusOK }, "the place to be free")
}

func TestARefusedOperationHoldsNoPlace(t *testing.T) {
	t.Parallel()

	s := start(t, oneAtATime)
	w := s.connect(t)

	for range 3 {
		require.Equal(t, "BAD_USER_INPUT", s.ask(t, `{ nope }`).code(t))
		require.Equal(t, "INTERNAL", s.ask(t, `{ boom }`).code(t))
		require.Equal(t, http.StatusMethodNotAllowed, s.do(t, http.MethodGet, "/graphql?query=mutation%7Bbump%7D", "").status)
		require.Equal(t, "BAD_USER_INPUT", s.ask(t, `subscription { forever }`).code(t))
		w.subscribe("1", `subscription { refused(code: "CONFLICT") }`)
		require.Equal(t, "CONFLICT", w.expectError("1"))
	}

	require.Equal(t, http.StatusOK, s.ask(t, `{ hello }`).status)
}

func TestOperationsWaitForTheirTurn(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.Edge.MaxExecuting, c.Edge.MaxWaiting = 1, 1 })
	answers := s.occupy(t)

	waiting := make(chan string, 1)
	go func() { waiting <- s.text("/graphql?query=%7Bhello%7D") }()

	// When the one place in the queue is taken, the next is refused at once; before that it waits for a second.
	eventually(t, func() bool {
		began := time.Now()
		refused := s.ask(t, `{ hello }`).status == http.StatusServiceUnavailable

		return refused && time.Since(began) < 500*time.Millisecond || len(waiting) > 0
	}, "a full queue")
	close(s.resolver.Gate)
	receive(t, answers, "the slow answer")
	receive(t, waiting, "the answer of the one that waited, or that its time was over")
}

func TestAnOperationWaitsNoLongerThanASecond(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.Edge.MaxExecuting, c.Edge.MaxWaiting = 1, 10 })
	answers := s.occupy(t)
	began := time.Now()

	require.Equal(t, http.StatusServiceUnavailable, s.ask(t, `{ hello }`).status)
	require.Greater(t, time.Since(began), 900*time.Millisecond)
	close(s.resolver.Gate)
	receive(t, answers, "the slow answer")
}

func TestAnOperationThatTakesTooLongIsGivenUp(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.OperationTimeout = 50 * time.Millisecond })

	for _, accept := range []string{"application/json", responseJSON} {
		a := s.ask(t, `{ slow }`, "Accept", accept)
		require.Equal(t, http.StatusServiceUnavailable, a.status)
		require.Equal(t, "UNAVAILABLE", a.code(t))
		require.Equal(t, "the query took longer than 50ms, which is the limit (SAMJOURNAL_OPERATION_TIMEOUT)", a.Errors[0].Message)
		require.NotContains(t, a.text, `"data"`)
	}

	require.Contains(t, s.ask(t, `mutation { slowBump }`).text,
		"the mutation took longer than 50ms, which is the limit (SAMJOURNAL_OPERATION_TIMEOUT); it may have been carried out or not")
	require.Contains(t, s.ask(t, `{ slow }`, "Accept", eventStream).text, "took longer than 50ms")

	w := s.connect(t)
	w.subscribe("1", `{ slow }`)
	require.Equal(t, "UNAVAILABLE", w.expectError("1"))
	require.Empty(t, s.log.lines(t, "internal error"))

	// A subscription goes on, though it has long begun.
	w.subscribe("2", `subscription { forever }`)
	w.expect(`{"id":"2","type":"next","payload":{"data":{"forever":0}}}`)
	require.Contains(t, s.ask(t, `{ slow }`).text, "took longer than 50ms")
	w.subscribe("3", `{ hello }`)
	require.Contains(t, w.read(), `"id":"3","type":"next"`)
}

func TestTheBeginningOfASubscriptionHasATimeLimit(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.OperationTimeout = 50 * time.Millisecond })
	w := s.connect(t)
	w.subscribe("1", `subscription { late }`)
	require.Equal(t, "UNAVAILABLE", w.expectError("1"))
	require.Contains(t, s.ask(t, `subscription { late }`, "Accept", eventStream).text, "the subscription took longer than 50ms")
}

func TestAClientThatLeavesTheQueueIsCanceled(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.Edge.MaxExecuting, c.Edge.MaxWaiting = 1, 10 })
	answers := s.occupy(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)

	defer cancel()

	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url("/graphql?query=%7Bhello%7D"), http.NoBody)
	require.NoError(t, err)

	resp, err := http.DefaultTransport.RoundTrip(r)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	if resp != nil {
		require.NoError(t, resp.Body.Close())
	}

	eventually(t, func() bool { return len(s.log.lines(t, "operation")) == 1 }, "the operation to end")
	require.Contains(t, s.metric(t), `samjournal_refused_total{reason="operations"} 0`, "the server was not the reason")
	close(s.resolver.Gate)
	receive(t, answers, "the slow answer")
}

func TestOneViewerNeverHasAllTheTurns(t *testing.T) {
	t.Parallel()

	const running, waiting = 4, 8 // three and six of them for one viewer

	s := startOpen(t, func(c *httpserver.Config, d *httpserver.Deps) {
		c.Edge.MaxExecuting, c.Edge.MaxWaiting = running, waiting
		d.Viewer, d.ViewerName = byToken, testschema.Viewer
	})
	statuses := make(chan int, running+waiting)

	for range running + waiting {
		go func() { statuses <- s.statusOf(`{"query":"{slow}"}`, "mallory") }()
	}

	for range 3 {
		receive(t, s.resolver.Waiting, "a query to run")
	}

	require.Equal(t, http.StatusServiceUnavailable, receive(t, statuses, "a query to be refused"))

	a := s.ask(t, `{ hello }`, "Authorization", "alice")
	require.Equal(t, http.StatusOK, a.status, a.text)
	require.Empty(t, s.resolver.Waiting, "a fourth query of the same viewer")

	a = s.ask(t, `{ hello }`, "Authorization", "mallory")
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Contains(t, a.Errors[0].Message, "you have 3 operations running")
	require.Contains(t, a.Errors[0].Message, "SAMJOURNAL_MAX_RUNNING_OPERATIONS")

	close(s.resolver.Gate)
	eventually(t, func() bool { return s.ask(t, `{ hello }`, "Authorization", "mallory").status == http.StatusOK }, "a turn")
}

func TestOneViewerAloneHasMostOfTheTurns(t *testing.T) {
	t.Parallel()

	for turns, own := range map[int]int{1: 1, 2: 2, 3: 3, 4: 3, 512: 384} {
		s := startOpen(t, func(c *httpserver.Config, d *httpserver.Deps) {
			c.Edge.MaxExecuting, c.Edge.MaxWaiting = turns, 0
			d.Viewer, d.ViewerName = byToken, testschema.Viewer
		})
		statuses := make(chan int, own)

		for range own {
			go func() { statuses <- s.statusOf(`{"query":"{slow}"}`, "alice") }()
		}

		for range own {
			receive(t, s.resolver.Waiting, "a query to run")
		}

		require.Equal(t, http.StatusServiceUnavailable, s.ask(t, `{ hello }`, "Authorization", "alice").status, turns)
		close(s.resolver.Gate)

		for range own {
			require.Equal(t, http.StatusOK, receive(t, statuses, "the answer"))
		}
	}
}

// statusOf posts a body as a viewer and returns the status; 0 when there is no answer.
func (s *site) statusOf(body, viewer string) int {
	r, err := http.NewRequest(http.MethodPost, s.url("/graphql"), strings.NewReader(body))
	if err != nil {
		return 0
	}

	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", viewer)

	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()

	return resp.StatusCode
}
