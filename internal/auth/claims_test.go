package auth_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/auth"
	"samjournal/internal/model"
	"samjournal/internal/store"
)

func TestRolesOfClaims(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i))
	for _, test := range []struct {
		claim any
		role  model.Role
	}{
		{"writer", model.RoleWriter},
		{"Auditor", model.RoleAuditor},
		{"ADMIN", model.RoleAdmin},
		{[]any{"reader"}, model.RoleReader},
		{[]any{"offline_access", "auditor", "uma_authorization"}, model.RoleAuditor},
		{[]any{"writer", "WRITER", 7, nil, map[string]any{}}, model.RoleWriter},
	} {
		v, err := w.viewer(i.jwt(i.claims(w.clock.now(), set("samjournal_role", test.claim))))
		require.NoError(t, err, test.claim)
		require.Equal(t, test.role, v.Role)
	}
	for _, test := range []struct {
		claim any
		want  string
	}{
		{nil, `the JWT's claim "samjournal_role" names no role`},
		{"", "names no role"},
		{"root", "names no role"},
		{"writer reader", "names no role"},
		{[]any{}, "names no role"},
		{7, "names no role"},
		{map[string]any{"writer": true}, "names no role"},
		{[]any{[]any{"writer"}}, "names no role"},
		{[]any{"reader", "writer"}, "names 2 roles: it must name one of writer, reader, auditor and admin"},
		{"operator", "which no claim can give"},
		{"OPERATOR", "which no claim can give"},
		{[]any{"admin", "Operator"}, "which no claim can give"},
		{"adm\u0131n", "names no role"}, // whose capitals are ADMIN
		{strings.Repeat("x", 4000), "names no role"},
	} {
		w.refused(i.jwt(i.claims(w.clock.now(), set("samjournal_role", test.claim))), test.want)
	}
}

func TestOperatorsAreNamedByTheConfiguration(t *testing.T) {
	t.Parallel()
	i, second := newIssuer(t), newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i, func(cfg *auth.JWTConfig) {
		cfg.Issuers = append(cfg.Issuers, auth.Issuer{URL: second.url})
		cfg.Operators = []string{i.url + "#root"}
	}))
	root := set("sub", "root")
	v, err := w.viewer(i.jwt(i.claims(w.clock.now(), root, set("samjournal_role", nil), set("samjournal_account", nil))))
	require.NoError(t, err)
	require.Equal(t, model.RoleOperator, v.Role)
	require.Equal(t, "default", v.Account.Slug)
	v, err = w.viewer(i.jwt(i.claims(w.clock.now(), root)))
	require.NoError(t, err)
	require.Equal(t, model.RoleOperator, v.Role)
	require.Equal(t, w.acme, v.Account)

	v, err = w.viewer(second.jwt(second.claims(w.clock.now(), root)))
	require.NoError(t, err)
	require.Equal(t, model.RoleWriter, v.Role, "root of another issuer is somebody else")
	v, err = w.viewer(i.jwt(i.claims(w.clock.now(), set("sub", "root "))))
	require.NoError(t, err)
	require.Equal(t, model.RoleWriter, v.Role)
}

func TestTheAccountOfAJWT(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i))
	for _, slug := range []string{"nobody", "", "ACME", "acme ", "a\x00b", "ac/me"} {
		_, err := w.viewer(i.jwt(i.claims(w.clock.now(), set("samjournal_account", slug))))
		require.ErrorIs(t, err, auth.ErrForbidden)
		require.EqualError(t, err, "the viewer may not act in this account")
	}
	w.refused(i.jwt(i.claims(w.clock.now(), set("samjournal_account", nil))), `no claim "samjournal_account"`)
	w.refused(i.jwt(i.claims(w.clock.now(), set("samjournal_account", 1))), "must be a string: the account's slug")

	w.auth = w.authenticator(trusting(i, func(cfg *auth.JWTConfig) { cfg.DefaultAccount = "default" }))
	v, err := w.viewer(i.jwt(i.claims(w.clock.now(), set("samjournal_account", nil))))
	require.NoError(t, err)
	require.Equal(t, "default", v.Account.Slug)
	v, err = w.viewer(i.jwt(i.claims(w.clock.now())))
	require.NoError(t, err)
	require.Equal(t, w.acme, v.Account)
}

func TestClaimsAreFoundByNameOrPointer(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i, func(cfg *auth.JWTConfig) {
		cfg.AccountClaim, cfg.RoleClaim, cfg.UsernameClaim = "https://example.com/account", "/realm_access/roles", "/a~1b/0/m~0n"
	}))
	w.token(model.RoleReader)
	claims := func(roles, names any) map[string]any {
		return i.claims(w.clock.now(), set("samjournal_role", nil), set("preferred_username", nil), set("samjournal_account", nil),
			set("https://example.com/account", "acme"), set("realm_access", roles), set("a/b", names))
	}
	v, err := w.viewer(i.jwt(claims(map[string]any{"roles": []any{"x", "auditor"}}, []any{map[string]any{"m~n": "alice"}})))
	require.NoError(t, err)
	require.Equal(t, model.RoleAuditor, v.Role)
	require.Equal(t, new("alice"), v.Username)
	for _, names := range []any{nil, "alice", []any{}, []any{"alice"}, map[string]any{"00": 1}, []any{map[string]any{"m~n": nil}}} {
		v, err = w.viewer(i.jwt(claims(map[string]any{"roles": "auditor"}, names)))
		require.NoError(t, err)
		require.Nil(t, v.Username)
	}
	w.refused(i.jwt(claims("auditor", nil)), `"/realm_access/roles" names no role`)
}

func TestTheUsernameOfAJWT(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i))
	w.token(model.RoleReader, func(in *auth.TokenInput) { in.Username = new("ame\u0301lie") })
	v, err := w.viewer(i.jwt(i.claims(w.clock.now(), set("preferred_username", "ame\u0301lie"))))
	require.NoError(t, err)
	require.Equal(t, new("am\u00e9lie"), v.Username)
	for _, name := range []any{7, "", "a\nb", string(make([]byte, 151)), []any{"alice"}} {
		w.refused(i.jwt(i.claims(w.clock.now(), set("preferred_username", name))), `the JWT's claim "preferred_username"`)
	}
}

// Else its streams would show nothing of a user whom a later entry creates.
func TestAReaderIsAUserFromTheStart(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		i := newIssuer(t)
		w.auth = w.authenticator(trusting(i))
		jwt := func(role string) string {
			return i.jwt(i.claims(w.clock.now(), set("samjournal_role", role), set("preferred_username", "carol")))
		}
		for _, role := range []string{"writer", "auditor", "admin"} {
			v, err := w.viewer(jwt(role))
			require.NoError(t, err)
			require.Nil(t, v.UserID, "others have no need of one")
		}
		reader := jwt("reader")
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := w.auth.Viewer(t.Context(), request("Authorization", "Bearer "+reader), nil); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		v, err := w.viewer(reader)
		require.NoError(t, err)
		carol, exists, err := w.store.UserByName(t.Context(), w.acme.ID, "carol")
		require.NoError(t, err)
		require.True(t, exists)
		require.Equal(t, model.RoleReader, v.Role)
		require.Equal(t, &carol.ID, v.UserID)
		require.Equal(t, new("carol"), v.Username)
	})
}

func TestAnOperatorOfTheConfigurationStaysOneWhenItsUserIsDisabled(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		i := newIssuer(t)
		w.auth = w.authenticator(trusting(i, func(cfg *auth.JWTConfig) { cfg.Operators = []string{i.url + "#olga"} }))
		_, _ = w.token(model.RoleReader) // makes the user alice
		jwt := i.jwt(i.claims(w.clock.now(), set("sub", "olga"), set("preferred_username", "alice")))
		v, err := w.viewer(jwt)
		require.NoError(t, err)
		require.Equal(t, new("alice"), v.Username)
		stream, others := w.open(jwt), w.open(i.jwt(i.claims(w.clock.now())))
		require.NoError(t, w.admin().UpdateUser(w.as(w.acme, model.RoleAdmin), *v.UserID, store.UserChange{Disabled: new(true)}))
		others.ends("disabled")
		stream.stays()
		w.clock.advance(recheck)
		v, err = w.viewer(jwt)
		require.NoError(t, err)
		require.Equal(t, model.RoleOperator, v.Role)
		require.Nil(t, v.UserID, "it acts as nobody")
		require.Nil(t, v.Username)
	})
}
