package e2e

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/testpostgres"
)

func TestAServerOutlivesOutagesOfItsDatabase(t *testing.T) {
	t.Parallel()
	postgres := testpostgres.Start(t)
	s := serve(t, onPostgres(t, postgres.NewDatabase(t)).where, "--feed-poll=50ms")
	follower := s.follow(t)
	require.Equal(t, s.append(t, map[string]any{"username": "alice"}), value(t, follower.next(t), "node", "key"))
	for _, mode := range []testpostgres.StopMode{testpostgres.Fast, testpostgres.Immediate} {
		postgres.Stop(t, mode)
		eventually(t, "/readyz answers 503", func() bool { return s.status(t, "/readyz") == http.StatusServiceUnavailable })
		require.Equal(t, http.StatusOK, s.status(t, "/healthz"))
		s.unavailable(t)
		postgres.Run(t)
		eventually(t, "/readyz answers 200", func() bool { return s.status(t, "/readyz") == http.StatusOK })
		again := s.append(t, map[string]any{"username": "bob"})
		require.Equal(t, again, value(t, follower.next(t), "node", "key"), "the subscription goes on, nothing twice")
	}
	require.Equal(t, "3", s.size(t))
	require.NotContains(t, s.stderr.String(), `"INTERNAL"`)
	s.stop(t)
}

// unavailable holds a server without database to what it answers.
func (s *server) unavailable(t testing.TB) {
	t.Helper()
	for _, query := range []string{
		`mutation { createEntry(input: {request: 1, response: 2, username: "bob"}) { key } }`,
		`mutation { createEntries(inputs: [{request: 1, response: 2}]) { results { __typename } } }`,
		`{ entries { totalCount edges { node { key user { username } } } } }`,
		`{ users { edges { node { username } } } }`,
	} {
		a := s.ask(t, query, nil)
		require.Len(t, a.errors, 1, a.body)
		require.Equal(t, "UNAVAILABLE", a.errors[0].code(), a.body)
		require.Equal(t, json.Number("1000"), a.errors[0].number("retryAfterMs"), a.body)
		require.NotContains(t, a.body, "127.0.0.1", "nothing of the cause leaves the server")
	}
}

func TestASubscriberThatLagsBehindMissesNothingInAnOutage(t *testing.T) {
	t.Parallel()
	const entries = 8000 // with their payloads several times what fits into the buffers of a socket
	postgres := testpostgres.Start(t)
	db := onPostgres(t, postgres.NewDatabase(t))
	must(t, db.where, "seed", "--entries", strconv.Itoa(entries))
	s := serve(t, db.where)
	oldest := value(t, s.query(t, `{ entries(last: 1) { edges { cursor } } }`, nil), "entries", "edges", 0, "cursor")
	follower := s.subscribe(t, map[string]any{"after": oldest})
	require.Equal(t, json.Number("1"), value(t, follower.next(t), "node", "position"))
	postgres.Stop(t, testpostgres.Fast)

	var arrived atomic.Int64
	messages := follower.all(t, &arrived)
	seen, since := int64(0), time.Now()
	eventually(t, "the stream dries up", func() bool {
		if n := arrived.Load(); n != seen {
			seen, since = n, time.Now()
		}
		return time.Since(since) > 300*time.Millisecond
	})
	require.Less(t, seen, int64(entries-2), "the server needs the database for the rest")
	postgres.Run(t)
	for position := 2; position < entries; position++ {
		edge := value(t, <-messages, "payload", "data", "entryCreated")
		require.Equal(t, json.Number(strconv.Itoa(position)), value(t, edge, "node", "position"))
	}
}

// all reads in the background whatever comes, and counts it. The channel is closed with the connection.
func (s *subscription) all(t testing.TB, count *atomic.Int64) <-chan map[string]any {
	t.Helper()
	ctx := t.Context()
	messages := make(chan map[string]any, 10_000)
	go func() {
		defer close(messages)
		for {
			message, err := s.receive(ctx)
			if err != nil {
				return
			}
			messages <- message
			count.Add(1)
		}
	}()
	return messages
}

func (f fault) number(name string) json.Number {
	text, err := json.Marshal(f.Extensions[name])
	if err != nil {
		return ""
	}
	return json.Number(text)
}
