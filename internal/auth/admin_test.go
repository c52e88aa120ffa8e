package auth_test

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/ent/token"
	"samjournal/internal/auth"
	"samjournal/internal/model"
	"samjournal/internal/store"
)

func TestATokenIsStoredWithoutItsSecret(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		expires := w.clock.now().Add(90 * 24 * time.Hour)
		in := auth.TokenInput{Name: "ci für acme", Role: model.RoleWriter, Username: new("ame\u0301lie"), ExpiresAt: &expires}
		secret, created, err := w.admin().CreateToken(w.operator(), in)
		require.NoError(t, err)
		id := created.ID
		parsed, err := auth.ParseToken(secret)
		require.NoError(t, err)
		require.Equal(t, w.acme.ID, parsed.AccountID)
		require.Equal(t, id, parsed.ID)
		row, err := w.store.Token(t.Context(), w.acme.ID, id)
		require.NoError(t, err)
		require.Equal(t, parsed.Digest(), row.Digest)
		require.Equal(t, "ci für acme", row.Name)
		require.Equal(t, new("am\u00e9lie"), row.Username, "in NFC, as entries name it")
		require.Equal(t, &expires, row.ExpiresAt)
		require.Equal(t, w.clock.now(), row.CreatedAt)
		stored, err := w.store.Ent().Token.Query().Where(token.ID(id)).Only(w.operator())
		require.NoError(t, err)
		require.Equal(t, new("test"), stored.CreatedBy)

		again, second, err := w.admin().CreateToken(w.operator(), in)
		require.NoError(t, err)
		require.NotEqual(t, id, second.ID)
		require.NotEqual(t, secret, again)
	})
}

func TestTheInputOfATokenIsChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqlite(t))
	now := w.clock.now()
	for _, test := range []struct {
		field, reason string
		change        func(*auth.TokenInput)
	}{
		{"name", "must have 1 to 100 characters, has 0", func(in *auth.TokenInput) { in.Name = "" }},
		{"name", "has 101", func(in *auth.TokenInput) { in.Name = strings.Repeat("é", 101) }},
		{"name", "character 2, U+000A", func(in *auth.TokenInput) { in.Name = "a\nb" }},
		{"name", "character 2, U+202E", func(in *auth.TokenInput) { in.Name = "a\u202eb" }},
		{"name", "valid UTF-8", func(in *auth.TokenInput) { in.Name = "a\xff" }},
		{"name", "must not be of spaces alone", func(in *auth.TokenInput) { in.Name = "  " }},
		{"role", "must be WRITER", func(in *auth.TokenInput) { in.Role = "ROOT" }},
		{"role", "must be WRITER", func(in *auth.TokenInput) { in.Role = "" }},
		{"username", "must be given for the role READER", func(in *auth.TokenInput) { in.Role = model.RoleReader }},
		{"username", "must have 1 to 150 characters, has 0", func(in *auth.TokenInput) { in.Username = new("") }},
		{"username", "control characters", func(in *auth.TokenInput) { in.Username = new("a\x00") }},
		{"username", "character 1, U+202E", func(in *auth.TokenInput) { in.Username = new("\u202eroot") }},
		{"username", "must not be of spaces alone", func(in *auth.TokenInput) { in.Username = new("\u00a0") }},
		{"expiresAt", "must be in the future", func(in *auth.TokenInput) { in.ExpiresAt = &now }},
		{"expiresAt", "within 10 years", func(in *auth.TokenInput) { in.ExpiresAt = new(now.AddDate(10, 0, 0).Add(1)) }},
	} {
		in := auth.TokenInput{Name: "ci", Role: model.RoleWriter}
		test.change(&in)
		_, _, err := w.admin().CreateToken(w.operator(), in)
		input := &model.InputError{}
		require.ErrorAs(t, err, &input, test.reason)
		require.Equal(t, []any{test.field}, input.Path)
		require.Contains(t, input.Reason, test.reason)
	}
	for _, in := range []auth.TokenInput{
		{Name: strings.Repeat("é", 100), Role: model.RoleAdmin},
		{Name: "x", Role: model.RoleWriter, ExpiresAt: new(now.AddDate(10, 0, 0))},
	} {
		_, _, err := w.admin().CreateToken(w.operator(), in)
		require.NoError(t, err)
	}
}

func TestATokenMayBeOfAUserWhoseNameNobodyWouldGiveNow(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		name := "\u202eecila" // entries may name such a user: what was done under a name is told as it was
		require.NoError(t, w.store.EnsureUsers(t.Context(), w.acme.ID, w.clock.now(), []store.UserProfile{{Username: name}}))
		_, created, err := w.admin().CreateToken(w.operator(), auth.TokenInput{Name: "x", Role: model.RoleReader, Username: &name})
		require.NoError(t, err)
		require.Equal(t, &name, created.Username)
	})
}

func TestWhoMayAdminister(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqlite(t))
	_, id := w.token(model.RoleReader)
	user, _, err := w.store.UserByName(t.Context(), w.acme.ID, "alice")
	require.NoError(t, err)
	api := w.admin()
	api.MayCreateOperators = false
	for _, test := range []struct {
		role                             model.Role
		administers, operates, operators bool
	}{
		{model.RoleWriter, false, false, false},
		{model.RoleReader, false, false, false},
		{model.RoleAuditor, false, false, false},
		{model.RoleAdmin, true, false, false},
		{model.RoleOperator, true, true, true},
	} {
		ctx := w.as(w.acme, test.role)
		may := func(allowed bool, err error) {
			t.Helper()
			if allowed {
				require.NoError(t, err, test.role)
			} else {
				require.ErrorIs(t, err, auth.ErrForbidden, test.role)
			}
		}
		_, _, err := api.CreateToken(ctx, auth.TokenInput{Name: "x", Role: model.RoleAdmin})
		may(test.administers, err)
		may(test.administers, api.RevokeToken(ctx, id))
		may(test.administers, api.UpdateUser(ctx, user.ID, store.UserChange{}))
		may(test.administers, api.UpdateAccount(ctx, "Acme Inc."))
		_, err = api.CreateAccount(ctx, "new-"+strings.ToLower(string(test.role)), "New")
		may(test.operates, err)
		_, _, err = api.CreateToken(ctx, auth.TokenInput{Name: "x", Role: model.RoleOperator})
		may(false, err)
		_, _, err = w.admin().CreateToken(ctx, auth.TokenInput{Name: "x", Role: model.RoleOperator})
		may(test.operators, err)
	}
	_, _, err = api.CreateToken(t.Context(), auth.TokenInput{Name: "x", Role: model.RoleWriter})
	require.ErrorIs(t, err, model.ErrNoViewer)
	_, err = api.CreateAccount(t.Context(), "x", "X")
	require.ErrorIs(t, err, model.ErrNoViewer)
}

func TestWhatIsOfAnotherAccountLooksLikeWhatIsNot(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		secret, id := w.token(model.RoleReader)
		user, _, err := w.store.UserByName(t.Context(), w.acme.ID, "alice")
		require.NoError(t, err)
		other, err := w.admin().CreateAccount(w.operator(), "other", "Other")
		require.NoError(t, err)
		ctx := w.as(other, model.RoleAdmin)
		for _, number := range []int64{id, id ^ 1, 0, -1} {
			err := w.admin().RevokeToken(ctx, number)
			require.Equal(t, &model.InputError{Path: []any{"id"}, Reason: "there is no such token"}, err)
		}
		for _, number := range []int64{user.ID, 1000, 0, -1} {
			err := w.admin().UpdateUser(ctx, number, store.UserChange{Disabled: new(true)})
			require.Equal(t, &model.InputError{Path: []any{"id"}, Reason: "there is no such user"}, err)
		}
		w.clock.advance(recheck)
		_, err = w.viewer(secret)
		require.NoError(t, err)
	})
}

func TestARevocationStays(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		_, id := w.token(model.RoleWriter)
		at := w.clock.now()
		require.NoError(t, w.admin().RevokeToken(w.operator(), id))
		w.clock.advance(time.Hour)
		require.NoError(t, w.admin().RevokeToken(w.as(w.acme, model.RoleAdmin), id), "again is no error")
		stored, err := w.store.Ent().Token.Query().Where(token.ID(id)).Only(w.operator())
		require.NoError(t, err)
		require.True(t, at.Equal(*stored.RevokedAt))
		require.Equal(t, new("test"), stored.RevokedBy)
	})
}

func TestAnAccountHasADigestKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		seen := map[[sha256.Size]byte]bool{}
		for _, slug := range []string{"a", "b", "c"} {
			created, err := w.admin().CreateAccount(w.operator(), slug, "Account")
			require.NoError(t, err)
			found, key, err := w.store.AccountBySlug(t.Context(), slug)
			require.NoError(t, err)
			require.Equal(t, created, found)
			require.Len(t, key, 32)
			require.NotEqual(t, make([]byte, 32), key)
			require.False(t, seen[[sha256.Size]byte(key)])
			seen[[sha256.Size]byte(key)] = true
		}
		_, err := w.admin().CreateAccount(w.operator(), "a", "Again")
		require.ErrorIs(t, err, store.ErrAccountExists)
		input := &model.InputError{}
		_, err = w.admin().CreateAccount(w.operator(), "Not A Slug", "x")
		require.ErrorAs(t, err, &input)
		require.Equal(t, []any{"slug"}, input.Path)
	})
}

func TestAnAccountIsRenamed(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		require.NoError(t, w.admin().UpdateAccount(w.as(w.acme, model.RoleAdmin), "Acme Inc."))
		found, _, err := w.store.AccountBySlug(t.Context(), "acme")
		require.NoError(t, err)
		require.Equal(t, "Acme Inc.", found.Name)
		other, _, err := w.store.AccountBySlug(t.Context(), "default")
		require.NoError(t, err)
		require.NotEqual(t, "Acme Inc.", other.Name)
		input := &model.InputError{}
		require.ErrorAs(t, w.admin().UpdateAccount(w.operator(), ""), &input)
		require.Equal(t, []any{"name"}, input.Path)
	})
}

func TestTooLittleRandomnessIsAnError(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqlite(t))
	for n := range 40 { // a number and a secret
		a := w.admin()
		a.Random = bytes.NewReader(bytes.Repeat([]byte{1}, n))
		_, _, err := a.CreateToken(w.operator(), auth.TokenInput{Name: "x", Role: model.RoleWriter})
		require.ErrorContains(t, err, "draw a")
		_, err = a.CreateAccount(w.operator(), "x", "X")
		require.ErrorContains(t, err, "draw a")
	}
}
