package conformance_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// requests are what entries of a world have; one is longer than what a search reads of many entries at a time.
func requests() []model.Payload {
	return []model.Payload{
		`{"role":"user","n":1,"tags":["red","Green apple"]}`,
		`{"role":"admin","n":1.50,"tags":[]}`,
		`{"n":"1","nested":{"role":"user","deep":[[1],[2,3]]}}`,
		model.Payload(`{"pad":"` + strings.Repeat("pad ", 5000) + `","needle":"user"}`),
		`null`,
	}
}

// searches are searches and the places in requests of those that they find, as one finds by looking at them.
func searches() map[string][]int {
	return map[string][]int{
		`{"search":"user"}`:                                     {0, 2, 3},
		`{"search":"USER role"}`:                                {0, 2},
		`{"search":"us*"}`:                                      {0, 2, 3},
		`{"search":"\"green apple\""}`:                          {0},
		`{"search":"\"apple green\""}`:                          {},
		`{"search":"app* green"}`:                               {0},
		`{"search":"1.50"}`:                                     {1},
		`{"search":"absent"}`:                                   {},
		`{"search":"null"}`:                                     {0, 1, 2, 3, 4}, // the response
		`{"requestPath":{"path":"$.role","eq":"user"}}`:         {0},
		`{"requestPath":{"path":"$.n","eq":1.0}}`:               {0},
		`{"requestPath":{"path":"$.n","eq":"1"}}`:               {2},
		`{"requestPath":{"path":"$.n","gt":1}}`:                 {1},
		`{"requestPath":{"path":"$.n","lt":"2"}}`:               {2},
		`{"requestPath":{"path":"$.role","neq":"user"}}`:        {1, 2, 3, 4},
		`{"requestPath":{"path":"$.tags[*]","contains":"een"}}`: {0},
		`{"requestPath":{"path":"$.tags","eq":[]}}`:             {1},
		`{"requestPath":{"path":"$.role","exists":true}}`:       {0, 1},
		`{"requestPath":{"path":"$.role","exists":false}}`:      {2, 3, 4},
		`{"requestPath":{"path":"$['needle']","exists":true,"eq":"user","neq":null,"gt":null}}`: {3},
		`{"requestPath":{"path":"$","eq":null}}`:                                                {4},
		`{"requestPath":{"path":"$","neq":null}}`:                                               {0, 1, 2, 3},
		`{"requestPath":{"path":"$.nested.deep[*][*]","eq":3}}`:                                 {2},
		`{"requestPath":{"path":"$.nested.deep[1]","eq":[2,3.0]}}`:                              {2},
		`{"responsePath":{"path":"$.role","exists":true}}`:                                      {},
		`{"requestPath":{"path":"$['\" OR 1=1 --']","exists":true}}`:                            {},
		`{"requestPath":{"path":"$.role","eq":"' OR ''='"}}`:                                    {},
		`{"requestPath":{"path":"$.role","eq":"\u0000"}}`:                                       {},
		`{"requestPath":{"path":"$.n","gt":1e999999999}}`:                                       {},
		`{"requestPath":{"path":"$.n","eq":100000000000000000000e-20}}`:                         {0},
	}
}

// searchFilters are the filters that look into entries, which no column answers.
func searchFilters() []string { return []string{"search", "requestPath", "responsePath"} }

// searchColumns are entryColumns and the filters that search.
func (w *world) searchColumns(t require.TestingT) []column[fact] {
	columns := w.entryColumns()
	byName := map[string][]operand{}
	all := requests()
	for text, found := range searches() {
		var sent map[string]any
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		require.NoError(t, dec.Decode(&sent))
		for name, value := range sent {
			byName[name] = append(byName[name], operand{sent: value, plain: func(f fact) bool {
				return slices.Contains(found, slices.Index(all, f.request))
			}})
		}
	}
	for _, name := range searchFilters() {
		c := column[fact]{name: name, ops: []string{""}, draw: rapid.SampledFrom(byName[name])}
		columns = append(columns, c, c, c) // often
	}
	return columns
}

// drawSearch draws a filter that may search, with a beginning of time.
func (w *world) drawSearch(rt *rapid.T) filter[fact] {
	inner := drawPart(rt, w.searchColumns(rt), 1, new(60))
	from := time.UnixMicro(epoch).UTC().Add(-100 * time.Hour)
	if rapid.Bool().Draw(rt, "from") {
		from = time.UnixMicro(epoch + 1).UTC()
	}
	return filter[fact]{
		sent:    map[string]any{"createdAtGTE": from.Format(model.TimeLayout), "and": []any{inner.sent}},
		matches: func(f fact) bool { return !f.createdAt.Before(from) && inner.matches(f) },
	}
}

func TestEachSearchFindsWhatIsThere(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			for _, request := range requests() {
				in := plain()
				in.Request = request
				n.append(ctx, t, in)
			}
			for text, want := range searches() {
				// Exports are journaled: later entries are about these.
				found, _, _ := n.exportAll(ctx, t, where(t, `{"since":"PT1H","positionLT":5,`+text[1:]))
				got := []int{}
				for _, e := range found {
					got = append(got, int(e.Position))
				}
				require.Equal(t, want, got, text)
			}
		})
	}
}

func TestAnyPageOfASearchIsWhatLookingAtEachEntryGives(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			create := worlds(t, databaseURL)
			rapid.Check(t, func(rt *rapid.T) {
				w := create(rt)
				w.comparePages(rt, w.drawSearch(rt), 3)
			})
		})
	}
}

func TestStatisticsOfASearchAreWhatCountingGives(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			create := worlds(t, databaseURL)
			rapid.Check(t, func(rt *rapid.T) {
				w := create(rt)
				w.spread(rt)
				w.compareStatsOf(rt, w.drawSearch(rt))
			})
		})
	}
}

// More entries than are read at a time, of which few match.
func TestASearchGoesThroughAllOfItsTime(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			batch := make([]journal.Input, 450)
			for i := range batch {
				batch[i] = numbered(i)
			}
			n.append(ctx, t, batch...)
			for _, field := range []string{"POSITION", "CREATED_AT"} {
				var answer struct{ Entries page }
				n.ask(ctx, t, &answer, `query($by: EntryOrder) { entries(where: {since: "P1D", search: "449 number", responsePath: {
					path: "$", exists: true}}, first: 1, orderBy: $by) {
					edges { cursor node { position request } } totalCount pageInfo { hasNextPage hasPreviousPage } } }`,
					vars{"by": ordering{field, "ASC"}})
				require.Len(t, answer.Entries.Edges, 1)
				require.EqualValues(t, 449, answer.Entries.Edges[0].Node.Position)
				require.EqualValues(t, 1, answer.Entries.TotalCount)
				require.False(t, answer.Entries.PageInfo.HasNextPage)
			}
		})
	}
}

func TestSearchesThatAreRefused(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			for where, says := range map[string]string{
				`{requestPath: {path: "$.a", gt: 1}}`:                                   "where.requestPath: looks at every entry of a time",
				`{createdAtLT: "2026-01-01T00:00:00Z", not: {search: "a"}}`:             "where.not.search: looks at every",
				`{or: [{since: "P1D"}, {search: "a"}]}`:                                 "where.or[1].search: looks at every",
				`{not: {since: "P1D"}, requestPath: {path: "$.a", contains: "b"}}`:      "where.requestPath: looks at every",
				`{since: "P1D", search: "-"}`:                                           "where.search: must have a word",
				`{since: "P1D", requestPath: {path: "$..a", eq: 1}}`:                    "where.requestPath.path: must begin with $",
				`{since: "P1D", requestPath: {path: "$.a"}}`:                            "where.requestPath: must have at least one of eq",
				`{since: "P1D", and: [{responsePath: {path: "$", gt: true}}]}`:          "where.and[0].responsePath.gt: must be a number",
				`{since: "P1D", requestPath: {path: "$.a", eq: null, neq: null}}`:       "where.requestPath: must have at least one of eq",
				`{since: "P1D", requestPath: {path: "$[?(@.a == 1)]", exists: true}}`:   "where.requestPath.path: must begin with $",
				`{since: "P1D", requestPath: {path: "$'; DROP TABLE x", exists: true}}`: "where.requestPath.path: must begin with $",
			} {
				for _, field := range []string{"entries", "entryStats"} {
					_, errs := n.try(ctx, t, `{ `+field+`(where: `+where+`) { totalCount } }`, nil)
					require.Len(t, errs, 1, where)
					require.Equal(t, "BAD_USER_INPUT", errs[0].Extensions["code"])
					require.Contains(t, errs[0].Error(), says, where)
				}
			}
			s := n.subscribe(ctx, t, `subscription { entryCreated(where: {and: [{since: "P1D", search: "a"}]}) { cursor } }`, nil)
			require.Contains(t, s.refusal.Errors.Error(), "and[0].search: is for entries, entryStats and exports")
		})
	}
}
