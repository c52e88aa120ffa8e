package conformance_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
	"samjournal/internal/store"
)

// The indexes of entry_counts.
const (
	byCounter = "entry_counts_pkey"
	byCounted = "entry_count_account_id_cut_span_user_id_start"
)

// read names what each scan of a table reads by, its own name where that is no index.
func (p planNode) read(relation string) (by []string) {
	p.walk(func(n planNode) {
		switch {
		case n.Relation == relation && n.Index != "":
			by = append(by, n.Index)
		case n.Relation == relation && n.Type != "Bitmap Heap Scan":
			by = append(by, n.Type)
		case n.Type == "Bitmap Index Scan" && relation == "entry_counts" && (n.Index == byCounter || n.Index == byCounted),
			n.Type == "Bitmap Index Scan" && relation == "entries" && n.Index != byCounter && n.Index != byCounted:
			by = append(by, n.Index)
		}
	})
	return by
}

// countPlan is a question about counts, and how it may be answered.
type countPlan struct {
	query    store.CountQuery
	only     *int64   // the user that the viewer is limited to
	counters []string // the indexes that counters may be found by
	rows     bool     // entries are read, too
}

func countPlans() map[string]*countPlan {
	from := time.Date(2026, 4, 1, 7, 8, 9, 0, time.UTC)
	to := time.Date(2026, 5, 20, 17, 18, 19, 0, time.UTC)
	one := int64(1)
	byTime, byUser := []string{byCounter}, []string{byCounter, byCounted}
	thing := func(s *entsql.Selector) {
		s.Where(entsql.And(entsql.EQ(s.C("thing"), "Prompt"), entsql.GTE(s.C("status_code"), 400)))
	}
	user := func(s *entsql.Selector) { s.Where(entsql.EQ(s.C("user_id"), one)) }
	return map[string]*countPlan{
		"everything by thing": {query: store.CountQuery{By: []store.Dimension{store.ByThing}}, counters: byTime},
		"filtered": {
			query:    store.CountQuery{Dimensions: []store.Dimension{store.ByThing, store.ByStatusCode}, Match: thing},
			counters: byTime,
		},
		"hours": {
			query:    store.CountQuery{From: &from, To: &to, By: []store.Dimension{store.ByStatusCode}, Grain: time.Hour},
			counters: byTime, rows: true,
		},
		"unaligned": {
			query: store.CountQuery{From: &from, To: &to, By: []store.Dimension{store.ByThing}}, counters: byTime, rows: true,
		},
		"all users": {query: store.CountQuery{From: &from, By: []store.Dimension{store.ByUser}}, counters: byUser, rows: true},
		"a user":    {query: store.CountQuery{Dimensions: []store.Dimension{store.ByUser}, Match: user}, counters: byUser},
		"a reader":  {query: store.CountQuery{By: []store.Dimension{store.ByStatusCode}}, only: &one, counters: byUser},
	}
}

// Whatever is known of the values, counters are found by an index, and rows are read at the edges of their spans alone.
func (p *planned) counts(t *testing.T) {
	for name, c := range countPlans() {
		calls := p.log.of(func() {
			scope := model.Scope{AccountID: 1, Entries: true, OnlyUserID: c.only}
			_, counts, err := p.store.HeadAndCounts(t.Context(), scope, c.query)
			require.NoError(t, err)
			require.NotEmpty(t, counts)
		})
		require.Len(t, calls, 1)
		for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
			plan := explain(t, p.conn, mode, calls[0])
			require.NoError(t, c.allows(plan), "%s %s\n%s\n%s", mode, name, calls[0].query, plan)
		}
	}
}

func (c *countPlan) allows(plan planNode) error {
	counters, rows := plan.read("entry_counts"), plan.read("entries")
	switch {
	case len(counters) == 0:
		return errors.New("no counters are read")
	case slices.ContainsFunc(counters, func(by string) bool { return !slices.Contains(c.counters, by) }):
		return fmt.Errorf("counters are read by %q", counters)
	case c.rows != (len(rows) > 0), slices.ContainsFunc(rows, func(by string) bool { return by != byCreatedAt }):
		return fmt.Errorf("entries are read by %q", rows)
	}
	return nil
}
