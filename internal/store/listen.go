package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// commitChannel is where a commit is told to all processes: one notification per commit, the account and the journal's size
// in decimal, "1 42". It is a hint to read: one that is lost or repeated does no harm.
const commitChannel = "samjournal_commit"

const (
	listenPing   = 30 * time.Second // how long a listening connection may be silent before it is asked whether it lives
	listenMax    = 10 * time.Second // longest pause between attempts to connect
	listenAnswer = 5 * time.Second  // how long connecting and pinging may take
)

// Listen tells of commits of all processes on the same PostgreSQL, on a connection of its own that it makes again when it is
// lost, until ctx ends. committed hears the account of each; connected hears true when notifications begin to arrive, and
// false when they stop: between the two, nothing is lost. Both are called from this goroutine. Where the database has no
// notifications (SQLite) it returns at once.
func (s *Store) Listen(ctx context.Context, committed func(accountID int64), connected func(bool, error)) {
	if s.dialect != dialect.Postgres {
		return
	}
	pause := backoff.NewExponentialBackOff()
	pause.MaxInterval = listenMax
	for ctx.Err() == nil {
		err := s.listenOnce(ctx, committed, func() {
			pause.Reset()
			connected(true, nil)
		})
		if ctx.Err() != nil {
			return
		}
		connected(false, err)
		select {
		case <-ctx.Done():
		case <-time.After(pause.NextBackOff()):
		}
	}
}

// listenOnce listens on one connection until it or ctx ends.
func (s *Store) listenOnce(ctx context.Context, committed func(int64), begun func()) error {
	connecting, cancel := context.WithTimeout(ctx, listenAnswer)
	defer cancel()
	conn, err := pgx.ConnectConfig(connecting, s.pool.Config().ConnConfig)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenAnswer)
		defer cancel()
		_ = conn.Close(closing) // it is of no use any more, whatever closing it says
	}()
	if _, err := conn.Exec(connecting, "LISTEN "+commitChannel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	begun()
	for {
		note, err := wait(ctx, conn)
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		if note != nil {
			account, err := accountOf(note.Payload)
			if err != nil {
				return err
			}
			committed(account)
		}
	}
}

// wait returns the next notification, or nil after a while in which there was none and the connection is found alive.
func wait(ctx context.Context, conn *pgx.Conn) (*pgconn.Notification, error) {
	silent, cancel := context.WithTimeout(ctx, listenPing)
	defer cancel()
	note, err := conn.WaitForNotification(silent)
	if err == nil {
		return note, nil
	}
	if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	alive, cancel := context.WithTimeout(ctx, listenAnswer)
	defer cancel()
	return nil, conn.Ping(alive)
}

func accountOf(payload string) (int64, error) {
	account, _, _ := strings.Cut(payload, " ")
	id, err := strconv.ParseInt(account, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("listen: notification %q is not of this program", payload)
	}
	return id, nil
}
