package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/testpostgres"
)

// someStored makes what checkStored looks at, of three entries that were answered for, after a change to it.
func someStored(t *testing.T, driver, address, change string) {
	t.Helper()
	db, err := sql.Open(driver, address)
	require.NoError(t, err)
	defer db.Close()
	statements := []string{
		"CREATE TABLE heads (size bigint)", "INSERT INTO heads VALUES (3)", "CREATE TABLE entries (position bigint, key varchar)",
	}
	for n := range uint64(3) {
		statements = append(statements, fmt.Sprintf("INSERT INTO entries VALUES (%d, '%s')", n, keyOf(n+1)))
	}
	for _, statement := range append(statements, change) {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
}

func TestWhatWasAnsweredForIsLookedForInTheTables(t *testing.T) {
	t.Parallel()
	databases := map[string]func(t *testing.T, change string) (journal string){
		"SQLite": func(t *testing.T, change string) string {
			t.Helper()
			path := "file:" + filepath.Join(t.TempDir(), "journal.db")
			someStored(t, "sqlite", path, change)
			return path
		},
		"PostgreSQL": func(t *testing.T, change string) string {
			t.Helper()
			address := testpostgres.New(t)
			someStored(t, "pgx", address, change)
			return address
		},
	}
	for name, change := range map[string]string{
		"all there":         "",
		"an entry is lost":  "DELETE FROM entries WHERE position = 1",
		"the last is lost":  "DELETE FROM entries WHERE position = 2",
		"a gap":             "UPDATE entries SET position = 7 WHERE position = 2",
		"a position twice":  "UPDATE entries SET position = 0 WHERE position = 1",
		"an entry twice":    fmt.Sprintf("UPDATE entries SET key = '%s' WHERE position = 1", keyOf(3)),
		"one too many":      fmt.Sprintf("INSERT INTO entries VALUES (3, '%s')", keyOf(4)),
		"another's entry":   fmt.Sprintf("UPDATE entries SET key = '%s' WHERE position = 2", keyOf(9)),
		"the head is ahead": "UPDATE heads SET size = 4",
	} {
		for database, stored := range databases {
			t.Run(database+", "+name, func(t *testing.T) {
				t.Parallel()
				err := checkStored(t.Context(), stored(t, change), 3)
				if change == "" {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, "3 entries were answered for")
				}
			})
		}
	}
}

func TestTimeWithoutWorkIsNotBusy(t *testing.T) {
	t.Parallel()
	//                             user nice system idle iowait irq softirq steal
	total, err := machineTime("cpu  100 20 300 9000 8000 4 5 7000 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
	require.NoError(t, err)
	require.Equal(t, 4290*time.Millisecond, total)
	_, err = machineTime("intr 1 2 3\n")
	require.Error(t, err)
}
