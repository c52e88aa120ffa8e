package journal

import (
	"slices"
	"time"

	"samjournal/ent"
	"samjournal/ent/entry"
	"samjournal/internal/store"
)

// CountQuery returns what the store has to know to count the entries that match: from when to when, by what else the filter
// tells them apart, and whether only the entries themselves can tell.
func CountQuery(f *EntryFilter) store.CountQuery {
	q := store.CountQuery{Match: f.Where}
	c := counting{query: &q}
	c.conjunction(f)
	return q
}

// counting looks through a filter.
type counting struct{ query *store.CountQuery }

// conjunction takes the bounds of createdAt from what must all match. All else is looked at by look.
func (c *counting) conjunction(f *EntryFilter) {
	if f == nil {
		return
	}
	for i := range f.conds {
		if !c.bound(&f.conds[i]) {
			c.condition(&f.conds[i])
		}
	}
	for _, part := range f.all {
		c.conjunction(part)
	}
	for _, part := range f.anyOf {
		c.look(part)
	}
	c.look(f.not)
}

// look goes through a part of a filter that need not match, where a bound of createdAt is none of the whole.
func (c *counting) look(f *EntryFilter) {
	if f == nil {
		return
	}
	for i := range f.conds {
		c.condition(&f.conds[i])
	}
	for _, part := range slices.Concat(f.all, f.anyOf, []*EntryFilter{f.not}) {
		c.look(part)
	}
}

// bound narrows the time by a condition on createdAt, and returns false when it is no bound. Times are whole microseconds.
func (c *counting) bound(cond *condition[*ent.Entry]) bool {
	if cond.field.column != entry.FieldCreatedAt {
		return false
	}
	at, ok := cond.values[0].(time.Time)
	if !ok {
		return false
	}
	next := at.Add(time.Microsecond)
	switch cond.op {
	case GTE:
		c.from(at)
	case GT:
		c.from(next)
	case LT:
		c.to(at)
	case LTE:
		c.to(next)
	case EQ:
		c.from(at)
		c.to(next)
	case NEQ, In, NotIn, IsNil:
		return false
	}
	return true
}

func (c *counting) from(at time.Time) {
	if c.query.From == nil || at.After(*c.query.From) {
		c.query.From = &at
	}
}

func (c *counting) to(at time.Time) {
	if c.query.To == nil || at.Before(*c.query.To) {
		c.query.To = &at
	}
}

func (c *counting) condition(cond *condition[*ent.Entry]) {
	switch d := store.Dimension(cond.field.column); d {
	case store.ByThing, store.ByCommand, store.ByStatusCode, store.ByUser:
		if !slices.Contains(c.query.Dimensions, d) {
			c.query.Dimensions = append(c.query.Dimensions, d)
		}
	default:
		c.query.RowsOnly = true
	}
}
