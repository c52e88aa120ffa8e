package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"samjournal/internal/testpostgres"
)

// both returns a migrated database of each kind, by dialect.
func both(t *testing.T) map[string]dialect.Driver {
	t.Helper()
	databases := map[string]dialect.Driver{}
	for d, databaseURL := range map[string]string{
		dialect.SQLite:   "file:" + filepath.Join(t.TempDir(), "journal.db"),
		dialect.Postgres: testpostgres.New(t),
	} {
		db, err := migrated(t.Context(), databaseURL)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		databases[d] = db
	}
	return databases
}

func TestMigrationsAndEntSchemaAgree(t *testing.T) {
	t.Parallel()
	for d, db := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			migration, err := diff(t.Context(), db, "drift")
			require.NoError(t, err)
			require.Empty(t, migration, "the Ent schema asks for this: run make migration name=…")
		})
	}
}

// A change of the database that nobody listed must come out, or the test above proves nothing.
func TestADifferenceThatIsNotListedIsFound(t *testing.T) {
	t.Parallel()
	for statement, want := range map[string]string{
		`DROP INDEX entry_account_id_thing_position`:                     "entry_account_id_thing_position",
		`ALTER TABLE entries ADD COLUMN extra text`:                      "extra",
		`DROP INDEX user_account_id_username`:                            "user_account_id_username",
		`CREATE INDEX more ON users (account_id, email)`:                 "more",
		`ALTER TABLE users RENAME COLUMN display_name TO displayed_name`: "display_name",
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			for d, db := range both(t) {
				t.Run(d, func(t *testing.T) {
					t.Parallel()
					require.NoError(t, db.Exec(t.Context(), statement, []any{}, nil))
					migration, err := diff(t.Context(), db, "drift")
					if err != nil { // SQLite cannot drop a column without building the table anew
						require.ErrorIs(t, err, errRebuild)
						migration = err.Error()
					}
					require.Contains(t, migration, want)
					require.NotContains(t, migration, "goose Down")
				})
			}
		})
	}
}

func TestAListedDifferenceThatDoesNotOccurIsAnError(t *testing.T) {
	t.Parallel()
	db, err := migrated(t.Context(), testpostgres.New(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Exec(t.Context(), `ALTER TABLE heads DROP CONSTRAINT heads_account_id_fkey`, []any{}, nil))

	_, err = diff(t.Context(), db, "drift")

	require.ErrorContains(t, err, "heads: drop foreign key heads_account_id_fkey (account_id) on accounts (id)")
}

func TestGenerateWritesTheNextVersionForBothDatabases(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, directory := range []string{"sqlite", "postgres"} {
		require.NoError(t, os.Mkdir(filepath.Join(root, directory), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(root, directory, "00008_before.sql"), nil, 0o600))
	}
	var out strings.Builder

	require.NoError(t, run(t.Context(), []string{"add_something"}, root, &out))

	for _, directory := range []string{"sqlite", "postgres"} {
		path := filepath.Join(root, directory, "00009_add_something.sql")
		require.FileExists(t, path)
		require.Contains(t, out.String(), path)
	}
	for _, name := range []string{"", "Two words", "../up", "9"} {
		require.ErrorContains(t, run(t.Context(), []string{name}, root, &out), "name", name)
	}
	require.ErrorContains(t, run(t.Context(), []string{"x"}, t.TempDir(), &out), "module's root")
}
