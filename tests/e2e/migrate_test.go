package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMigrateOffRefusesAnEmptyDatabaseAndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db, export := fresh(t), emptyExport(t)
			for _, command := range [][]string{
				{"serve", "--listen=127.0.0.1:0", "--migrate=off"},
				{"seed", "--migrate=off"},
				{"import", "--migrate=off", export},
			} {
				r := run(t, db.where, command...)
				require.Equal(t, 1, r.code, command)
				require.Contains(t, r.stderr, "not up to date", command)
				require.Contains(t, r.stderr, "samjournal migrate up", command)
			}
			require.Contains(t, must(t, db.where, "migrate", "status").stdout,
				"schema version 0 of 4, pending:\n  00001_init\n  00002_tokens\n  00003_counts\n  00004_search")
			require.Contains(t, must(t, db.where, "migrate", "up").stdout, "schema version 4, up to date")
			require.Contains(t, must(t, db.where, "migrate", "up").stdout, "schema version 4, up to date", "again does nothing")
			require.Contains(t, must(t, db.where, "migrate", "status").stdout, "schema version 4, up to date")
			require.Equal(t, "0", serve(t, db.where, "--migrate=off").size(t))
		})
	}
}

func TestANewerSchemaIsRefusedByEveryCommand(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db, export := fresh(t), emptyExport(t)
			must(t, db.where, "migrate", "up")
			running := serve(t, db.where)
			db.exec(t, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)")
			for _, command := range [][]string{
				{"serve", "--listen=127.0.0.1:0"},
				{"serve", "--listen=127.0.0.1:0", "--migrate=off"},
				{"seed"},
				{"import", export},
				{"migrate", "up"},
			} {
				r := run(t, db.where, command...)
				require.Equal(t, 1, r.code, command)
				require.Contains(t, r.stderr, "newer than this samjournal", command)
				require.Contains(t, r.stderr, "version 99999", command)
				require.NotContains(t, r.stderr, "give --migrate=auto", "which would not help")
				require.NotContains(t, r.stderr, "run `samjournal migrate up`", "which would not help")
			}
			require.Contains(t, must(t, db.where, "migrate", "status").stdout, "newer than this samjournal")
			ready := running.get(t, "/readyz")
			require.Equal(t, 503, ready.status)
			require.Contains(t, ready.body, "99999")
		})
	}
}

// emptyExport returns the name of an export without entries.
func emptyExport(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "export.json")
	require.NoError(t, os.WriteFile(name, []byte("[]"), 0o600))
	return name
}

func TestServersThatStartAtOnceMigrateOnce(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			servers := make([]*process, 4)
			for i := range servers {
				servers[i] = start(t, db.where, "serve", "--listen=127.0.0.1:0")
			}
			for _, s := range servers {
				eventually(t, "the server serves", func() bool {
					select {
					case <-s.ended:
						require.FailNow(t, "the server ended", "%s", s.stderr.String())
					default:
					}
					return grep(s.stdout.String(), "GraphQL:")
				})
			}
			require.Equal(t, "1", db.text(t, "SELECT CAST(count(*) AS text) FROM goose_db_version WHERE version_id = 1"))
			require.Equal(t, "1", db.text(t, "SELECT CAST(count(*) AS text) FROM accounts"))
		})
	}
}
