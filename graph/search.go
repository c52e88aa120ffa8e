package graph

import (
	"context"

	entsql "entgo.io/ent/dialect/sql"

	"samjournal/ent"
	"samjournal/ent/predicate"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// counter counts what a filter matches.
func (r *Resolver) counter(filter *journal.EntryFilter) journal.Counter {
	if filter.Searched() == nil {
		return r.Heads
	}
	return journal.SearchCounter{Ent: r.Ent, Index: r.Heads, Filter: filter}
}

// search returns the positions of the entries of a page, and of one more, that match a filter which searches.
func (r *Resolver) search(ctx context.Context, p entryPage, until predicate.Entry) (positions []int64, err error) {
	ctx, done := apart(ctx)
	defer done()
	err = journal.Seek(ctx, r.Ent, journal.Seeking{
		Filter: p.filter, Index: r.Heads, Limit: func(s *entsql.Selector) { p.between(s); until(s) },
		ByCreated: p.order == model.OrderCreatedAt, Descending: p.descending != p.backward, First: r.SearchFirst,
	}, func(e *ent.Entry) bool {
		positions = append(positions, e.Position)
		return len(positions) <= p.limit
	})
	return positions, err
}
