package conformance_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"samjournal/ent/entry"
	"samjournal/internal/journal"
	"samjournal/internal/store"
)

// drawIndexed draws a filter that the index serves without a time.
func (w *world) drawIndexed(rt *rapid.T) filter[fact] {
	inner := drawPart(rt, w.searchColumns(rt), 1, new(60))
	all := requests()
	text := rapid.SampledFrom([]string{
		`{"search":"user"}`, `{"search":"us*"}`, `{"search":"null"}`, `{"search":"absent"}`, `{"search":"app* green"}`,
		`{"requestPath":{"path":"$.role","exists":true}}`, `{"requestPath":{"path":"$.n","eq":1.0}}`,
		`{"requestPath":{"path":"$.nested.deep[*][*]","eq":3}}`,
	}).Draw(rt, "indexed")
	found, known := searches()[text]
	require.True(rt, known)
	var sent map[string]any
	require.NoError(rt, json.Unmarshal([]byte(text), &sent))
	return filter[fact]{
		sent:    map[string]any{"and": []any{sent, inner.sent}},
		matches: func(f fact) bool { return slices.Contains(found, slices.Index(all, f.request)) && inner.matches(f) },
	}
}

// index indexes what is there.
func (n *node) index(t require.TestingT) {
	x := &journal.Indexer{Ent: n.store.Ent(), Terms: n.store}
	require.NoError(t, x.CatchUp(context.Background(), nil))
}

// The answer is complete wherever the index ends.
func TestAnySearchOfAnIndexIsWhatLookingAtEachEntryGives(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			create := worlds(t, databaseURL)
			rapid.Check(t, func(rt *rapid.T) {
				w := create(rt)
				if rapid.Bool().Draw(rt, "some are indexed") {
					w.index(rt)
				}
				w.spread(rt) // not indexed
				f := w.drawIndexed(rt)
				w.comparePages(rt, f, 1)
				w.compareStatsOf(rt, f)
			})
		})
	}
}

func TestTheIndexLeavesWhatMayMatch(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			account := accountOf(ctx, t)
			n.append(ctx, t, numbered(0), numbered(1), numbered(2), numbered(3))
			other := n.newAccount(t, "other")
			n.append(other, t, numbered(4))
			left := func(version int, terms ...store.IndexTerm) []int64 {
				positions := []int64{}
				rows, err := n.store.Ent().Entry.Query().Where(func(s *entsql.Selector) {
					s.Where(store.MatchTerms(s, account, version, terms))
				}).Order(entry.ByPosition()).All(ctx)
				require.NoError(t, err)
				for _, e := range rows {
					positions = append(positions, e.Position)
				}
				return positions
			}
			red, re, blue := store.IndexTerm{Text: "wred"}, store.IndexTerm{Text: "wre", Prefix: true}, store.IndexTerm{Text: "wblue"}
			require.Equal(t, []int64{0, 1, 2, 3}, left(1, red), "nothing is indexed")

			index := func(accountID, from int64, terms ...[]string) error {
				var entries []store.EntryTerms
				for i, of := range terms {
					entries = append(entries, store.EntryTerms{Position: from + int64(i), Terms: of, Unlisted: of == nil})
				}
				return n.store.IndexTerms(ctx, accountID, 1, from, entries)
			}
			require.NoError(t, index(account, 0, []string{"wred", "wblue"}, []string{"wreddish"}, nil))
			require.NoError(t, index(accountOf(other, t), 0, []string{"wblue", "wgrey"}))
			require.Equal(t, []int64{0, 2, 3}, left(1, red), "2 has too many terms, 3 is not indexed")
			require.Equal(t, []int64{0, 1, 2, 3}, left(1, re))
			require.Equal(t, []int64{0, 2, 3}, left(1, re, blue))
			require.Equal(t, []int64{2, 3}, left(1, store.IndexTerm{Text: "wgrey"}))
			require.Equal(t, []int64{0, 1, 2, 3}, left(2, red), "terms of another version are none")

			require.ErrorIs(t, index(account, 2, []string{"wred"}), store.ErrIndexMoved)
			require.ErrorIs(t, index(account, 4, []string{"wred"}), store.ErrIndexMoved)
			require.NoError(t, n.store.ResetSearch(ctx))
			require.Equal(t, []int64{0, 1, 2, 3}, left(1, red))
			require.NoError(t, index(account, 0, []string{"wblue"}, []string{"wred"}, []string{}, []string{"wred"}))
			require.Equal(t, []int64{1, 3}, left(1, red), "what was there is replaced")
			require.Equal(t, []int64{0}, left(1, blue))
		})
	}
}
