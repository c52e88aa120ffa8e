package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"samjournal/internal/store"
	"samjournal/internal/testpostgres"
)

// migrateVariable makes the test binary a process that migrates the database it names, and ends.
const migrateVariable = "SAMJOURNAL_TEST_MIGRATE"

func TestMain(m *testing.M) {
	if databaseURL := os.Getenv(migrateVariable); databaseURL != "" {
		if err := migrateAndClose(context.Background(), databaseURL); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func migrateAndClose(ctx context.Context, databaseURL string) error {
	s, err := store.Open(ctx, databaseURL, store.Options{})
	if err != nil {
		return err
	}
	return errors.Join(s.Migrate(ctx), s.Ready(ctx), s.Close())
}

// both returns the URLs of two empty databases, by dialect.
func both(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		dialect.SQLite:   fresh(t, dialect.SQLite),
		dialect.Postgres: fresh(t, dialect.Postgres),
	}
}

// fresh returns the URL of an empty database.
func fresh(t *testing.T, d string) string {
	t.Helper()
	if d == dialect.Postgres {
		return testpostgres.New(t)
	}
	return "file:" + filepath.Join(t.TempDir(), "journal.db")
}

// open opens a database and closes it when the test ends.
func open(t *testing.T, databaseURL string, opts store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), databaseURL, opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// migrated opens a database and migrates it.
func migrated(t *testing.T, databaseURL string) *store.Store {
	t.Helper()
	s := open(t, databaseURL, store.Options{})
	require.NoError(t, s.Migrate(context.WithoutCancel(t.Context())))
	return s
}
