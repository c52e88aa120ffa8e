package graph

import (
	"context"
	"fmt"

	"samjournal/ent"
	"samjournal/ent/entry"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

func (r *Resolver) answerBytes() int64 {
	if r.AnswerBytes <= 0 {
		return defaultAnswerBytes
	}
	return r.AnswerBytes
}

// readPage reads the entries that a query gives, at most one more than limit. The second result is how many of them the page
// shows: limit, or fewer when their payloads do not all fit in the answer, but one at least. Beyond that only short payloads have
// been read.
func (r *Resolver) readPage(ctx context.Context, s journal.Selection, q *ent.EntryQuery, limit int, also ...string) (
	rows []*ent.Entry, shown int, err error,
) {
	if s.Payloads().Times() == 0 {
		rows, err = s.Apply(q, also...).All(ctx)
		return rows, limit, err
	}
	a, rows, err := r.readShort(ctx, s, q, limit+1, also...)
	if err != nil {
		return nil, 0, err
	}
	most := min(len(rows), limit)
	fit, bytes, over := a.claim(s.Payloads(), rows[:most], r.answerBytes())
	if fit == 0 && over != nil {
		return nil, 0, over
	}
	if fit < most {
		limit = fit
	}
	return rows, limit, r.readLong(ctx, a, s, rows[:fit], bytes)
}

// readShort reads at most n entries with their short payloads.
func (r *Resolver) readShort(ctx context.Context, s journal.Selection, q *ent.EntryQuery, n int, also ...string) (
	*answer, []*ent.Entry, error,
) {
	a, err := answerOf(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := a.memory.enter(ctx, r.Answers); err != nil {
		return nil, nil, err
	}
	ctx, done := apart(ctx)
	defer done()
	longest := shortBytes / a.fields / int64(n*s.Payloads().Times())
	rows, err := s.ApplyShort(q, longest, also...).All(ctx)
	return a, rows, err
}

// apart returns a context that ends with ctx and has its viewer, and leads to nothing else. An idle connection to PostgreSQL
// keeps the context of its last statement, and that of a field leads to what the field has become, with all its payloads.
func apart(ctx context.Context) (_ context.Context, done func()) {
	reading, cancel := context.WithCancelCause(context.Background())
	if viewer, err := model.ViewerFrom(ctx); err == nil {
		reading = model.WithViewer(reading, viewer)
	}
	stop := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	return reading, func() {
		stop()
		cancel(nil)
	}
}

// readLong reads the other payloads of entries that readShort has read and that have been claimed for the answer.
func (r *Resolver) readLong(ctx context.Context, a *answer, s journal.Selection, rows []*ent.Entry, bytes int64) error {
	alone := a.fields == 1 // no other field of the operation reads payloads
	if !journal.LeftOut(rows) {
		if alone {
			a.memory.settle(bytes)
		}
		return nil
	}
	if !alone {
		bytes = max(bytes, r.answerBytes()) // for all that they may ever need
	}
	if err := a.memory.extend(ctx, bytes); err != nil {
		return err
	}
	ctx, done := apart(ctx)
	defer done()
	return s.ReadLong(ctx, r.Ent.Entry.Query(), rows)
}

// entriesByKey reads what is selected of the entries with these keys, each of which the answer shows as often as it is there.
func (r *Resolver) entriesByKey(ctx context.Context, s journal.Selection, keys []string) (map[string]*ent.Entry, error) {
	return r.readByKey(ctx, s, keys, func(tooLarge error) error { return tooLarge })
}

// readByKey is entriesByKey that asks what to do when not all entries fit in the answer: fail with the result, or, when that is
// nil, read those that fit, from the first key on.
func (r *Resolver) readByKey(
	ctx context.Context, s journal.Selection, keys []string, tooLarge func(error) error,
) (map[string]*ent.Entry, error) {
	if len(keys) == 0 {
		return nil, nil //nolint:nilnil // a nil map reads as empty
	}
	q := r.Ent.Entry.Query().Where(entry.IDIn(keys...))
	if s.Payloads().Times() == 0 {
		rows, err := s.Apply(q).All(ctx)
		if err != nil {
			return nil, fmt.Errorf("read entries by key: %w", err)
		}
		return byKey(rows), nil
	}
	a, rows, err := r.readShort(ctx, s, q, len(keys))
	if err != nil {
		return nil, fmt.Errorf("read entries by key: %w", err)
	}
	var shown []*ent.Entry
	found := byKey(rows)
	for _, key := range keys {
		if e, ok := found[key]; ok {
			shown = append(shown, e)
		}
	}
	fit, bytes, over := a.claim(s.Payloads(), shown, r.answerBytes())
	if over != nil {
		if err := tooLarge(over); err != nil {
			return nil, err
		}
	}
	return byKey(shown[:fit]), r.readLong(ctx, a, s, shown[:fit], bytes)
}

func byKey(rows []*ent.Entry) map[string]*ent.Entry {
	entries := make(map[string]*ent.Entry, len(rows))
	for _, e := range rows {
		entries[e.ID] = e
	}
	return entries
}
