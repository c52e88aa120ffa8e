package store

import (
	"slices"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"samjournal/internal/model"
)

// period is a half-open range of created_at; nil is open.
type period struct{ from, to *time.Time }

// limit adds the range to a selector.
func (p period) limit(s *entsql.Selector, column string) {
	if p.from != nil {
		s.Where(entsql.GTE(s.C(column), *p.from))
	}
	if p.to != nil {
		s.Where(entsql.LT(s.C(column), *p.to))
	}
}

// countPart is a period whose entries are counted in one way: by counters of one span, or one by one where the span is 0.
type countPart struct {
	period

	span time.Duration
}

// parts says how to count what a query asks for: by which cut, and by what at which time.
func (q CountQuery) parts(scope model.Scope) (cut, []countPart) {
	// Times of the database have microseconds: a bound between two of them means the later.
	p := period{from: ceil(q.From, time.Microsecond), to: ceil(q.To, time.Microsecond)}
	needed := slices.Concat(q.Dimensions, q.By)
	if scope.OnlyUserID != nil {
		needed = append(needed, ByUser)
	}
	c, ok := cutFor(needed)
	if !ok || q.RowsOnly || p.from != nil && p.to != nil && !p.from.Before(*p.to) {
		return c, []countPart{{period: p}}
	}
	spans := slices.DeleteFunc(c.spans, func(span time.Duration) bool { return q.Grain%span != 0 })
	return c, p.parts(spans)
}

// parts divides a period: the longest span counts as much as it can, and rows are counted where no span ends.
func (p period) parts(spans []time.Duration) []countPart {
	if len(spans) == 0 {
		return []countPart{{period: p}}
	}
	span, shorter := spans[0], spans[1:]
	begin, end := ceil(p.from, span), floor(p.to, span)
	if begin != nil && end != nil && !begin.Before(*end) {
		return p.parts(shorter)
	}
	parts := []countPart{{period: period{from: begin, to: end}, span: span}}
	if begin != nil && p.from.Before(*begin) {
		parts = append(parts, period{from: p.from, to: begin}.parts(shorter)...)
	}
	if end != nil && end.Before(*p.to) {
		parts = append(parts, period{from: end, to: p.to}.parts(shorter)...)
	}
	return parts
}

// floor is the last multiple of a length of time at or before t, counted from the beginning of the year 1, UTC.
func floor(t *time.Time, unit time.Duration) *time.Time {
	if t == nil {
		return nil
	}
	down := t.UTC().Truncate(unit)
	return &down
}

// ceil is the first multiple at or after t.
func ceil(t *time.Time, unit time.Duration) *time.Time {
	up := floor(t, unit)
	if t != nil && up.Before(*t) {
		*up = up.Add(unit)
	}
	return up
}
