package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"entgo.io/ent/dialect"
	"github.com/pressly/goose/v3/lock"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// migrationLock is the number of PostgreSQL's advisory lock: "samjourn" in ASCII, so that no other program has it.
const migrationLock int64 = 0x73616d6a6f75726e

// locker makes goose apply each migration under a lock that all processes respect.
func (s *Store) locker() lock.SessionLocker {
	if s.dialect == dialect.Postgres {
		return postgresLock{}
	}
	return sqliteLock{}
}

// askAgain calls try until it is done, fails, or the context ends.
func askAgain(ctx context.Context, try func() (done bool, err error)) error {
	const pause = 50 * time.Millisecond
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		if done, err := try(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// postgresLock is an advisory lock of the session. It asks again and again rather than wait inside one statement: a
// statement that waits keeps a snapshot, and CREATE INDEX CONCURRENTLY under the lock would wait for that for ever.
type postgresLock struct{}

// SessionLock takes the lock.
func (postgresLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	return askAgain(ctx, func() (locked bool, err error) {
		err = conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, migrationLock).Scan(&locked)
		return locked, err
	})
}

// SessionUnlock releases the lock.
func (postgresLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	var held bool
	if err := conn.QueryRowContext(ctx, `SELECT pg_advisory_unlock($1)`, migrationLock).Scan(&held); err != nil {
		return err
	}
	if !held {
		return errors.New("the migration lock was lost; a pooler between samjournal and PostgreSQL must pool whole sessions " +
			"for migrations")
	}
	return nil
}

// sqliteLock is a transaction around goose's own, which are savepoints in it (see wrappedConn): SQLite has no lock but the
// one that comes with writing. A crash before COMMIT leaves the database as it was.
type sqliteLock struct{}

// SessionLock begins the transaction. Another process's migration may take longer than the connection's busy timeout, so
// this asks again until the context ends.
func (sqliteLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	return askAgain(ctx, func() (bool, error) {
		_, err := conn.ExecContext(ctx, `BEGIN IMMEDIATE`)
		var liteErr *sqlite.Error
		if errors.As(err, &liteErr) && liteErr.Code()&0xff == sqlite3.SQLITE_BUSY {
			return false, nil
		}
		return err == nil, err
	})
}

// SessionUnlock commits. A migration that failed was rolled back to its savepoint before.
func (sqliteLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `COMMIT`)
	return err
}
