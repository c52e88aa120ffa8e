package conformance_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"samjournal/internal/journal"
	"samjournal/internal/model"
	"samjournal/internal/search"
)

// hostile are texts that mean something to a database, a path or a tokenizer, or are hard to hold.
func hostile() []string {
	return []string{
		`'`, `"`, `''; DROP TABLE entries; --`, `" OR 1=1 --`, `$$; SELECT 1 $$`, `\`, `\'`, `%`, `_`, `\x00`, "\x00", "a\x00b",
		`AND`, `a AND b OR NOT c`, `NEAR(a b, 5)`, `(`, `)`, `a:b`, `terms:a`, `*`, `a*`, `^a`, `-a`, `a + b`, `a & b | !c`,
		`a <-> b`, `:*`,
		"caf\u00e9", "cafe\u0301", "stra\u00dfe", "\u0130stanbul", "\u05e9\u05dc\u05d5\u05dd \u202eolleh", "\u0e20\u0e32\u0e29\u0e32",
		"\u65e5\u672c\u8a9e", "\U0001f469\u200d\U0001f4bb", "\ufffd", "\u200b", "\ufeff", "\u2028", "a\u0308\u0323", "\U0010ffff",
		`$..x`, `$[?(@.a == 1)]`, `$[(@.length-1)]`, `$[1:2]`, `$['a','b']`, `@`, `{"a":1}`, `[1]`, `null`, `1e400`, `-0`, `1.0`,
		strings.Repeat("ab ", 300), strings.Repeat("z", 1<<20), "x wred", "1x", "zz27", "\r\n\t",
	}
}

func quoted(t require.TestingT, text string) string {
	p, err := json.Marshal(text)
	require.NoError(t, err)
	return string(p)
}

// member is the step of a path to a member of any name.
func member(t require.TestingT, name string) string {
	escaped := strings.TrimSuffix(strings.TrimPrefix(quoted(t, name), `"`), `"`)
	return "['" + strings.ReplaceAll(strings.ReplaceAll(escaped, `\"`, `"`), `'`, `\'`) + "']"
}

// hostileJournal has an entry for each hostile text: as a value, as a name and in a list.
func hostileJournal(t *testing.T, databaseURL string) *node {
	t.Helper()
	n := start(t, databaseURL, settings{})
	for i, text := range hostile() {
		in := plain()
		in.Key = keyOf(i)
		name := text
		if len(name) > 1000 {
			name = name[:1000]
		}
		in.Request = model.Payload(fmt.Sprintf(`{"v":%[1]s,"n":{%[2]s:%[3]d},"l":[0,[%[1]s]]}`, quoted(t, text), quoted(t, name), i))
		n.append(n.as(t, "default"), t, in)
	}
	return n
}

// searched asks for the positions that a filter given as variables finds.
func (n *node) searched(t *testing.T, where vars) (positions []int64, refusal string) {
	t.Helper()
	data, errs := n.try(n.as(t, "default"), t, `query($where: EntryWhereInput) { entries(where: $where, first: 500, orderBy: {
		field: POSITION, direction: ASC}) { edges { node { position } } } }`, vars{"where": map[string]any(where)})
	if len(errs) > 0 {
		require.Equal(t, "BAD_USER_INPUT", errs[0].Extensions["code"], errs.Error())
		return nil, errs.Error()
	}
	var answer struct{ Entries page }
	require.NoError(t, json.Unmarshal(data, &answer))
	positions = []int64{}
	for i := range answer.Entries.Edges {
		positions = append(positions, answer.Entries.Edges[i].Node.Position)
	}
	return positions, ""
}

// What is asked for by a hostile value or path is found, by the index and without, and nothing else is.
func TestHostileValuesAndNamesAreFoundAsTheyAre(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := hostileJournal(t, databaseURL)
			for _, indexed := range []bool{false, true} {
				if indexed {
					n.index(t)
				}
				for i, text := range hostile() {
					if len(text) > 300 {
						continue
					}
					want := []int64{int64(i)}
					for _, where := range []vars{
						{"requestPath": map[string]any{"path": "$.v", "eq": text}},
						{"requestPath": map[string]any{"path": "$.l[1][0]", "eq": text}},
						{"requestPath": map[string]any{"path": "$.l[*][*]", "eq": text}},
						{"requestPath": map[string]any{"path": "$.n" + member(t, text), "exists": true}},
						{"requestPath": map[string]any{"path": "$.n" + member(t, text), "eq": json.Number(strconv.Itoa(i) + ".0")}},
						{"since": "P1D", "requestPath": map[string]any{"path": "$.v", "contains": text, "eq": text}},
					} {
						got, refusal := n.searched(t, where)
						require.Empty(t, refusal, "%q %v", text, where)
						require.Equal(t, want, got, "%q %v", text, where)
					}
				}
			}
		})
	}
}

// A text that is searched for is refused, or finds what looking at each entry finds, whatever it means to a database.
func TestHostileWordsFindWhatLookingFinds(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := hostileJournal(t, databaseURL)
			n.index(t)
			some := 0
			for _, text := range hostile() {
				for _, text := range []string{text, text + "*", `"` + text + `"`} {
					want, refusal := n.searched(t, vars{"since": "P1D", "not": map[string]any{"not": map[string]any{"search": text}}})
					got, same := n.searched(t, vars{"search": text})
					require.Equal(t, refusal == "", same == "", "%q: %s %s", text, refusal, same)
					require.Equal(t, want, got, "%.100q", text)
					some += len(got)
				}
			}
			require.Greater(t, some, len(hostile()))
			got, _ := n.searched(t, vars{"search": "CAFÉ"})
			require.Len(t, got, 2, "composed or not")
			got, _ = n.searched(t, vars{"search": "STRASSE"})
			require.Len(t, got, 1, "folded")
			got, _ = n.searched(t, vars{"search": "a"})
			require.NotContains(t, got, int64(slices.Index(hostile(), "zz27")))
		})
	}
}

// More words than the index takes, and longer ones than its databases take, do not keep other entries from being indexed.
func TestWhatDoesNotFitTheIndexIsFoundAllTheSame(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			words := func(word string, count int) model.Payload {
				var b strings.Builder
				for i := range count {
					fmt.Fprintf(&b, "%d%s ", i, word)
				}
				return model.Payload(`"` + b.String() + `"`)
			}
			deep := model.Payload(strings.Repeat(`[`, 150) + `"deep"` + strings.Repeat(`]`, 150))
			for i, request := range []model.Payload{
				words("w", search.MaxTerms+1), words(strings.Repeat("ж", 30), 9000), words("w", 5000), deep, `"last"`,
			} {
				in := plain()
				in.Key, in.Request = keyOf(i), request
				n.append(ctx, t, in)
			}
			var done journal.Indexed
			require.NoError(t, (&journal.Indexer{Ent: n.store.Ent(), Terms: n.store}).CatchUp(t.Context(), func(i journal.Indexed) {
				done.Entries, done.Unlisted = done.Entries+i.Entries, done.Unlisted+i.Unlisted
			}))
			require.Equal(t, journal.Indexed{Entries: 5, Unlisted: 2}, done)
			for text, want := range map[string][]int64{
				"10000w": {0}, "8999" + strings.Repeat("Ж", 30): {1}, "4999w": {0, 2}, "deep": {3}, "last": {4},
			} {
				got, refusal := n.searched(t, vars{"search": text})
				require.Empty(t, refusal)
				require.Equal(t, want, got, text)
			}
		})
	}
}

// What a masked secret was is neither in the index nor found.
func TestWhatWasMaskedIsNotIndexed(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			in := plain()
			in.Request = `{"password":"gobstopper"}`
			n.append(ctx, t, in)
			n.index(t)
			require.False(t, indexedTerm(t, databaseURL, accountOf(ctx, t), 0, "wgobstopper"))
			require.True(t, indexedTerm(t, databaseURL, accountOf(ctx, t), 0, "wpassword"))
			require.Empty(t, n.found(ctx, t, `{search: "gobstopper"}`))
		})
	}
}

// drawPayload draws JSON of a few names and values, many of which are alike.
func drawPayload(rt *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 5).Draw(rt, "kind")
	var parts []string
	switch {
	case kind == 0 && depth > 0:
		name := rapid.SampledFrom([]string{"a", "b", "É", "x y", "'"})
		for _, name := range rapid.SliceOfNDistinct(name, 0, 3, rapid.ID).Draw(rt, "names") {
			parts = append(parts, quoted(rt, name)+":"+drawPayload(rt, depth-1))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case kind == 1 && depth > 0:
		for range rapid.SampledFrom([]int{0, 1, 2, 10}).Draw(rt, "elements") {
			parts = append(parts, drawPayload(rt, depth-1))
		}
		return "[" + strings.Join(parts, ",") + "]"
	default:
		return rapid.SampledFrom([]string{
			"null", "true", "0", "-0", "1", "1.0", "10e-1", "1e400", "-1e-400", "100000000000000000001", `"1"`, `"a"`, `"A b"`, `"é"`,
			`"e\u0301"`,
			`"a\u0000"`, `"b a"`, `"don't"`, `"a.b"`, `""`,
		}).Draw(rt, "scalar")
	}
}

func drawHostileFilter(rt *rapid.T) map[string]any {
	switch rapid.IntRange(0, 3).Draw(rt, "filter") {
	case 0:
		return map[string]any{"search": rapid.SampledFrom([]string{
			"a", "A*", "b", `"a b"`, `"b a"`, "é", "E\u0301*", "1", "1.0", "1e400", "x y", "don't", "a.b", "null", "applied", "nothing",
		}).Draw(rt, "text")}
	default:
		side := rapid.SampledFrom([]string{"requestPath", "responsePath"}).Draw(rt, "side")
		step := rapid.SampledFrom([]string{".a", ".b", ".É", "['x y']", `['\'']`, "[0]", "[1]", "[9]", "[*]"})
		path := "$" + strings.Join(rapid.SliceOfN(step, 0, 3).Draw(rt, "path"), "")
		if rapid.Bool().Draw(rt, "exists") {
			return map[string]any{side: map[string]any{"path": path, "exists": true}}
		}
		var eq any
		dec := json.NewDecoder(strings.NewReader(drawPayload(rt, 1)))
		dec.UseNumber()
		require.NoError(rt, dec.Decode(&eq))
		return map[string]any{side: map[string]any{"path": path, "eq": eq}}
	}
}

// Of any payloads, the index finds what looking at each entry in memory finds, alike on both databases.
func TestTheIndexFindsWhatIsInAnyPayloads(t *testing.T) {
	t.Parallel()
	nodes := map[string]*node{}
	for kind, databaseURL := range both(t) {
		nodes[kind] = start(t, databaseURL, settings{})
	}
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		var inputs []journal.Input
		for range rapid.IntRange(1, 8).Draw(rt, "entries") {
			in := plain()
			in.Request, in.Response = model.Payload(drawPayload(rt, 3)), model.Payload(drawPayload(rt, 2))
			inputs = append(inputs, in)
		}
		filters := rapid.SliceOfN(rapid.Custom(drawHostileFilter), 1, 5).Draw(rt, "filters")
		for kind, n := range nodes {
			ctx := n.newAccount(rt, fmt.Sprintf("round-%d", round))
			n.append(ctx, rt, inputs...)
			n.index(rt)
			for _, where := range filters {
				want := []int64{}
				filter, err := journal.ParseEntryFilter(accountOf(ctx, rt), time.Now(), where)
				require.NoError(rt, err)
				rows, err := n.store.Ent().Entry.Query().All(ctx)
				require.NoError(rt, err)
				for _, e := range rows {
					if filter.Match(e) {
						want = append(want, e.Position)
					}
				}
				slices.Sort(want)
				var answer struct{ Entries page }
				n.ask(ctx, rt, &answer, `query($where: EntryWhereInput) { entries(where: $where, first: 500, orderBy: {
					field: POSITION, direction: ASC}) { edges { node { position } } } }`, vars{"where": where})
				got := []int64{}
				for i := range answer.Entries.Edges {
					got = append(got, answer.Entries.Edges[i].Node.Position)
				}
				require.Equal(rt, want, got, "%s: %v", kind, where)
			}
		}
	})
}
