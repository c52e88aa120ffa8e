package graph

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/99designs/gqlgen/graphql"

	"samjournal/ent"
	"samjournal/ent/token"
	"samjournal/ent/user"
	"samjournal/internal/auth"
	"samjournal/internal/model"
)

// readTokens makes a query read what is selected of tokens and no more: in one statement, and one more for all users.
func readTokens(
	op *graphql.OperationContext, fields []graphql.CollectedField, q *ent.TokenQuery, also ...string,
) *ent.TokenQuery {
	columns := slices.Concat(also, []string{token.FieldAccountID})
	for _, f := range fields {
		columns = append(columns, tokenColumns(f.Name)...)
	}
	q.Select(distinct(columns)...)
	if selects(fields, "user") {
		withUser(q, fieldsOf(op, fields, "user", "User", "Node"))
	}
	return q
}

// withUser makes a query of tokens read what is selected of their users, too.
func withUser(q *ent.TokenQuery, selected []graphql.CollectedField) {
	users := make([]string, 0, len(selected)+2)
	users = append(users, user.FieldID, user.FieldAccountID)
	for _, f := range selected {
		users = append(users, userColumns(f.Name)...)
	}
	q.WithUser(func(uq *ent.UserQuery) { uq.Select(distinct(users)...) })
}

// userOfToken is the user that was read with the token. Of a token that was just created nothing has been read.
func (r *Resolver) userOfToken(ctx context.Context, t *ent.Token) (*ent.User, error) {
	if known, err := t.Edges.UserOrErr(); err == nil || ent.IsNotFound(err) {
		return known, nil
	}
	q := r.Ent.Token.Query().Where(token.ID(t.ID))
	q.Select(token.FieldID, token.FieldAccountID)
	withUser(q, collected(ctx, "User", "Node"))
	found, err := q.Only(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the user of a new token: %w", err)
	}
	return found.Edges.User, nil
}

func distinct(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

func tokenEdge(t *ent.Token) *TokenEdge {
	c := model.Cursor{Order: model.OrderTokenCreatedAt, Position: t.ID, CreatedAt: t.CreatedAt}
	return &TokenEdge{Node: t, Cursor: c.Encode(t.AccountID)}
}

// tokenConnection reads one page of tokens, newest first: one statement for the tokens, one for their users, and one more when
// totalCount is selected.
func (r *Resolver) tokenConnection(ctx context.Context, p page) (*TokenConnection, error) {
	op, fields := graphql.GetOperationContext(ctx), collected(ctx, "TokenConnection")
	con := &TokenConnection{Edges: []*TokenEdge{}, PageInfo: &PageInfo{}}
	if selects(fields, "totalCount") {
		n, err := r.Ent.Token.Query().Count(ctx)
		if err != nil {
			return nil, fmt.Errorf("count tokens: %w", err)
		}
		con.TotalCount = int64(n)
	}
	if !selects(fields, "edges", "pageInfo") {
		return con, nil
	}
	nodes := fieldsOf(op, fieldsOf(op, fields, "edges", "TokenEdge"), "node", "Token", "Node")
	columns := func(s *entsql.Selector) []string { return []string{s.C(token.FieldCreatedAt), s.C(token.FieldID)} }
	q := readTokens(op, nodes, r.Ent.Token.Query(), token.FieldCreatedAt).
		Where(func(s *entsql.Selector) {
			if p.after != nil {
				beyond(s, true, columns(s), []any{p.after.CreatedAt, p.after.Position})
			}
			if p.before != nil {
				beyond(s, false, columns(s), []any{p.before.CreatedAt, p.before.Position})
			}
		}).
		Order(func(s *entsql.Selector) { orderBy(s, !p.backward, columns(s)) })
	rows, err := q.Limit(p.limit + 1).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	rows, con.PageInfo = cut(p, rows)
	for _, t := range rows {
		con.Edges = append(con.Edges, tokenEdge(t))
	}
	if n := len(con.Edges); n > 0 {
		con.PageInfo.StartCursor, con.PageInfo.EndCursor = &con.Edges[0].Cursor, &con.Edges[n-1].Cursor
	}
	return con, nil
}

// tokensByID reads what is selected of the tokens with these numbers, as far as the viewer may see them.
func (r *Resolver) tokensByID(ctx context.Context, fields []graphql.CollectedField, ids []int64) (map[int64]*ent.Token, error) {
	if len(ids) == 0 {
		return nil, nil //nolint:nilnil // a nil map reads as empty
	}
	rows, err := readTokens(graphql.GetOperationContext(ctx), fields, r.Ent.Token.Query()).Where(token.IDIn(ids...)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read tokens by id: %w", err)
	}
	byID := make(map[int64]*ent.Token, len(rows))
	for _, t := range rows {
		byID[t.ID] = t
	}
	return byID, nil
}

// createToken answers without reading the token back: were that to fail, nobody would have the secret of a token that is there.
func (r *Resolver) createToken(ctx context.Context, input CreateTokenInput) (*CreateTokenPayload, error) {
	_, scope, err := viewerScope(ctx)
	if err != nil {
		return nil, err
	}
	expires, err := expiry(r.now(), input)
	if err != nil {
		return nil, model.InputUnder(err, "input")
	}
	if input.Role == model.RoleOperator {
		return nil, &model.InputError{
			Path:   []any{"input", "role"}, //nolint:goconst // the name of the schema's field
			Reason: "must be WRITER, READER, AUDITOR or ADMIN; tokens of operators are created on the command line",
		}
	}
	secret, created, err := r.Admin.CreateToken(ctx, auth.TokenInput{
		Name: input.Name, Role: input.Role, Username: input.Username, ExpiresAt: expires,
	})
	if err != nil {
		return nil, model.InputUnder(asGiven(err, input), "input")
	}
	return &CreateTokenPayload{Secret: secret, Token: &ent.Token{
		ID: created.ID, AccountID: scope.AccountID, Name: created.Name, Role: created.Role,
		CreatedAt: created.CreatedAt, CreatedBy: created.CreatedBy, ExpiresAt: created.ExpiresAt,
	}}, nil
}

func (r *Resolver) revokeToken(ctx context.Context, input RevokeTokenInput) (*RevokeTokenPayload, error) {
	_, scope, err := viewerScope(ctx)
	if err != nil {
		return nil, err
	}
	id, err := model.ParseTokenID(input.ID)
	if err != nil {
		return nil, model.InputUnder(err, "input", "id")
	}
	if err := r.Admin.RevokeToken(ctx, within(scope, id, id.TokenID)); err != nil {
		return nil, model.InputUnder(err, "input")
	}
	revoked, err := r.payloadToken(ctx, "RevokeTokenPayload", id.TokenID)
	return &RevokeTokenPayload{Token: revoked}, err
}

// within returns a number that a global ID names in the viewer's account. In another account it names nothing here: no number
// is 0.
func within(scope model.Scope, id model.GlobalID, number int64) int64 {
	if id.AccountID != scope.AccountID {
		return 0
	}
	return number
}

// payloadToken reads the token that a mutation's payload shows.
func (r *Resolver) payloadToken(ctx context.Context, payload string, id int64) (*ent.Token, error) {
	fields := fieldsOf(graphql.GetOperationContext(ctx), collected(ctx, payload), "token", "Token", "Node")
	found, err := r.tokensByID(ctx, fields, []int64{id})
	if err == nil && found[id] == nil {
		err = fmt.Errorf("token %d is not there after it was written", id)
	}
	return found[id], err
}

// asGiven gives a fault of the time at which a token expires the name of the field that it was given by.
func asGiven(err error, input CreateTokenInput) error {
	fault, ok := errors.AsType[*model.InputError](err)
	const at, in = "expiresAt", "expiresIn"
	if ok && input.ExpiresIn != nil && len(fault.Path) == 1 && fault.Path[0] == at {
		return inputErrorAt(err, in)
	}
	return err
}

// expiry is from when on a token is refused, nil for never.
func expiry(now time.Time, input CreateTokenInput) (*time.Time, error) {
	switch {
	case input.ExpiresIn == nil:
		return input.ExpiresAt, nil
	case input.ExpiresAt != nil:
		return nil, &model.InputError{Path: []any{"expiresIn"}, Reason: "give expiresAt or expiresIn, not both"}
	}
	at, err := model.AddDuration(now, *input.ExpiresIn)
	if err != nil {
		return nil, model.InputUnder(err, "expiresIn")
	}
	return &at, nil
}
