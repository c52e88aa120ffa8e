//go:build fault

package fault

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver sqlite
)

func TestNothingIsLostOnSQLite(t *testing.T) {
	url, db := newSQLite(t)
	w := newWorld(t, url, db, 1)
	w.breakThings(t, append(repeat(times(5, 20), "kill -9"), append(repeat(times(1, 3), points()...), "rolling restart")...),
		func(fault string) { require.True(t, w.server(t, fault), fault) })
	truth := w.settle(t)
	w.check(t, truth)
	w.report(t, truth)
}

// newSQLite returns the address of a database that is not there yet, and a connection for reading it.
func newSQLite(t testing.TB) (url string, db *sql.DB) {
	t.Helper()
	url = "file:" + filepath.Join(t.TempDir(), "journal.db")
	return url, open(t, "sqlite", url+"?_pragma=busy_timeout(30000)")
}
