package store_test

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"samjournal/internal/store"
	"samjournal/internal/testpostgres"
)

// ask returns what a one-value query answers on each of n connections of a pool at once.
func ask(t *testing.T, db *sql.DB, n int, query string) []string {
	t.Helper()
	answers := make([]string, n)
	conns := make([]*sql.Conn, n)
	defer func() { // a pool waits for its connections, also when this fails
		for _, c := range conns {
			if c != nil {
				_ = c.Close()
			}
		}
	}()
	for i := range conns {
		var err error
		conns[i], err = db.Conn(t.Context())
		require.NoError(t, err)
		require.NoError(t, conns[i].QueryRowContext(t.Context(), query).Scan(&answers[i]), query)
	}
	return answers
}

func TestEverySQLiteConnectionHasTheSettings(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t, dialect.SQLite)+"?_busy_timeout=1234", store.Options{MaxConns: 3})
	read, write := s.Pools()
	for setting, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "recursive_triggers": "1", "busy_timeout": "1234",
	} {
		require.Equal(t, []string{want}, ask(t, write, 1, "PRAGMA "+setting), setting)
		require.Equal(t, []string{want, want, want}, ask(t, read, 3, "PRAGMA "+setting), setting)
	}
	require.Equal(t, []string{"0"}, ask(t, write, 1, "PRAGMA query_only"))
	require.Equal(t, []string{"1", "1", "1"}, ask(t, read, 3, "PRAGMA query_only"))
	require.Equal(t, 1, write.Stats().MaxOpenConnections)
	require.Equal(t, 3, read.Stats().MaxOpenConnections)
}

func TestReadersOfSQLiteCannotWrite(t *testing.T) {
	t.Parallel()
	s := migrated(t, fresh(t, dialect.SQLite))
	read, _ := s.Pools()
	_, err := read.ExecContext(t.Context(), `UPDATE accounts SET name = 'x'`)
	require.ErrorContains(t, err, "readonly")
}

func TestTransactionsOfTheSQLiteWriterBeginImmediate(t *testing.T) {
	t.Parallel()
	databaseURL := fresh(t, dialect.SQLite)
	s, other := migrated(t, databaseURL), migrated(t, databaseURL+"?_busy_timeout=1")
	_, write := s.Pools()
	_, second := other.Pools()
	tx, err := write.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = second.BeginTx(t.Context(), nil)
	require.ErrorContains(t, err, "locked")
	require.ErrorIs(t, store.Translate(err), store.ErrUnavailable)
	require.NoError(t, tx.Rollback())
}

// An integer for microseconds, whatever zone the time is in, and back in UTC.
func TestSQLiteTimesAreIntegers(t *testing.T) {
	t.Parallel()
	s := migrated(t, fresh(t, dialect.SQLite))
	_, write := s.Pools()
	at := time.Date(2026, 3, 4, 5, 6, 7, 890_123_000, time.FixedZone("far", -7*3600))
	_, err := write.ExecContext(t.Context(),
		`INSERT INTO users (account_id, id, username, created_at) VALUES (1, 1, 'alice', ?)`, at)
	require.NoError(t, err)
	var (
		kind string
		back time.Time
	)
	require.NoError(t, write.QueryRowContext(t.Context(), `SELECT typeof(created_at), created_at FROM users`).Scan(&kind, &back))
	require.Equal(t, "integer", kind)
	require.Equal(t, at.UTC(), back)
}

func TestEveryPostgresSessionHasTheSettings(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	for _, setting := range []string{
		"synchronous_commit = off", "timezone = 'Asia/Tokyo'", "default_transaction_isolation = 'serializable'",
	} {
		database.Exec(t, "ALTER DATABASE "+database.Name+" SET "+setting)
	}
	s := open(t, database.OwnerURL, store.Options{MaxConns: 3})
	read, write := s.Pools()
	require.Same(t, read, write)
	for setting, want := range map[string]string{
		"timezone": "UTC", "default_transaction_isolation": "read committed", "application_name": "samjournal",
		"synchronous_commit": "on",
	} {
		require.Equal(t, []string{want, want, want}, ask(t, read, 3, "SHOW "+setting), setting)
	}
	full, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var held []*sql.Conn
	for range 3 {
		c, err := read.Conn(full)
		require.NoError(t, err)
		held = append(held, c)
	}
	none, cancelNone := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancelNone()
	_, err := read.Conn(none)
	require.ErrorIs(t, err, context.DeadlineExceeded, "MaxConns is 3")
	for _, c := range held {
		require.NoError(t, c.Close())
	}
}

// Waiting for more disks than one is the operator's choice and stays.
func TestAStricterCommitIsKept(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	database.Exec(t, "ALTER DATABASE "+database.Name+" SET synchronous_commit = remote_apply")
	read, _ := open(t, database.OwnerURL, store.Options{}).Pools()
	require.Equal(t, []string{"remote_apply"}, ask(t, read, 1, "SHOW synchronous_commit"))
}

func TestADatabaseOfAnotherEncodingIsRefused(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	database.Exec(t, "CREATE DATABASE "+database.Name+"_latin1 TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
	t.Cleanup(func() { require.NoError(t, dropDatabase(database.SuperuserURL, database.Name+"_latin1")) })
	address, err := url.Parse(database.SuperuserURL)
	require.NoError(t, err)
	address.Path += "_latin1"
	_, err = store.Open(t.Context(), address.String(), store.Options{})
	require.ErrorContains(t, err, "encoding is LATIN1")
	require.NotErrorIs(t, err, store.ErrUnavailable)
}

func dropDatabase(superuserURL, name string) error {
	db, err := sql.Open("pgx", superuserURL)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(context.Background(), "DROP DATABASE "+name)
	return errors.Join(err, db.Close())
}
