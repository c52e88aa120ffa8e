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
			for _, name := range []string{"", strings.Repeat("n", 201), "a\x00"} {
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
