package journal

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"samjournal/internal/model"
)

const (
	maxFilterDepth      = 3   // levels of and/or/not below the outermost
	maxFilterValues     = 500 // values of one list
	maxFilterConditions = 100 // conditions of one filter
)

// Op is what a condition asks of a field. Its text is the suffix of the filter's name in GraphQL.
type Op string

// The operations. EQ has no suffix.
const (
	EQ    Op = ""
	NEQ   Op = "NEQ"
	In    Op = "In"
	NotIn Op = "NotIn"
	GT    Op = "GT"
	GTE   Op = "GTE"
	LT    Op = "LT"
	LTE   Op = "LTE"
	IsNil Op = "IsNil"
)

// field defines one filter field once: its name, its operations, its value in memory and its condition in SQL.
type field[T any] struct {
	name string
	ops  []Op
	// value returns the field of a row in memory: string, int64 or time.Time; ok is false when it is null.
	value func(row T) (v any, ok bool)
	// convert turns what GraphQL gives into such a value. The account is the viewer's.
	convert func(accountID int64, v any) (any, error)
	// column is the column to compare.
	column string
	// nullable tells that the column may be null. Null equals nothing and differs from everything, in SQL too.
	nullable bool
	// wide tells that a range of the field commonly holds a good part of all rows.
	wide bool
	// as, when set, is the operation that the filter without suffix stands for.
	as Op
	// classes tells that values are classes of status, and the column has codes.
	classes bool
	// searches tells that values are a seeker each, and that no column is compared.
	searches bool
	// operand, when set, writes the right side of a comparison: a subquery instead of the values themselves.
	operand func(s *entsql.Selector, accountID int64, values []any) *entsql.Selector
}

// Filter is a condition on rows of T, for SQL and for memory. The zero Filter matches everything.
type Filter[T any] struct {
	accountID int64
	all       []*Filter[T] // every one must match
	anyOf     []*Filter[T] // at least one must match, when there are any
	not       *Filter[T]
	conds     []condition[T]
}

type condition[T any] struct {
	field  *field[T]
	op     Op
	values []any // one, or those of a list
}

// parser reads one where input.
type parser[T any] struct {
	accountID  int64
	fields     []field[T]
	conditions int
}

// parse reads a where input as GraphQL gives it: names with their operation's suffix, and/or/not. Nulls are as if they were
// not there. Errors are *model.InputError with the path below the input.
func (p *parser[T]) parse(where map[string]any, depth int) (*Filter[T], error) {
	f := &Filter[T]{accountID: p.accountID}
	names := make([]string, 0, len(where))
	for name := range where {
		names = append(names, name)
	}
	slices.Sort(names) // so that of several errors it is always the same one that is told
	for _, name := range names {
		v := deref(where[name])
		if v == nil {
			continue
		}
		if err := p.member(f, name, v, depth); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (p *parser[T]) member(f *Filter[T], name string, v any, depth int) (err error) {
	switch name {
	case "and":
		f.all, err = p.list(name, v, depth)
	case "or":
		f.anyOf, err = p.list(name, v, depth)
	case "not":
		where, ok := v.(map[string]any)
		if !ok {
			return unusable(name, v)
		}
		f.not, err = p.nested(where, depth, name)
	default:
		var c condition[T]
		if c, err = p.condition(name, v); err == nil {
			f.conds = append(f.conds, c)
		}
	}
	return err
}

func (p *parser[T]) list(name string, v any, depth int) ([]*Filter[T], error) {
	wheres, ok := asMaps(v)
	if !ok {
		return nil, unusable(name, v)
	}
	if len(wheres) == 0 {
		return nil, &model.InputError{Path: []any{name}, Reason: "must hold at least one filter"}
	}
	filters := make([]*Filter[T], len(wheres))
	for i, where := range wheres {
		var err error
		if filters[i], err = p.nested(where, depth, name, i); err != nil {
			return nil, err
		}
	}
	return filters, nil
}

func (p *parser[T]) nested(where map[string]any, depth int, path ...any) (*Filter[T], error) {
	if depth >= maxFilterDepth {
		return nil, &model.InputError{Path: path, Reason: fmt.Sprintf("and, or and not nest at most %d levels", maxFilterDepth)}
	}
	if err := p.count(); err != nil {
		return nil, err.Under(path...)
	}
	f, err := p.parse(where, depth+1)
	return f, model.InputUnder(err, path...)
}

// count bounds the size of the whole filter, so that no input makes a statement without end.
func (p *parser[T]) count() *model.InputError {
	p.conditions++
	if p.conditions > maxFilterConditions {
		return &model.InputError{Reason: fmt.Sprintf("a filter has at most %d conditions", maxFilterConditions)}
	}
	return nil
}

func (p *parser[T]) condition(name string, v any) (condition[T], error) {
	fld, op, ok := p.find(name)
	if !ok {
		return condition[T]{}, &model.InputError{Path: []any{name}, Reason: "is not a filter"}
	}
	if err := p.count(); err != nil {
		return condition[T]{}, err
	}
	c := condition[T]{field: fld, op: op}
	if op == EQ && fld.as != EQ {
		op, c.op = fld.as, fld.as
	}
	switch op {
	case IsNil:
		c.values = []any{v}
		return c, nil
	case In, NotIn:
		list := asList(v)
		if len(list) == 0 || len(list) > maxFilterValues {
			return c, &model.InputError{
				Path: []any{name}, Reason: fmt.Sprintf("must hold 1 to %d values, has %d", maxFilterValues, len(list)),
			}
		}
		for i, item := range list {
			value, err := fld.convert(p.accountID, deref(item))
			if err != nil {
				return c, model.InputUnder(err, name, i)
			}
			c.values = append(c.values, value)
		}
		return c, nil
	default:
		value, err := fld.convert(p.accountID, v)
		c.values = []any{value}
		return c, model.InputUnder(err, name)
	}
}

func (p *parser[T]) find(name string) (*field[T], Op, bool) {
	for i := range p.fields {
		f := &p.fields[i]
		if len(name) >= len(f.name) && name[:len(f.name)] == f.name {
			if op := Op(name[len(f.name):]); slices.Contains(f.ops, op) {
				return f, op, true
			}
		}
	}
	return nil, "", false
}

// Match tells whether a row in memory matches. It agrees with SQL for every filter and row, but for a filter that searches: what
// matches it in memory matches it in SQL.
func (f *Filter[T]) Match(row T) bool {
	if f == nil {
		return true
	}
	for _, c := range f.conds {
		if !c.match(row) {
			return false
		}
	}
	for _, sub := range f.all {
		if !sub.Match(row) {
			return false
		}
	}
	if f.not != nil && f.not.Match(row) {
		return false
	}
	return len(f.anyOf) == 0 || slices.ContainsFunc(f.anyOf, func(sub *Filter[T]) bool { return sub.Match(row) })
}

func (c *condition[T]) match(row T) bool {
	if c.field.searches {
		return c.seeker().match(row)
	}
	v, ok := c.field.value(row)
	switch c.op {
	case IsNil:
		return ok != (c.values[0] == true)
	case EQ, In:
		return ok && slices.ContainsFunc(c.values, func(w any) bool { return compare(v, w) == 0 })
	case NEQ, NotIn:
		return !ok || !slices.ContainsFunc(c.values, func(w any) bool { return compare(v, w) == 0 })
	default:
		return ok && c.op.holds(compare(v, c.values[0]))
	}
}

// holds tells whether a comparison with this result is what the operation asks for.
func (op Op) holds(order int) bool {
	switch op {
	case GT:
		return order > 0
	case GTE:
		return order >= 0
	case LT:
		return order < 0
	default:
		return order <= 0
	}
}

// compare orders two values of the same field.
func compare(a, b any) int {
	switch a := a.(type) {
	case string:
		return cmp.Compare(a, b.(string)) //nolint:errcheck,forcetypeassert // convert and value give one type per field
	case int64:
		return cmp.Compare(a, b.(int64)) //nolint:errcheck,forcetypeassert // as above
	case time.Time:
		return a.Compare(b.(time.Time)) //nolint:errcheck,forcetypeassert // as above
	}
	panic(fmt.Sprintf("filter value of type %T", a))
}

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

// MatchesAll tells that the filter has no condition.
func (f *Filter[T]) MatchesAll() bool {
	return f == nil || len(f.conds) == 0 && len(f.all) == 0 && len(f.anyOf) == 0 && f.not == nil
}
