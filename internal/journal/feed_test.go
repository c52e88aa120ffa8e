package journal_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/journal"
	"samjournal/internal/journal/redaction"
	"samjournal/internal/model"
	"samjournal/internal/store"
)

// These tests run on the clock of testing/synctest: time passes when everybody waits, and a goroutine that outlives its test
// fails it.

// shelf is a backend whose journals are only as long as a test says. Any method that a feed has no need of panics.
type shelf struct {
	journal.Backend

	mu     sync.Mutex
	sizes  map[int64]int64 // by account
	looks  int             // at the head of account 1
	broken error           // what looking at a head says

	replaced bool  // account 1 has another journal
	from     int64 // from this position on
}

// newShelf has five entries in account 1.
func newShelf() *shelf {
	return &shelf{sizes: map[int64]int64{1: 5}}
}

func (s *shelf) Head(_ context.Context, scope model.Scope) (store.Head, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if scope.AccountID == 1 {
		s.looks++
	}
	h := store.Head{Size: s.sizes[scope.AccountID]}
	if h.Size > 0 {
		h.LastKey = s.key(h.Size - 1)
	}
	return h, s.broken
}

// keyAt is the key of an entry, the same in every shelf.
func keyAt(position int64) string {
	return strings.Repeat(string("0123456789abcdef"[position%16]), model.KeyLength)
}

func (s *shelf) KeyAt(_ context.Context, accountID, position int64) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if position >= s.sizes[accountID] {
		return "", nil
	}
	return s.key(position), nil
}

func (s *shelf) set(accountID, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sizes[accountID] = size
}

func (s *shelf) breakWith(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = err
}

// looked returns how often account 1's head was looked at since the last time it was asked.
func (s *shelf) looked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.looks
	s.looks = 0
	return n
}

// overShelf returns a journal whose feeds look every second. The test closes it.
func overShelf(t *testing.T, s journal.Backend, change ...func(*journal.Config)) *journal.Journal {
	t.Helper()
	redactor, err := redaction.New(redaction.Default())
	require.NoError(t, err)
	cfg := journal.Config{Backend: s, Redactor: redactor, Poll: time.Second}
	for _, f := range change {
		f(&cfg)
	}
	j, err := journal.New(cfg)
	require.NoError(t, err)
	return j
}

func viewing(accountID int64, role model.Role) context.Context {
	return model.WithViewer(context.Background(), model.Viewer{Account: model.Account{ID: accountID, Slug: "a"}, Role: role})
}

func cursorAt(position int64) *model.Cursor {
	c := model.EntryCursor(model.OrderPosition, position, keyAt(max(position, 0)), time.Time{})
	if position < 0 {
		c.KeyPrefix = [8]byte{}
	}
	return &c
}

func follow(t *testing.T, j *journal.Journal, after *model.Cursor) *journal.Follower {
	t.Helper()
	f, err := j.Follow(viewing(1, model.RoleAuditor), after)
	require.NoError(t, err)
	return f
}

// next is what a call of Next gives.
type next struct {
	from, to int64
	err      error
}

// ask calls Next in the background and returns where its answer will be.
func ask(ctx context.Context, f *journal.Follower) <-chan next {
	answer := make(chan next, 1)
	go func() {
		from, to, err := f.Next(ctx)
		answer <- next{from, to, err}
	}()
	return answer
}

// requireAnswer checks that the answer is there before the clock moves.
func requireAnswer(t *testing.T, want next, answer <-chan next) {
	t.Helper()
	synctest.Wait()
	require.Len(t, answer, 1)
	require.Equal(t, want, <-answer)
}

// pass lets time go by, and what it brings be done.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// betweenLooks is between two looks of a feed that looks every second, so that it is clear which come before and which after.
const betweenLooks = time.Second / 2

// requireWaiting checks that there is no answer although everything that can happen now has happened.
func requireWaiting(t *testing.T, answer <-chan next) {
	t.Helper()
	synctest.Wait()
	require.Empty(t, answer)
}

func TestAFollowerWithoutCursorBeginsAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		j := overShelf(t, s)
		defer j.Close()
		f := follow(t, j, nil)
		defer f.Close()
		answer := ask(t.Context(), f)
		pass(time.Hour)
		requireWaiting(t, answer)
		s.set(1, 7)
		require.Equal(t, next{5, 7, nil}, <-answer)
	})
}

func TestAFollowerResumesAfterItsCursor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := overShelf(t, newShelf())
		defer j.Close()
		for position, want := range map[int64]next{-1: {0, 5, nil}, 0: {1, 5, nil}, 3: {4, 5, nil}} {
			f := follow(t, j, cursorAt(position))
			require.Equal(t, want, <-ask(t.Context(), f))
			f.Close()
		}
	})
}

func TestWhatWasNotAdvancedIsGivenAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		j := overShelf(t, s)
		defer j.Close()
		f := follow(t, j, cursorAt(1))
		defer f.Close()
		require.Equal(t, next{2, 5, nil}, <-ask(t.Context(), f))
		require.Equal(t, next{2, 5, nil}, <-ask(t.Context(), f))
		f.Advance(4)
		require.Equal(t, next{4, 5, nil}, <-ask(t.Context(), f))
		f.Advance(5)
		answer := ask(t.Context(), f)
		requireWaiting(t, answer)
		s.set(1, 6)
		require.Equal(t, next{5, 6, nil}, <-answer)
	})
}

func TestACursorThatDoesNotFitIsInvalid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := overShelf(t, newShelf())
		defer j.Close()
		other := model.EntryCursor(model.OrderPosition, 3, keyAt(4), time.Time{})
		for _, after := range []*model.Cursor{cursorAt(5), cursorAt(1 << 40), cursorAt(1<<63 - 1), &other} {
			_, err := j.Follow(viewing(1, model.RoleAuditor), after)
			require.ErrorIs(t, err, journal.ErrCursorInvalid)
		}
	})
}

func TestAJournalThatBecomesShorterIsToldNotPassedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		j := overShelf(t, s)
		defer j.Close()
		f := follow(t, j, nil)
		defer f.Close()
		answer := ask(t.Context(), f)
		s.set(1, 4)
		require.Equal(t, next{0, 0, journal.ErrCursorInvalid}, <-answer)
	})
}

// Somebody who comes with a cursor newer than the feed's last look must not be told that the journal is shorter.
func TestAFollowerDoesNotTrustALookOlderThanItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		j := overShelf(t, s, func(cfg *journal.Config) { cfg.Poll = time.Hour })
		defer j.Close()
		first := follow(t, j, nil)
		defer first.Close()
		synctest.Wait() // the feed has seen five
		s.set(1, 9)
		second := follow(t, j, cursorAt(8))
		defer second.Close()
		answer := ask(t.Context(), second)
		requireWaiting(t, answer)
		require.Equal(t, next{5, 9, nil}, <-ask(t.Context(), first))
		s.set(1, 10)
		require.Equal(t, next{9, 10, nil}, <-answer)
	})
}

func TestFollowersEndWithTheJournal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := overShelf(t, newShelf())
		f := follow(t, j, nil)
		answer := ask(t.Context(), f)
		requireWaiting(t, answer)
		j.Close()
		require.Equal(t, next{0, 0, journal.ErrClosed}, <-answer)
		f.Close()
		_, err := j.Follow(viewing(1, model.RoleAuditor), nil)
		require.ErrorIs(t, err, journal.ErrClosed)
	})
}

func TestAFollowerWaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := overShelf(t, newShelf())
		defer j.Close()
		f := follow(t, j, nil)
		defer f.Close()
		ctx, cancel := context.WithCancel(t.Context())
		answer := ask(ctx, f)
		requireWaiting(t, answer)
		cancel()
		require.Equal(t, next{0, 0, context.Canceled}, <-answer)
	})
}

func TestWhereNobodyFollowsNothingIsRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		j := overShelf(t, s)
		defer j.Close()
		pass(time.Hour)
		require.Zero(t, s.looked())
		a, b := follow(t, j, nil), follow(t, j, nil)
		a.Close()
		pass(betweenLooks)
		s.looked()
		pass(time.Minute)
		require.Equal(t, 60, s.looked(), "the feed lives until its last follower goes")
		b.Close()
		synctest.Wait()
		s.looked()
		pass(time.Hour)
		require.Zero(t, s.looked())

		again := follow(t, j, cursorAt(0)) // a feed that ended begins anew
		defer again.Close()
		require.Equal(t, next{1, 5, nil}, <-ask(t.Context(), again))
	})
}

func TestFollowersOfAnAccountShareItsReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		j := overShelf(t, s)
		defer j.Close()
		var answers []<-chan next
		for range 100 {
			f := follow(t, j, nil)
			t.Cleanup(f.Close)
			answers = append(answers, ask(t.Context(), f))
		}
		pass(betweenLooks)
		s.looked()
		s.set(1, 6)
		pass(time.Second)
		for _, answer := range answers {
			require.Equal(t, next{5, 6, nil}, <-answer)
		}
		require.Equal(t, 1, s.looked())
	})
}

func TestAccountsHaveFeedsOfTheirOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		j := overShelf(t, s)
		defer j.Close()
		f := follow(t, j, nil)
		defer f.Close()
		other, err := j.Follow(viewing(2, model.RoleAuditor), nil)
		require.NoError(t, err)
		defer other.Close()
		here, there := ask(t.Context(), f), ask(t.Context(), other)
		s.set(2, 3)
		require.Equal(t, next{0, 3, nil}, <-there)
		requireWaiting(t, here)
		s.set(1, 6)
		require.Equal(t, next{5, 6, nil}, <-here)
	})
}

func TestFollowersWaitWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		j := overShelf(t, s)
		defer j.Close()
		f := follow(t, j, nil)
		defer f.Close()
		answer := ask(t.Context(), f)
		synctest.Wait()
		s.breakWith(errors.New("connection refused"))
		s.set(1, 8)
		pass(time.Minute)
		requireWaiting(t, answer)
		s.breakWith(nil)
		require.Equal(t, next{5, 8, nil}, <-answer)
	})
}

func TestWhoMayNotReadMayNotFollow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		j := overShelf(t, s)
		defer j.Close()
		_, err := j.Follow(viewing(1, model.RoleWriter), nil)
		require.ErrorIs(t, err, journal.ErrForbidden)
		_, err = j.Follow(t.Context(), nil)
		require.ErrorIs(t, err, model.ErrNoViewer)
		require.Zero(t, s.looked())
	})
}

// taker is a shelf that takes entries.
type taker struct{ *shelf }

func (s taker) DigestKey(context.Context, int64) ([]byte, error) { return make([]byte, 32), nil }

func (s taker) Append(_ context.Context, accountID int64, now time.Time, batch []store.NewEntry) ([]store.Appended, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	results := make([]store.Appended, len(batch))
	for i := range batch {
		results[i] = store.Appended{Position: s.sizes[accountID], CreatedAt: now, RecordedAt: now, Created: true}
		s.sizes[accountID]++
	}
	return results, nil
}

func TestAnAppendOfThisProcessIsFollowedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := overShelf(t, taker{newShelf()}, func(cfg *journal.Config) { cfg.Poll = time.Hour })
		defer j.Close()
		f := follow(t, j, nil)
		defer f.Close()
		answer := ask(t.Context(), f)
		requireWaiting(t, answer)
		_, err := j.Append(viewing(1, model.RoleOperator), []journal.Input{input("alice"), input("bob")})
		require.NoError(t, err)
		requireAnswer(t, next{5, 7, nil}, answer)
	})
}
