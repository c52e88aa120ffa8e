package graph

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"samjournal/internal/atend"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

func alice(t *testing.T) context.Context {
	t.Helper()
	return acting(t.Context(), "alice")
}

func acting(ctx context.Context, subject string) context.Context {
	return model.WithViewer(ctx, model.Viewer{Role: model.RoleAuditor, Subject: subject})
}

// begin is an answer under way; with bytes it has long payloads.
func begin(ctx context.Context, answers *Answers, bytes int64) (*memory, func(), error) {
	ctx, end := atend.With(ctx)
	m := &memory{}
	if err := m.enter(ctx, answers); err != nil {
		return m, end, err
	}
	if bytes == 0 {
		return m, end, nil
	}
	err := m.extend(ctx, bytes)
	return m, end, err
}

// finish is an answer from its beginning to its end.
func finish(ctx context.Context, answers *Answers, bytes int64) error {
	_, end, err := begin(ctx, answers, bytes)
	end()
	return err
}

// requireNothingHeld says that all answers are over and have given everything back.
func (a *Answers) requireNothingHeld(t *testing.T) {
	t.Helper()
	require.Zero(t, a.viewers.Len())
	require.Empty(t, a.all.waiting)
	require.True(t, a.all.long.TryAcquire(a.all.size))
	require.True(t, a.all.short.TryAcquire(a.all.answers*shortBytes))
}

const ownSize = 16 << 20 // of a viewer, where a test says nothing else

func TestAnAnswerBeyondThoseThatWaitIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answers := NewAnswers(ownSize)
		first, end, err := begin(alice(t), answers, ownSize)
		require.NoError(t, err)

		var group errgroup.Group
		for range cap(first.own.waiting) {
			group.Go(func() error { return finish(alice(t), answers, ownSize) })
		}
		synctest.Wait()
		began := time.Now()
		last, endLast, err := begin(alice(t), answers, 0)
		require.NoError(t, err, "there is room for those with few payloads")
		require.ErrorIs(t, last.extend(alice(t), ownSize), journal.ErrUnavailable)
		require.Equal(t, began, time.Now(), "at once")
		endLast()

		end()
		require.NoError(t, group.Wait(), "each gets it in turn")
		answers.requireNothingHeld(t)
	})
}

// While an answer is sent, others can be made of what it needs no more.
func TestAnAnswerThatIsMadeGivesHalfOfItsMemoryBack(t *testing.T) {
	t.Parallel()
	answers := NewAnswers(32 << 20)
	m, end, err := begin(alice(t), answers, 10<<20)
	require.NoError(t, err)
	require.False(t, m.own.long.TryAcquire(13<<20), "it counts twice")
	m.made()
	require.True(t, m.own.long.TryAcquire(22<<20))
	require.False(t, m.own.long.TryAcquire(1))
	m.own.long.Release(22 << 20)
	end()
	answers.requireNothingHeld(t)
}

// Whoever waits for memory and goes away holds up nobody and keeps nothing.
func TestAnAnswerThatNobodyWaitsForAnyMoreWaitsForNothing(t *testing.T) {
	t.Parallel()
	for name, waits := range map[string]struct {
		subject string
		bytes   int64
	}{
		"its viewer's": {"alice", 1},
		"everybody's":  {"carol", ownSize / 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				answers := NewAnswers(ownSize)
				_, endAlice, err := begin(alice(t), answers, ownSize)
				require.NoError(t, err)
				_, endBob, err := begin(acting(t.Context(), "bob"), answers, ownSize/4)
				require.NoError(t, err)
				ctx, leave := context.WithCancel(acting(t.Context(), waits.subject))
				other, endOther, err := begin(acting(t.Context(), waits.subject), answers, 0)
				require.NoError(t, err)

				var group errgroup.Group
				group.Go(func() error { return finish(ctx, answers, waits.bytes) })
				synctest.Wait()
				require.Len(t, answers.all.waiting, 1)
				began := time.Now()
				leave()
				require.ErrorIs(t, group.Wait(), context.Canceled)
				require.Equal(t, began, time.Now(), "at once")
				endAlice()
				endBob()
				require.True(t, other.own.long.TryAcquire(ownSize))
				other.own.long.Release(ownSize)
				endOther()
				answers.requireNothingHeld(t)
			})
		})
	}
}

// A client tries again rather than wait for others who may take for ever.
func TestAnAnswerWaitsForMemoryForAWhileOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answers := NewAnswers(ownSize)
		_, end, err := begin(alice(t), answers, ownSize)
		require.NoError(t, err)
		began := time.Now()
		require.ErrorIs(t, finish(alice(t), answers, 1), journal.ErrUnavailable)
		require.Equal(t, answersWait, time.Since(began))
		end()
		answers.requireNothingHeld(t)
	})
}

// A viewer may take its answers as slowly as it likes: others are answered all the same.
func TestAViewerThatHasAllItMayHaveHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const longest = ownSize / 4 // see NewAnswers
		answers := NewAnswers(ownSize)
		hoard, leave := context.WithCancel(acting(t.Context(), "hoard"))
		defer leave()
		first, end, err := begin(hoard, answers, ownSize)
		require.NoError(t, err)
		ends := []func(){end}
		for range first.own.answers {
			_, end, err := begin(hoard, answers, 0)
			require.NoError(t, err)
			ends = append(ends, end)
		}
		var group errgroup.Group
		group.Go(func() error { return finish(hoard, answers, 0) })
		synctest.Wait() // it has all of the short and all of the long, and waits for more

		began := time.Now()
		require.NoError(t, finish(alice(t), answers, 0), "few payloads")
		require.NoError(t, finish(alice(t), answers, longest), "many payloads")
		require.Equal(t, began, time.Now(), "at once")

		leave()
		require.ErrorIs(t, group.Wait(), context.Canceled)
		for _, end := range ends {
			end()
		}
		answers.requireNothingHeld(t)
	})
}

// Operators act in many accounts, and are one viewer all the same.
func TestAViewerHasItsMemoryOnceForAllAccounts(t *testing.T) {
	t.Parallel()
	answers := NewAnswers(ownSize)
	in := func(account int64) context.Context {
		v := model.Viewer{Account: model.Account{ID: account}, Role: model.RoleOperator, Subject: "token:1"}
		return model.WithViewer(t.Context(), v)
	}
	first, end, err := begin(in(1), answers, 0)
	require.NoError(t, err)
	defer end()
	second, end, err := begin(in(2), answers, 0)
	require.NoError(t, err)
	defer end()
	require.Same(t, first.own, second.own)
}

func TestNobodyHasMemoryForNobody(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, finish(t.Context(), NewAnswers(ownSize), 0), model.ErrNoViewer)
}
