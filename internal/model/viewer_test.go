package model_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
)

func TestScopeOfEveryRole(t *testing.T) {
	t.Parallel()
	alice, nobody := int64(7), int64(0)
	for _, c := range []struct {
		role   model.Role
		userID *int64
		want   model.Scope
	}{
		{model.RoleWriter, nil, model.Scope{Append: true}},
		{model.RoleWriter, &alice, model.Scope{Append: true}},
		{model.RoleReader, nil, model.Scope{Entries: true, Payloads: true, OnlyUserID: &nobody}},
		{model.RoleReader, &alice, model.Scope{Entries: true, Payloads: true, OnlyUserID: &alice}},
		{model.RoleAuditor, nil, model.Scope{Entries: true, Payloads: true}},
		{model.RoleAuditor, &alice, model.Scope{Entries: true, Payloads: true}},
		{model.RoleAdmin, nil, model.Scope{Entries: true, Payloads: true}},
		{model.RoleAdmin, &alice, model.Scope{Entries: true, Payloads: true}},
		{model.RoleOperator, nil, model.Scope{Entries: true, Payloads: true, Append: true}},
		{model.RoleOperator, &alice, model.Scope{Entries: true, Payloads: true, Append: true}},
		{"", nil, model.Scope{}},
		{"", &alice, model.Scope{}},
		{"operator", &alice, model.Scope{}},
		{"OWNER", nil, model.Scope{}},
	} {
		c.want.AccountID = 3
		viewer := model.Viewer{Account: model.Account{ID: 3, Slug: "acme"}, Role: c.role, Subject: "token:1", UserID: c.userID}
		require.Equal(t, c.want, viewer.Scope(), "%q", c.role)

		scope, err := model.ScopeFrom(model.WithViewer(context.Background(), viewer))
		require.NoError(t, err)
		require.Equal(t, c.want, scope, "%q", c.role)
	}
}

func TestAContextWithoutViewerMaySeeNothing(t *testing.T) {
	t.Parallel()
	_, err := model.ViewerFrom(context.Background())
	require.ErrorIs(t, err, model.ErrNoViewer)
	scope, err := model.ScopeFrom(context.Background())
	require.ErrorIs(t, err, model.ErrNoViewer)
	require.Zero(t, scope)
}

func TestTheInnermostViewerCounts(t *testing.T) {
	t.Parallel()
	ctx := model.WithViewer(context.Background(), model.Viewer{Account: model.Account{ID: 1}, Role: model.RoleOperator})
	inner := model.Viewer{Account: model.Account{ID: 2}, Role: model.RoleWriter}
	got, err := model.ViewerFrom(model.WithViewer(ctx, inner))
	require.NoError(t, err)
	require.Equal(t, inner, got)
}
