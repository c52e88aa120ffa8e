package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/store"
)

func TestMigrateBringsAnEmptyDatabaseUpToDate(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL, store.Options{})
		require.ErrorIs(t, s.Ready(t.Context()), store.ErrNotMigrated)
		status, err := s.MigrationStatus(t.Context())
		require.NoError(t, err)
		require.Zero(t, status.Current)
		require.NotEmpty(t, status.Pending)

		require.NoError(t, s.Migrate(t.Context()))

		require.NoError(t, s.Ready(t.Context()))
		account, key, err := s.AccountBySlug(t.Context(), "default")
		require.NoError(t, err)
		require.EqualValues(t, 1, account.ID)
		require.Len(t, key, 32)
		require.NotEqual(t, make([]byte, 32), key)
		require.NoError(t, s.Migrate(t.Context()), "a second time")
	})
}
