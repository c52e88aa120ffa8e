package journal

import (
	"context"
	"fmt"

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
	where, err := s.where(ctx, client, viewer.Scope())
	if err != nil {
		return err
	}
	selection := extras{}.selection()
	selection.Columns = append(selection.Columns, s.Filter.reads()...)
	var last *ent.Entry
	for {
		q := selection.ApplyShort(client.Entry.Query(), seekLongest).Where(where).Order(s.order).Limit(seekBatch)
		if s.Limit != nil {
			q.Where(s.Limit)
		}
		if last != nil {
			q.Where(s.beyond(last))
		}
		rows, err := q.All(ctx)
		if err != nil {
			return fmt.Errorf("read entries to search: %w", err)
		}
		for i, e := range rows {
			last = e
			if leftOut(e) {
				if err := selection.ReadLong(ctx, client.Entry.Query(), []*ent.Entry{e}); err != nil {
					return err
				}
			}
			if s.Filter.Match(e) && !found(e) {
				return nil
			}
			e.Request, e.Response, rows[i] = nil, nil, nil // a long payload is not held until the batch is through
		}
		if len(rows) < seekBatch {
			return nil
		}
	}
}

// where is the condition in SQL that leaves the least to look at: with the index, unless the time is short. A term that most
// entries have would cost more than they do.
func (s Seeking) where(ctx context.Context, client *ent.Client, scope model.Scope) (func(*entsql.Selector), error) {
	if !s.Filter.narrowed() {
		return s.Filter.Where, nil
	}
	if q := CountQuery(s.Filter); q.From != nil {
		few := client.Entry.Query().Where(entry.CreatedAtGTE(*q.From)).Order(entry.ByCreatedAt()).Offset(seekFew).Limit(1)
		if q.To != nil {
			few.Where(entry.CreatedAtLT(*q.To))
		}
		more, err := few.Exist(ctx)
		if err != nil {
			return nil, fmt.Errorf("look how much there is to search: %w", err)
		}
		if !more {
			return s.Filter.Where, nil
		}
		return s.Filter.whereIndexed, nil
	}
	head, err := s.Index.Head(ctx, scope)
	if err != nil {
		return nil, err
	}
	indexed, err := s.Index.SearchIndexed(ctx, scope.AccountID, search.Version)
	if err != nil {
		return nil, err
	}
	if head.Size-indexed > seekUnindexed {
		// How many there are is not for those who see only some.
		return nil, &model.InputError{Path: append([]any{"where"}, s.Filter.Searched()...), Reason: "needs the index of searches, " +
			"which the server is still filling; until it is done, give the beginning of a time too, with since, createdAtGT or " +
			"createdAtGTE"}
	}
	return s.Filter.whereIndexed, nil
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
