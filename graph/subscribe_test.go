package graph

import (
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"

	"samjournal/internal/model"
)

// Who shares a stream gets what was made for another, so it must be the same for both.
func TestSubscribersShareAStreamWhenTheyMayReadTheSame(t *testing.T) {
	t.Parallel()
	op := &graphql.OperationContext{RawQuery: `subscription { entryCreated { cursor } }`, Operation: &ast.OperationDefinition{}}
	keyOf := func(account int64, role model.Role, user *int64) string {
		key, err := streamKey(op, model.Viewer{Account: model.Account{ID: account}, Role: role, UserID: user, Subject: "x"}.Scope())
		require.NoError(t, err)
		return key
	}
	auditor := keyOf(1, model.RoleAuditor, nil)
	for _, role := range []model.Role{model.RoleAuditor, model.RoleAdmin, model.RoleOperator} {
		require.Equal(t, auditor, keyOf(1, role, nil), role)
		require.Equal(t, auditor, keyOf(1, role, new(int64(7))), "%s: whose user it is does not matter", role)
	}
	alice, again := keyOf(1, model.RoleReader, new(int64(7))), keyOf(1, model.RoleReader, new(int64(7)))
	require.Equal(t, alice, again)
	alone := []string{
		auditor, keyOf(2, model.RoleAuditor, nil), keyOf(1, model.RoleReader, new(int64(7))), keyOf(1, model.RoleReader, new(int64(8))),
		keyOf(2, model.RoleReader, new(int64(7))), keyOf(1, model.RoleReader, nil), keyOf(1, model.RoleWriter, nil), keyOf(1, "", nil),
	}
	for i, key := range alone[:len(alone)-1] {
		if i != len(alone)-2 { // of the last two, both read nothing
			require.NotContains(t, alone[i+1:], key, "number %d", i)
		}
	}
}
