//go:build fault

package fault

import (
	"database/sql"
	"slices"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	"github.com/stretchr/testify/require"

	"samjournal/internal/testpostgres"
)

func TestNothingIsLostOnPostgreSQL(t *testing.T) {
	server := testpostgres.Start(t, testpostgres.WithDurability())
	database := server.NewDatabase(t)
	db := open(t, "pgx", database.SuperuserURL)
	w := newWorld(t, database.OwnerURL, db, 3)
	faults := slices.Concat(repeat(times(5, 20), "kill -9"), repeat(times(1, 3), points()...),
		repeat(times(1, 3), "PostgreSQL fast"), repeat(times(1, 2), "PostgreSQL immediate"),
		repeat(times(3, 10), "LISTEN terminated"), repeat(times(1, 2), "rolling restart"))
	w.breakThings(t, faults, func(fault string) {
		switch fault {
		case "PostgreSQL fast":
			server.Restart(t, testpostgres.Fast)
		case "PostgreSQL immediate":
			server.Restart(t, testpostgres.Immediate)
		case "LISTEN terminated":
			terminateListeners(t, db)
		default:
			require.True(t, w.server(t, fault), fault)
		}
	})
	truth := w.settle(t)
	eventually(t, "no connection is left behind", func() bool { return connections(t, db, database.OwnerRole) == 0 })
	w.check(t, truth)
	w.report(t, truth)
}

// open opens a database with plain database/sql, which is ready for a server that goes and comes.
func open(t testing.TB, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	db.SetMaxIdleConns(0)
	return db
}

// terminateListeners ends the connections on which servers listen, of which there are some sooner or later.
func terminateListeners(t testing.TB, db *sql.DB) {
	t.Helper()
	eventually(t, "somebody listens", func() bool {
		var ended int
		require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE datname = current_database() AND query LIKE 'LISTEN %'`).Scan(&ended))
		return ended > 0
	})
}

// connections is how many connections a role has.
func connections(t testing.TB, db *sql.DB, role string) int {
	t.Helper()
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE usename = $1`, role).Scan(&n))
	return n
}
