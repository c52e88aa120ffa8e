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

// Columns of counters, beside those that entries have.
const (
	countsTable = "entry_counts"
	cutColumn   = "cut"
	spanColumn  = "span"
	startColumn = "start"
	nColumn     = "n"
)

// Columns of what counts.
const (
	bucketColumn = "bucket"
	numberColumn = "number"
)

// counting makes the statement for a query.
type counting struct {
	CountQuery

	dialect string
	b       *entsql.DialectBuilder
	scope   model.Scope
	cut     cut
}

// countStatement selects the counts, after the head in a row of its own.
func (s *Store) countStatement(scope model.Scope, q CountQuery) *entsql.Selector {
	b := entsql.Dialect(s.dialect)
	c := counting{CountQuery: q, dialect: s.dialect, b: b, scope: scope}
	counts := c.counts()
	if q.Limit > 0 {
		counts.Limit(q.Limit + 1)
	}
	heads := b.Table(head.Table)
	query := b.Select(heads.C(head.FieldSize), heads.C(head.FieldLastKey)).From(heads).
		Where(entsql.EQ(heads.C(head.FieldID), scope.AccountID))
	rows := b.Select().From(counts.As("counts")).
		AppendSelectExprAs(entsql.Raw("NULL"), head.FieldSize).AppendSelectExprAs(entsql.Raw("NULL"), head.FieldLastKey)
	for _, column := range slices.Concat([]string{bucketColumn}, columnsOf(dimensions()), []string{numberColumn}) {
		query.AppendSelectExprAs(entsql.Raw("NULL"), column)
		rows.AppendSelect(column)
	}
	return query.UnionAll(rows)
}

func columnsOf(dims []Dimension) []string {
	columns := make([]string, len(dims))
	for i, d := range dims {
		columns[i] = string(d)
	}
	return columns
}

// counts selects the counts of all parts together.
func (c counting) counts() *entsql.Selector {
	var parts []countPart
	c.cut, parts = c.parts(c.scope)
	number := "CAST(SUM(" + numberColumn + ") AS bigint)"
	if len(parts) == 1 && parts[0].span == 0 {
		number = "COUNT(*)"
	}
	selected := make([]*entsql.Selector, 0, len(parts))
	for _, part := range parts {
		selected = append(selected, c.selected(part)...)
	}
	for _, more := range selected[1:] {
		selected[0].UnionAll(more)
	}
	all := c.b.Select().From(selected[0].As("parts"))
	var columns []string
	for _, column := range slices.Concat([]string{bucketColumn}, columnsOf(dimensions())) {
		if !c.groupsBy(column) {
			all.AppendSelectExprAs(entsql.Raw("NULL"), column)
			continue
		}
		all.AppendSelect(column)
		columns = append(columns, column)
	}
	if len(columns) > 0 {
		all.GroupBy(columns...)
	}
	return all.AppendSelectExprAs(entsql.Raw(number), numberColumn).Having(entsql.ExprP(number + " > 0"))
}

func (c counting) groupsBy(column string) bool {
	if column == bucketColumn {
		return c.Grain > 0
	}
	return slices.Contains(c.By, Dimension(column))
}

// selected selects what a part counts, ungrouped.
func (c counting) selected(p countPart) []*entsql.Selector {
	if p.span == 0 {
		return []*entsql.Selector{c.columns(c.ofRows(p), p, "1")}
	}
	if !c.cut.has(ByUser) {
		return []*entsql.Selector{c.columns(c.ofCounters(p, "= 0", "NULL"), p, nColumn)}
	}
	if c.scope.OnlyUserID == nil && !slices.Contains(c.Dimensions, ByUser) {
		return []*entsql.Selector{c.columns(c.ofCounters(p, ">= 0", "NULLIF("+entry.FieldUserID+", 0)"), p, nColumn)}
	}
	// Where the user is the column itself, an index finds those that are asked for.
	return []*entsql.Selector{
		c.columns(c.ofCounters(p, "> 0", entry.FieldUserID), p, nColumn),
		c.columns(c.ofCounters(p, "= 0", "CAST(NULL AS bigint)"), p, nColumn),
	}
}

// ofRows is a selector over the entries of a part.
func (c counting) ofRows(p countPart) *entsql.Selector {
	entries := c.b.Select().From(c.b.Table(entry.Table))
	return c.limit(entries, ScopeEntries(c.scope), func(s *entsql.Selector) { p.limit(s, entry.FieldCreatedAt) })
}

// ofCounters is a selector over the counters of a part, under the names of what they count: created_at is the beginning of
// their time. Of all their user_id it selects some, as userID.
func (c counting) ofCounters(p countPart, users, userID string) *entsql.Selector {
	counts := c.b.Table(countsTable)
	named := c.b.Select(counts.C(entry.FieldThing), counts.C(entry.FieldCommand), counts.C(entry.FieldStatusCode),
		counts.C(nColumn)).From(counts)
	named.AppendSelectAs(counts.C(startColumn), entry.FieldCreatedAt)
	named.AppendSelectExprAs(entsql.Raw(userID), entry.FieldUserID)
	// What only the list of cuts decides is written out, so that a plan is made for it.
	c.conditions(named, func(s *entsql.Selector) { s.Where(entsql.EQ(counts.C(entry.FieldAccountID), c.scope.AccountID)) },
		func(s *entsql.Selector) {
			s.Where(entsql.ExprP(fmt.Sprintf("%s = %d", cutColumn, c.cut.number)))
			s.Where(entsql.ExprP(fmt.Sprintf("%s = %d", spanColumn, int64(p.span.Seconds()))))
			s.Where(entsql.ExprP(entry.FieldUserID + " " + users))
			p.limit(s, startColumn)
		})
	// By its table's name a selector calls what it selects from, see entsql.Selector.C.
	return c.limit(c.b.Select().From(named.As(countsTable)), func(s *entsql.Selector) {
		if c.scope.OnlyUserID != nil {
			s.Where(entsql.EQ(s.C(entry.FieldUserID), *c.scope.OnlyUserID))
		}
		if !c.scope.Entries {
			s.Where(entsql.False())
		}
	})
}

// limit adds the conditions of the query to a selector, and more.
func (c counting) limit(s *entsql.Selector, more ...func(*entsql.Selector)) *entsql.Selector {
	if c.Match != nil {
		more = append(more, c.Match)
	}
	return c.conditions(s, more...)
}

// conditions adds conditions to a selector, all of them side by side.
func (counting) conditions(s *entsql.Selector, add ...func(*entsql.Selector)) *entsql.Selector {
	s.CollectPredicates()
	for _, f := range add {
		f(s)
	}
	conditions := s.CollectedPredicates()
	s.UncollectedPredicates()
	if len(conditions) > 0 {
		s.Where(entsql.And(conditions...))
	}
	return s
}

// columns selects, ungrouped, what a part counts.
func (c counting) columns(s *entsql.Selector, p countPart, number string) *entsql.Selector {
	switch c.Grain {
	case 0:
	case p.span:
		s.AppendSelectAs(s.C(entry.FieldCreatedAt), bucketColumn)
	default:
		s.AppendSelectExprAs(entsql.Raw(c.floor(s.C(entry.FieldCreatedAt))), bucketColumn)
	}
	for _, d := range dimensions() {
		if slices.Contains(c.By, d) {
			s.AppendSelect(s.C(string(d)))
		}
	}
	return s.AppendSelectExprAs(entsql.Raw(number), numberColumn)
}

// floor is an expression for the last multiple of the grain at or before a time. Multiples begin with the year 1, as those of
// time.Time.Truncate do: no entry is before it, so that rounding towards zero is rounding down.
func (c counting) floor(column string) string {
	if c.dialect == dialect.Postgres {
		return fmt.Sprintf("date_bin('%d seconds', %s, timestamptz '0001-01-01 00:00:00+00')", int64(c.Grain.Seconds()), column)
	}
	first := -time.Time{}.UnixMicro()
	return fmt.Sprintf("(%[1]s + %[2]d) / %[3]d * %[3]d - %[2]d", column, first, c.Grain.Microseconds())
}
