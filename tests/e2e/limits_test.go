package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
)

//nolint:tparallel // the last line looks at what the subtests did to their server
func TestBodiesAndDocumentsBeyondTheLimitsAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, newSQLite(t).where)
	const limit = 4 << 20
	document := func(query string) string { return `{"query": ` + quoted(query) + `}` }
	var aliases, fields strings.Builder
	for i := range 1_000_000 {
		if aliases.Len() < limit-1000 {
			fmt.Fprintf(&aliases, "a%d:viewer{role}", i)
		}
	}
	for i := range 2000 {
		fmt.Fprintf(&fields, "a%d: viewer { role } ", i)
	}
	for name, c := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"a body beyond 4 MiB": {document(`{ viewer { role } }`) + strings.Repeat(" ", limit), 413, "PAYLOAD_TOO_LARGE"},
		"a payload beyond 4 MiB": {
			`{"query": "{a}", "variables": {"a": "` + strings.Repeat("x", limit) + `"}}`, 413, "PAYLOAD_TOO_LARGE",
		},
		"as many aliases as fit": {document("{" + aliases.String() + "}"), 200, "QUERY_TOO_COMPLEX"},
		"two thousand aliases":   {document("{" + fields.String() + "}"), 200, "QUERY_TOO_COMPLEX"},
		"deep selections":        {document(strings.Repeat("{user", 100) + strings.Repeat("}", 100)), 200, "QUERY_TOO_COMPLEX"},
		"exponential fragments":  {document(exponential()), 200, "QUERY_TOO_COMPLEX"},
		"deep literals": {document(`mutation { createEntry(input: {request: ` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) +
			`, response: 1}) { key } }`), 200, "QUERY_TOO_COMPLEX"},
		"a fragment of itself":    {document(`{ ...a } fragment a on Query { ...a }`), 200, "BAD_USER_INPUT"},
		"an unknown field":        {document(`{ nosuch }`), 200, "BAD_USER_INPUT"},
		"no document":             {`{}`, 400, "BAD_USER_INPUT"},
		"an empty document":       {`{"query": ""}`, 400, "BAD_USER_INPUT"},
		"a batch":                 {`[{"query": "{ viewer { role } }"}]`, 400, "BAD_USER_INPUT"},
		"half a body":             {`{"query": "{ viewer`, 400, "BAD_USER_INPUT"},
		"no body":                 {``, 400, "BAD_USER_INPUT"},
		"two bodies":              {`{"query": "{ viewer { role } }"} {}`, 400, "BAD_USER_INPUT"},
		"a duplicate name":        {`{"query": "{ viewer { role } }", "query": "{ nosuch }"}`, 400, "BAD_USER_INPUT"},
		"invalid UTF-8":           {"{\"query\": \"{ viewer { role } } # \xff\"}", 400, "BAD_USER_INPUT"},
		"a huge integer literal":  {document(`{ entries(first: 99999999999999999999999) { totalCount } }`), 200, "BAD_USER_INPUT"},
		"a NUL in the document":   {`{"query": "{ viewer\u0000{ role } }"}`, 200, "BAD_USER_INPUT"},
		"an unknown operation":    {`{"query": "query a { viewer { role } }", "operationName": "b"}`, 200, "BAD_USER_INPUT"},
		"a subscription by POST":  {document(`subscription { entryCreated { cursor } }`), 200, "BAD_USER_INPUT"},
		"an undefined variable":   {document(`{ entries(first: $n) { totalCount } }`), 200, "BAD_USER_INPUT"},
		"variables that are none": {`{"query": "{ viewer { role } }", "variables": [1]}`, 400, "BAD_USER_INPUT"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.post(t, c.body)
			require.Equal(t, c.status, a.status, tail(a.body))
			require.NotEmpty(t, a.errors, tail(a.body))
			require.Equal(t, c.code, a.errors[0].code(), tail(a.body))
			require.Less(t, len(a.body), 5000, "an answer repeats no long input")
		})
	}
	s.healthy(t)
}

// exponential doubles its fields with each of 30 fragments.
func exponential() string {
	var b strings.Builder
	b.WriteString("{ ...f0 }")
	for i := range 30 {
		fmt.Fprintf(&b, " fragment f%d on Query { a: __typename ...f%d b: __typename ...f%d }", i, i+1, i+1)
	}
	b.WriteString(" fragment f30 on Query { __typename }")
	return b.String()
}

func TestOneBadInputOfManyFailsAlone(t *testing.T) {
	t.Parallel()
	const createEntries = `mutation ($inputs: [CreateEntryInput!]!) { createEntries(inputs: $inputs) { results {
		... on CreateEntryPayload { position created } ... on CreateEntryError { code message path } } } }`
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			s := serve(t, fresh(t).where)
			good := map[string]any{"request": nil, "response": 1}
			key := strings.Repeat("b", 64)
			results, ok := value(t, s.query(t, createEntries, map[string]any{"inputs": []any{
				good,
				map[string]any{"request": 1, "response": 1, "statusCode": -1},
				map[string]any{"request": 1, "response": 1, "key": key},
				map[string]any{"request": 2, "response": 1, "key": key},
				map[string]any{"request": 1, "response": 1, "key": key},
				map[string]any{"response": 1},
				map[string]any{"request": 1, "response": 1, "userID": "VXNlcjox"},
				good,
			}}), "createEntries", "results").([]any)
			require.True(t, ok)
			for i, want := range []string{"0", "BAD_USER_INPUT", "1", "CONFLICT", "1", "BAD_USER_INPUT", "BAD_USER_INPUT", "2"} {
				if code, failed := value(t, results[i], "code").(string); failed {
					require.Equal(t, want, code, i)
					require.Equal(t, fmt.Sprint(i), value(t, results[i], "path", 1))
					require.NotEmpty(t, value(t, results[i], "message"))
				} else {
					require.Equal(t, json.Number(want), value(t, results[i], "position"), i)
				}
			}
			require.Equal(t, []any{"inputs", "1", "statusCode"}, value(t, results[1], "path"))
			require.Equal(t, false, value(t, results[4], "created"))

			for name, c := range map[string]struct {
				inputs any
				names  string
			}{
				"null":           {nil, "inputs"},
				"a null in it":   {[]any{good, nil}, "inputs"},
				"1,001 of them":  {repeated(good, 1001), "inputs"},
				"no list":        {"x", "inputs"},
				"a wrong thing":  {[]any{good, map[string]any{"request": 1, "response": 1, "thing": "X"}}, "thing"},
				"an extra field": {[]any{map[string]any{"request": 1, "response": 1, "x": 1}}, "x"},
			} {
				a := s.ask(t, createEntries, map[string]any{"inputs": c.inputs})
				require.NotEmpty(t, a.errors, name)
				require.Equal(t, "BAD_USER_INPUT", a.errors[0].code(), "%s: %s", name, a.body)
				require.Contains(t, a.body, c.names, name)
			}
			none := s.query(t, createEntries, map[string]any{"inputs": []any{}})
			require.Empty(t, value(t, none, "createEntries", "results"), "nothing to append is no mistake")
			many := s.query(t, createEntries, map[string]any{"inputs": repeated(good, 1000)})
			require.Len(t, value(t, many, "createEntries", "results"), 1000)
			require.Equal(t, "1003", s.size(t))
			s.healthy(t)
		})
	}
}

func repeated(v any, n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = v
	}
	return list
}

func TestBadArgumentsOfPagesAreRefusedByName(t *testing.T) {
	t.Parallel()
	nested := func(levels int) string {
		return strings.Repeat(`{"and": [`, levels) + `{"statusCode": 1}` + strings.Repeat("]}", levels)
	}
	var values, conditions []string
	for i := range 501 {
		values = append(values, fmt.Sprint(i))
		conditions = append(conditions, `{"statusCode": 1}`)
	}
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			s := serve(t, fresh(t).where)
			s.append(t, map[string]any{"username": "alice"})
			byTime := value(t, s.query(t, `{ entries(orderBy: {field: CREATED_AT}) { edges { cursor } } }`, nil),
				"entries", "edges", 0, "cursor")
			users := value(t, s.query(t, `{ users { edges { cursor } } }`, nil), "users", "edges", 0, "cursor")
			head := value(t, s.query(t, `{ entries { headCursor } }`, nil), "entries", "headCursor").(string)
			for arguments, names := range map[string]string{
				`"first": -1`:                            "first",
				`"first": 501`:                           "first",
				`"last": -1`:                             "last",
				`"last": 501`:                            "last",
				`"first": 1, "last": 1`:                  "last",
				`"first": 1.5`:                           "first",
				`"first": "1"`:                           "first",
				`"first": 99999999999999999999`:          "first",
				`"after": ""`:                            "after",
				`"after": "bad"`:                         "after",
				`"after": "\u0000"`:                      "after",
				`"after": 7`:                             "after",
				`"before": "` + head[:len(head)-2] + `"`: "before",
				`"after": "` + strings.Repeat("A", 100_000) + `"`:                    "after",
				fmt.Sprintf(`"after": %q`, byTime):                                   "POSITION",
				fmt.Sprintf(`"before": %q`, users):                                   "before",
				fmt.Sprintf(`"after": %q, "orderBy": {"field": "CREATED_AT"}`, head): "after",
				`"orderBy": {"field": "KEY"}`:                                        "EntryOrderField",
				`"orderBy": {"direction": null}`:                                     "direction",
				`"where": ` + nested(4):                                              "and",
				`"where": {"statusCodeIn": [` + strings.Join(values, ",") + `]}`:     "statusCodeIn",
				`"where": {"or": [` + strings.Join(conditions, ",") + `]}`:           "where",
				`"where": {"statusCodeIn": []}`:                                      "statusCodeIn",
				`"where": {"or": []}`:                                                "or",
				`"where": {"and": []}`:                                               "and",
				`"where": {"statusCodeGT": -5}`:                                      "statusCodeGT",
				`"where": {"usernameNEQ": "\u0000"}`:                                 "usernameNEQ",
				`"where": {"createdAt": "yesterday"}`:                                "createdAt",
				`"where": {"createdAtGT": 5}`:                                        "createdAtGT",
				`"where": {"position": 1e30}`:                                        "position",
				`"where": {"position": "1"}`:                                         "position",
				`"where": {"username": 7}`:                                           "username",
				`"where": {"userID": "nobody"}`:                                      "userID",
				`"where": {"thing": "TOASTER"}`:                                      "thing",
				`"where": {"usernameIsNil": "yes"}`:                                  "usernameIsNil",
				`"where": {"nosuch": 1}`:                                             "nosuch",
			} {
				t.Run(shortened(arguments), func(t *testing.T) {
					a := s.post(t, `{"query": `+quoted(`query ($after: Cursor, $first: Int, $before: Cursor, $last: Int,
						$orderBy: EntryOrder, $where: EntryWhereInput) { entries(after: $after, first: $first, before: $before,
						last: $last, orderBy: $orderBy, where: $where) { edges { node { key } } } }`)+`, "variables": {`+arguments+`}}`)
					require.Len(t, a.errors, 1, tail(a.body))
					require.Equal(t, "BAD_USER_INPUT", a.errors[0].code(), tail(a.body))
					require.Contains(t, a.body, names)
					require.Less(t, len(a.body), 2000, "an answer repeats no long input")
				})
			}
			for _, arguments := range []string{
				`first: 0`, `first: 500`, `last: 500`, `where: {}`, `where: null`,
				`where: {and: [{and: [{and: [{statusCode: 200}]}]}]}`, `where: {username: "nobody"}`, `where: {key: "short"}`,
				`where: {key: "` + strings.Repeat("0", 64) + `"}`, `where: {statusCodeGT: 0}`,
				`where: {createdAtLT: "0001-01-01T00:00:00Z"}`,
				`where: {createdAtLTE: "9999-12-31T23:59:59.999999Z"}`, `where: {position: 9007199254740991}`,
			} {
				s.query(t, `{ entries(`+arguments+`) { totalCount edges { node { key } } } }`, nil)
			}
			s.healthy(t)
		})
	}
}

func shortened(s string) string {
	if len(s) > 60 {
		return s[:60]
	}
	return s
}

func TestIDsAndKeysOfOthersAndOfNobodyFindNothing(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			must(t, db.where, "import", "--account=other", "--create-account", testdata(t, "dumpdata-small.json"))
			s := serve(t, db.where)
			s.append(t, map[string]any{"username": "alice", "key": strings.Repeat("c", 64)})
			foreignUser := model.UserID(2, 1) // the first user of the account that was made second
			a := s.ask(t, createEntry, map[string]any{"input": map[string]any{"request": 1, "response": 1, "userID": foreignUser}})
			require.Len(t, a.errors, 1)
			require.Equal(t, "BAD_USER_INPUT", a.errors[0].code())
			require.Contains(t, a.errors[0].Message, "userID")
			require.Equal(t, "1", s.size(t))
			own := value(t, s.query(t, `{ entries { edges { node { id user { id } } } } }`, nil), "entries", "edges", 0, "node")
			foreign := db.text(t, "SELECT min(key) FROM entries WHERE account_id <> (SELECT id FROM accounts WHERE slug = 'default')")
			require.Nil(t, s.query(t, `query ($k: String!) { entry(key: $k) { key } }`, map[string]any{"k": foreign})["entry"])
			for _, id := range []string{foreignUser, model.EntryID(2, foreign), model.AccountID(2)} {
				a := s.ask(t, `query ($i: ID!) { node(id: $i) { id } }`, map[string]any{"i": id})
				require.Nil(t, a.data["node"], a.body)
				b := s.ask(t, `query ($i: ID!) { node(id: $i) { id } }`, map[string]any{"i": model.AccountID(999)})
				require.Equal(t, b.body, a.body, "what others have cannot be told from what nobody has")
			}
			for _, id := range []any{value(t, own, "id"), value(t, own, "user", "id")} {
				require.NotNil(t, s.query(t, `query ($i: ID!) { node(id: $i) { id } }`, map[string]any{"i": id})["node"])
				for _, wrong := range []any{
					id.(string)[1:], id.(string) + "A", strings.ToUpper(id.(string)), "", "\x00", 5, strings.Repeat("x", 9999),
				} {
					a := s.ask(t, `query ($i: ID!) { node(id: $i) { id } }`, map[string]any{"i": wrong})
					if len(a.errors) > 0 {
						require.Contains(t, []string{"BAD_USER_INPUT", "NOT_FOUND"}, a.errors[0].code(), a.body)
					}
					require.Nil(t, a.data["node"], "%v: %s", wrong, a.body)
				}
			}
			s.healthy(t)
		})
	}
}

func TestAMutationByGETIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, newSQLite(t).where)
	a := s.get(t, "/graphql?query=mutation%7BcreateEntry(input:%7Brequest:1,response:1%7D)%7Bkey%7D%7D")
	require.Equal(t, http.StatusMethodNotAllowed, a.status)
	require.Equal(t, "0", s.size(t))
}
