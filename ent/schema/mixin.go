package schema

import (
	"context"
	"errors"

	"entgo.io/ent"
	"entgo.io/ent/privacy"
	"entgo.io/ent/schema/mixin"

	"samjournal/internal/model"
)

// ErrReadOnly is the answer to every mutation through Ent: entries come to be by append, and nothing else changes them.
var ErrReadOnly = errors.New("ent is for reading: writes go through the journal")

// AccountScoped is mixed into every entity that belongs to an account. Reading needs a viewer whose scope allows it (the
// interceptor of internal/store then adds the account and the user to each statement), writing through Ent is refused.
type AccountScoped struct {
	mixin.Schema
}

// Policy requires a viewer for reading and denies writing.
func (AccountScoped) Policy() ent.Policy {
	return privacy.Policy{
		Query:    privacy.QueryPolicy{needsViewer{}},
		Mutation: privacy.MutationPolicy{readOnly{}},
	}
}

type needsViewer struct{}

// EvalQuery lets a query pass when its context carries a viewer.
func (needsViewer) EvalQuery(ctx context.Context, _ ent.Query) error {
	if _, err := model.ScopeFrom(ctx); err != nil {
		return err
	}
	return privacy.Skip
}

type readOnly struct{}

// EvalMutation refuses.
func (readOnly) EvalMutation(context.Context, ent.Mutation) error { return ErrReadOnly }
