package conformance_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/auth"
	"samjournal/internal/model"
)

const (
	revokeIt  = `mutation($id: ID!) { revokeToken(input: {id: $id}) { token { id } } }`
	disableIt = `mutation($id: ID!, $disabled: Boolean) {
		updateUser(input: {id: $id, disabled: $disabled, displayName: "Olga"}) { user { displayName } } }`
)

// operatorToken creates a token of an operator, as the command line does, and returns its number and its user's.
func (n *node) operatorToken(t *testing.T, c *clock, valid time.Duration) (token, user int64) {
	t.Helper()
	ctx := n.as(t, "default")
	_, created, err := auth.Admin{Store: n.store, Clock: c.now, MayCreateOperators: true}.CreateToken(ctx, auth.TokenInput{
		Name: "root", Role: model.RoleOperator, Username: new("olga"), ExpiresAt: new(c.now().Add(valid)),
	})
	require.NoError(t, err)
	found, _, err := n.store.UserByName(ctx, accountOf(ctx, t), "olga")
	require.NoError(t, err)
	return created.ID, found.ID
}

func TestAnAdminCannotRevokeTokensOfOperators(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n, c := startAtEpoch(t, databaseURL)
			operator := n.as(t, "default")
			admin := n.whoIs(operator, t, model.RoleAdmin, "")
			account := accountOf(operator, t)
			id, _ := n.operatorToken(t, c, time.Hour)

			_, errs := n.try(admin, t, revokeIt, vars{"id": model.TokenID(account, id)})
			require.Len(t, errs, 1)
			require.Equal(t, map[string]any{"code": "FORBIDDEN"}, errs[0].Extensions)
			require.Contains(t, errs[0].Message, "only operators revoke it")
			stored, err := n.store.Token(operator, account, id)
			require.NoError(t, err)
			require.Nil(t, stored.RevokedAt)

			require.Equal(t, "BAD_USER_INPUT", n.refused(admin, t, revokeIt, vars{"id": model.TokenID(account, id+1)}),
				"what does not exist is no matter of rights")
			n.ask(operator, t, &struct{}{}, revokeIt, vars{"id": model.TokenID(account, id)})
			stored, err = n.store.Token(operator, account, id)
			require.NoError(t, err)
			require.NotNil(t, stored.RevokedAt)
		})
	}
}

func TestAnAdminCannotDisableUsersOfOperators(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n, c := startAtEpoch(t, databaseURL)
			operator := n.as(t, "default")
			admin := n.whoIs(operator, t, model.RoleAdmin, "")
			_, user := n.operatorToken(t, c, time.Hour)
			id := model.UserID(accountOf(operator, t), user)
			disabled := func() bool {
				found, _, err := n.store.UserByName(operator, accountOf(operator, t), "olga")
				require.NoError(t, err)
				return found.DisabledAt != nil
			}
			refused := func(disable bool) {
				t.Helper()
				_, errs := n.try(admin, t, disableIt, vars{"id": id, "disabled": disable})
				require.Len(t, errs, 1)
				require.Equal(t, map[string]any{"code": "FORBIDDEN"}, errs[0].Extensions)
				require.Contains(t, errs[0].Message, "only operators disable it or make it active again")
			}
			refused(true)
			require.False(t, disabled())
			n.ask(admin, t, &struct{}{}, disableIt, vars{"id": id}) // the rest of a user is the admin's to change
			n.ask(operator, t, &struct{}{}, disableIt, vars{"id": id, "disabled": true})
			refused(false)
			require.True(t, disabled())

			c.micros.Add(time.Hour.Microseconds()) // the token has expired: its user is one like others
			n.ask(admin, t, &struct{}{}, disableIt, vars{"id": id, "disabled": false})
			require.False(t, disabled())
			again, _ := n.operatorToken(t, c, time.Hour)
			refused(true)
			require.NoError(t, n.resolver.Admin.RevokeToken(operator, again))
			n.ask(admin, t, &struct{}{}, disableIt, vars{"id": id, "disabled": true})
			require.True(t, disabled())
		})
	}
}
