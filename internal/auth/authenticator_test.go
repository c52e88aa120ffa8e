package auth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"samjournal/internal/auth"
	"samjournal/internal/model"
	"samjournal/internal/store"
	"samjournal/internal/testpostgres"
)

func TestATokenBecomesAViewer(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		for _, role := range []model.Role{model.RoleWriter, model.RoleReader, model.RoleAuditor, model.RoleAdmin, model.RoleOperator} {
			secret, id := w.token(role)
			v, err := w.viewer(secret)
			require.NoError(t, err)
			require.Equal(t, w.acme, v.Account)
			require.Equal(t, role, v.Role)
			require.Equal(t, subject(id), v.Subject)
			if role == model.RoleReader {
				user, _, err := w.store.UserByName(t.Context(), w.acme.ID, "alice")
				require.NoError(t, err)
				require.Equal(t, &user.ID, v.UserID)
				require.Equal(t, new("alice"), v.Username)
			} else {
				require.Nil(t, v.UserID)
			}
		}
	})
}

func TestATokenThatIsNotValidIsRefusedWithOneMessage(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		const message = "the token is not valid: unknown, expired or revoked"
		secret, id := w.token(model.RoleWriter)
		for _, forged := range []auth.Token{
			secretOf(t, w.acme.ID, id, 1), secretOf(t, w.acme.ID, id^1, 1), secretOf(t, 1, id, 1), secretOf(t, 1<<40, id, 1),
		} {
			_, err := w.viewer(forged.Text())
			require.ErrorIs(t, err, auth.ErrUnauthenticated)
			require.EqualError(t, err, message)
		}

		_, err := w.viewer(secret)
		require.NoError(t, err)
		require.NoError(t, w.admin().RevokeToken(w.operator(), id))
		w.clock.advance(recheck)
		_, err = w.viewer(secret)
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
		require.EqualError(t, err, message)

		secret, _ = w.token(model.RoleWriter, func(in *auth.TokenInput) { in.ExpiresAt = new(w.clock.now().Add(time.Hour)) })
		w.clock.advance(time.Hour - time.Microsecond)
		_, err = w.viewer(secret)
		require.NoError(t, err)
		w.clock.advance(time.Microsecond)
		_, err = w.viewer(secret)
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
		require.EqualError(t, err, message)

		w.refused(secret[:20], "damaged or incomplete")
	})
}

func TestARevocationIsEffectiveOnEveryNode(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		secret, id := w.token(model.RoleWriter)
		second := w.authenticator()
		r := request("Authorization", "Bearer "+secret)
		_, err := second.Viewer(t.Context(), r, nil)
		require.NoError(t, err)
		require.NoError(t, w.admin().RevokeToken(w.operator(), id))
		w.clock.advance(recheck)
		_, err = second.Viewer(t.Context(), r, nil)
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
	})
}

func TestACredentialOfADisabledUserIsRefused(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		i := newIssuer(t)
		w.auth = w.authenticator(trusting(i))
		secret, _ := w.token(model.RoleReader)
		jwt := i.jwt(i.claims(w.clock.now()))
		v, err := w.viewer(secret)
		require.NoError(t, err)
		_, err = w.viewer(jwt)
		require.NoError(t, err)

		disable := func(disabled bool) {
			require.NoError(t, w.admin().UpdateUser(w.operator(), *v.UserID, store.UserChange{Disabled: &disabled}))
			w.clock.advance(recheck)
		}
		disable(true)
		w.refused(secret, "the user that this credential acts as is disabled")
		w.refused(jwt, "the user that this credential acts as is disabled")
		w.refused(secretOf(t, w.acme.ID, 1, 1).Text(), "the token is not valid") // only the holder is told of the user
		disable(false)
		_, err = w.viewer(secret)
		require.NoError(t, err)
		_, err = w.viewer(jwt)
		require.NoError(t, err)
	})
}

func TestWithoutCredential(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqlite(t))
	_, err := w.auth.Viewer(t.Context(), request(), nil)
	require.ErrorIs(t, err, auth.ErrUnauthenticated)
	require.ErrorContains(t, err, "Authorization: Bearer")

	local := model.Viewer{Account: w.acme, Role: model.RoleOperator}
	open := w.authenticator(func(cfg *auth.Config) { cfg.Anonymous = &local })
	ctx, err := open.Viewer(t.Context(), request(), map[string]any{"authorization": nil})
	require.NoError(t, err)
	v, err := model.ViewerFrom(ctx)
	require.NoError(t, err)
	require.Equal(t, local, v)
	open.Watch(ctx, func(error) { t.Error("nothing ends the local operator") })()

	// A credential that is sent is checked all the same.
	_, err = open.Viewer(t.Context(), request("Authorization", "Bearer sjt_x"), nil)
	require.ErrorIs(t, err, auth.ErrUnauthenticated)
	secret, id := w.token(model.RoleWriter)
	ctx, err = open.Viewer(t.Context(), request("Authorization", "Bearer "+secret), nil)
	require.NoError(t, err)
	v, err = model.ViewerFrom(ctx)
	require.NoError(t, err)
	require.Equal(t, subject(id), v.Subject)

	w.auth = open
	ctx, err = open.Viewer(t.Context(), request(auth.AccountHeader, "default"), nil)
	require.NoError(t, err)
	v, err = model.ViewerFrom(ctx)
	require.NoError(t, err)
	require.Equal(t, "default", v.Account.Slug, "the local operator names accounts as operators do")
}

func TestJWTsAreRefusedWithoutIssuers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqlite(t))
	i := newIssuer(t)
	w.refused(i.jwt(i.claims(w.clock.now())), "this server accepts no JWTs")
}

func TestWhereACredentialIsRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqlite(t))
	secret, _ := w.token(model.RoleWriter)
	other, _ := w.token(model.RoleAdmin)
	bearer, another := "Bearer "+secret, "Bearer "+other
	header := func(value string) []string { return []string{"Authorization", value} }
	member := func(value any) map[string]any { return map[string]any{"Authorization": value} }
	for name, test := range map[string]struct {
		headers []string
		init    map[string]any
		refused string // "": accepted
	}{
		"header":              {header(bearer), nil, ""},
		"scheme in any case":  {header("bEARER   " + secret), nil, ""},
		"init":                {nil, member(bearer), ""},
		"init in any case":    {nil, map[string]any{"aUTHORIZATION": "bearer " + secret, "x": 1}, ""},
		"both the same":       {header(bearer), map[string]any{"authorization": bearer}, ""},
		"null in init":        {header(bearer), map[string]any{"authorization": nil}, ""},
		"header and init":     {header(bearer), map[string]any{"authorization": another}, "two different credentials"},
		"two in init":         {nil, map[string]any{"authorization": bearer, "Authorization": another}, "two different credentials"},
		"two headers":         {append(header(bearer), header(bearer)...), nil, "more than one Authorization header"},
		"two schemes":         {append(header(bearer), header("Basic YTpi")...), nil, "must be Bearer"},
		"Basic":               {header("Basic YWxpY2U6aHVudGVyMg=="), nil, "must be Bearer"},
		"no scheme":           {header(secret), nil, "must be Bearer"},
		"empty":               {header(""), nil, "must be Bearer"},
		"empty in init":       {nil, map[string]any{"Authorization": ""}, "must be Bearer"},
		"no token":            {header("Bearer"), nil, "has no token after Bearer"},
		"only spaces":         {header("Bearer    "), nil, "has no token after Bearer"},
		"a space after":       {nil, member(bearer + " "), "a space or another character"},
		"a line after":        {nil, member(bearer + "\n"), "a space or another character"},
		"a tab before":        {nil, member("Bearer \t" + secret), "a space or another character"},
		"NUL":                 {nil, member(bearer + "\x00"), "a space or another character"},
		"two with a comma":    {header(bearer + ",Bearer " + other), nil, "a space or another character"},
		"quotes":              {header(`Bearer "` + secret + `"`), nil, "a space or another character"},
		"too long":            {header("Bearer " + strings.Repeat("a", 8193)), nil, "longer than 8192 bytes"},
		"a number in init":    {nil, map[string]any{"Authorization": 7}, "must be a string"},
		"an object in init":   {nil, map[string]any{"Authorization": map[string]any{"Bearer": secret}}, "must be a string"},
		"another header":      {[]string{"X-Authorization", bearer, "Cookie", "Bearer=" + bearer}, nil, "a credential is needed"},
		"proxy authorization": {[]string{"Proxy-Authorization", bearer}, nil, "a credential is needed"},
		"headers as a member": {nil, map[string]any{"headers": member(bearer)}, "a credential is needed"},
		"upper case":          {header("Bearer " + strings.ToUpper(secret)), nil, "accepts no JWTs"},
	} {
		ctx, err := w.auth.Viewer(t.Context(), request(test.headers...), test.init)
		if test.refused == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, auth.ErrUnauthenticated, name)
		require.ErrorContains(t, err, test.refused, name)
		require.NotContains(t, err.Error(), secret[4:20], name)
		require.NotContains(t, err.Error(), "YWxp", name)
		require.Nil(t, ctx)
	}
	inURL := httptest.NewRequest(http.MethodGet, "/graphql?access_token="+secret+"&Authorization=Bearer+"+secret, nil)
	_, err := w.auth.Viewer(t.Context(), inURL, nil)
	require.ErrorIs(t, err, auth.ErrUnauthenticated, "a credential in a URL is never read")
}

func TestOnlyOperatorsChooseAnAccount(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		operator, _ := w.token(model.RoleOperator, func(in *auth.TokenInput) { in.Username = new("root") })
		v, err := w.viewer(operator)
		require.NoError(t, err)
		require.Equal(t, w.acme, v.Account)
		require.NotNil(t, v.UserID)
		v, err = w.viewer(operator, auth.AccountHeader, "default")
		require.NoError(t, err)
		require.Equal(t, "default", v.Account.Slug)
		require.Equal(t, model.RoleOperator, v.Role)
		require.Nil(t, v.UserID, "the operator's user is one of another account")
		require.Nil(t, v.Username)
		for _, slug := range []string{"nobody", "", "DEFAULT", "default ", "a\x00", strings.Repeat("a", 10000)} {
			_, err = w.viewer(operator, auth.AccountHeader, slug)
			input := &model.InputError{}
			require.ErrorAs(t, err, &input)
			require.Equal(t, []any{"X-Samjournal-Account"}, input.Path)
			require.Equal(t, "names no account", input.Reason)
		}

		for _, role := range []model.Role{model.RoleWriter, model.RoleReader, model.RoleAuditor, model.RoleAdmin} {
			secret, _ := w.token(role)
			v, err := w.viewer(secret, auth.AccountHeader, "acme")
			require.NoError(t, err)
			require.Equal(t, w.acme, v.Account)
			for _, slug := range []string{"default", "nobody", "", "ACME", "a\x00"} {
				before := w.questions.Load()
				_, err = w.viewer(secret, auth.AccountHeader, slug)
				require.ErrorIs(t, err, auth.ErrForbidden)
				require.EqualError(t, err, "the viewer may not act in this account")
				require.Equal(t, before, w.questions.Load(), "the database is not asked, so its time tells nothing")
			}
		}
	})
}

func TestWhereTheAccountIsRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqlite(t))
	secret, _ := w.token(model.RoleOperator)
	enter := func(init map[string]any, headers ...string) (model.Viewer, error) {
		ctx, err := w.auth.Viewer(t.Context(), request(append([]string{"Authorization", "Bearer " + secret}, headers...)...), init)
		if err != nil {
			return model.Viewer{}, err
		}
		return model.ViewerFrom(ctx)
	}
	for _, test := range []struct {
		init    map[string]any
		headers []string
	}{
		{nil, []string{"x-samjournal-account", "default"}},
		{nil, []string{"x-samjournal-account", "default", "X-Samjournal-Account", "default"}},
		{map[string]any{"X-SAMJOURNAL-ACCOUNT": "default"}, nil},
		{map[string]any{"x-samjournal-account": "default"}, []string{"x-samjournal-account", "default"}},
	} {
		v, err := enter(test.init, test.headers...)
		require.NoError(t, err)
		require.Equal(t, "default", v.Account.Slug)
	}
	v, err := enter(map[string]any{"x-samjournal-account": nil})
	require.NoError(t, err)
	require.Equal(t, w.acme, v.Account)

	input := &model.InputError{}
	for _, test := range []struct {
		init    map[string]any
		headers []string
	}{
		{nil, []string{"x-samjournal-account", "default", "X-Samjournal-Account", "acme"}},
		{map[string]any{"x-samjournal-account": "acme"}, []string{"x-samjournal-account", "default"}},
		{map[string]any{"x-samjournal-account": 7}, nil},
	} {
		_, err := enter(test.init, test.headers...)
		require.ErrorAs(t, err, &input)
		require.Equal(t, []any{"X-Samjournal-Account"}, input.Path)
	}
}

func TestManyRequestsOfOneTokenAreOneQuestion(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		secret, _ := w.token(model.RoleWriter)
		w.auth = w.authenticator(func(cfg *auth.Config) { cfg.Recheck = time.Hour })
		before := w.questions.Load()
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				if _, err := w.auth.Viewer(t.Context(), request("Authorization", "Bearer "+secret), nil); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, before+1, w.questions.Load())
		w.clock.advance(time.Hour)
		_, err := w.viewer(secret)
		require.NoError(t, err)
		require.Equal(t, before+2, w.questions.Load())
	})
}

func TestARequestThatIsGoneDoesNotSpoilTheAnswerForOthers(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	w := newWorld(t, database.OwnerURL)
	secret, _ := w.token(model.RoleWriter)
	holding, err := pgx.Connect(t.Context(), database.SuperuserURL)
	require.NoError(t, err)
	_, err = holding.Exec(t.Context(), "BEGIN; LOCK TABLE tokens")
	require.NoError(t, err)
	r := request("Authorization", "Bearer "+secret)
	before := w.questions.Load()

	var first, others sync.WaitGroup
	ctx, leave := context.WithCancel(t.Context())
	first.Go(func() {
		if _, err := w.auth.Viewer(ctx, r, nil); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	eventually(t, func() bool { return w.questions.Load() > before }, "the first asks")
	for range 20 {
		others.Go(func() {
			if _, err := w.auth.Viewer(t.Context(), r, nil); err != nil {
				t.Error(err)
			}
		})
	}
	leave()
	first.Wait()
	require.NoError(t, holding.Close(t.Context()))
	others.Wait()
	require.Equal(t, before+1, w.questions.Load(), "the others have the answer to its question")
}

func TestTheConfigurationIsChecked(t *testing.T) {
	t.Parallel()
	_, err := auth.New(auth.Config{})
	require.ErrorContains(t, err, "Config.Backend is missing")
	_, err = auth.New(auth.Config{Backend: newWorld(t, sqlite(t)).store, Recheck: -1})
	require.ErrorContains(t, err, "Config.Recheck must not be negative")
}
