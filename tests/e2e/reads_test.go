package e2e

import (
	"encoding/json"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// reads returns what is journaled of reading, oldest first.
func (s *server) reads(t testing.TB) []any {
	t.Helper()
	data := s.query(t, `{ entries(where: {thing: ACCOUNT, command: GET}, orderBy: {field: POSITION, direction: ASC}) {
		edges { node { position statusCode user { username } request } } } }`, nil)
	edges, ok := value(t, data, "entries", "edges").([]any)
	require.True(t, ok)
	return edges
}

func TestReadingIsJournaledWhereThatIsAskedFor(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			auditor := newToken(t, db.where, "--role=auditor", "--user=ines")
			local := serve(t, db.where)
			for range 5 {
				local.append(t, nil)
			}
			require.Empty(t, local.reads(t), "nobody has asked for it")
			s := serve(t, db.where, "--auth=required", "--journal-reads").as(auditor)

			s.query(t, `{ entries { totalCount edges { node { key position } } } }`, nil)
			require.Empty(t, local.reads(t), "no payload was shown")
			for query, code := range map[string]string{`{ nothing }`: "BAD_USER_INPUT", `{`: "BAD_USER_INPUT"} {
				require.Equal(t, code, s.ask(t, query, nil).errors[0].code(), "there is no operation to journal")
			}

			data := s.query(t, `query look { newest: entries(first: 2) { edges { node { key request } } }
				oldest: entries(last: 1) { edges { node { response } } } }`, nil)
			require.Len(t, value(t, data, "newest", "edges"), 2)
			reads := local.reads(t)
			require.Len(t, reads, 1, "one entry for an operation")
			node := value(t, reads[0], "node")
			require.Equal(t, "ines", value(t, node, "user", "username"))
			read := value(t, node, "request", "read")
			require.Equal(t, "look", value(t, read, "operation"))
			require.Equal(t, "AUDITOR", value(t, read, "role"))
			require.Equal(t, []any{
				[]any{json.Number("0"), json.Number("0")}, []any{json.Number("3"), json.Number("4")},
			}, value(t, read, "positions"))
			require.Contains(t, s.stderr.String(), value(t, read, "requestId"), "the log has the same request")
			require.Regexp(t, `^token:\d+$`, db.text(t, `SELECT recorded_by FROM entries WHERE position = 5`))

			key, ok := value(t, data, "newest", "edges", 0, "node", "key").(string)
			require.True(t, ok)
			s.query(t, `query ($key: String!) { entry(key: $key) { request } }`, map[string]any{"key": key})
			require.Len(t, local.reads(t), 2)

			release := db.lockHead(t)
			a := s.ask(t, `{ entries { edges { node { request } } } }`, nil)
			release()
			require.Equal(t, "UNAVAILABLE", a.errors[0].code(), a.body)
			require.Empty(t, a.data, "nothing is shown that could not be journaled")
		})
	}
}

func TestASubscriptionIsJournaledWhenItBeginsAndEnds(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			local := serve(t, db.where)
			s := serve(t, db.where, "--journal-reads")
			first := local.append(t, nil)
			sub := s.subscribe(t, map[string]any{"after": nil, "where": map[string]any{"statusCode": 200}})
			begun := sub.next(t)
			require.Equal(t, json.Number("1"), value(t, begun, "node", "position"), "it reads what says that it has begun")
			require.Equal(t, "begun", value(t, begun, "node", "request", "read", "subscription"))
			require.Equal(t, json.Number("1"), value(t, begun, "node", "request", "read", "from"))
			require.Equal(t, json.Number("200"), value(t, begun, "node", "request", "read", "where", "statusCode"))
			key := local.append(t, nil)
			require.NotEqual(t, first, key)
			require.Equal(t, key, value(t, sub.next(t), "node", "key"))
			require.Equal(t, "3", local.size(t), "a delivery is not journaled, else it would be delivered")

			require.NoError(t, sub.conn.Close(websocket.StatusNormalClosure, ""))
			eventually(t, "the end is journaled", func() bool { return local.size(t) == "4" })
			reads := local.reads(t)
			require.Len(t, reads, 2)
			ended := value(t, reads[1], "node", "request", "read")
			require.Equal(t, "ended", value(t, ended, "subscription"))
			require.Equal(t, json.Number("1"), value(t, ended, "from"))
			require.Equal(t, json.Number("3"), value(t, ended, "until"))
		})
	}
}
