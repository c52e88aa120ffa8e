package store_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"samjournal/internal/store"
	"samjournal/internal/testpostgres"
)

func TestAStatementThatTakesTooLongIsEnded(t *testing.T) {
	t.Parallel()
	s := open(t, testpostgres.New(t), store.Options{StatementTimeout: time.Second, MaxConns: 1})
	read, _ := s.Pools()
	_, err := read.ExecContext(t.Context(), `SELECT pg_sleep(60)`)
	err = store.Translate(err)
	require.ErrorIs(t, err, store.ErrTimeout)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.Equal(t, []string{"1"}, ask(t, read, 1, `SELECT 1`), "the connection is good for more")
}

func TestATransactionInWhichNothingHappensIsEnded(t *testing.T) {
	t.Parallel()
	for timeout, want := range map[time.Duration][2]string{
		0:                       {"0", "0"},
		1500 * time.Millisecond: {"1500ms", "10s"},
		time.Minute:             {"1min", "1min"},
	} {
		read, _ := open(t, testpostgres.New(t), store.Options{StatementTimeout: timeout, MaxConns: 2}).Pools()
		require.Equal(t, []string{want[0], want[0]}, ask(t, read, 2, `SHOW statement_timeout`), timeout)
		require.Equal(t, []string{want[1], want[1]}, ask(t, read, 2, `SHOW idle_in_transaction_session_timeout`), timeout)
	}
}

func TestTheServersOwnLimitIsKeptWhereNoneIsSet(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	database.Exec(t, "ALTER DATABASE "+database.Name+" SET statement_timeout = '7s'")
	read, _ := open(t, database.OwnerURL, store.Options{}).Pools()
	require.Equal(t, []string{"7s"}, ask(t, read, 1, `SHOW statement_timeout`))
}

// A migration waits for locks and builds indexes, however long that takes, whatever the server or the options say.
func TestMigrationsHaveNoTimeout(t *testing.T) {
	t.Parallel()
	const timeout = 200 * time.Millisecond
	for _, asOwner := range []bool{false, true} {
		database := testpostgres.NewDatabase(t)
		database.Exec(t, "ALTER DATABASE "+database.Name+" SET statement_timeout = '100ms'")
		r := rawOf(t, database.OwnerURL)
		options := store.Options{StatementTimeout: timeout}
		address := database.OwnerURL
		if asOwner {
			address, options.MigrateURL = database.ServingURL, database.OwnerURL
		}
		s := open(t, address, options)
		// The first migration waits until it is known whether there is a table of this name.
		tx, err := r.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(t.Context(), `SET LOCAL statement_timeout = 0; CREATE TABLE accounts (x int)`)
		require.NoError(t, err)
		done := make(chan error, 1)
		go func() { done <- s.Migrate(context.WithoutCancel(t.Context())) }()
		superuser := rawOf(t, database.SuperuserURL)
		superuser.exec(t, `SET statement_timeout = 0`)
		require.Eventually(t, func() bool {
			return len(superuser.rows(t, `SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
				AND wait_event_type = 'Lock' AND now() - query_start > '400ms'`)) == 1
		}, hearing, 10*time.Millisecond, "a statement waits longer than any limit")
		require.NoError(t, tx.Rollback())
		require.NoError(t, <-done)
	}
}

func TestListeningHasNoTimeout(t *testing.T) {
	t.Parallel()
	const timeout = 500 * time.Millisecond
	address := testpostgres.New(t)
	migrated(t, address)
	s := open(t, address, store.Options{StatementTimeout: timeout})
	e := listenTo(t, s)
	require.NoError(t, next(t, e.connected))
	select {
	case err := <-e.connected:
		require.NoError(t, err, "it lasts")
	case <-time.After(3 * timeout):
	}
	appendOne(t, s, 'a')
	require.EqualValues(t, 1, next(t, e.committed))
}

// Where the server has no timeout for statements, the caller's context has to be enough.
func TestAQueryEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s := open(t, databaseURL, store.Options{MaxConns: 1})
			read, write := s.Pools()
			endless := `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT count(*) FROM n`
			for _, pool := range []*sql.DB{read, write} {
				for _, run := range []func(context.Context) error{
					func(ctx context.Context) error { _, err := pool.ExecContext(ctx, endless); return err },
					func(ctx context.Context) error { return pool.QueryRowContext(ctx, endless).Scan(new(int)) },
				} {
					short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
					err := store.Translate(run(short))
					cancel()
					require.ErrorIs(t, err, context.DeadlineExceeded)
					require.NotErrorIs(t, err, store.ErrUnavailable, "it is the caller's own doing")
				}
			}
			require.Equal(t, []string{"1"}, ask(t, read, 1, `SELECT 1`))
			require.Equal(t, []string{"1"}, ask(t, write, 1, `SELECT 1`))
			if d == dialect.SQLite {
				require.NoError(t, s.Migrate(t.Context()))
				appendOne(t, s, 'a')
			}
		})
	}
}
