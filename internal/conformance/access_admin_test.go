package conformance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/auth"
	"samjournal/internal/model"
)

// tokenRow is a token as clients read it.
type tokenRow struct {
	ID, Name, Role                   string
	CreatedAt                        time.Time
	CreatedBy, RevokedBy             *string
	ExpiresAt, LastUsedAt, RevokedAt *time.Time
	User                             *struct{ Username string }
}

const tokenFields = `id name role createdAt createdBy expiresAt lastUsedAt revokedAt revokedBy user { username }`

type tokenPage struct {
	Edges []struct {
		Cursor string
		Node   tokenRow
	}
	PageInfo struct {
		HasNextPage, HasPreviousPage bool
		StartCursor, EndCursor       *string
	}
	TotalCount int64
}

const tokensPage = `query($after: Cursor, $first: Int, $before: Cursor, $last: Int) {
	page: tokens(after: $after, first: $first, before: $before, last: $last) {
		edges { cursor node { ` + tokenFields + ` } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }`

func TestAnAdminCreatesAndRevokesTokens(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n, c := startAtEpoch(t, databaseURL)
			admin := n.whoIs(n.as(t, "default"), t, model.RoleAdmin, "")
			var made struct {
				CreateToken struct {
					Secret string
					Token  tokenRow
				}
			}
			n.ask(admin, t, &made,
				`mutation($input: CreateTokenInput!) { createToken(input: $input) { secret token { `+tokenFields+` } } }`,
				vars{"input": vars{"name": "ci", "role": "READER", "username": "alice", "expiresIn": "P1M1DT1H"}})
			secret, created := made.CreateToken.Secret, made.CreateToken.Token
			parsed, err := auth.ParseToken(secret)
			require.NoError(t, err)
			require.Equal(t, accountOf(admin, t), parsed.AccountID)
			require.Equal(t, model.TokenID(parsed.AccountID, parsed.ID), created.ID)
			stored, err := n.store.Token(admin, parsed.AccountID, parsed.ID)
			require.NoError(t, err)
			require.Equal(t, parsed.Digest(), stored.Digest, "who holds the secret gets in")
			require.Equal(t, tokenRow{
				ID: created.ID, Name: "ci", Role: "READER", CreatedAt: c.now(), CreatedBy: new("token:7"),
				ExpiresAt: new(c.now().AddDate(0, 1, 1).Add(time.Hour)), User: created.User,
			}, created)
			require.Equal(t, "alice", created.User.Username, "created with the token")

			var revoked struct{ RevokeToken struct{ Token tokenRow } }
			const revoke = `mutation($id: ID!) { revokeToken(input: {id: $id}) { token { ` + tokenFields + ` } } }`
			at := c.now().Add(time.Second)
			c.micros.Store(at.UnixMicro())
			n.ask(admin, t, &revoked, revoke, vars{"id": created.ID})
			require.Equal(t, at, *revoked.RevokeToken.Token.RevokedAt)
			require.Equal(t, "token:7", *revoked.RevokeToken.Token.RevokedBy)
			c.micros.Add(1_000_000)
			n.ask(n.as(t, "default"), t, &revoked, revoke, vars{"id": created.ID})
			require.Equal(t, at, *revoked.RevokeToken.Token.RevokedAt, "once for ever")

			var listed struct{ Page tokenPage }
			n.ask(admin, t, &listed, tokensPage, nil)
			require.Equal(t, revoked.RevokeToken.Token, listed.Page.Edges[0].Node)
			everything, err := json.Marshal(listed)
			require.NoError(t, err)
			require.NotContains(t, string(everything), secret)
		})
	}
}

func TestATokenThatCannotBeIsRefusedWithItsReason(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			operator := n.as(t, "default")
			for _, c := range []struct {
				path  string
				input vars
			}{
				{"role", vars{"name": "x", "role": "OPERATOR"}},
				{"name", vars{"name": "", "role": "WRITER"}},
				{"name", vars{"name": fmt.Sprintf("%0101d", 1), "role": "WRITER"}},
				{"username", vars{"name": "x", "role": "READER"}},
				{"username", vars{"name": "x", "role": "READER", "username": ""}},
				{"username", vars{"name": "x", "role": "READER", "username": "al\u202eice"}},
				{"name", vars{"name": "a\nb", "role": "WRITER"}},
				{"name", vars{"name": "\u00a0", "role": "WRITER"}},
				{"expiresAt", vars{"name": "x", "role": "WRITER", "expiresAt": "2001-01-01T00:00:00Z"}},
				{"expiresIn", vars{"name": "x", "role": "WRITER", "expiresAt": "2101-01-01T00:00:00Z", "expiresIn": "P1D"}},
				{"expiresIn", vars{"name": "x", "role": "WRITER", "expiresIn": "90d"}},
				{"expiresIn", vars{"name": "x", "role": "WRITER", "expiresIn": "P1.5D"}},
				{"expiresIn", vars{"name": "x", "role": "WRITER", "expiresIn": "-P1D"}},
				{"expiresIn", vars{"name": "x", "role": "WRITER", "expiresIn": "P9999Y"}},
				{"expiresIn", vars{"name": "x", "role": "WRITER", "expiresIn": "PT0S"}},
				{"expiresIn", vars{"name": "x", "role": "WRITER", "expiresIn": "P11Y"}},
			} {
				_, errs := n.try(operator, t, `mutation($input: CreateTokenInput!) { createToken(input: $input) { secret } }`,
					vars{"input": c.input})
				require.Len(t, errs, 1, "%v", c.input)
				require.Equal(t, map[string]any{"code": "BAD_USER_INPUT", "path": []any{"input", c.path}}, errs[0].Extensions, "%v", c.input)
			}
			var listed struct{ Page tokenPage }
			n.ask(operator, t, &listed, tokensPage, nil)
			require.Zero(t, listed.Page.TotalCount)
		})
	}
}

func TestTokensAreListedInPagesNewestFirst(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n, c := startAtEpoch(t, databaseURL)
			ctx := n.as(t, "default")
			admin := auth.Admin{Store: n.store, Clock: c.now}
			const tokens = 12
			for i := range tokens {
				c.micros.Add(int64(i % 2)) // every other one as old as the one before
				_, _, err := admin.CreateToken(ctx, auth.TokenInput{
					Name: fmt.Sprint(i), Role: model.RoleReader, Username: new(fmt.Sprintf("user-%d", i%3)),
				})
				require.NoError(t, err)
			}
			var all, listed struct{ Page tokenPage }
			n.ask(ctx, t, &all, tokensPage, vars{"first": 500})
			require.Len(t, all.Page.Edges, tokens)
			require.EqualValues(t, tokens, all.Page.TotalCount)
			for i := 1; i < tokens; i++ {
				require.False(t, all.Page.Edges[i].Node.CreatedAt.After(all.Page.Edges[i-1].Node.CreatedAt))
			}
			for size := 1; size <= tokens; size += 3 {
				at := 0
				for v := (vars{"first": size}); ; v["after"] = *listed.Page.PageInfo.EndCursor {
					n.ask(ctx, t, &listed, tokensPage, v)
					require.Equal(t, all.Page.Edges[at:min(at+size, tokens)], listed.Page.Edges)
					if at += len(listed.Page.Edges); !listed.Page.PageInfo.HasNextPage {
						break
					}
				}
				require.Equal(t, tokens, at)
				for v := (vars{"last": size}); ; v["before"] = *listed.Page.PageInfo.StartCursor {
					n.ask(ctx, t, &listed, tokensPage, v)
					require.Equal(t, all.Page.Edges[max(at-size, 0):at], listed.Page.Edges)
					if at -= len(listed.Page.Edges); !listed.Page.PageInfo.HasPreviousPage {
						break
					}
				}
				require.Zero(t, at)
			}
			_, errs := n.try(ctx, t, `query($after: Cursor) { entries(after: $after) { totalCount } }`,
				vars{"after": all.Page.Edges[0].Cursor})
			require.Len(t, errs, 1)
			require.Contains(t, errs[0].Message, "is a cursor of tokens by CREATED_AT; this list needs one of entries by POSITION")

			require.Len(t, n.queries(ctx, t, tokensPage, nil), 3, "the tokens, their users, the count")
			require.Len(t, n.queries(ctx, t, `{ tokens { edges { node { name } } pageInfo { endCursor } } }`, nil), 1)
		})
	}
}

func TestAnAdminChangesUsersOfItsAccount(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n, c := startAtEpoch(t, databaseURL)
			ctx := n.as(t, "default")
			n.append(ctx, t, by("alice", 1))
			admin := n.whoIs(ctx, t, model.RoleAdmin, "alice")
			viewer, err := model.ViewerFrom(admin)
			require.NoError(t, err)
			id := model.UserID(viewer.Account.ID, *viewer.UserID)
			type person struct {
				Email, DisplayName *string
				DisabledAt         *time.Time
			}
			for _, step := range []struct {
				change vars
				want   person
			}{
				{vars{}, person{}},
				{vars{"email": "a@example.org", "displayName": "Alice"}, person{new("a@example.org"), new("Alice"), nil}},
				{vars{"email": nil}, person{nil, new("Alice"), nil}},
				{vars{"disabled": true}, person{nil, new("Alice"), new(c.now())}},
				{vars{"disabled": nil, "displayName": nil}, person{nil, nil, new(c.now())}},
				{vars{"disabled": false}, person{}},
			} {
				step.change["id"] = id
				var answer struct{ UpdateUser struct{ User person } }
				n.ask(admin, t, &answer,
					`mutation($input: UpdateUserInput!) { updateUser(input: $input) { user { email displayName disabledAt } } }`,
					vars{"input": step.change})
				require.Equal(t, step.want, answer.UpdateUser.User, "%v", step.change)
			}
			for path, input := range map[string]vars{
				"email":       {"id": id, "email": ""},
				"displayName": {"id": id, "displayName": "Al\u202eice"},
				"id":          {"id": model.UserID(viewer.Account.ID, 99), "email": "x"},
			} {
				_, errs := n.try(admin, t, `mutation($input: UpdateUserInput!) { updateUser(input: $input) { user { id } } }`,
					vars{"input": input})
				require.Len(t, errs, 1)
				require.Equal(t, map[string]any{"code": "BAD_USER_INPUT", "path": []any{"input", path}}, errs[0].Extensions)
			}
			require.Equal(t, "BAD_USER_INPUT", n.refused(admin, t, `mutation($id: ID!) { updateUser(input: {id: $id}) { user { id } } }`,
				vars{"id": model.AccountID(viewer.Account.ID)}))
		})
	}
}

func TestAccountsAreNamedByAdminsAndCreatedByOperators(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			operator := n.as(t, "default")
			admin := n.whoIs(operator, t, model.RoleAdmin, "")
			var named struct {
				UpdateAccount struct {
					Account struct{ ID, Slug, Name string }
				}
			}
			n.ask(admin, t, &named, `mutation { updateAccount(input: {name: "Acme"}) { account { id slug name } } }`, nil)
			require.Equal(t, "Acme", named.UpdateAccount.Account.Name)
			require.Equal(t, "default", named.UpdateAccount.Account.Slug)
			account, _, err := n.store.AccountBySlug(context.Background(), "default")
			require.NoError(t, err)
			require.Equal(t, "Acme", account.Name)

			const create = `mutation($slug: String!, $name: String!) {
				createAccount(input: {slug: $slug, name: $name}) { account { id slug name createdAt } } }`
			var made struct {
				CreateAccount struct {
					Account struct{ ID, Slug, Name string }
				}
			}
			n.ask(operator, t, &made, create, vars{"slug": "acme-2", "name": "Acme, too"})
			require.Equal(t, "Acme, too", made.CreateAccount.Account.Name)
			other := n.as(t, "acme-2")
			require.Equal(t, made.CreateAccount.Account.ID, model.AccountID(accountOf(other, t)))
			require.Zero(t, n.append(other, t, by("alice", 1))[0].Position, "a journal of its own")

			require.Equal(t, "CONFLICT", n.refused(operator, t, create, vars{"slug": "acme-2", "name": "again"}))
			for _, v := range []vars{
				{"slug": "-", "name": "x"}, {"slug": "x", "name": ""}, {"slug": "x", "name": "a\x00"}, {"slug": "x", "name": "\t"},
			} {
				require.Equal(t, "BAD_USER_INPUT", n.refused(operator, t, create, v))
			}
			for _, name := range []string{"", "\u2066Acme", " "} {
				_, errs := n.try(admin, t, `mutation($name: String!) { updateAccount(input: {name: $name}) { account { id } } }`,
					vars{"name": name})
				require.Len(t, errs, 1)
				require.Equal(t, map[string]any{"code": "BAD_USER_INPUT", "path": []any{"input", "name"}}, errs[0].Extensions, "%q", name)
			}
		})
	}
}
