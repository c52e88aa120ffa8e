package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// commitChannel is where a commit is told to all processes: one notification per commit, the account and the journal's size
// in decimal, "1 42". It is a hint to read: one that is lost or repeated does no harm.
const commitChannel = "samjournal_commit"

// probePrefix begins a notification by which a process finds out whether it hears any; the others ignore it.
const probePrefix = "probe "

const (
	listenSilence = 30 * time.Second // how long a listening connection may be silent before it is probed
	listenAnswer  = 5 * time.Second  // how long connecting, sending the probe, and hearing it may take, each
)

// errUnheard says that a notification did not arrive.
var errUnheard = errors.New("listen: the connection hears no notifications of this database; where a pooler such as PgBouncer " +
	"is in between, let SAMJOURNAL_FEED_DATABASE_URL name the database itself")

// hearNotifications listens on one connection until it or ctx ends.
func (s *Store) hearNotifications(ctx context.Context, committed func(int64), begun func()) error {
	conn, err := s.startListening(ctx)
	if err != nil {
		return err
	}
	defer closeListening(ctx, conn)
	if err := s.probe(ctx, conn, committed); err != nil {
		return err
	}
	begun()
	for {
		if _, err := hear(ctx, conn, s.silence, "", committed); err != nil {
			return err
		}
		if err := s.probe(ctx, conn, committed); err != nil {
			return err
		}
	}
}

func (s *Store) startListening(ctx context.Context) (*pgx.Conn, error) {
	connecting, cancel := context.WithTimeout(ctx, listenAnswer)
	defer cancel()
	conn, err := pgx.ConnectConfig(connecting, s.feed)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", connectError(showPostgres(s.feed), err, s.hidden))
	}
	if _, err := conn.Exec(connecting, "LISTEN "+commitChannel); err != nil {
		closeListening(ctx, conn)
		return nil, fmt.Errorf("listen: %w", err)
	}
	return conn, nil
}

// closeListening returns when nothing of the connection is left, or it takes too long. Whatever closing it says does not
// matter: it is of no use any more.
func closeListening(ctx context.Context, conn *pgx.Conn) {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenAnswer)
	defer cancel()
	_ = conn.Close(closing)
	select {
	case <-conn.PgConn().CleanupDone(): // a statement that was cancelled leaves it to a goroutine of its own
	case <-closing.Done():
	}
}

// probe sends a notification the way commits go, and waits until it arrives.
func (s *Store) probe(ctx context.Context, conn *pgx.Conn, committed func(int64)) error {
	payload := probePrefix + rand.Text()
	sending, cancel := context.WithTimeout(ctx, listenAnswer)
	defer cancel()
	if _, err := s.pool.Exec(sending, "SELECT pg_notify($1, $2)", commitChannel, payload); err != nil {
		return fmt.Errorf("listen: send a notification: %w", scrub(err, s.hidden))
	}
	// What else is heard gives it no more time: notifications of another database prove nothing about this one.
	hearing, cancel := context.WithTimeout(ctx, listenAnswer)
	defer cancel()
	heard, err := hear(hearing, conn, listenAnswer, payload, committed)
	if ctx.Err() == nil && (errors.Is(err, context.DeadlineExceeded) || err == nil && !heard) {
		err = errUnheard
	}
	return err
}

// hear passes notifications on until one has this payload, or none has come for so long.
func hear(
	ctx context.Context, conn *pgx.Conn, patience time.Duration, payload string, committed func(int64),
) (heard bool, err error) {
	for {
		waiting, cancel := context.WithTimeout(ctx, patience)
		note, err := conn.WaitForNotification(waiting)
		cancel()
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case errors.Is(err, context.DeadlineExceeded) && !conn.IsClosed():
			return false, nil
		case err != nil:
			return false, fmt.Errorf("listen: %w", err)
		case note.Payload == payload:
			return true, nil
		case !strings.HasPrefix(note.Payload, probePrefix):
			committed(accountOf(note.Payload))
		}
	}
}

// accountOf returns whose commit was told. Any role of the database may notify, and so may another version: what cannot be
// read is a hint all the same, about some account.
func accountOf(payload string) int64 {
	account, _, _ := strings.Cut(payload, " ")
	id, err := strconv.ParseInt(account, 10, 64)
	if err != nil {
		return 0
	}
	return id
}
