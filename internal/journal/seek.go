package journal

import (
	"context"
	"fmt"
	"slices"

	entsql "entgo.io/ent/dialect/sql"

	"samjournal/ent"
	"samjournal/ent/entry"
	"samjournal/internal/model"
	"samjournal/internal/search"
	"samjournal/internal/store"
)

const (
	// What a search reads at a time: rows of one statement, and the longest payload that comes with them. Longer ones are read
	// for one entry at a time.
	seekBatch   = 200
	seekLongest = 8 << 10
	// seekPlaces is the most entries that one statement takes from the index, without their payloads. The first takes seekBatch,
	// each after it seekGrowth times as many: a page of a common word needs few, and what many entries may match and few do is
	// not asked of the index for each batch.
	seekPlaces = 50_000
	seekGrowth = 4
	// seekFew is how many entries of a time are looked at rather than asking the index.
	seekFew = 2000
	// seekUnindexed is how many entries that are not in the index a search looks at that has no time.
	seekUnindexed = 20_000
)

// Seeking is a walk through the entries that a filter which searches may match.
type Seeking struct {
	Filter     *EntryFilter
	Index      SearchIndex
	Limit      func(*entsql.Selector) // a further condition; nil for none
	ByCreated  bool                   // in order of created_at and position, else of position
	Descending bool
	// First is how many entries are looked at before the index is asked: of a common word there are enough for a page among
	// them, where the index would take all that have it. 0: none.
	First int
}

// Seek calls found with the entries that match and that the viewer of the context may see, in order, until it returns false. They
// have all columns that filters look at, but payloads only where this filter does. It reads a bounded number at a time, and goes
// on until all are read or the context ends.
func Seek(ctx context.Context, client *ent.Client, s Seeking, found func(*ent.Entry) (more bool)) error {
	viewer, err := model.ViewerFrom(ctx)
	if err != nil {
		return err
	}
	if !viewer.Scope().Payloads {
		return ErrForbidden
	}
	indexed, err := s.indexed(ctx, client, viewer.Scope())
	if err != nil {
		return err
	}
	w := walk{Seeking: s, client: client, selection: extras{}.selection(), found: found}
	w.selection.Columns = append(w.selection.Columns, s.Filter.reads()...)
	next := func(q *ent.EntryQuery, where func(*entsql.Selector), last *ent.Entry) *ent.EntryQuery {
		q.Where(where).Order(s.order)
		if s.Limit != nil {
			q.Where(s.Limit)
		}
		if last != nil {
			q.Where(s.beyond(last))
		}
		return q
	}
	size := seekBatch
	if indexed {
		size = s.First
	}
	var last *ent.Entry
	for size > 0 {
		rows, err := w.look(ctx, next(client.Entry.Query().Limit(size), s.Filter.Where, last))
		if err != nil || len(rows) < size || w.done {
			return err
		}
		last = rows[len(rows)-1]
		if indexed {
			break
		}
	}
	return w.byIndex(ctx, last, func(last *ent.Entry) *ent.EntryQuery {
		return next(client.Entry.Query(), s.Filter.whereIndexed, last)
	})
}

// walk is a Seeking on its way.
type walk struct {
	Seeking

	client    *ent.Client
	selection Selection
	found     func(*ent.Entry) bool
	done      bool // found wants no more
}

// byIndex looks at the entries that the index leaves beyond one.
func (w *walk) byIndex(ctx context.Context, last *ent.Entry, next func(last *ent.Entry) *ent.EntryQuery) error {
	place := Selection{Columns: []string{entry.FieldPosition, entry.FieldCreatedAt}}
	for size := seekBatch; ; size = min(size*seekGrowth, seekPlaces) {
		places, err := place.Apply(next(last).Limit(size)).All(ctx)
		if err != nil {
			return fmt.Errorf("read what the index of searches has: %w", err)
		}
		for chunk := range slices.Chunk(places, seekBatch) {
			positions := make([]int64, len(chunk))
			for i, e := range chunk {
				positions[i] = e.Position
			}
			q := w.client.Entry.Query().Where(entry.PositionIn(positions...)).Order(w.order)
			if _, err := w.look(ctx, q); err != nil || w.done {
				return err
			}
		}
		if len(places) < size {
			return nil
		}
		last = places[len(places)-1]
	}
}

// look reads entries and calls found with those that match.
func (w *walk) look(ctx context.Context, q *ent.EntryQuery) ([]*ent.Entry, error) {
	rows, err := w.selection.ApplyShort(q, seekLongest).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read entries to search: %w", err)
	}
	for _, e := range rows {
		if leftOut(e) {
			if err := w.selection.ReadLong(ctx, w.client.Entry.Query(), []*ent.Entry{e}); err != nil {
				return nil, err
			}
		}
		if w.Filter.Match(e) && !w.found(e) {
			w.done = true
			return rows, nil
		}
		e.Request, e.Response = nil, nil // a long payload is not held until the batch is through
	}
	return rows, nil
}

// indexed tells whether the index is asked: not where the time is short. A term that most entries have would cost more than they
// do.
func (s Seeking) indexed(ctx context.Context, client *ent.Client, scope model.Scope) (bool, error) {
	if !s.Filter.narrowed() {
		return false, nil
	}
	if q := CountQuery(s.Filter); q.From != nil {
		few := client.Entry.Query().Where(entry.CreatedAtGTE(*q.From)).Order(entry.ByCreatedAt()).Offset(seekFew).Limit(1)
		if q.To != nil {
			few.Where(entry.CreatedAtLT(*q.To))
		}
		more, err := few.Exist(ctx)
		if err != nil {
			return false, fmt.Errorf("look how much there is to search: %w", err)
		}
		if !more {
			return false, nil
		}
		return true, nil
	}
	head, err := s.Index.Head(ctx, scope)
	if err != nil {
		return false, err
	}
	size, err := s.Index.SearchIndexed(ctx, scope.AccountID, search.Version)
	if err != nil {
		return false, err
	}
	if head.Size-size > seekUnindexed {
		// How many there are is not for those who see only some.
		return false, &model.InputError{Path: append([]any{"where"}, s.Filter.Searched()...), Reason: "needs the index of " +
			"searches, which is not filled yet; until it is, give the beginning of a time too, with since, createdAtGT or createdAtGTE"}
	}
	return true, nil
}

// columns are what the order compares; position last, as in the index that serves it.
func (s Seeking) columns(selector *entsql.Selector) []string {
	if s.ByCreated {
		return []string{selector.C(entry.FieldCreatedAt), selector.C(entry.FieldPosition)}
	}
	return []string{selector.C(entry.FieldPosition)}
}

func (s Seeking) order(selector *entsql.Selector) {
	for _, column := range s.columns(selector) {
		if s.Descending {
			selector.OrderBy(entsql.Desc(column))
		} else {
			selector.OrderBy(entsql.Asc(column))
		}
	}
}

// beyond limits a selector to what comes after an entry.
func (s Seeking) beyond(last *ent.Entry) func(*entsql.Selector) {
	values := []any{last.Position}
	if s.ByCreated {
		values = []any{last.CreatedAt, last.Position}
	}
	return func(selector *entsql.Selector) {
		if s.Descending {
			selector.Where(entsql.CompositeLT(s.columns(selector), values...))
		} else {
			selector.Where(entsql.CompositeGT(s.columns(selector), values...))
		}
	}
}

// SearchIndex tells how far the index of searches goes. *store.Store is one.
type SearchIndex interface {
	Head(ctx context.Context, scope model.Scope) (store.Head, error)
	// SearchIndexed returns how many entries, from the first on, are indexed with terms of the version.
	SearchIndexed(ctx context.Context, accountID int64, version int) (int64, error)
}

// SearchCounter counts what a filter that searches finds, as the store counts what others do: the entries up to the head as it
// was when the counting began.
type SearchCounter struct {
	Ent    *ent.Client
	Index  SearchIndex
	Filter *EntryFilter
}

var _ Counter = SearchCounter{}

// HeadAndCounts counts by what the query asks for. Which entries count the filter says, not the query.
func (c SearchCounter) HeadAndCounts(
	ctx context.Context, scope model.Scope, q store.CountQuery,
) (store.Head, []store.Count, error) {
	head, err := c.Index.Head(ctx, scope)
	if err != nil {
		return head, nil, err
	}
	counts, places := []store.Count{}, map[countKey]int{}
	over := false
	err = Seek(ctx, c.Ent, Seeking{
		Filter: c.Filter, Index: c.Index, ByCreated: true,
		Limit: func(s *entsql.Selector) { s.Where(entsql.LT(s.C(entry.FieldPosition), head.Size)) },
	}, func(e *ent.Entry) bool {
		count := countOf(q, e)
		key := countKey{start: count.Start.UnixMicro(), thing: count.Thing, command: count.Command, status: count.StatusCode}
		if count.UserID != nil {
			key.user = *count.UserID
		}
		i, ok := places[key]
		if !ok {
			i = len(counts)
			places[key], counts = i, append(counts, count)
		}
		counts[i].N++
		over = q.Limit > 0 && len(counts) > q.Limit
		return !over
	})
	if err == nil && over {
		err = fmt.Errorf("%w: more than %d", store.ErrTooManyCounts, q.Limit)
	}
	return head, counts, err
}

// countKey is what entries of one count have in common.
type countKey struct {
	start   int64
	thing   model.Thing
	command model.Command
	status  int
	user    int64
}

// countOf is the count that an entry is of, without number.
func countOf(q store.CountQuery, e *ent.Entry) (c store.Count) {
	if q.Grain > 0 {
		// From the year 1 on, as the database counts.
		c.Start = e.CreatedAt.UTC().Truncate(q.Grain)
	}
	for _, d := range q.By {
		switch d {
		case store.ByThing:
			c.Thing = e.Thing
		case store.ByCommand:
			c.Command = e.Command
		case store.ByStatusCode:
			c.StatusCode = e.StatusCode
		case store.ByUser:
			c.UserID = e.UserID
		}
	}
	return c
}
