package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrUnavailable says that the database cannot be reached or is too busy now; the same call may succeed later.
var ErrUnavailable = errors.New("the database is unavailable")

// ErrRefused says that the database refused the data of a statement: a value or a constraint was violated. The same data is
// refused again.
var ErrRefused = errors.New("the database refused the data")

// ErrTimeout says that PostgreSQL ended a statement that took longer than Options.StatementTimeout, or than the server's own
// limits, or that somebody cancelled it there. It matches ErrUnavailable: the database is busier than it should be, and
// nothing of the transaction is stored.
var ErrTimeout = fmt.Errorf("%w: a statement took longer than it may", ErrUnavailable)

// ErrDenied says that the database's role lacks a right that samjournal needs, and what to do. Nothing is stored.
var ErrDenied = errors.New("the role of DATABASE_URL lacks a right: run samjournal migrate up with " +
	"SAMJOURNAL_MIGRATE_DATABASE_URL naming the owner of the tables, or let the owner run what samjournal migrate grants ROLE " +
	"prints")

// translate is the one place where errors of the two drivers become ours. Their texts lose what may be a value of somebody's
// data (see withoutValues). Otherwise errors it does not know pass unchanged.
func translate(err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrRefused) || errors.Is(err, ErrDenied) {
		return err
	}
	kind := kindOf(err)
	err = withoutValues(err)
	if kind != nil {
		return fmt.Errorf("%w: %w", kind, err)
	}
	return err
}

// kindOf returns which of our errors a driver's error is, nil when none.
func kindOf(err error) error {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case ok && pgErr.Code == "42501": // insufficient privilege
		return ErrDenied
	case ok && pgErr.Code == "57014": // query canceled
		return ErrTimeout
	case unavailable(err):
		return ErrUnavailable
	case refused(err):
		return ErrRefused
	}
	return nil
}

func refused(err error) bool {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		// 22 data exception, 23 integrity constraint violation, 54 program limit exceeded.
		return strings.HasPrefix(pgErr.Code, "22") || strings.HasPrefix(pgErr.Code, "23") || strings.HasPrefix(pgErr.Code, "54")
	}
	if liteErr, ok := errors.AsType[*sqlite.Error](err); ok {
		code := liteErr.Code() & primaryCode
		return code == sqlite3.SQLITE_CONSTRAINT || code == sqlite3.SQLITE_MISMATCH || code == sqlite3.SQLITE_TOOBIG
	}
	return false
}

// primaryCode masks SQLite's extended result codes, which keep the primary one in the low byte.
const primaryCode = 0xff

func unavailable(err error) bool {
	var (
		netErr     net.Error
		connectErr *pgconn.ConnectError
		pgErr      *pgconn.PgError
		liteErr    *sqlite.Error
	)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false // the caller's own doing
	case errors.As(err, &pgErr):
		// 08 connection, 53 insufficient resources, 57P operator intervention (shutdown), 40 deadlock or serialization,
		// 55P03 lock not available, 25P03 and 25P04 a transaction that was idle or took too long.
		return strings.HasPrefix(pgErr.Code, "08") || strings.HasPrefix(pgErr.Code, "53") ||
			strings.HasPrefix(pgErr.Code, "57P") || strings.HasPrefix(pgErr.Code, "40") ||
			slices.Contains([]string{"55P03", "25P03", "25P04"}, pgErr.Code)
	case errors.As(err, &connectErr), errors.Is(err, driver.ErrBadConn):
		return true // after what the server itself says: a wrong password does not become right
	case errors.As(err, &liteErr):
		code := liteErr.Code() & primaryCode
		return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED || code == sqlite3.SQLITE_FULL ||
			code == sqlite3.SQLITE_IOERR
	case errors.As(err, &netErr), errors.Is(err, io.ErrUnexpectedEOF), pgconn.SafeToRetry(err):
		return true // a server that crashes closes its connections without a word
	}
	return false
}

// Translate is translate for those who read through Ent.
func Translate(err error) error { return translate(err) }
