package store

import (
	"fmt"
	"slices"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"samjournal/ent/entry"
	"samjournal/ent/head"
	"samjournal/internal/model"
)

const (
	quarter = 15 * time.Minute
	day     = 24 * time.Hour
)

// Columns of the parts of a statement that counts.
const (
	bucketColumn = "bucket"
	numberColumn = "number"
)

// countStatement selects the head and, beside it, the counts; the head alone where there is none.
func (s *Store) countStatement(scope model.Scope, q CountQuery) *entsql.Selector {
	b := entsql.Dialect(s.dialect)
	heads := b.Table(head.Table)
	counts := s.countRows(scope, q, period{from: q.From, to: q.To})
	if q.Limit > 0 {
		counts.Limit(q.Limit + 1)
	}
	counts.As("counts")
	query := b.Select(heads.C(head.FieldSize), heads.C(head.FieldLastKey)).From(heads)
	for _, column := range slices.Concat([]string{bucketColumn}, columnsOf(dimensions()), []string{numberColumn}) {
		query.AppendSelect(counts.C(column))
	}
	return query.LeftJoin(counts).OnP(entsql.ExprP("1 = 1")).
		Where(entsql.EQ(heads.C(head.FieldID), scope.AccountID))
}

func columnsOf(dims []Dimension) []string {
	columns := make([]string, len(dims))
	for i, d := range dims {
		columns[i] = string(d)
	}
	return columns
}

// period is a half-open range of created_at; nil is open.
type period struct{ from, to *time.Time }

// limit adds the range to a selector. Times of the database have microseconds, so a bound between two of them means the later.
func (p period) limit(s *entsql.Selector, column string) {
	if p.from != nil {
		s.Where(entsql.GTE(s.C(column), nextMicrosecond(*p.from)))
	}
	if p.to != nil {
		s.Where(entsql.LT(s.C(column), nextMicrosecond(*p.to)))
	}
}

func nextMicrosecond(t time.Time) time.Time {
	return t.Add(time.Microsecond - 1).UTC().Truncate(time.Microsecond)
}

// countRows counts entries of a period one by one.
func (s *Store) countRows(scope model.Scope, q CountQuery, p period) *entsql.Selector {
	b := entsql.Dialect(s.dialect)
	entries := b.Table(entry.Table)
	counts := b.Select().From(entries)
	q.limit(counts, scope, p)
	return s.groupCounts(counts, q, entry.FieldCreatedAt, "COUNT(*)")
}

// limit adds all conditions to a selector, the account's among the outermost.
func (q CountQuery) limit(counts *entsql.Selector, scope model.Scope, p period) {
	counts.CollectPredicates()
	ScopeEntries(scope)(counts)
	p.limit(counts, entry.FieldCreatedAt)
	if q.Match != nil {
		q.Match(counts)
	}
	conditions := counts.CollectedPredicates()
	counts.UncollectedPredicates().Where(entsql.And(conditions...))
}

// groupCounts adds what is selected, and the groups, to a selector.
func (s *Store) groupCounts(counts *entsql.Selector, q CountQuery, start, number string) *entsql.Selector {
	groups := make([]string, 0, len(dimensions())+1)
	if q.Grain > 0 {
		counts.AppendSelectExprAs(entsql.Raw(s.floor(counts.C(start), q.Grain)), bucketColumn)
		groups = append(groups, bucketColumn)
	} else {
		counts.AppendSelectExprAs(entsql.Raw("NULL"), bucketColumn)
	}
	for _, d := range dimensions() {
		if slices.Contains(q.By, d) {
			counts.AppendSelectAs(counts.C(string(d)), string(d))
			groups = append(groups, counts.C(string(d)))
		} else {
			counts.AppendSelectExprAs(entsql.Raw("NULL"), string(d))
		}
	}
	counts.AppendSelectExprAs(entsql.Raw(number), numberColumn)
	if len(groups) > 0 {
		counts.GroupBy(groups...)
	}
	return counts
}

// floor is an expression for the last multiple of a length of time at or before a time. Multiples begin with the year 1, as
// those of time.Time.Truncate do: before it no entry is, and rounding towards zero is rounding down.
func (s *Store) floor(column string, grain time.Duration) string {
	if s.dialect == dialect.Postgres {
		return fmt.Sprintf("date_bin('%d seconds', %s, timestamptz '0001-01-01 00:00:00+00')", int64(grain.Seconds()), column)
	}
	first := -time.Time{}.UnixMicro()
	return fmt.Sprintf("(%[1]s + %[2]d) / %[3]d * %[3]d - %[2]d", column, first, grain.Microseconds())
}
