package journal

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	entsql "entgo.io/ent/dialect/sql"
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

// MatchesAll tells that the filter has no condition.
func (f *Filter[T]) MatchesAll() bool {
	return f == nil || len(f.conds) == 0 && len(f.all) == 0 && len(f.anyOf) == 0 && f.not == nil
}
