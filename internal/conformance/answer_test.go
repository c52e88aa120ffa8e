package conformance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"samjournal/graph"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// sized is a payload of exactly this many bytes, 3 at least.
func sized(bytes int) model.Payload { return model.Payload(`"` + strings.Repeat("x", bytes-2) + `"`) }

// appendSized appends entries with requests and responses of these sizes.
func (n *node) appendSized(ctx context.Context, t require.TestingT, sizes ...[2]int) []string {
	batch := make([]journal.Input, len(sizes))
	for i, size := range sizes {
		batch[i] = plain()
		batch[i].Request, batch[i].Response = sized(size[0]), sized(size[1])
		if i%2 > 0 {
			batch[i].StatusCode = 500
		}
	}
	var keys []string
	for _, r := range n.append(ctx, t, batch...) {
		keys = append(keys, r.Key)
	}
	return keys
}

// showing is what a list shows of its entries' payloads.
type showing struct {
	fields            string
	request, response int // how often
}

func showings() []showing {
	return []showing{
		{"request", 1, 0},
		{"response", 0, 1},
		{"request response", 1, 1},
		{"request again: request", 2, 0},
		{"... on Node { ...P } response } } e: edges { node { ...P", 2, 1},
	}
}

func (s showing) document() string {
	document := `query($after: Cursor, $first: Int, $before: Cursor, $last: Int, $orderBy: EntryOrder, $where: EntryWhereInput) {
	page: entries(after: $after, first: $first, before: $before, last: $last, orderBy: $orderBy, where: $where) {
		edges { cursor node { position } }
		edges { node { ` + s.fields + ` } }
		pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
		totalCount headCursor
	}
}`
	if strings.Contains(s.fields, "...P") {
		document += " fragment P on Entry { request }"
	}
	return document
}

// bytes are what is shown of an entry.
func (s showing) bytes(size [2]int) int { return s.request*size[0] + s.response*size[1] }

// walk turns pages to the end and returns the positions, in the list's order, and how many pages there were.
func (n *node) walk(
	ctx context.Context, rt *rapid.T, document string, v vars, backward bool, check func(p page),
) (positions []int64, pages int) {
	for more := true; more; pages++ {
		var answer struct{ Page page }
		n.ask(ctx, rt, &answer, document, v)
		p := answer.Page
		check(p)
		var found []int64
		for i := range p.Edges {
			found = append(found, positionOf(i, p))
		}
		if backward {
			positions, more = append(found, positions...), p.PageInfo.HasPreviousPage
			v["before"] = p.PageInfo.StartCursor
			require.Equal(rt, pages > 0, p.PageInfo.HasNextPage, "before is given: something follows")
		} else {
			positions, more = append(positions, found...), p.PageInfo.HasNextPage
			v["after"] = p.PageInfo.EndCursor
			require.Equal(rt, pages > 0, p.PageInfo.HasPreviousPage)
		}
	}
	return positions, pages
}

// Whoever turns pages that end early for their payloads sees the entries that pages without this limit show, each once, and no
// page holds more than it may.
func TestPagesThatEndEarlyNeitherRepeatNorMiss(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			run := 0
			rapid.Check(t, func(rt *rapid.T) {
				run++
				ctx := n.newAccount(rt, fmt.Sprintf("early-%d", run))
				size := rapid.Custom(func(rt *rapid.T) [2]int {
					length := rapid.SampledFrom([]int{3, 4, 50, 256, 600, 1000, 2500, 4500})
					return [2]int{length.Draw(rt, "request"), length.Draw(rt, "response")}
				})
				sizes := rapid.SliceOfN(size, 0, 40).Draw(rt, "sizes")
				if len(sizes) > 0 {
					n.appendSized(ctx, rt, sizes...)
				}
				s := rapid.SampledFrom(showings()[:4]).Draw(rt, "showing")
				limit := rapid.SampledFrom([]int{1, 600, 2500, 9001, 40_000}).Draw(rt, "limit")
				if s.request > 1 {
					limit += 9000 // an entry whose payload is shown twice is no answer by itself
				}
				n.resolver.AnswerBytes = int64(limit)
				backward := rapid.Bool().Draw(rt, "backward")
				v := vars{"orderBy": drawOrdering(rt, "POSITION", "CREATED_AT")}
				if rapid.Bool().Draw(rt, "filtered") {
					v["where"] = vars{"statusCode": 500}
				}
				v[map[bool]string{false: "first", true: "last"}[backward]] = rapid.SampledFrom([]int{1, 2, 7, 500}).Draw(rt, "page")
				var all struct{ Page page }
				n.ask(ctx, rt, &all, entriesPage, vars{"orderBy": v["orderBy"], "where": v["where"], "first": 500})
				var want []int64
				for i := range all.Page.Edges {
					want = append(want, positionOf(i, all.Page))
				}
				got, _ := n.walk(ctx, rt, s.document(), v, backward, func(p page) {
					s.check(rt, p, sizes, limit)
					require.Equal(rt, all.Page.TotalCount, p.TotalCount)
					require.Equal(rt, all.Page.HeadCursor, p.HeadCursor)
				})
				require.Equal(rt, want, got)
			})
		})
	}
}

// check holds a page to its limit, and its payloads to what was appended.
func (s showing) check(rt *rapid.T, p page, sizes [][2]int, limit int) {
	total := 0
	for i := range p.Edges {
		node := p.Edges[i].Node
		size := sizes[node.Position]
		total += s.bytes(size)
		if s.request > 0 {
			require.JSONEq(rt, string(sized(size[0])), string(node.Request))
		}
		if s.response > 0 {
			require.JSONEq(rt, string(sized(size[1])), string(node.Response))
		}
	}
	if len(sizes) > 1 && p.TotalCount > 0 {
		require.NotEmpty(rt, p.Edges, "one entry at least")
	}
	if len(p.Edges) > 1 {
		require.LessOrEqual(rt, total, limit)
	}
}

// A page ends where the next entry would be too much, not earlier, however often its payloads are shown.
func TestAPageHoldsAsManyPayloadsAsItMay(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			sizes := make([][2]int, 40)
			for i := range sizes {
				sizes[i] = [2]int{100 + i%2*1000, 2000}
			}
			n.appendSized(ctx, t, sizes...)
			n.resolver.AnswerBytes = 30_000
			for _, s := range showings() {
				fit, bytes := 0, 0
				for _, size := range sizes {
					if bytes += s.bytes(size); bytes > 30_000 {
						break
					}
					fit++
				}
				for _, first := range []int{40, 500} {
					var answer struct{ Page page }
					n.ask(ctx, t, &answer, s.document(), vars{"first": first, "orderBy": vars{"direction": "ASC"}})
					require.Len(t, answer.Page.Edges, fit, s.fields)
					require.Equal(t, fit < len(sizes), answer.Page.PageInfo.HasNextPage, s.fields)
				}
			}
		})
	}
}

// What one operation shows of payloads counts together, whichever fields show it.
func TestAllFieldsOfAnOperationShareItsLimit(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			keys := n.appendSized(ctx, t, [2]int{600, 3}, [2]int{600, 3}, [2]int{600, 3}, [2]int{1500, 3})
			id := func(i int) string { return model.EntryID(accountOf(ctx, t), keys[i]) }
			n.resolver.AnswerBytes = 1250
			// An entry that is longer than an answer may be, keys[3], is one by itself.
			for document, fits := range map[string]bool{
				`{ entry(key: "` + keys[0] + `") { request } }`:                                                              true,
				`{ a: entry(key: "` + keys[0] + `") { request } b: node(id: "` + id(1) + `") { ... on Entry { request } } }`: true,
				`{ a: entry(key: "` + keys[0] + `") { request } b: entry(key: "` + keys[0] + `") { request }
					c: entry(key: "` + keys[0] + `") { request } }`: false,
				`{ nodes(ids: ["` + id(0) + `", "` + id(1) + `"]) { ... on Entry { request } } }`:                                  true,
				`{ nodes(ids: ["` + id(0) + `", "` + id(1) + `", "` + id(2) + `"]) { ... on Entry { request } } }`:                 false,
				`{ nodes(ids: ["` + id(0) + `", "` + id(0) + `", "` + id(0) + `"]) { ... on Entry { request } } }`:                 false,
				`{ nodes(ids: ["` + id(0) + `", "` + id(1) + `", "` + id(2) + `"]) { ... on Entry { response } } }`:                true,
				`{ entry(key: "` + keys[0] + `") { a: request b: request } }`:                                                      true,
				`{ entry(key: "` + keys[0] + `") { a: request b: request c: request } }`:                                           false,
				`{ entry(key: "` + keys[3] + `") { request response } }`:                                                           true,
				`{ entry(key: "` + keys[3] + `") { a: request b: request } }`:                                                      false,
				`{ entries(first: 1) { edges { node { request response } } } }`:                                                    true,
				`{ entries(first: 1) { edges { node { a: request b: request } } } }`:                                               false,
				`{ a: entry(key: "` + keys[3] + `") { request } b: entries(where: {position: 0}) { edges { node { request } } } }`: false,
				`{ a: entry(key: "` + keys[3] + `") { key } b: entries(first: 1) { totalCount edges { node { request } } } }`:      true,
			} {
				data, errs := n.try(ctx, t, document, nil)
				if fits {
					require.Empty(t, errs, document)
					continue
				}
				require.Len(t, errs, 1, document)
				require.Equal(t, "PAYLOAD_TOO_LARGE", errs[0].Extensions["code"], document)
				for _, told := range []string{"at most 1250 bytes", "SAMJOURNAL_MAX_ANSWER_BYTES", "fewer"} {
					require.Contains(t, errs[0].Message, told)
				}
				require.Less(t, len(data), 2500)
			}
		})
	}
}

// What was appended is stored, also where the answer has no room to show it.
func TestAnAppendIsAnsweredAlsoWhereItsEntriesDoNotFit(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			n.resolver.AnswerBytes = 1250
			inputs := make([]vars, 4)
			for i := range inputs {
				inputs[i] = vars{"request": strings.Repeat("x", 498), "response": nil}
			}
			data, errs := n.try(ctx, t, `mutation($inputs: [CreateEntryInput!]!) { made: createEntries(inputs: $inputs) {
				all: results { ... on CreateEntryPayload { position entry { request } d: edge { cursor } } } } }`, vars{"inputs": inputs})
			var answer struct {
				Made struct {
					All []struct {
						Position int
						Entry    *row
						D        *struct{ Cursor string }
					}
				}
			}
			require.NoError(t, json.Unmarshal(data, &answer))
			var paths []string
			for _, err := range errs {
				require.Equal(t, "PAYLOAD_TOO_LARGE", err.Extensions["code"])
				paths = append(paths, err.Path.String())
			}
			require.ElementsMatch(t, []string{"made.all[2].entry", "made.all[2].d", "made.all[3].entry", "made.all[3].d"}, paths)
			for i, r := range answer.Made.All {
				require.Equal(t, i, r.Position)
				require.Equal(t, i < 2, r.Entry != nil)
				require.Equal(t, i < 2, r.D != nil)
			}
			data, errs = n.try(ctx, t, `mutation($input: CreateEntryInput!) { createEntry(input: $input) {
				position entry { a: request b: request c: request } } }`, vars{"input": inputs[0]})
			require.JSONEq(t, `{"createEntry": {"position": 4, "entry": null}}`, string(data))
			require.Len(t, errs, 1)
			require.Equal(t, "createEntry.entry", errs[0].Path.String())
		})
	}
}

// Payloads of ordinary length come with their page in one statement, and long ones in one more; those of entries that the page
// has no room for are not read.
func TestLongPayloadsAreReadOnlyWhereTheyAreShown(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			sizes := make([][2]int, 20)
			for i := range sizes {
				sizes[i] = [2]int{10_000, 10_000}
			}
			n.appendSized(ctx, t, sizes...)
			const document = `{ entries(first: 20) { edges { node { request response } } } }`
			require.Len(t, n.queries(ctx, t, document, nil), 1)

			long := make([][2]int, 20)
			for i := range long {
				long[i] = [2]int{200_000, 3}
			}
			n.appendSized(ctx, t, long...)
			n.resolver.AnswerBytes = 900_000
			calls := n.queries(ctx, t, document, nil)
			require.Len(t, calls, 2, texted(calls))
			wanted := 0
			for _, arg := range calls[1].args {
				if position, ok := arg.(int64); ok && position >= 20 {
					wanted++
				}
			}
			require.Equal(t, 4, wanted, calls[1].args)
			require.Len(t, n.queries(ctx, t, `{ entries(first: 20) { edges { node { response } } } }`, nil), 1)
		})
	}
}

// The answers under way hold no more together than they may: others wait until one has been written.
func TestAnswersWaitForTheMemoryOfOthers(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			n.resolver.Answers, n.resolver.AnswerBytes = graph.NewAnswers(1_000_000), 1_000_000
			n.appendSized(ctx, t, [2]int{3, 3}, [2]int{600_000, 3})
			const long, short = `{ entries { edges { node { request } } } }`, `{ entries(last: 1) { edges { node { request } } } }`
			const two = `{ a: entries(first: 1) { edges { node { request } } } b: entries(last: 1) { edges { node { response } } } }`

			_, errs, end := n.hold(ctx, t, long, nil)
			require.Empty(t, errs)
			for _, document := range []string{long, two} {
				waiting, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
				_, errs := n.try(waiting, t, document, nil)
				cancel()
				require.NotEmpty(t, errs, "waiting ends with the context")
				require.Equal(t, "UNAVAILABLE", errs[0].Extensions["code"])
			}
			var group errgroup.Group
			for range 3 {
				group.Go(func() error {
					_, errs, end := n.hold(ctx, t, long, nil)
					end()
					if len(errs) > 0 {
						return errs
					}
					return nil
				})
			}
			for range 10 {
				_, errs := n.try(ctx, t, short, nil)
				require.Empty(t, errs, "few payloads wait neither for it nor for those who wait")
			}
			end()
			require.NoError(t, group.Wait())
			_, errs = n.try(ctx, t, two, nil)
			require.Empty(t, errs)
		})
	}
}
