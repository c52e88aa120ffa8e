package store_test

import (
	"fmt"
	"maps"
	"os"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"samjournal/internal/conformance/oracle"
	"samjournal/internal/store"
)

// atVersion returns a database that was migrated to a version, and no further.
func atVersion(t *testing.T, databaseURL string, version int64) raw {
	t.Helper()
	r := rawOf(t, databaseURL)
	d, directory := goose.DialectSQLite3, "migrations/sqlite"
	if r.dialect == dialect.Postgres {
		d, directory = goose.DialectPostgres, "migrations/postgres"
	}
	migrations, err := goose.NewProvider(d, r.DB, os.DirFS(directory))
	require.NoError(t, err)
	_, err = migrations.UpTo(t.Context(), version)
	require.NoError(t, err)
	return r
}

// micros is a time in the words of the database.
func (r raw) micros(at time.Time) string {
	if r.dialect == dialect.Postgres {
		return "'" + at.Format(time.RFC3339Nano) + "'::timestamptz"
	}
	return fmt.Sprint(at.UnixMicro())
}

// requireCounted asserts that the counters are those of the entries.
func requireCounted(t *testing.T, databaseURL string, entries int) {
	t.Helper()
	tables, err := oracle.Open(databaseURL)
	require.NoError(t, err)
	accounts, err := tables.Accounts(t.Context())
	require.NoError(t, err)
	want, n := map[oracle.Counter]int64{}, 0
	for _, account := range accounts {
		list, err := tables.Entries(t.Context(), account.ID, 0)
		require.NoError(t, err)
		n += len(list)
		maps.Copy(want, oracle.CountersOf(list))
	}
	require.Equal(t, entries, n)
	found, err := tables.Counters(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, found)
	require.NoError(t, tables.Close())
}

func TestAMigratedJournalHasItsCounters(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			r := atVersion(t, databaseURL, 2)
			r.exec(t, fmt.Sprintf(`INSERT INTO accounts (id, slug, name, digest_key, created_at) VALUES (7, 'other', 'Other', %s, %s)`,
				r.blob("05", 32), r.time(0)))
			n := 0
			for _, account := range []int{1, 7} {
				r.exec(t, fmt.Sprintf(`INSERT INTO users (account_id, id, username, created_at)
					VALUES (%d, 1, 'alice', %s), (%d, 2, 'Bob', %s)`, account, r.time(0), account, r.time(0)))
				for i, at := range append(instants(), instants()[:account]...) {
					change := map[string]string{"created_at": r.micros(at), "origin": "'IMPORT'", "status_code": fmt.Sprint(i % 3)}
					switch i % 4 {
					case 0:
						change["user_id"], change["username"] = "NULL", "NULL"
					case 1:
						change["user_id"], change["username"], change["thing"] = "2", "'Bob'", "'Proxy'"
					case 2:
						change["command"] = "'get'"
					}
					r.exec(t, r.insertEntry(r.rowOf(account, fmt.Sprintf("%064x", i), i, change)))
					r.exec(t, fmt.Sprintf(`UPDATE heads SET size = %d, last_key = '%064x', last_recorded_at = %s WHERE account_id = %d`,
						i+1, i, r.time(1), account))
					n++
				}
			}
			s := open(t, databaseURL, store.Options{})

			require.NoError(t, s.Migrate(t.Context()))

			requireCounted(t, databaseURL, n)
			appendOne(t, s, 'f')
			requireCounted(t, databaseURL, n+1)
		})
	}
}

// A samjournal of before may still append while a newer one migrates.
func TestWhatIsAppendedWhileCountersAreMadeIsCounted(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			r := atVersion(t, databaseURL, 2)
			r.exec(t, fmt.Sprintf(`INSERT INTO users (account_id, id, username, created_at) VALUES (1, 1, 'alice', %s)`, r.time(0)))
			s := open(t, databaseURL, store.Options{})
			before, err := r.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			for _, statement := range []string{
				`UPDATE heads SET size = size`, // locks it
				r.insertEntry(r.rowOf(1, fmt.Sprintf("%064x", 0), 0, nil)),
				fmt.Sprintf(`UPDATE heads SET size = 1, last_key = '%064x', last_recorded_at = %s WHERE account_id = 1`, 0, r.time(1)),
			} {
				_, err := before.ExecContext(t.Context(), statement)
				require.NoError(t, err, statement)
			}

			done := make(chan error, 1)
			go func() { done <- s.Migrate(t.Context()) }()
			if r.dialect == dialect.Postgres {
				require.Eventually(t, func() bool {
					var waiting bool
					err := before.QueryRowContext(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON oid = database
						WHERE datname = current_database() AND NOT granted)`).Scan(&waiting)
					return err == nil && waiting
				}, time.Minute, time.Millisecond)
			}
			require.NoError(t, before.Commit())

			require.NoError(t, <-done)
			requireCounted(t, databaseURL, 1)
		})
	}
}
