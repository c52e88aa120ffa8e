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
	auditor := model.Scope{Entries: true, Payloads: true}
	admin := model.Scope{Entries: true, Payloads: true, Administer: true}
	operator := model.Scope{Entries: true, Payloads: true, Append: true, Administer: true, Operate: true}
	for _, c := range []struct {
		role   model.Role
		userID *int64
		want   model.Scope
	}{
		{model.RoleWriter, nil, model.Scope{Append: true}},
		{model.RoleWriter, &alice, model.Scope{Append: true, OnlyUserID: &alice}},
		{model.RoleReader, nil, model.Scope{Entries: true, Payloads: true, OnlyUserID: &nobody}},
		{model.RoleReader, &alice, model.Scope{Entries: true, Payloads: true, OnlyUserID: &alice}},
		{model.RoleAuditor, nil, auditor},
		{model.RoleAuditor, &alice, auditor},
		{model.RoleAdmin, nil, admin},
		{model.RoleAdmin, &alice, admin},
		{model.RoleOperator, nil, operator},
		{model.RoleOperator, &alice, operator},
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

func TestARoleIsReadInEitherCase(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]model.Role{
		"writer": model.RoleWriter, "Reader": model.RoleReader, "AUDITOR": model.RoleAuditor, "admin": model.RoleAdmin,
		"operator": model.RoleOperator,
	} {
		role, err := model.ParseRole(text)
		require.NoError(t, err)
		require.Equal(t, want, role)
	}
	for _, text := range []string{"", "owner", "writer ", "writer,admin", "adm\u0131n"} {
		_, err := model.ParseRole(text)
		require.ErrorContains(t, err, "must be writer, reader, auditor, admin or operator")
	}
}
