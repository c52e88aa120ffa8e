package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// attack is one document, with its variables, that would cost a careless server seconds or gigabytes.
type attack struct {
	query     string
	variables string // JSON; "" for none
	body      string // the whole body, where it is more than a query with variables
	codes     []string
	says      string // what the message has to contain; "" for nothing in particular
}

func (a attack) payload() string {
	if a.body != "" {
		return a.body
	}
	variables := a.variables
	if variables == "" {
		variables = "{}"
	}
	return `{"query": ` + quoted(a.query) + `, "variables": ` + variables + `}`
}

// counted writes a text n times, %d in it counting.
func counted(n int, text string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(text, "%d", fmt.Sprint(i)))
	}
	return b.String()
}

// nested writes open and closing texts around the innermost.
func nested(n int, open, inner, closing string) string {
	return strings.Repeat(open, n) + inner + strings.Repeat(closing, n)
}

// attacks are single documents; each must be refused with one of its codes.
func attacks() map[string]attack {
	tooComplex, bad := []string{"QUERY_TOO_COMPLEX"}, []string{"BAD_USER_INPUT", "QUERY_TOO_COMPLEX"}
	const create = `mutation ($v: JSON!) { createEntry(input: {request: $v, response: 1}) { key } }`
	const tooDeep = `"variables" is nested deeper than the 512 levels that are allowed`
	const page = `query ($v: EntryWhereInput) { entries(where: $v) { totalCount } }`
	return map[string]attack{
		"the fragment bomb": {query: exponential(), codes: tooComplex},
		"fragments of 10,000 levels": {
			query: "{ ...f0 }" + counted(10_000, " fragment f%d on Query { ...g%d } fragment g%d on Query { ...h%d }"), codes: bad,
		},
		"a chain of 10,000 fragments": {query: "{ ...f0 } " + chain(10_000), codes: tooComplex},
		"20,000 aliases":              {query: "{" + counted(20_000, " a%d: viewer { role }") + "}", codes: tooComplex},
		"aliases of large pages": {
			query: "{" + counted(15, " a%d: entries(first: 500) { edges { node { request response } } }") + "}", codes: tooComplex,
		},
		"20 aliases of createEntries": {
			query: "mutation ($v: [CreateEntryInput!]!) {" +
				counted(20, " a%d: createEntries(inputs: $v) { results { __typename } }") + "}",
			variables: `{"v": [` + strings.TrimSuffix(counted(1000, `{"request": %d, "response": 1},`), ",") + `]}`,
			codes:     tooComplex, says: "SAMJOURNAL_MAX_QUERY_COST",
		},
		"3,000 repeated fields":  {query: "{ viewer {" + strings.Repeat(" role", 3000) + "} }", codes: tooComplex},
		"900 repeated fields":    {query: "{ viewer {" + strings.Repeat(" role", 900) + "} }", codes: tooComplex},
		"900 repeated subfields": {query: "{" + strings.Repeat(" viewer { role }", 450) + "}", codes: tooComplex},
		"100,000 tokens":         {query: "{" + strings.Repeat(" a b c d", 25_000) + "}", codes: tooComplex},
		"100,000 brackets":       {query: strings.Repeat("{a", 100_000), codes: bad},
		"a deep list literal": {
			query: "mutation { createEntry(input: {response: 1, request: " + nested(7000, "[", "1", "]") + "}) { key } }", codes: bad,
		},
		"a deep object literal": {
			query: "mutation { createEntry(input: {response: 1, request: " + nested(3500, "{a:", "1", "}") + "}) { key } }", codes: bad,
		},
		"a deep type": {query: "query ($v: " + nested(7000, "[", "Int", "]") + ") { viewer { role } }", codes: bad},
		"a deep list in variables": {
			query: create, variables: `{"v": ` + nested(100_000, "[", "", "]") + `}`, codes: bad, says: tooDeep,
		},
		"a deep object in variables": {
			query: create, variables: `{"v": ` + nested(100_000, `{"a":`, "1", "}") + `}`, codes: bad, says: tooDeep,
		},
		"a deep filter": {query: page, variables: `{"v": ` + nested(1000, `{"not":`, "{}", "}") + `}`, codes: bad},
		"a wide filter": {
			query: page, variables: `{"v": {"or": [` + strings.TrimSuffix(counted(20_000, `{"position": %d},`), ",") + `]}}`, codes: bad,
		},
		"5,000 directives on a field": {
			query: "{ viewer { role" + strings.Repeat(" @include(if: true)", 1500) + " } }", codes: tooComplex,
		},
		"unknown directives": {query: "{ viewer { role" + strings.Repeat(" @a", 7000) + " } }", codes: bad},
		"a circle of fragments": {
			query: "{ ...a } fragment a on Query { ...b } fragment b on Query { ...c } fragment c on Query { ...a }", codes: bad,
		},
		"a fragment of itself, often": {query: "{ ...a } fragment a on Query {" + strings.Repeat(" ...a", 900) + " }", codes: bad},
		"an introspection bomb": {
			query: "{ __schema { types { " + nested(12, "fields { type { ", "name", " } }") + " } } }", codes: tooComplex,
		},
		"introspection in circles": {
			query: "{ __schema { types { " + nested(8, "possibleTypes { interfaces { ", "name", " } }") + " } } }", codes: tooComplex,
		},
		"5,000 variables": {
			query: "query (" + counted(4900, "$v%d: Int ") + ") { viewer { role } }", codes: bad,
		},
		"5,000 operations": {query: counted(2400, "query q%d { viewer { role } } "), codes: bad},
		"nodes without number": {
			query:     "query ($v: [ID!]!) { nodes(ids: $v) { id } }",
			variables: `{"v": [` + strings.TrimSuffix(counted(50_000, `"aaaaaaaaaaaaaaaa%d",`), ",") + `]}`, codes: bad,
		},
		"an endless page": {query: "{ entries(first: 2147483647) { totalCount edges { node { id } } } }", codes: bad},
		"a negative page": {query: "{ entries(first: -2147483648) { totalCount edges { node { id } } } }", codes: bad},
		"a batch": {
			body: "[" + strings.TrimSuffix(strings.Repeat(`{"query": "{ viewer { role } }"},`, 10_000), ",") + "]", codes: bad,
		},
		"invalid UTF-8":   {body: "{\"query\": \"{ viewer { role } } # " + strings.Repeat("\xff\xc0\xaf", 10_000) + "\"}", codes: bad},
		"NULs":            {body: `{"query": "{ viewer ` + strings.Repeat(`\u0000`, 10_000) + `{ role } }"}`, codes: bad},
		"lone surrogates": {body: `{"query": "{ viewer { role } } # ` + strings.Repeat(`\ud800`, 10_000) + `"}`, codes: bad},
		"a NUL in a name": {query: page, variables: `{"v": {"username": "a\u0000"}}`, codes: bad},
		"duplicate names": {
			body: `{"query": "{ viewer { role } }"` + strings.Repeat(`, "query": "{ viewer { role } }"`, 1000) + `}`, codes: bad,
		},
		"an endless number": {
			query: create, variables: `{"v": {}, "v": 1` + strings.Repeat("0", 100_000) + `}`, codes: bad,
		},
	}
}

// chain is a fragment that spreads the next, n times.
func chain(n int) string {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "fragment f%d on Query { ...f%d } ", i, i+1)
	}
	fmt.Fprintf(&b, "fragment f%d on Query { __typename }", n)
	return b.String()
}

// normalPage is what a front end asks for all day.
const normalPage = `{ entries(first: 50) { pageInfo { hasNextPage endCursor }
	edges { cursor node { key createdAt thing command statusCode user { username } } } } }`

// timesNormal is how much more processor time than a normal page a document may take to be refused.
const timesNormal = 10

// TestADocumentIsRefusedAtTheCostOfAFewPages measures processor time of the server, which does not depend on what else runs.
func TestADocumentIsRefusedAtTheCostOfAFewPages(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			s := underAttack(t, fresh(t))
			page := s.cheapest(t, 5, 20, func() { require.Empty(t, s.ask(t, normalPage, nil).errors) })
			socket := &resocket{server: s, whole: t}
			for name, a := range attacks() {
				body := a.payload()
				for transport, send := range map[string]func(t testing.TB, body string) fault{
					"http": s.refused, "websocket": socket.refused,
				} {
					if a.body != "" && transport == "websocket" {
						continue // such bytes end the connection: see the tests of close codes
					}
					t.Run(name+" over "+transport, func(t *testing.T) {
						took := s.cheapest(t, 3, 3, func() {
							shown := send(t, body)
							require.Contains(t, a.codes, shown.code(), shown.Message)
							require.NotEmpty(t, shown.Message)
							require.Contains(t, shown.Message, a.says)
							requireLimitNamed(t, shown)
						})
						t.Logf("%.1f pages, %d bytes", float64(took)/float64(page), len(body))
						require.LessOrEqual(t, took, timesNormal*page)
					})
				}
			}
			s.healthy(t)
			require.Less(t, s.peakMemory(t), int64(mostMemory))
		})
	}
}

// requireLimitNamed looks at what a QUERY_TOO_COMPLEX tells whoever wants to do something about it.
func requireLimitNamed(t testing.TB, shown fault) {
	t.Helper()
	if shown.code() != "QUERY_TOO_COMPLEX" {
		return
	}
	told := shown.Extensions
	require.NotEmpty(t, told["limit"], shown.Message)
	require.GreaterOrEqual(t, number(t, told["value"]), number(t, told["max"]), shown.Message)
	setting, _ := told["setting"].(string)
	require.Regexp(t, "^SAMJOURNAL_MAX_QUERY_[A-Z_]+$", setting)
	require.Contains(t, shown.Message, setting)
	require.Contains(t, shown.Message, strconv.Itoa(number(t, told["max"])))
}

func number(t testing.TB, told any) int {
	t.Helper()
	n, err := strconv.ParseFloat(fmt.Sprint(told), 64)
	require.NoError(t, err)
	return int(n)
}

// longestRefusal is the most that an answer to a refused document may have: it repeats no long input.
const longestRefusal = 5000

// refused sends a body and returns the first error of the answer, which must have one.
func (s *server) refused(t testing.TB, body string) fault {
	t.Helper()
	a := s.post(t, body)
	require.NotEmpty(t, a.errors, tail(a.body))
	require.Less(t, len(a.body), longestRefusal, tail(a.body))
	return a.errors[0]
}

// resocket is a WebSocket that is opened again when the server has closed it.
type resocket struct {
	server *server
	whole  testing.TB // at whose end it is closed
	open   *subscription
	last   int // operation's number: an id is free again only after the complete that nobody waits for here
}

// refused sends a body as the payload of a subscribe message and returns the first error of the answer. A message that cannot
// be decoded ends the connection, and its reason is the error.
func (r *resocket) refused(t testing.TB, body string) fault {
	t.Helper()
	if r.open == nil {
		r.open = r.server.dial(r.whole)
		r.open.send(t, r.server.connectionInit())
		require.Equal(t, "connection_ack", r.open.read(t)["type"])
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r.last++
	message := fmt.Appendf(nil, `{"type": "subscribe", "id": "%d", "payload": %s}`, r.last, body)
	require.NoError(t, r.open.conn.Write(ctx, websocket.MessageText, message))
	for {
		_, text, err := r.open.conn.Read(ctx)
		if closed := (websocket.CloseError{}); errors.As(err, &closed) {
			require.EqualValues(t, 4400, closed.Code, closed.Reason)
			r.open = nil
			return fault{Message: closed.Reason, Extensions: map[string]any{"code": "BAD_USER_INPUT"}}
		}
		require.NoError(t, err)
		if faults := faultsOf(t, text); len(faults) > 0 {
			require.Less(t, len(text), longestRefusal, tail(string(text)))
			return faults[0]
		}
	}
}

// faultsOf are the errors of an error or next message.
func faultsOf(t testing.TB, text []byte) []fault {
	t.Helper()
	var message struct {
		Type    string          `json:"type"`
		Payload json.RawMessage `json:"payload"`
	}
	require.NoError(t, json.Unmarshal(text, &message))
	var result struct{ Errors []fault }
	switch message.Type {
	case "error":
		require.NoError(t, json.Unmarshal(message.Payload, &result.Errors))
	case "next":
		require.NoError(t, json.Unmarshal(message.Payload, &result))
		require.NotEmpty(t, result.Errors, tail(string(text)))
	}
	return result.Errors
}
