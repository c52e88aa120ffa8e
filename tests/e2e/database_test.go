package e2e

import (
	"database/sql"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver sqlite

	"samjournal/internal/testpostgres"
)

// database is one that only its test uses, with the directory that the test's processes run in.
type database struct {
	where

	dialect string
	url     string // of the owner
	driver  string
	dsn     string // for whom nothing is forbidden
}

// databases are the kinds of database that samjournal runs on, each with a function that makes an empty one. The processes
// find it through DATABASE_URL.
func databases() map[string]func(t testing.TB) database {
	return map[string]func(t testing.TB) database{
		"sqlite":   newSQLite,
		"postgres": newPostgres,
	}
}

func newSQLite(t testing.TB) database {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "journal.db")
	url := "file:" + file
	return database{
		where: where{dir: dir, env: []string{"DATABASE_URL=" + url}}, dialect: "sqlite", url: url,
		driver: "sqlite", dsn: url + "?_pragma=busy_timeout(30000)",
	}
}

func newPostgres(t testing.TB) database {
	t.Helper()
	return onPostgres(t, testpostgres.NewDatabase(t))
}

func onPostgres(t testing.TB, db testpostgres.Database) database {
	t.Helper()
	return database{
		where: where{dir: t.TempDir(), env: []string{"DATABASE_URL=" + db.OwnerURL}}, dialect: "postgres", url: db.OwnerURL,
		driver: "pgx", dsn: db.SuperuserURL,
	}
}

// open opens the database with plain database/sql: the tests share no code with the product.
func (d database) open(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open(d.driver, d.dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// exec runs statements behind the product's back.
func (d database) exec(t testing.TB, statements ...string) {
	t.Helper()
	db := d.open(t)
	for _, statement := range statements {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
}

// text returns the one text that a query finds.
func (d database) text(t testing.TB, query string) string {
	t.Helper()
	var s string
	require.NoError(t, d.open(t).QueryRowContext(t.Context(), query).Scan(&s), query)
	return s
}

// lockHead keeps every append waiting until release is called.
func (d database) lockHead(t testing.TB) (release func()) {
	t.Helper()
	db := d.open(t)
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	lock := "BEGIN IMMEDIATE"
	if d.dialect == "postgres" {
		lock = "BEGIN; SELECT * FROM heads FOR UPDATE"
	}
	_, err = conn.ExecContext(t.Context(), lock)
	require.NoError(t, err)
	release = sync.OnceFunc(func() {
		_, err := conn.ExecContext(t.Context(), "COMMIT")
		require.NoError(t, err)
		require.NoError(t, conn.Close())
	})
	return release
}

// keepPlain makes PostgreSQL store long texts uncompressed from now on, so that searching its files finds them.
func (d database) keepPlain(t testing.TB) {
	t.Helper()
	if d.dialect == "postgres" {
		d.exec(t, "ALTER TABLE entries ALTER request SET STORAGE EXTERNAL, ALTER response SET STORAGE EXTERNAL")
	}
}

// bytes returns all that the database has on disk, by file: its write-ahead log before a checkpoint and everything after it.
// On PostgreSQL these are the files of the whole server.
func (d database) bytes(t testing.TB) map[string]string {
	t.Helper()
	found := map[string]string{}
	dirs := []string{d.dir}
	if d.dialect == "postgres" {
		d.exec(t, "CHECKPOINT")
		data := d.text(t, "SELECT current_setting('data_directory')")
		oid := d.text(t, "SELECT oid::text FROM pg_database WHERE datname = current_database()")
		dirs = []string{filepath.Join(data, "pg_wal"), filepath.Join(data, "base", oid)}
	}
	for _, dir := range dirs {
		require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() || d.dialect == "sqlite" && !strings.Contains(path, "journal.db") {
				return err
			}
			content, err := os.ReadFile(path)
			found[path] = string(content)
			return err
		}))
	}
	require.NotEmpty(t, found)
	return found
}

// rows returns every row of every table as text, so that nothing hides in a compressed or split value.
func (d database) rows(t testing.TB) string {
	t.Helper()
	tables := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if d.dialect == "postgres" {
		tables = `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`
	}
	db := d.open(t)
	names := column(t, db, tables)
	require.Contains(t, names, "entries")
	var all strings.Builder
	for _, name := range names {
		writeRows(t, db, name, &all)
	}
	return all.String()
}

func writeRows(t testing.TB, db *sql.DB, table string, to io.Writer) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+table)
	require.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	for rows.Next() {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		require.NoError(t, rows.Scan(targets...))
		for _, v := range values {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			fmt.Fprintln(to, v)
		}
	}
	require.NoError(t, rows.Err())
}

func column(t testing.TB, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	var found []string
	for rows.Next() {
		var s string
		require.NoError(t, rows.Scan(&s))
		found = append(found, s)
	}
	require.NoError(t, rows.Err())
	return found
}
