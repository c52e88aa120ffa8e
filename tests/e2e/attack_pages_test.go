package e2e

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTenCallersOfTheLargestPagesFitIntoMemory(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			s := underAttack(t, fresh(t))
			s.fillWithLargest(t, 500)
			s.withstands(t, func() {
				var callers sync.WaitGroup
				for range 10 {
					callers.Go(func() {
						for range 2 {
							a := s.ask(t, `{ entries(first: 500) { pageInfo { hasNextPage endCursor } edges { node { request response } } } }`, nil)
							if len(a.errors) > 0 {
								require.Contains(t, []string{"UNAVAILABLE", "RATE_LIMITED"}, a.errors[0].code(), a.errors)
								continue
							}
							require.Equal(t, true, value(t, a.data, "entries", "pageInfo", "hasNextPage"), "the page ends early")
							require.LessOrEqual(t, len(a.body), 40<<20)
						}
					})
				}
				callers.Wait()
			})
		})
	}
}

// A viewer whose clients ask for much and do not read has all the memory for answers that it may have. Others are answered.
func TestClientsThatDoNotReadHoldUpTheirOwnViewerOnly(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			s := underAttack(t, db)
			s.fillWithLargest(t, 100)
			slow := s.as(newToken(t, db.where, "--role=auditor"))
			const long, short = `{ entries(first: 500) { pageInfo { hasNextPage } edges { node { request response } } } }`,
				`{ entries(first: 7) { edges { node { request } } } }`
			s.withstands(t, func() {
				conns := s.raw(t, 50)
				for i, c := range conns {
					document := short
					if i < 10 {
						document = long
					}
					ask := fmt.Sprintf(`{"query": %s}`, quoted(document))
					request := fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"+
						"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", slow.token, len(ask), ask)
					// The system takes some of the answers for the client, so there are more.
					_, err := io.WriteString(c, strings.Repeat(request, 6))
					require.NoError(t, err)
				}
				eventually(t, "the viewer has all that it may have", func() bool {
					a := slow.ask(t, short, nil)
					return len(a.errors) == 1 && a.errors[0].code() == "UNAVAILABLE"
				})
				for _, document := range []string{short, long} {
					require.NotEmpty(t, value(t, s.query(t, document, nil), "entries", "edges"))
				}
				for _, c := range conns {
					_ = c.Close()
				}
			})
		})
	}
}

// fillWithLargest appends entries of the largest payloads that are stored whole.
func (s *server) fillWithLargest(t testing.TB, n int) {
	t.Helper()
	const most = 262_144 - 2
	random := make([]byte, most/2)
	_, err := rand.Read(random)
	require.NoError(t, err)
	payload := fmt.Sprintf("%x", random) // which no database compresses away
	input := map[string]any{"request": payload, "response": payload}
	for range n / 5 {
		data := s.query(t, `mutation ($inputs: [CreateEntryInput!]!) { createEntries(inputs: $inputs) { results {
			... on CreateEntryPayload { created } } } }`, map[string]any{"inputs": []any{input, input, input, input, input}})
		require.Equal(t, true, value(t, data, "createEntries", "results", 4, "created"))
	}
}

func TestCursorsAndIDsOfChanceAreRefused(t *testing.T) {
	t.Parallel()
	s := underAttack(t, newSQLite(t))
	data := s.query(t, `{ entries(first: 2) { edges { cursor node { id key } } } }`, nil)
	cursor, ok := value(t, data, "entries", "edges", 0, "cursor").(string)
	require.True(t, ok)
	id, ok := value(t, data, "entries", "edges", 0, "node", "id").(string)
	require.True(t, ok)
	s.withstands(t, func() {
		for i := range 300 {
			bent := func(text string) string {
				bytes := []byte(text)
				place := i * len(bytes) / 300
				bytes[place] ^= byte(1 + i%7)
				return string(bytes)
			}
			for _, a := range []answer{
				s.ask(t, `query ($v: Cursor) { entries(first: 1, after: $v) { edges { cursor } } }`, map[string]any{"v": bent(cursor)}),
				s.ask(t, `query ($v: ID!) { node(id: $v) { id } }`, map[string]any{"v": bent(id)}),
			} {
				if len(a.errors) > 0 {
					require.Equal(t, "BAD_USER_INPUT", a.errors[0].code(), a.body)
				} else {
					require.Nil(t, a.data["node"], "what was bent names nothing: %s", a.body)
				}
			}
		}
	})
}

func TestSubscribersThatDoNotReadHoldNobodyUp(t *testing.T) {
	t.Parallel()
	s := underAttack(t, newSQLite(t))
	s.withstands(t, func() {
		conns := s.raw(t, 50)
		text, err := json.Marshal(map[string]string{"query": `subscription { entryCreated { node { request response } } }`})
		require.NoError(t, err)
		for _, c := range conns {
			_, err := fmt.Fprintf(c, "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"+
				"Accept: text/event-stream\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", s.token, len(text), text)
			require.NoError(t, err)
		}
		s.fillWithLargest(t, 250)
		for _, c := range conns {
			_ = c.Close()
		}
	})
}
