package graph

import (
	"context"
	"fmt"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"samjournal/ent"
	"samjournal/ent/entry"
	"samjournal/ent/user"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

const maxNodes = 500 // ids of one nodes(…)

// readNodes finds nodes by their global IDs: at most one statement for all entries, one for their users and one for all
// users asked for. An ID of another account is like one of nothing.
func (r *Resolver) readNodes(ctx context.Context, ids []string) ([]model.Node, error) {
	viewer, scope, err := viewerScope(ctx)
	if err != nil {
		return nil, err
	}
	parsed := make([]model.GlobalID, len(ids))
	var (
		keys    []string
		userIDs []int64
	)
	for i, text := range ids {
		if parsed[i], err = model.ParseGlobalID(text); err != nil {
			return nil, model.InputUnder(err, i)
		}
		if parsed[i].AccountID != scope.AccountID {
			continue
		}
		switch parsed[i].Type {
		case "Entry":
			keys = append(keys, parsed[i].Key)
		case "User":
			userIDs = append(userIDs, parsed[i].UserID)
		}
	}
	entries, err := r.entriesByKey(ctx, selectedEntry(ctx), keys)
	if err != nil {
		return nil, err
	}
	users, err := r.usersByID(ctx, userIDs)
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
		case "Account":
			nodes[i] = &viewer.Account
		}
	}
	return nodes, nil
}

// selectedEntry is what the current field, which returns an entry, selects of it.
func selectedEntry(ctx context.Context) journal.Selection {
	return selectionOf(graphql.GetOperationContext(ctx), collected(ctx, "Entry", "Node"))
}

// entriesByKey reads what is selected of the entries with these keys, in one statement.
func (r *Resolver) entriesByKey(ctx context.Context, selected journal.Selection, keys []string) (map[string]*ent.Entry, error) {
	if len(keys) == 0 {
		return nil, nil //nolint:nilnil // a nil map reads as empty
	}
	rows, err := selected.Apply(r.Ent.Entry.Query()).Where(entry.IDIn(keys...)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read entries by key: %w", err)
	}
	byKey := make(map[string]*ent.Entry, len(rows))
	for _, e := range rows {
		byKey[e.ID] = e
	}
	return byKey, nil
}

// usersByID reads users with what the current field selects of them.
func (r *Resolver) usersByID(ctx context.Context, ids []int64) (map[int64]*ent.User, error) {
	if len(ids) == 0 {
		return nil, nil //nolint:nilnil // a nil map reads as empty
	}
	columns := []string{user.FieldAccountID}
	for _, f := range collected(ctx, "User", "Node") {
		columns = append(columns, userColumns(f.Name)...)
	}
	q := r.Ent.User.Query().Where(user.IDIn(ids...))
	slices.Sort(columns)
	q.Select(slices.Compact(columns)...)
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
