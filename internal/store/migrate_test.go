package store_test

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"samjournal/internal/store"
	"samjournal/internal/testpostgres"
)

func TestMigrateBringsAnEmptyDatabaseUpToDate(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s := open(t, databaseURL, store.Options{})
			require.ErrorIs(t, s.Ready(t.Context()), store.ErrNotMigrated)
			require.ErrorContains(t, s.Ready(t.Context()), "samjournal migrate up")
			status, err := s.MigrationStatus(t.Context())
			require.NoError(t, err)
			require.Zero(t, status.Current)
			require.NotEmpty(t, status.Pending)
			require.Equal(t, "schema version 0 of 4, pending:\n  00001_init\n  00002_tokens\n  00003_counts\n  00004_search",
				status.String())

			require.NoError(t, s.Migrate(t.Context()))

			require.NoError(t, s.Ready(t.Context()))
			status, err = s.MigrationStatus(t.Context())
			require.NoError(t, err)
			require.Equal(t, "schema version 4, up to date", status.String())
			account, key, err := s.AccountBySlug(t.Context(), "default")
			require.NoError(t, err)
			require.EqualValues(t, 1, account.ID)
			require.WithinDuration(t, time.Now(), account.CreatedAt, time.Minute)
			require.Len(t, key, 32)
		})
	}
}

// Looking must not need the right to write, nor make a table.
func TestStatusAndReadyWriteNothing(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s := open(t, databaseURL, store.Options{})
			r := rawOf(t, databaseURL)
			_, err := s.MigrationStatus(t.Context())
			require.NoError(t, err)
			require.ErrorIs(t, s.Ready(t.Context()), store.ErrNotMigrated)
			require.Empty(t, r.catalog(t))
		})
	}
}

func TestMigratingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			r := filled(t, databaseURL)
			before := r.content(t)
			collected := &statements{}
			s := open(t, databaseURL, store.Options{SQLLog: collected.log})
			collected.take()
			require.NoError(t, s.Migrate(t.Context()))
			require.Len(t, collected.take(), 2, "one look for the table of versions and one into it")
			require.Equal(t, before, r.content(t))
		})
	}
}

func TestManyNodesMayMigrateAtOnce(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			const goroutines, processes = 6, 4
			var nodes errgroup.Group
			for range goroutines {
				nodes.Go(func() error { return migrateAndClose(context.WithoutCancel(t.Context()), databaseURL) })
			}
			for range processes {
				nodes.Go(func() error {
					node := exec.CommandContext(t.Context(), os.Args[0])
					node.Env = append(os.Environ(), migrateVariable+"="+databaseURL)
					node.Stderr = os.Stderr
					return node.Run()
				})
			}
			require.NoError(t, nodes.Wait())
			r := rawOf(t, databaseURL)
			var accounts, versions int
			require.NoError(t, r.QueryRowContext(t.Context(), `SELECT count(*) FROM accounts`).Scan(&accounts))
			require.NoError(t, r.QueryRowContext(t.Context(),
				`SELECT count(*) FROM goose_db_version WHERE version_id > 0`).Scan(&versions))
			require.Equal(t, 1, accounts)
			require.Equal(t, 4, versions)
		})
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s := migrated(t, databaseURL)
			r := rawOf(t, databaseURL)
			r.exec(t, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (1234, true)`)
			for _, err := range []error{s.Migrate(t.Context()), s.Ready(t.Context())} {
				require.ErrorIs(t, err, store.ErrNewerSchema)
				require.ErrorContains(t, err, "1234")
				require.ErrorContains(t, err, "up to 4;")
				require.ErrorContains(t, err, "start the newer samjournal")
			}
			status, err := s.MigrationStatus(t.Context())
			require.NoError(t, err)
			require.Contains(t, status.String(), strconv.Itoa(1234))
		})
	}
}

func TestAMigrationThatFailsLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s := open(t, databaseURL, store.Options{})
			r := rawOf(t, databaseURL)
			r.exec(t, `CREATE TABLE heads (other integer)`) // the last table of the first migration
			err := s.Migrate(t.Context())
			require.ErrorContains(t, err, "00001_init")
			require.ErrorContains(t, err, "heads")
			require.ErrorIs(t, s.Ready(t.Context()), store.ErrNotMigrated)
			var tables int
			query := `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('accounts', 'entries')`
			if r.dialect == dialect.Postgres {
				query = `SELECT count(*) FROM pg_class WHERE relname IN ('accounts', 'entries')`
			}
			require.NoError(t, r.QueryRowContext(t.Context(), query).Scan(&tables))
			require.Zero(t, tables)

			r.exec(t, `DROP TABLE heads`)
			require.NoError(t, s.Migrate(t.Context()), "the lock was released")
		})
	}
}

func TestMigrateWaitsForTheLockAndGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			if databaseURL[:5] == "file:" {
				databaseURL += "?_busy_timeout=10"
			}
			s := open(t, databaseURL, store.Options{})
			r := rawOf(t, databaseURL)
			lock, unlock := `BEGIN IMMEDIATE`, `ROLLBACK`
			if r.dialect == dialect.Postgres {
				lock, unlock = `SELECT pg_advisory_lock(x'73616d6a6f75726e'::bigint)`, `SELECT pg_advisory_unlock_all()`
			}
			r.exec(t, lock)
			short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			require.ErrorIs(t, s.Migrate(short), context.DeadlineExceeded)

			done := make(chan error, 1)
			go func() { done <- s.Migrate(context.WithoutCancel(t.Context())) }()
			select {
			case err := <-done:
				t.Fatalf("did not wait: %v", err)
			case <-time.After(100 * time.Millisecond):
			}
			r.exec(t, unlock)
			require.NoError(t, <-done)
		})
	}
}

func TestReadyFailsWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	server := testpostgres.Start(t)
	s := migrated(t, server.NewDatabase(t).OwnerURL)
	require.NoError(t, s.Ready(t.Context()))
	server.Stop(t, testpostgres.Fast)
	require.ErrorIs(t, s.Ready(t.Context()), store.ErrUnavailable)
	server.Run(t)
	require.Eventually(t, func() bool { return s.Ready(t.Context()) == nil }, 10*time.Second, 20*time.Millisecond)
}
