package graph

import (
	"context"
	"fmt"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/99designs/gqlgen/graphql"

	"samjournal/ent"
	"samjournal/ent/entry"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

func entryEdge(order model.Order, e *ent.Entry) *EntryEdge {
	return &EntryEdge{Node: e, Cursor: model.EntryCursor(order, e.Position, e.ID, e.CreatedAt).Encode(e.AccountID)}
}

// entryPage is a parsed entries(…) field.
type entryPage struct {
	page

	order      model.Order
	descending bool
	filter     *journal.EntryFilter
}

func parseEntryPage(
	accountID int64, now time.Time, after *string, first *int, before *string, last *int, orderBy *EntryOrder, where map[string]any,
) (entryPage, error) {
	p := entryPage{order: model.OrderPosition, descending: true}
	if orderBy != nil {
		p.descending = orderBy.Direction == OrderDirectionDesc
		if orderBy.Field == EntryOrderFieldCreatedAt {
			p.order = model.OrderCreatedAt
		}
	}
	var err error
	if p.page, err = parsePage(accountID, p.order, after, first, before, last); err != nil {
		return p, err
	}
	p.filter, err = journal.ParseEntryFilter(accountID, now, where)
	return p, model.InputUnder(err, "where")
}

// columns are what the order compares; position last, as in the index that serves it.
func (p entryPage) columns(s *entsql.Selector) []string {
	if p.order == model.OrderCreatedAt {
		return []string{s.C(entry.FieldCreatedAt), s.C(entry.FieldPosition)}
	}
	return []string{s.C(entry.FieldPosition)}
}

func (p entryPage) values(c *model.Cursor) []any {
	if p.order == model.OrderCreatedAt {
		return []any{c.CreatedAt, c.Position}
	}
	return []any{c.Position}
}

// between limits a selector to what lies between the page's cursors.
func (p entryPage) between(s *entsql.Selector) {
	if p.after != nil {
		beyond(s, p.descending, p.columns(s), p.values(p.after))
	}
	if p.before != nil {
		beyond(s, !p.descending, p.columns(s), p.values(p.before))
	}
}

// beyond limits a selector to rows after a point in the given direction.
func beyond(s *entsql.Selector, descending bool, columns []string, values []any) {
	if descending {
		s.Where(entsql.CompositeLT(columns, values...))
	} else {
		s.Where(entsql.CompositeGT(columns, values...))
	}
}

// ordered orders a selector so that the rows of the page come first.
func (p entryPage) ordered(s *entsql.Selector) {
	orderBy(s, p.descending != p.backward, p.columns(s))
}

func orderBy(s *entsql.Selector, descending bool, columns []string) {
	for _, c := range columns {
		if descending {
			s.OrderBy(entsql.Desc(c))
		} else {
			s.OrderBy(entsql.Asc(c))
		}
	}
}

// entryConnection reads one page: one statement for the entries, one for all their users, and one for the head when
// totalCount or headCursor is selected.
func (r *Resolver) entryConnection(ctx context.Context, scope model.Scope, p entryPage) (*EntryConnection, error) {
	op, fields := graphql.GetOperationContext(ctx), collected(ctx, "EntryConnection")
	con := &EntryConnection{Edges: []*EntryEdge{}, PageInfo: &PageInfo{}}
	q, until := r.Ent.Entry.Query().Where(p.filter.Where), entry.PositionGTE(0)
	if selects(fields, "totalCount", "headCursor") {
		head, err := r.headOf(ctx, scope, p.filter, selects(fields, "totalCount"), con)
		if err != nil {
			return nil, err
		}
		// What was appended since belongs to the next look: page, count and headCursor speak of one moment.
		until = entry.PositionLT(head.Size)
		q.Where(until)
	}
	if !selects(fields, "edges", "pageInfo") {
		return con, nil
	}
	var also []string
	if p.order == model.OrderCreatedAt {
		also = append(also, entry.FieldCreatedAt)
	}
	if p.filter.Searched() != nil {
		positions, err := r.search(ctx, p, until)
		if err != nil {
			return nil, err
		}
		q.Where(entry.PositionIn(positions...))
	}
	nodes := fieldsOf(op, fieldsOf(op, fields, "edges", "EntryEdge"), "node", "Entry", "Node")
	q.Where(p.between).Order(p.ordered).Limit(p.limit + 1)
	rows, shown, err := r.readPage(ctx, selectionOf(op, nodes), q, p.limit, also...)
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	p.limit = shown
	rows, con.PageInfo = cut(p.page, rows)
	for _, e := range rows {
		con.Edges = append(con.Edges, entryEdge(p.order, e))
	}
	if n := len(con.Edges); n > 0 {
		con.PageInfo.StartCursor, con.PageInfo.EndCursor = &con.Edges[0].Cursor, &con.Edges[n-1].Cursor
	}
	return con, nil
}

// headOf reads the head and fills in what the connection tells of it. Without filter and with the whole account in scope,
// the count is the head's size and no row is counted.
func (r *Resolver) headOf(
	ctx context.Context, scope model.Scope, filter *journal.EntryFilter, count bool, con *EntryConnection,
) (head journal.Head, err error) {
	if count && (!filter.MatchesAll() || scope.OnlyUserID != nil || !scope.Entries) {
		var counts []journal.Count
		head, counts, err = r.counter(filter).HeadAndCounts(ctx, scope, journal.CountQuery(filter))
		for i := range counts {
			con.TotalCount += counts[i].N
		}
	} else {
		head, err = r.Heads.Head(ctx, scope)
		con.TotalCount = head.Size
	}
	if err != nil {
		return head, err
	}
	con.HeadCursor, err = r.endOf(ctx, scope, head)
	return head, err
}

// endOf is the cursor of a journal's end, as those with this scope see it.
func (r *Resolver) endOf(ctx context.Context, scope model.Scope, head journal.Head) (string, error) {
	end := model.EntryCursor(model.OrderPosition, head.Size-1, head.LastKey, time.Time{})
	var err error
	if scope.OnlyUserID != nil {
		end, err = r.lastSeen(ctx, head)
	}
	return end.Encode(scope.AccountID), err
}

// lastSeen is the end of a journal for a viewer that sees only some entries: the last one of them. Nothing that it sees lies
// between that and the head, so following goes on from there without gap, and the head's size and key stay unknown.
func (r *Resolver) lastSeen(ctx context.Context, head journal.Head) (model.Cursor, error) {
	rows, err := journal.Selection{}.Apply(r.Ent.Entry.Query()).Where(entry.PositionLT(head.Size)).
		Order(entry.ByPosition(entsql.OrderDesc())).Limit(1).All(ctx)
	if err != nil || len(rows) == 0 {
		return model.EntryCursor(model.OrderPosition, -1, "", time.Time{}), err
	}
	return model.EntryCursor(model.OrderPosition, rows[0].Position, rows[0].ID, time.Time{}), nil
}
