package graph

import (
	"context"
	"fmt"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/99designs/gqlgen/graphql"

	"samjournal/ent"
	"samjournal/ent/user"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// userPage is a parsed users(…) field.
type userPage struct {
	page

	order      model.Order
	descending bool
	filter     *journal.UserFilter
}

func parseUserPage(
	accountID int64, after *string, first *int, before *string, last *int, orderBy *UserOrder, where map[string]any,
) (userPage, error) {
	p := userPage{order: model.OrderUsername}
	if orderBy != nil {
		p.descending = orderBy.Direction == OrderDirectionDesc
		if orderBy.Field == UserOrderFieldCreatedAt {
			p.order = model.OrderUserCreatedAt
		}
	}
	var err error
	if p.page, err = parsePage(accountID, p.order, after, first, before, last); err != nil {
		return p, err
	}
	p.filter, err = journal.ParseUserFilter(accountID, where)
	return p, model.InputUnder(err, "where")
}

func (p userPage) columns(s *entsql.Selector) []string {
	if p.order == model.OrderUserCreatedAt {
		return []string{s.C(user.FieldCreatedAt), s.C(user.FieldID)}
	}
	return []string{s.C(user.FieldUsername)}
}

func (p userPage) values(c *model.Cursor) []any {
	if p.order == model.OrderUserCreatedAt {
		return []any{c.CreatedAt, c.Position}
	}
	return []any{c.Username}
}

func (p userPage) between(s *entsql.Selector) {
	if p.after != nil {
		beyond(s, p.descending, p.columns(s), p.values(p.after))
	}
	if p.before != nil {
		beyond(s, !p.descending, p.columns(s), p.values(p.before))
	}
}

func (p userPage) ordered(s *entsql.Selector) { orderBy(s, p.descending != p.backward, p.columns(s)) }

func (p userPage) edge(u *ent.User) *UserEdge {
	c := model.Cursor{Order: p.order, Position: u.ID, Username: u.Username, CreatedAt: u.CreatedAt}
	return &UserEdge{Node: u, Cursor: c.Encode(u.AccountID)}
}

// userConnection reads one page of users in one statement, and one more when totalCount is selected.
func (r *Resolver) userConnection(ctx context.Context, p userPage) (*UserConnection, error) {
	op, fields := graphql.GetOperationContext(ctx), collected(ctx, "UserConnection")
	con := &UserConnection{Edges: []*UserEdge{}, PageInfo: &PageInfo{}}
	if selects(fields, "totalCount") {
		n, err := r.Ent.User.Query().Where(p.filter.Where).Count(ctx)
		if err != nil {
			return nil, fmt.Errorf("count users: %w", err)
		}
		con.TotalCount = int64(n)
	}
	if !selects(fields, "edges", "pageInfo") {
		return con, nil
	}
	// What cursors are made of is read always.
	columns := []string{user.FieldAccountID, user.FieldUsername, user.FieldCreatedAt}
	for _, f := range fieldsOf(op, fieldsOf(op, fields, "edges", "UserEdge"), "node", "User", "Node") {
		columns = append(columns, userColumns(f.Name)...)
	}
	q := r.Ent.User.Query().Where(p.filter.Where, p.between).Order(p.ordered).Limit(p.limit + 1)
	q.Select(distinct(columns)...)
	rows, err := q.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	rows, con.PageInfo = cut(p.page, rows)
	for _, u := range rows {
		con.Edges = append(con.Edges, p.edge(u))
	}
	if n := len(con.Edges); n > 0 {
		con.PageInfo.StartCursor, con.PageInfo.EndCursor = &con.Edges[0].Cursor, &con.Edges[n-1].Cursor
	}
	return con, nil
}
