package auth_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/auth"
	"samjournal/internal/model"
	"samjournal/internal/store"
	"samjournal/internal/testpostgres"
)

// stream is an open stream of a viewer.
type stream struct {
	t     testing.TB
	ended chan error
	calls atomic.Int64
	stop  func()
}

// open authenticates a bearer and opens a stream.
func (w *world) open(bearer string, headers ...string) *stream {
	w.t.Helper()
	ctx, _, err := w.enter(bearer, headers...)
	require.NoError(w.t, err)
	return w.watch(ctx)
}

func (w *world) watch(ctx context.Context) *stream {
	s := &stream{t: w.t, ended: make(chan error, 1)}
	s.stop = w.auth.Watch(ctx, func(err error) {
		if s.calls.Add(1) == 1 {
			s.ended <- err
		}
	})
	w.t.Cleanup(s.stop)
	return s
}

// ends demands that the stream ends with ErrUnauthenticated, once.
func (s *stream) ends(reason string) {
	s.t.Helper()
	select {
	case err := <-s.ended:
		require.ErrorIs(s.t, err, auth.ErrUnauthenticated)
		require.ErrorContains(s.t, err, reason)
	case <-time.After(20 * time.Second):
		require.Fail(s.t, "the stream does not end")
	}
	s.stop()
	require.Equal(s.t, int64(1), s.calls.Load())
}

func (s *stream) stays() {
	s.t.Helper()
	select {
	case err := <-s.ended:
		require.NoError(s.t, err)
	default:
	}
}

func TestAStreamEndsWithItsToken(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		revoked, id := w.token(model.RoleReader)
		other, _ := w.token(model.RoleAuditor)
		first, second, stays := w.open(revoked), w.open(revoked), w.open(other)
		require.NoError(w.t, w.admin().RevokeToken(w.operator(), id))
		first.ends("unknown, expired or revoked")
		second.ends("unknown, expired or revoked")
		stays.stays()
	})
}

func TestAStreamEndsWhenItsTokenExpires(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i))
	secret, _ := w.token(model.RoleWriter, func(in *auth.TokenInput) { in.ExpiresAt = new(w.clock.now().Add(time.Minute)) })
	byToken := w.open(secret)
	byJWT := w.open(i.jwt(i.claims(w.clock.now(), set("exp", w.clock.now().Add(30*time.Second).Unix()))))
	stays := w.open(i.jwt(i.claims(w.clock.now())))
	w.clock.advance(time.Minute)
	byToken.ends("unknown, expired or revoked")
	byJWT.ends("the JWT has expired")
	stays.stays()
}

func TestAStreamEndsWhenItsUserIsDisabled(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		i := newIssuer(w.t)
		w.auth = w.authenticator(trusting(i))
		alice, _ := w.token(model.RoleReader)
		bob, _ := w.token(model.RoleReader, func(in *auth.TokenInput) { in.Username = new("bob") })
		jwtOf := func(name string) string {
			return i.jwt(i.claims(w.clock.now(), set("preferred_username", name), set("sub", name)))
		}
		ended := []*stream{w.open(alice), w.open(jwtOf("alice")), w.open(jwtOf("alice"))}
		stay := []*stream{w.open(bob), w.open(jwtOf("bob")), w.open(jwtOf("carol"))}
		user, _, err := w.store.UserByName(w.t.Context(), w.acme.ID, "alice")
		require.NoError(w.t, err)
		require.NoError(w.t, w.admin().UpdateUser(w.operator(), user.ID, store.UserChange{Disabled: new(true)}))
		for _, s := range ended {
			s.ends("the user that this credential acts as is disabled")
		}
		for _, s := range stay {
			s.stays()
		}
	})
}

func TestAnOperatorsStreamInAnotherAccountEndsWithItsToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqlite(t))
	secret, id := w.token(model.RoleOperator)
	s := w.open(secret, auth.AccountHeader, "default")
	require.NoError(t, w.admin().RevokeToken(w.operator(), id))
	s.ends("unknown, expired or revoked")
}

func TestManyStreamsOfOneTokenAreOneQuestion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqlite(t), func(cfg *auth.Config) { cfg.Recheck = time.Second })
	secret, id := w.token(model.RoleReader)
	ctx, _, err := w.enter(secret)
	require.NoError(t, err)
	streams := make([]*stream, 10000)
	before := w.questions.Load()
	for i := range streams {
		streams[i] = w.watch(ctx)
	}
	started := time.Now()
	eventually(t, func() bool { return w.questions.Load() >= before+2 }, "sweeps happen")
	sweeps := int64(time.Since(started)/time.Second) + 2
	require.LessOrEqual(t, w.questions.Load(), before+sweeps, "one question a sweep")
	require.NoError(t, w.admin().RevokeToken(w.operator(), id))
	for _, s := range streams {
		s.ends("revoked")
	}
}

func TestEachSweepLooksAtEveryUserOfManyStreams(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		i := newIssuer(t)
		w.auth = w.authenticator(trusting(i), func(cfg *auth.Config) { cfg.Recheck = time.Hour }) // the test sweeps
		const users, atOnce = 2500, 1000
		nameOf := func(n int) string { return fmt.Sprintf("user-%04d", n) }
		profiles := make([]store.UserProfile, users)
		for n := range profiles {
			profiles[n].Username = nameOf(n)
		}
		require.NoError(t, w.store.EnsureUsers(t.Context(), w.acme.ID, w.clock.now(), profiles))
		streams := make([]*stream, users)
		for n := range streams {
			streams[n] = w.open(i.jwt(i.claims(w.clock.now(), set("preferred_username", nameOf(n)))))
		}
		other := w.open(i.jwt(i.claims(w.clock.now(), set("samjournal_account", "default"), set("preferred_username", nameOf(0)))))

		open := map[int]bool{}
		for n := range streams {
			open[n] = true
		}
		for _, n := range []int{0, 999, 1000, 1700, users - 1} {
			user, _, err := w.store.UserByName(t.Context(), w.acme.ID, nameOf(n))
			require.NoError(t, err)
			require.NoError(t, w.admin().UpdateUser(w.operator(), user.ID, store.UserChange{Disabled: new(true)}))
			expected := int64((len(open)+atOnce-1)/atOnce) + 1 // the other account's
			before := w.questions.Load()
			w.auth.Sweep(t.Context())
			require.Equal(t, expected, w.questions.Load()-before, "one question for a thousand users of an account")
			streams[n].ends("is disabled")
			delete(open, n)
		}
		w.auth.Sweep(t.Context())
		w.auth.Close() // which waits for those that are told
		for n := range open {
			streams[n].stays()
		}
		other.stays()
	})
}

func TestStreamsStayWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	server := testpostgres.Start(t)
	w := newWorld(t, server.NewDatabase(t).OwnerURL)
	secret, id := w.token(model.RoleReader)
	short, _ := w.token(model.RoleReader, func(in *auth.TokenInput) { in.ExpiresAt = new(w.clock.now().Add(time.Minute)) })
	stays, expires := w.open(secret), w.open(short)
	server.Stop(t, testpostgres.Immediate)
	eventually(t, func() bool { return strings.Contains(w.log.String(), "open streams cannot be checked") }, "the failure is logged")
	w.clock.advance(time.Minute)
	expires.ends("expired")
	stays.stays()
	server.Run(t)
	eventually(t, func() bool { return w.admin().RevokeToken(w.operator(), id) == nil }, "the database is back")
	stays.ends("revoked")
	require.Equal(t, 1, strings.Count(w.log.String(), "open streams cannot be checked"), "logged once")
}

func TestAStreamEndsWhenARestoredBackupHasAnotherTokenInItsPlace(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	w := newWorld(t, database.OwnerURL)
	secret, id := w.token(model.RoleReader)
	s := w.open(secret)
	database.Exec(t, "ALTER TABLE tokens DISABLE TRIGGER ALL")
	database.Exec(t, fmt.Sprintf("UPDATE tokens SET secret_digest = sha256('another') WHERE id = %d", id))
	s.ends("unknown, expired or revoked")
}

func TestAStreamThatHasStoppedHearsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqlite(t))
	secret, id := w.token(model.RoleReader)
	stopped, open := w.open(secret), w.open(secret)
	stopped.stop()
	stopped.stop()
	require.NoError(t, w.admin().RevokeToken(w.operator(), id))
	open.ends("revoked")
	require.Zero(t, stopped.calls.Load())
}

func TestStopWaitsForWhatItInterrupts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqlite(t))
	secret, id := w.token(model.RoleReader)
	ctx, _, err := w.enter(secret)
	require.NoError(t, err)
	entered, leave, done := make(chan struct{}), make(chan struct{}), atomic.Bool{}
	stop := w.auth.Watch(ctx, func(error) {
		close(entered)
		<-leave
		done.Store(true)
	})
	other := w.open(secret)
	require.NoError(t, w.admin().RevokeToken(w.operator(), id))
	<-entered
	other.ends("revoked") // one that is slow holds up nobody else
	go close(leave)
	stop()
	require.True(t, done.Load())
}

func TestWithoutStreamsThereIsNoSweep(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqlite(t))
	sweeping := func() bool {
		stacks := make([]byte, 1<<22)
		stacks = stacks[:runtime.Stack(stacks, true)]
		return strings.Contains(string(stacks), fmt.Sprintf("(*watcher).run(%#x", w.auth.WatcherAddress()))
	}
	require.False(t, sweeping())
	secret, _ := w.token(model.RoleReader)
	for range 3 {
		first, second := w.open(secret), w.open(secret)
		eventually(t, sweeping, "one goroutine")
		first.stop()
		second.stop()
		eventually(t, func() bool { return !sweeping() }, "it ends with the last stream")
	}
}

func TestCloseEndsWatchesSilently(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqlite(t))
	secret, id := w.token(model.RoleReader)
	ctx, _, err := w.enter(secret)
	require.NoError(t, err)
	s := w.watch(ctx)
	w.auth.Close()
	w.auth.Close()
	require.NoError(t, w.admin().RevokeToken(w.operator(), id))
	late := w.watch(ctx)
	s.stop()
	late.stop()
	require.Zero(t, s.calls.Load()+late.calls.Load())
}

func TestWatchesComeAndGoTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqlite(t), func(cfg *auth.Config) { cfg.Recheck = time.Millisecond })
	secret, id := w.token(model.RoleReader)
	ctx, _, err := w.enter(secret)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for range 50 {
				w.auth.Watch(ctx, func(error) {})()
			}
			if n == 0 {
				if err := w.admin().RevokeToken(w.operator(), id); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	w.watch(ctx).ends("revoked")
}
