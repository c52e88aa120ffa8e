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
	listenAnswer  = 5 * time.Second  // how long connecting, and hearing the probe, may take
)

// errUnheard says that a notification did not arrive.
var errUnheard = errors.New("listen: the connection hears no notifications of this database; where a pooler such as PgBouncer " +
	"is in between, let SAMJOURNAL_FEED_DATABASE_URL name the database itself")

// hearNotifications listens on one connection until it or ctx ends.
func (s *Store) hearNotifications(ctx context.Context, committed func(int64), begun func()) error {
	connecting, cancel := context.WithTimeout(ctx, listenAnswer)
	defer cancel()
	conn, err := pgx.ConnectConfig(connecting, s.feed)
	if err != nil {
		return fmt.Errorf("listen: %w", connectError(showPostgres(s.feed), err, s.hidden))
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenAnswer)
		defer cancel()
		_ = conn.Close(closing) // it is of no use any more, whatever closing it says
	}()
	if _, err := conn.Exec(connecting, "LISTEN "+commitChannel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if err := s.probe(ctx, conn, committed); err != nil {
		return err
	}
	begun()
	for {
		if _, err := hear(ctx, conn, listenSilence, "", committed); err != nil {
			return err
		}
		if err := s.probe(ctx, conn, committed); err != nil {
			return err
		}
	}
}

// probe sends a notification the way commits go, and waits until it arrives.
func (s *Store) probe(ctx context.Context, conn *pgx.Conn, committed func(int64)) error {
	payload := probePrefix + rand.Text()
	sending, cancel := context.WithTimeout(ctx, listenAnswer)
	defer cancel()
	if _, err := s.pool.Exec(sending, "SELECT pg_notify($1, $2)", commitChannel, payload); err != nil {
		return fmt.Errorf("listen: probe: %w", err)
	}
	heard, err := hear(ctx, conn, listenAnswer, payload, committed)
	if err == nil && !heard {
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
		case strings.HasPrefix(note.Payload, probePrefix):
			continue
		}
		account, err := accountOf(note.Payload)
		if err != nil {
			return false, err
		}
		committed(account)
	}
}

func accountOf(payload string) (int64, error) {
	account, _, _ := strings.Cut(payload, " ")
	id, err := strconv.ParseInt(account, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("listen: notification %q is not of this program", payload)
	}
	return id, nil
}
