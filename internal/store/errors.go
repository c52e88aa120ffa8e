package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
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

// translate is the one place where errors of the two drivers become ours. Errors it does not know pass unchanged.
func translate(err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrRefused) {
		return err
	}
	switch {
	case unavailable(err):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case refused(err):
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
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
		// 55P03 lock not available.
		return strings.HasPrefix(pgErr.Code, "08") || strings.HasPrefix(pgErr.Code, "53") ||
			strings.HasPrefix(pgErr.Code, "57P") || strings.HasPrefix(pgErr.Code, "40") || pgErr.Code == "55P03"
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
