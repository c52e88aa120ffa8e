package journal

import (
	"cmp"
	"slices"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"samjournal/internal/model"
)

// Where adds the filter to a selector over T's table. It is a predicate of Ent. Of a filter that searches (see Searched) it adds
// what a database can tell, so that Match has to be asked of each row.
func (f *Filter[T]) Where(s *entsql.Selector) {
	if p := f.predicate(s, approximation{}); p != nil {
		s.Where(p)
	}
}

// predicate returns the filter in SQL, nil when it matches everything. Every part is true or false, never unknown, so that
// not means in SQL what it means in memory. Searches are what the approximation says.
func (f *Filter[T]) predicate(s *entsql.Selector, near approximation) *entsql.Predicate {
	if f == nil {
		return nil
	}
	var parts []*entsql.Predicate
	for i := range f.conds {
		switch c := &f.conds[i]; {
		case !c.field.searches:
			parts = append(parts, c.predicate(s, f.accountID))
		case near.few:
			parts = append(parts, entsql.False())
		case near.index:
			if p := c.indexed(s, f.accountID); p != nil {
				parts = append(parts, p)
			}
		}
	}
	for _, sub := range f.all {
		if p := sub.predicate(s, near); p != nil {
			parts = append(parts, p)
		}
	}
	if f.not != nil {
		if p := f.not.predicate(s, approximation{few: !near.few, index: near.index}); p != nil {
			parts = append(parts, entsql.Not(p))
		} else {
			parts = append(parts, entsql.False())
		}
	}
	if p, open := f.alternatives(s, near); !open {
		parts = append(parts, p)
	}
	switch len(parts) {
	case 0:
		return nil
	case 1:
		return parts[0]
	}
	return entsql.And(parts...)
}

// alternatives returns the or part; open tells that it excludes nothing.
func (f *Filter[T]) alternatives(s *entsql.Selector, near approximation) (p *entsql.Predicate, open bool) {
	var parts []*entsql.Predicate
	for _, sub := range f.anyOf {
		p := sub.predicate(s, near)
		if p == nil {
			return nil, true
		}
		parts = append(parts, p)
	}
	switch len(parts) {
	case 0:
		return nil, true
	case 1:
		return parts[0], false
	}
	return entsql.Or(parts...), false
}

func (c *condition[T]) predicate(s *entsql.Selector, accountID int64) *entsql.Predicate {
	column := s.C(c.field.column)
	if c.op == IsNil {
		if c.values[0] == true {
			return entsql.IsNull(column)
		}
		return entsql.NotNull(column)
	}
	p := c.comparison(s, column, accountID)
	switch {
	case !c.field.nullable:
		return p
	case c.op == NEQ || c.op == NotIn:
		return entsql.Or(entsql.IsNull(column), p)
	default:
		return entsql.And(entsql.NotNull(column), p)
	}
}

func (c *condition[T]) comparison(s *entsql.Selector, column string, accountID int64) *entsql.Predicate {
	if c.field.classes {
		return c.within(s, column)
	}
	if c.field.operand != nil {
		return c.subquery(column, c.field.operand(s, accountID, c.values))
	}
	if c.field.wide && s.Dialect() == dialect.SQLite {
		if op, ok := map[Op]entsql.Op{GT: entsql.OpGT, GTE: entsql.OpGTE, LT: entsql.OpLT, LTE: entsql.OpLTE}[c.op]; ok {
			return withoutIndex(column, op, c.values[0])
		}
	}
	switch c.op {
	case NEQ:
		return entsql.NEQ(column, c.values[0])
	case In:
		return entsql.In(column, c.values...)
	case NotIn:
		return entsql.NotIn(column, c.values...)
	case GT:
		return entsql.GT(column, c.values[0])
	case GTE:
		return entsql.GTE(column, c.values[0])
	case LT:
		return entsql.LT(column, c.values[0])
	case LTE:
		return entsql.LTE(column, c.values[0])
	default:
		return entsql.EQ(column, c.values[0])
	}
}

// within compares a column of numbers with the ranges that the values stand for: as one range, which an index may serve, without
// the gaps in it. Of a choice of ranges PostgreSQL would read and sort all that matches for one page.
func (c *condition[T]) within(s *entsql.Selector, column string) *entsql.Predicate {
	ranges := c.ranges()
	if len(ranges) == 0 {
		return entsql.False()
	}
	compared := func(op entsql.Op, value int) *entsql.Predicate {
		switch {
		case s.Dialect() == dialect.SQLite:
			return withoutIndex(column, op, value)
		case op == entsql.OpGTE:
			return entsql.GTE(column, value)
		default:
			return entsql.LTE(column, value)
		}
	}
	parts := []*entsql.Predicate{
		compared(entsql.OpGTE, ranges[0].First), compared(entsql.OpLTE, ranges[len(ranges)-1].Last),
	}
	for i := range ranges[1:] {
		gap := entsql.And(compared(entsql.OpGTE, ranges[i].Last+1), compared(entsql.OpLTE, ranges[i+1].First-1))
		parts = append(parts, entsql.Not(gap))
	}
	return entsql.And(parts...)
}

// ranges are those of the numbers that match, in order, with something between each two.
func (c *condition[T]) ranges() []model.StatusRange {
	var all, joined []model.StatusRange
	for _, class := range model.StatusClasses() {
		if slices.Contains(c.values, any(string(class))) == (c.op == In) {
			all = append(all, class.Ranges()...)
		}
	}
	slices.SortFunc(all, func(a, b model.StatusRange) int { return cmp.Compare(a.First, b.First) })
	for _, r := range all {
		if last := len(joined) - 1; last >= 0 && joined[last].Last+1 == r.First {
			joined[last].Last = r.Last
		} else {
			joined = append(joined, r)
		}
	}
	return joined
}

// withoutIndex is a comparison that SQLite tests row by row while it walks in the list's order (a unary plus keeps an index
// from being used). Left to itself it takes every range for a narrow one, and reads and sorts all that match for one page:
// ten seconds where most of a million rows do. PostgreSQL knows from its statistics.
func withoutIndex(column string, op entsql.Op, value any) *entsql.Predicate {
	return entsql.P(func(b *entsql.Builder) { b.WriteString("+").Ident(column).WriteOp(op).Arg(value) })
}

// subquery compares a column of numbers with what a subquery selects. A single value is asked for as a scalar, which the
// database looks up once and then walks the column's index in order; 0, which no row has, stands for nothing found.
func (c *condition[T]) subquery(column string, sub *entsql.Selector) *entsql.Predicate {
	sign := " = "
	switch c.op {
	case In:
		return entsql.In(column, sub)
	case NotIn:
		return entsql.NotIn(column, sub)
	case NEQ:
		sign = " <> "
	default: // EQ: the fields with a subquery have no other operation
	}
	return entsql.P(func(b *entsql.Builder) {
		b.Ident(column).WriteString(sign + "COALESCE(")
		b.Wrap(func(b *entsql.Builder) { b.Join(sub) })
		b.WriteString(", 0)")
	})
}
