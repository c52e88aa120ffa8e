package conformance_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// populated returns a node on a database with this many entries of 20 users.
func populated(t *testing.T, databaseURL string, entries int) (*node, context.Context) {
	t.Helper()
	n := start(t, databaseURL, settings{})
	ctx := n.as(t, "default")
	batch := make([]journal.Input, entries)
	for i := range batch {
		batch[i] = numbered(i)
		if i%7 > 0 {
			batch[i].Username = new(fmt.Sprintf("user-%d", i%20))
		}
	}
	n.append(ctx, t, batch...)
	return n, ctx
}

// queries returns the statements that an operation runs.
func (n *node) queries(ctx context.Context, t *testing.T, document string, v vars) []statement {
	t.Helper()
	return n.log.of(func() {
		_, errs := n.try(ctx, t, document, v)
		require.Empty(t, errs)
	})
}

func texted(calls []statement) string {
	var lines []string
	for _, c := range calls {
		lines = append(lines, c.query)
	}
	return strings.Join(lines, "\n")
}

var (
	payloadColumns = regexp.MustCompile("[`\".](request|response|payload_salt)\\b")
	counting       = regexp.MustCompile(`(?i)count\s*\(|entry_counts`)
)

func TestAPageIsAtMostThreeStatementsWhateverItsSize(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n, ctx := populated(t, databaseURL, 600)
			everything := `query($first: Int, $orderBy: EntryOrder, $where: EntryWhereInput) {
			entries(first: $first, orderBy: $orderBy, where: $where) {
				edges { cursor node { id key position createdAt recordedAt origin thing thingLabel command commandLabel summary statusCode
					user { id username email displayName createdAt disabledAt } request response payloadState redactedPaths } }
				again: edges { node { user { username } } }
				pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount headCursor
			}
		}`
			for _, v := range []vars{
				{},
				{"where": vars{"statusCode": 200}},
				{"where": vars{"username": "user-1"}},
				{"orderBy": vars{"field": "CREATED_AT"}},
				{"where": vars{"or": []vars{{"usernameIsNil": true}, {"usernameIn": []string{"user-2", "user-3"}}}}},
			} {
				for _, size := range []int{1, 50, 500} {
					v["first"] = size
					calls := n.queries(ctx, t, everything, v)
					require.LessOrEqual(t, len(calls), 3, "%v:\n%s", v, texted(calls))
				}
			}
			calls := n.queries(ctx, t, `{ entries { edges { node { key user { username } } } } }`, nil)
			require.Len(t, calls, 2, texted(calls))
			calls = n.queries(ctx, t, `{ entries { edges { node { key } } } }`, nil)
			require.Len(t, calls, 1, texted(calls))
			calls = n.queries(ctx, t, `{ users { edges { node { username email } } totalCount } }`, nil)
			require.Len(t, calls, 2, texted(calls))
		})
	}
}

func TestAPageReadsOnlyTheColumnsThatAreSelected(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n, ctx := populated(t, databaseURL, 60)
			light := `key position createdAt recordedAt origin thing thingLabel command commandLabel summary statusCode redactedPaths`
			for _, document := range []string{
				`{ entries { edges { cursor node { id ` + light + ` user { username } } } pageInfo { endCursor } totalCount headCursor } }`,
				`{ entry(key: "` + keyOf(3) + `") { ` + light + ` user { id } } }`,
				`{ node(id: "` + model.EntryID(1, keyOf(3)) + `") { ... on Entry { ` + light + ` } } }`,
			} {
				calls := n.queries(ctx, t, document, nil)
				require.NotRegexp(t, payloadColumns, texted(calls))
			}
			require.Regexp(t, payloadColumns, texted(n.queries(ctx, t, `{ entries { edges { node { r: request } } } }`, nil)))
			require.Regexp(t, payloadColumns, texted(n.queries(ctx, t,
				`{ entries { e: edges { ...E } } } fragment E on EntryEdge { node { ... on Node { ... on Entry { response } } } }`, nil)))
			calls := n.queries(ctx, t, `{ entries { edges { node { user { username } } } } }`, nil)
			require.NotContains(t, texted(calls), "email")
		})
	}
}

func TestOnlyAFilteredTotalCountCounts(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n, ctx := populated(t, databaseURL, 60)
			for document, statements := range map[string]int{
				`{ entries { pageInfo { hasNextPage endCursor } } }`:                                                 1,
				`{ entries(where: {statusCode: 200}) { pageInfo { hasNextPage hasPreviousPage } } }`:                 1,
				`{ entries(where: {statusCode: 200}) { edges { cursor } headCursor } }`:                              2,
				`{ entries { totalCount } }`:                                                                         1,
				`{ entries { t: totalCount e: edges { cursor } } }`:                                                  2,
				`{ entries(where: {}) { totalCount } }`:                                                              1,
				`{ users { edges { cursor } pageInfo { hasNextPage } } }`:                                            1,
				`{ entries { __typename } }`:                                                                         0,
				`query($no: Boolean = false) { entries(where: {statusCode: 200}) { totalCount @include(if: $no) } }`: 0,
			} {
				calls := n.queries(ctx, t, document, nil)
				require.NotRegexp(t, counting, texted(calls), document)
				require.Len(t, calls, statements, "%s:\n%s", document, texted(calls))
			}
			calls := n.queries(ctx, t, `{ entries(where: {statusCode: 200}) { totalCount } }`, nil)
			require.Regexp(t, counting, texted(calls))
			require.Len(t, calls, 1)
		})
	}
}

func TestNodesAreReadTogether(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n, ctx := populated(t, databaseURL, 300)
			ids := func(entries int) []string {
				list := []string{model.AccountID(1), model.UserID(1, 99), model.EntryID(1, keyOf(9999)), model.EntryID(2, keyOf(1))}
				for i := range entries {
					list = append(list, model.EntryID(1, keyOf(i)), model.UserID(1, int64(i%20+1)))
				}
				return list
			}
			const document = `query($ids: [ID!]!) { nodes(ids: $ids) { __typename id
			... on Entry { key user { username } } ... on User { username } ... on Account { slug } } }`
			for _, entries := range []int{2, 20, 200} {
				calls := n.queries(ctx, t, document, vars{"ids": ids(entries)})
				require.Len(t, calls, 3, texted(calls))
			}
			var answer struct{ Nodes []*row }
			n.ask(ctx, t, &answer, document, vars{"ids": ids(2)})
			require.Nil(t, answer.Nodes[1])
			require.Nil(t, answer.Nodes[2])
			require.Nil(t, answer.Nodes[3], "an entry of another account")
			require.Equal(t, keyOf(1), answer.Nodes[6].Key)
			require.NotEmpty(t, answer.Nodes[7].Username)
			for _, document := range []string{
				`{ node(id: "` + model.EntryID(1, keyOf(3)) + `") { ... on Entry { user { username } } } }`,
				`{ entry(key: "` + keyOf(3) + `") { user { username } } }`,
			} {
				require.Len(t, n.queries(ctx, t, document, nil), 2)
			}
		})
	}
}

func TestAnAppendCostsTheSameWhateverItsSize(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n, ctx := populated(t, databaseURL, 60)
			input := vars{"request": vars{"a": 1}, "response": nil, "username": "user-1"}
			one := n.queries(ctx, t, `mutation($input: CreateEntryInput!) { createEntry(input: $input) { key } }`, vars{"input": input})
			// Known keys, known users, the entry, the head; PostgreSQL also shows its lock, BEGIN, COMMIT and NOTIFY.
			require.LessOrEqual(t, len(one), 9, texted(one))
			again := n.queries(ctx, t, `mutation($input: CreateEntryInput!) { createEntry(input: $input) { key } }`, vars{"input": input})
			require.Len(t, again, len(one))
			read := n.queries(ctx, t, `mutation($input: CreateEntryInput!) {
			createEntry(input: $input) { edge { cursor node { request } } entry { user { username } } } }`, vars{"input": input})
			require.Len(t, read, len(one)+2, "one statement for what the answer shows, one for its users:\n%s", texted(read))

			inputs := make([]vars, 200)
			for i := range inputs {
				inputs[i] = vars{"request": i, "response": nil, "username": fmt.Sprintf("user-%d", i%7)}
			}
			many := n.queries(ctx, t, `mutation($inputs: [CreateEntryInput!]!) { createEntries(inputs: $inputs) {
			results { ... on CreateEntryPayload { entry { user { username } } edge { node { key } } } } } }`, vars{"inputs": inputs})
			require.LessOrEqual(t, len(many), len(one)+2+4, texted(many))
			require.Equal(t, 1, strings.Count(texted(many), "INSERT INTO entries"), texted(many))
		})
	}
}
