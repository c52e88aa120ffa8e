package store

import (
	"context"
	"fmt"

	entsql "entgo.io/ent/dialect/sql"

	"samjournal/ent"
	"samjournal/ent/erasure"
	"samjournal/ent/head"
	"samjournal/ent/intercept"
	"samjournal/ent/token"
	"samjournal/ent/user"
	"samjournal/internal/model"
)

// intercept limits every query of the client, eager loads included, to what the viewer in its context may see. A query
// without viewer fails with model.ErrNoViewer.
func (s *Store) intercept() {
	s.ent.Intercept(intercept.TraverseFunc(func(ctx context.Context, q intercept.Query) error {
		if q.Type() == ent.TypeAccount {
			return nil // the server's own, never a viewer's: it comes before there is a viewer
		}
		scope, err := model.ScopeFrom(ctx)
		if err != nil {
			return err
		}
		limit, err := limitOf(q.Type(), scope)
		if err != nil {
			return err
		}
		q.WhereP(limit)
		return nil
	}))
}

// limitOf returns what a scope adds to a query on an entity. An entity that it does not know cannot be queried.
func limitOf(entity string, scope model.Scope) (func(*entsql.Selector), error) {
	switch entity {
	case ent.TypeEntry:
		return ScopeEntries(scope), nil
	case ent.TypeUser:
		return scopeUsers(scope), nil
	case ent.TypeHead:
		return func(s *entsql.Selector) { s.Where(entsql.EQ(s.C(head.FieldID), scope.AccountID)) }, nil
	case ent.TypeErasure:
		return scopeErasures(scope), nil
	case ent.TypeToken:
		return scopeTokens(scope), nil
	}
	return nil, fmt.Errorf("no scope is defined for queries on %s", entity)
}

// scopeUsers limits a selector over users: whoever is limited to one user sees that user, others need to see all entries.
func scopeUsers(scope model.Scope) func(*entsql.Selector) {
	return func(s *entsql.Selector) {
		s.Where(entsql.EQ(s.C(user.FieldAccountID), scope.AccountID))
		if scope.OnlyUserID != nil {
			s.Where(entsql.EQ(s.C(user.FieldID), *scope.OnlyUserID))
		} else if !scope.Entries {
			s.Where(entsql.False())
		}
	}
}

// scopeErasures limits a selector over erasures. They do not say whose entry it was, so only those who see all entries see
// them.
func scopeErasures(scope model.Scope) func(*entsql.Selector) {
	return func(s *entsql.Selector) {
		s.Where(entsql.EQ(s.C(erasure.FieldAccountID), scope.AccountID))
		if !scope.Entries || scope.OnlyUserID != nil {
			s.Where(entsql.False())
		}
	}
}

// scopeTokens limits a selector over tokens: only those who administer the account see them.
func scopeTokens(scope model.Scope) func(*entsql.Selector) {
	return func(s *entsql.Selector) {
		s.Where(entsql.EQ(s.C(token.FieldAccountID), scope.AccountID))
		if !scope.Administer {
			s.Where(entsql.False())
		}
	}
}
