package graph

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"

	"samjournal/ent"
	"samjournal/ent/user"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

const maxNodes = 500 // ids of one nodes(…)

// readNodes finds nodes by their global IDs: at most one statement each for all entries, users and tokens asked for, and one
// for the users of each. An ID of another account is like one of nothing.
func (r *Resolver) readNodes(ctx context.Context, ids []string) ([]model.Node, error) {
	viewer, scope, err := viewerScope(ctx)
	if err != nil {
		return nil, err
	}
	parsed, err := parseIDs(ids)
	if err != nil {
		return nil, err
	}
	var (
		keys              []string
		userIDs, tokenIDs []int64
	)
	for i := range parsed {
		if parsed[i].AccountID != scope.AccountID {
			continue
		}
		switch parsed[i].Type {
		case "Entry":
			keys = append(keys, parsed[i].Key)
		case "User":
			userIDs = append(userIDs, parsed[i].UserID)
		case "Token":
			tokenIDs = append(tokenIDs, parsed[i].TokenID)
		}
	}
	entries, err := r.entriesByKey(ctx, selectedEntry(ctx), keys)
	if err != nil {
		return nil, err
	}
	users, err := r.usersByID(ctx, collected(ctx, "User", "Node"), userIDs)
	if err != nil {
		return nil, err
	}
	tokens, err := r.tokensByID(ctx, collected(ctx, "Token", "Node"), tokenIDs)
	if err != nil {
		return nil, err
	}
	nodes := make([]model.Node, len(ids))
	for i, id := range parsed {
		if id.AccountID != scope.AccountID {
			continue
		}
		switch id.Type {
		case "Entry":
			if e, ok := entries[id.Key]; ok {
				nodes[i] = e
			}
		case "User":
			if u, ok := users[id.UserID]; ok {
				nodes[i] = u
			}
		case "Token":
			if t, ok := tokens[id.TokenID]; ok {
				nodes[i] = t
			}
		case "Account":
			nodes[i] = &viewer.Account
		}
	}
	return nodes, nil
}

func parseIDs(ids []string) ([]model.GlobalID, error) {
	parsed := make([]model.GlobalID, len(ids))
	for i, text := range ids {
		var err error
		if parsed[i], err = model.ParseGlobalID(text); err != nil {
			return nil, model.InputUnder(err, i)
		}
	}
	return parsed, nil
}

// selectedEntry is what the current field, which returns an entry, selects of it.
func selectedEntry(ctx context.Context) journal.Selection {
	return selectionOf(graphql.GetOperationContext(ctx), collected(ctx, "Entry", "Node"))
}

// usersByID reads what is selected of the users with these numbers.
func (r *Resolver) usersByID(ctx context.Context, fields []graphql.CollectedField, ids []int64) (map[int64]*ent.User, error) {
	if len(ids) == 0 {
		return nil, nil //nolint:nilnil // a nil map reads as empty
	}
	columns := []string{user.FieldAccountID}
	for _, f := range fields {
		columns = append(columns, userColumns(f.Name)...)
	}
	q := r.Ent.User.Query().Where(user.IDIn(ids...))
	q.Select(distinct(columns)...)
	rows, err := q.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read users by id: %w", err)
	}
	byID := make(map[int64]*ent.User, len(rows))
	for _, u := range rows {
		byID[u.ID] = u
	}
	return byID, nil
}
