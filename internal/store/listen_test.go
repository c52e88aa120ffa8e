package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
	"samjournal/internal/store"
	"samjournal/internal/testpostgres"
)

// ear is somebody who listens.
type ear struct {
	committed chan int64 // accounts
	connected chan error // nil: notifications begin to arrive
	stop      func()
}

const hearing = 30 * time.Second

func listenTo(t *testing.T, s *store.Store) *ear {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	e := &ear{committed: make(chan int64, 1000), connected: make(chan error, 1000)}
	var running sync.WaitGroup
	running.Go(func() {
		s.Listen(ctx, func(accountID int64) { e.committed <- accountID }, func(connected bool, err error) {
			if connected {
				err = nil
			}
			e.connected <- err
		})
	})
	e.stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(e.stop)
	return e
}

func next[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(hearing):
		require.FailNow(t, "heard nothing")
		panic("unreachable")
	}
}

func appendOne(t *testing.T, s *store.Store, key byte) {
	t.Helper()
	account, _, err := s.AccountBySlug(t.Context(), "default")
	require.NoError(t, err)
	_, err = s.Append(t.Context(), account.ID, time.Now(), []store.NewEntry{{
		Key: string(bytesOf(key)), Thing: model.ThingPlugin, Command: model.CommandApply, Origin: model.OriginAPI,
		Request: "1", Response: "2", Salt: make([]byte, 32), PayloadState: model.PayloadStored,
	}})
	require.NoError(t, err)
}

func bytesOf(key byte) []byte {
	b := make([]byte, model.KeyLength)
	for i := range b {
		b[i] = key
	}
	return b
}

func TestCommitsOfEveryProcessAreHeard(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			here, there := migrated(t, databaseURL), open(t, databaseURL, store.Options{})
			for round := range byte(2) { // whoever has stopped may begin again
				e := listenTo(t, here)
				require.NoError(t, next(t, e.connected))
				for i, s := range []*store.Store{here, there} {
					appendOne(t, s, 'a'+2*round+byte(i))
					account := next(t, e.committed)
					if d == "postgres" {
						require.EqualValues(t, 1, account)
					} else {
						require.Zero(t, account, "some account")
					}
				}
				e.stop()
			}
		})
	}
}

func TestNotificationsThatDoNotArriveAreFoundOut(t *testing.T) {
	t.Parallel()
	database, another := testpostgres.New(t), testpostgres.New(t)
	e := listenTo(t, open(t, database, store.Options{FeedURL: another}))
	// As with a pooler that gives the listener's connection away: it is connected, but nothing is heard.
	require.ErrorContains(t, next(t, e.connected), "SAMJOURNAL_FEED_DATABASE_URL")

	e = listenTo(t, open(t, database, store.Options{FeedURL: database}))
	require.NoError(t, next(t, e.connected))
}

func TestAListenerSaysWhenItsConnectionIsLost(t *testing.T) {
	t.Parallel()
	db := testpostgres.NewDatabase(t)
	s := migrated(t, db.OwnerURL)
	e := listenTo(t, s)
	require.NoError(t, next(t, e.connected))
	db.Exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND query LIKE 'LISTEN %'`)
	require.Error(t, next(t, e.connected))
	require.NoError(t, next(t, e.connected))
	appendOne(t, s, 'a')
	require.EqualValues(t, 1, next(t, e.committed))
}

func TestFeedURLsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for feedURL, want := range map[string]string{
		"file:samjournal.db": "must be a URL of the same PostgreSQL database",
		"hunter2":            "must be a URL of the same PostgreSQL database",
		"postgres://me:hunter2@host:port/database":  "is not a valid PostgreSQL URL",
		"postgres://me:hunter2@host/d?sslmode=what": "is not usable",
	} {
		_, err := store.Open(t.Context(), fresh(t, "postgres"), store.Options{FeedURL: feedURL})
		require.ErrorContains(t, err, "SAMJOURNAL_FEED_DATABASE_URL: "+want)
		require.NotContains(t, err.Error(), "hunter2")
	}
	_, err := store.Open(t.Context(), fresh(t, "sqlite3"), store.Options{FeedURL: "postgres://me:hunter2@host/database"})
	require.ErrorContains(t, err, "SAMJOURNAL_FEED_DATABASE_URL: is for PostgreSQL only")
	require.NotContains(t, err.Error(), "hunter2")
}
