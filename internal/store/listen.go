package store

import (
	"context"
	"time"

	"entgo.io/ent/dialect"
	"github.com/cenkalti/backoff/v5"
)

// listenMax is the longest pause between attempts to listen.
const listenMax = 10 * time.Second

// listenAttempt listens until ctx ends or it cannot any more. It calls begun when commits begin to be told.
type listenAttempt func(ctx context.Context, committed func(accountID int64), begun func()) error

// Listen tells of commits of all processes on the same database until ctx ends, over a connection of its own, which it makes
// again when it is lost. committed hears the account of each, or 0 where that is not known; connected hears true when commits
// begin to be told, and false and why when they stop: between the two, nothing is lost. Both are called from this goroutine.
func (s *Store) Listen(ctx context.Context, committed func(accountID int64), connected func(bool, error)) {
	attempt := s.hearNotifications
	if s.dialect == dialect.SQLite {
		attempt = s.watchFile
	}
	listen(ctx, attempt, committed, connected)
}

func listen(ctx context.Context, attempt listenAttempt, committed func(int64), connected func(bool, error)) {
	pause := backoff.NewExponentialBackOff()
	pause.MaxInterval = listenMax
	for ctx.Err() == nil {
		err := attempt(ctx, committed, func() {
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
