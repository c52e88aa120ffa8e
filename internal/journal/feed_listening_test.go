package journal_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/journal"
)

// exchange stands for the notifications of a database.
type exchange struct {
	listening chan struct{} // closed when somebody listens
	committed func(accountID int64)
	connected func(connected bool, err error)
}

func (e *exchange) listen(ctx context.Context, committed func(int64), connected func(bool, error)) {
	e.committed, e.connected = committed, connected
	close(e.listening)
	<-ctx.Done()
}

func TestWhileCommitsAreToldTheFeedLooksSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, e := newShelf(), &exchange{listening: make(chan struct{})}
		j := overShelf(t, s, func(cfg *journal.Config) { cfg.Listen = e.listen })
		defer j.Close()
		synctest.Wait()
		require.Nil(t, e.connected, "nobody listens before the first follower")
		f := follow(t, j, nil)
		defer f.Close()
		<-e.listening
		e.connected(true, nil)
		pass(betweenLooks)
		s.looked()
		pass(time.Minute)
		require.Equal(t, 6, s.looked(), "a dead connection may give no sign, so it looks every ten seconds all the same")

		answer := ask(t.Context(), f)
		s.set(1, 6)
		e.committed(2) // another account's
		requireWaiting(t, answer)
		e.committed(1)
		requireAnswer(t, next{5, 6, nil}, answer)

		e.connected(false, errors.New("connection reset"))
		s.looked()
		pass(time.Minute)
		require.Equal(t, 60, s.looked(), "it looks by itself until it is told again")

		s.set(1, 7)
		f.Advance(6)
		answer = ask(t.Context(), f)
		e.connected(true, nil) // what was committed meanwhile was told to nobody
		requireAnswer(t, next{6, 7, nil}, answer)
	})
}

func TestNobodyListensLongAfterTheLastFollower(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var listening atomic.Int64
		j := overShelf(t, newShelf(), func(cfg *journal.Config) {
			cfg.Listen = func(ctx context.Context, _ func(int64), connected func(bool, error)) {
				listening.Add(1)
				defer listening.Add(-1)
				connected(false, errors.New("refused"))
				<-ctx.Done()
				connected(true, nil) // too late to be of any interest
			}
		})
		defer j.Close()
		require.NoError(t, j.Degraded(), "nobody needs notifications yet")

		f := follow(t, j, nil)
		synctest.Wait()
		require.EqualValues(t, 1, listening.Load())
		require.EqualError(t, j.Degraded(), "refused")

		f.Close()
		pass(30 * time.Second)
		require.EqualValues(t, 1, listening.Load(), "the next may come soon")
		f = follow(t, j, nil)
		pass(2 * time.Minute)
		require.EqualValues(t, 1, listening.Load())

		f.Close()
		pass(2 * time.Minute)
		require.Zero(t, listening.Load())
		require.NoError(t, j.Degraded())

		f = follow(t, j, nil)
		synctest.Wait()
		require.EqualValues(t, 1, listening.Load())
		f.Close()
	})
}
