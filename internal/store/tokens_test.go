package store_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"samjournal/internal/model"
	"samjournal/internal/store"
)

// tokenTime is when the tokens of these tests are created; the nanoseconds and the zone must not come back.
func tokenTime() time.Time {
	return time.Date(2026, 3, 4, 5, 6, 7, 890_123_456, time.FixedZone("far", -7*3600))
}

// newToken is a token that is good for both databases.
func newToken(id int64) store.NewToken {
	return store.NewToken{ID: id, Name: "ci", Role: model.RoleWriter, Digest: [32]byte{byte(id), 1}, CreatedAt: tokenTime()}
}

func TestATokenComesBackAsItWasCreated(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s := migrated(t, databaseURL)
			account, _, err := s.AccountBySlug(t.Context(), "default")
			require.NoError(t, err)
			full := newToken(1<<62 + 3)
			full.Name, full.Role, full.Username = strings.Repeat("é", 100), model.RoleReader, new("alice")
			full.CreatedBy, full.ExpiresAt = new("token:9"), new(tokenTime().Add(time.Hour))
			require.NoError(t, s.CreateToken(t.Context(), account.ID, full))
			require.NoError(t, s.CreateToken(t.Context(), account.ID, newToken(1)))

			created := tokenTime().UTC().Truncate(time.Microsecond)
			want := store.Token{
				Account: account, ID: 1<<62 + 3, Name: full.Name, Role: model.RoleReader, Digest: full.Digest, UserID: new(int64(1)),
				Username: new("alice"), CreatedAt: created, ExpiresAt: new(created.Add(time.Hour)),
			}
			got, err := s.Token(t.Context(), account.ID, full.ID)
			require.NoError(t, err)
			require.Equal(t, want, got)
			got, err = s.Token(t.Context(), account.ID, 1)
			require.NoError(t, err)
			plain := store.Token{Account: account, ID: 1, Name: "ci", Role: model.RoleWriter, Digest: [32]byte{1, 1}, CreatedAt: created}
			require.Equal(t, plain, got)

			all, err := s.Tokens(t.Context(), account.ID, nil)
			require.NoError(t, err)
			require.Equal(t, map[int64]store.Token{1: plain, full.ID: want}, all)
			some, err := s.Tokens(t.Context(), account.ID, []int64{1, 7})
			require.NoError(t, err)
			require.Equal(t, map[int64]store.Token{1: plain}, some)
			none, err := s.Tokens(t.Context(), account.ID, []int64{})
			require.NoError(t, err)
			require.Empty(t, none)
		})
	}
}

func TestTheUserOfATokenIsCreatedOnce(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s := migrated(t, databaseURL)
			const tokens = 6
			var creators errgroup.Group
			for i := range tokens {
				creators.Go(func() error {
					n := newToken(int64(i) + 1)
					n.Username = new([]string{"alice", "Bob"}[i%2])
					return s.CreateToken(t.Context(), 1, n)
				})
			}
			require.NoError(t, creators.Wait())
			all, err := s.Tokens(t.Context(), 1, nil)
			require.NoError(t, err)
			require.Len(t, all, tokens)
			for id, token := range all {
				u, ok, err := s.UserByName(t.Context(), 1, []string{"alice", "Bob"}[(id-1)%2])
				require.NoError(t, err)
				require.True(t, ok)
				require.Equal(t, u.ID, *token.UserID)
				require.Contains(t, []int64{1, 2}, u.ID, "users are numbered densely")
			}
		})
	}
}

func TestATokenThatCannotBeStoredLeavesNothing(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s := migrated(t, databaseURL)
			require.NoError(t, s.CreateToken(t.Context(), 1, newToken(1)))
			again := newToken(1)
			again.Username = new("carol")
			require.ErrorIs(t, s.CreateToken(t.Context(), 1, again), store.ErrRefused)
			_, ok, err := s.UserByName(t.Context(), 1, "carol")
			require.NoError(t, err)
			require.False(t, ok)
			require.ErrorIs(t, s.CreateToken(t.Context(), 99, newToken(2)), store.ErrNoAccount)

			var input *model.InputError
			for _, name := range []string{"", strings.Repeat("x", 101), "a\x00b", "\xff", "a\n", "\u202ea", " "} {
				bad := newToken(2)
				bad.Name = name
				require.ErrorAs(t, s.CreateToken(t.Context(), 1, bad), &input, "%q", name)
				require.Equal(t, []any{"name"}, input.Path)
			}
			reader := newToken(2)
			reader.Role = model.RoleReader
			require.ErrorAs(t, s.CreateToken(t.Context(), 1, reader), &input)
			require.Equal(t, []any{"username"}, input.Path)
			for _, spoil := range []func(*store.NewToken){
				func(n *store.NewToken) { n.ID = 0 },
				func(n *store.NewToken) { n.Role = "writer" },
				func(n *store.NewToken) { n.CreatedBy = new("") },
			} {
				bad := newToken(2)
				spoil(&bad)
				require.Error(t, s.CreateToken(t.Context(), 1, bad))
			}
			all, err := s.Tokens(t.Context(), 1, nil)
			require.NoError(t, err)
			require.Len(t, all, 1)
		})
	}
}

func TestTheFirstRevocationStays(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s := migrated(t, databaseURL)
			r := rawOf(t, databaseURL)
			require.NoError(t, s.CreateToken(t.Context(), 1, newToken(1)))
			require.NoError(t, s.CreateToken(t.Context(), 1, newToken(2)))

			require.NoError(t, s.RevokeToken(t.Context(), 1, 1, tokenTime(), new("token:9")))
			require.NoError(t, s.RevokeToken(t.Context(), 1, 1, tokenTime().Add(time.Hour), nil))

			got, err := s.Tokens(t.Context(), 1, nil)
			require.NoError(t, err)
			require.Equal(t, new(tokenTime().UTC().Truncate(time.Microsecond)), got[1].RevokedAt)
			require.Nil(t, got[2].RevokedAt)
			require.Equal(t, [][]any{{"token:9"}}, r.rows(t, `SELECT revoked_by FROM tokens WHERE id = 1`))
			require.ErrorIs(t, s.RevokeToken(t.Context(), 1, 3, tokenTime(), nil), store.ErrNoToken)
			require.Error(t, s.RevokeToken(t.Context(), 1, 2, tokenTime(), new("")))
		})
	}
}

func TestTheLastUseOfTokensOnlyMovesForward(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s := migrated(t, databaseURL)
			for id := range int64(3) {
				require.NoError(t, s.CreateToken(t.Context(), 1, newToken(id+1)))
			}
			at := tokenTime().UTC().Truncate(time.Microsecond)
			for _, used := range []map[int64]time.Time{
				nil,
				{1: at.Add(time.Minute), 2: at, 99: at},
				{1: at, 2: at.Add(time.Minute).In(tokenTime().Location())},
			} {
				require.NoError(t, s.TouchTokens(t.Context(), 1, used))
			}
			got, err := s.Tokens(t.Context(), 1, nil)
			require.NoError(t, err)
			require.Len(t, got, 3)
			require.Equal(t, new(at.Add(time.Minute)), got[1].LastUsedAt)
			require.Equal(t, new(at.Add(time.Minute)), got[2].LastUsedAt)
			require.Nil(t, got[3].LastUsedAt)
		})
	}
}

func TestManyNodesMayTouchTheSameTokens(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s := migrated(t, databaseURL)
			const tokens, nodes, rounds = 20, 4, 5
			for id := range int64(tokens) {
				require.NoError(t, s.CreateToken(t.Context(), 1, newToken(id+1)))
			}
			var touching errgroup.Group
			for node := range nodes {
				touching.Go(func() error {
					for round := range rounds {
						used := map[int64]time.Time{}
						for id := range int64(tokens) {
							used[id+1] = tokenTime().Add(time.Duration(round*nodes+node) * time.Second)
						}
						if err := s.TouchTokens(t.Context(), 1, used); err != nil {
							return err
						}
					}
					return nil
				})
			}
			require.NoError(t, touching.Wait())
			got, err := s.Tokens(t.Context(), 1, nil)
			require.NoError(t, err)
			for id, token := range got {
				want := tokenTime().UTC().Truncate(time.Microsecond).Add((nodes*rounds - 1) * time.Second)
				require.Equal(t, want, *token.LastUsedAt, id)
			}
		})
	}
}

func TestTokensOfAccountsAreApart(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s := migrated(t, databaseURL)
			other, err := s.CreateAccount(t.Context(), "other", "Other", bytes.Repeat([]byte{7}, 32))
			require.NoError(t, err)
			mine, theirs := newToken(1), newToken(1)
			theirs.Name, theirs.Username = "theirs", new("alice")
			require.NoError(t, s.CreateToken(t.Context(), 1, mine))
			require.NoError(t, s.CreateToken(t.Context(), other.ID, theirs))

			require.NoError(t, s.RevokeToken(t.Context(), other.ID, 1, tokenTime(), nil))
			require.NoError(t, s.TouchTokens(t.Context(), other.ID, map[int64]time.Time{1: tokenTime()}))

			got, err := s.Token(t.Context(), 1, 1)
			require.NoError(t, err)
			require.Equal(t, "ci", got.Name)
			require.Nil(t, got.RevokedAt)
			require.Nil(t, got.LastUsedAt)
			got, err = s.Token(t.Context(), other.ID, 1)
			require.NoError(t, err)
			require.Equal(t, other, got.Account)
			require.NotNil(t, got.RevokedAt)
			require.NotNil(t, got.LastUsedAt)
			_, err = s.Token(t.Context(), 99, 1)
			require.ErrorIs(t, err, store.ErrNoToken)
		})
	}
}

func TestEveryStatementOnTokensAndUsersCarriesTheAccount(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s, collected := logged(t, databaseURL)
			n := newToken(12)
			n.Username = new("carol")
			for name, run := range map[string]func(context.Context) error{
				"create": func(ctx context.Context) error { return s.CreateToken(ctx, 1, n) },
				"revoke": func(ctx context.Context) error { return s.RevokeToken(ctx, 1, 11, tokenTime(), nil) },
				"touch":  func(ctx context.Context) error { return s.TouchTokens(ctx, 1, map[int64]time.Time{11: tokenTime()}) },
				"one":    func(ctx context.Context) error { _, err := s.Token(ctx, 1, 11); return err },
				"all":    func(ctx context.Context) error { _, err := s.Tokens(ctx, 1, nil); return err },
				"user":   func(ctx context.Context) error { _, _, err := s.UserByName(ctx, 1, "alice"); return err },
				"users": func(ctx context.Context) error {
					_, err := s.UsersByName(ctx, 1, []string{"alice", "Bob"})
					return err
				},
				"change": func(ctx context.Context) error { return s.UpdateUser(ctx, 1, 1, tokenTime(), store.UserChange{}) },
			} {
				require.NoError(t, run(t.Context()), name)
				statements := collected.take()
				require.NotEmpty(t, statements, name)
				for _, statement := range statements {
					require.Empty(t, unscoped(statement), statement)
				}
			}
		})
	}
}
