package graph

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"

	"samjournal/internal/journal"
	"samjournal/internal/model"
)

func (r *Resolver) updateUser(ctx context.Context, input UpdateUserInput) (*UpdateUserPayload, error) {
	_, scope, err := viewerScope(ctx)
	if err != nil {
		return nil, err
	}
	id, err := model.ParseUserID(input.ID)
	if err != nil {
		return nil, model.InputUnder(err, "input", "id")
	}
	change := journal.UserChange{Email: clearable(input.Email), DisplayName: clearable(input.DisplayName), Disabled: input.Disabled}
	if err := r.Admin.UpdateUser(ctx, within(scope, id, id.UserID), change); err != nil {
		return nil, model.InputUnder(err, "input")
	}
	fields := fieldsOf(graphql.GetOperationContext(ctx), collected(ctx, "UpdateUserPayload"), "user", "User", "Node")
	found, err := r.usersByID(ctx, fields, []int64{id.UserID})
	if err == nil && found[id.UserID] == nil {
		err = fmt.Errorf("user %d is not there after it was written", id.UserID)
	}
	return &UpdateUserPayload{User: found[id.UserID]}, err
}

// clearable tells an absent field, nil, from one that is null, a pointer to nil.
func clearable(field graphql.Omittable[*string]) **string {
	if value, set := field.ValueOK(); set {
		return &value
	}
	return nil
}

func (r *Resolver) updateAccount(ctx context.Context, input UpdateAccountInput) (*UpdateAccountPayload, error) {
	viewer, _, err := viewerScope(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.Admin.UpdateAccount(ctx, input.Name); err != nil {
		return nil, model.InputUnder(err, "input")
	}
	account := viewer.Account
	account.Name = input.Name
	return &UpdateAccountPayload{Account: &account}, nil
}

func (r *Resolver) createAccount(ctx context.Context, input CreateAccountInput) (*CreateAccountPayload, error) {
	account, err := r.Admin.CreateAccount(ctx, input.Slug, input.Name)
	if err != nil {
		return nil, model.InputUnder(err, "input")
	}
	return &CreateAccountPayload{Account: &account}, nil
}
