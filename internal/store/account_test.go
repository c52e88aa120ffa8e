package store_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
	"samjournal/internal/store"
)

func TestAccountsAreFoundBySlug(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s := migrated(t, databaseURL)
			key := bytes.Repeat([]byte{7}, 32)
			longest := "a" + strings.Repeat("-", 61) + "9"
			for _, slug := range []string{"x", "acme-2", longest} {
				created, err := s.CreateAccount(t.Context(), slug, "Acmé", key)
				require.NoError(t, err)
				found, digestKey, err := s.AccountBySlug(t.Context(), slug)
				require.NoError(t, err)
				require.Equal(t, created, found)
				require.Equal(t, key, digestKey)
			}

			_, _, err := s.AccountBySlug(t.Context(), "nobody")
			require.ErrorIs(t, err, store.ErrNoAccount)
			require.ErrorContains(t, err, `"nobody"`)
			_, err = s.CreateAccount(t.Context(), "default", "x", key)
			require.ErrorIs(t, err, store.ErrAccountExists)
			_, err = s.CreateAccount(t.Context(), "y", "x", key[:31])
			require.ErrorContains(t, err, "digest key")
			var input *model.InputError
			for _, slug := range []string{"", "-a", "a-", "A", "a b", "a\n", longest + "a"} {
				_, err = s.CreateAccount(t.Context(), slug, "x", key)
				require.ErrorAs(t, err, &input, slug)
			}
			for _, name := range []string{"", strings.Repeat("n", 201), "a\x00", "a\n", "\u202ea", " "} {
				_, err = s.CreateAccount(t.Context(), "y", name, key)
				require.ErrorAs(t, err, &input, name)
			}
		})
	}
}

func TestEveryDatabaseHasADigestKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 3 {
		for _, databaseURL := range both(t) {
			_, key, err := migrated(t, databaseURL).AccountBySlug(t.Context(), "default")
			require.NoError(t, err)
			require.False(t, seen[string(key)])
			seen[string(key)] = true
		}
	}
}

func TestAccountsAreListedAndRenamed(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s := migrated(t, databaseURL)
			acme, err := s.CreateAccount(t.Context(), "acme", "Acme", bytes.Repeat([]byte{7}, 32))
			require.NoError(t, err)
			ordinary, _, err := s.AccountBySlug(t.Context(), "default")
			require.NoError(t, err)

			require.NoError(t, s.UpdateAccount(t.Context(), acme.ID, "Acmé"))

			acme.Name = "Acmé"
			all, err := s.Accounts(t.Context())
			require.NoError(t, err)
			require.Equal(t, []model.Account{acme, ordinary}, all)
			require.ErrorIs(t, s.UpdateAccount(t.Context(), 99, "x"), store.ErrNoAccount)
			var input *model.InputError
			for _, name := range []string{"", strings.Repeat("n", 201), "a\x00", "\xff", "a\n", "\u202ea", " "} {
				require.ErrorAs(t, s.UpdateAccount(t.Context(), acme.ID, name), &input, "%q", name)
			}
		})
	}
}

func TestOneOfManyCreatesAnAccount(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s := migrated(t, databaseURL)
			const callers = 8
			errs := make(chan error, callers)
			for range callers {
				go func() {
					_, err := s.CreateAccount(t.Context(), "acme", "Acme", bytes.Repeat([]byte{7}, 32))
					errs <- err
				}()
			}
			created := 0
			for range callers {
				if err := <-errs; err != nil {
					require.ErrorIs(t, err, store.ErrAccountExists)
				} else {
					created++
				}
			}
			require.Equal(t, 1, created)
		})
	}
}
