package graph

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"samjournal/internal/atend"
	"samjournal/internal/journal"
)

// waiters returns when this many answers wait for long payloads.
func (all *Answers) waiters(t *testing.T, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return len(all.waiting) == n }, 10*time.Second, time.Millisecond)
}

func TestAnAnswerBeyondThoseThatWaitIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	const size = 16 << 20
	all := NewAnswers(size)
	ctx, end := atend.With(t.Context())
	var first memory
	require.NoError(t, first.enter(ctx, all))
	require.NoError(t, first.extend(ctx, size))

	var group errgroup.Group
	for range cap(all.waiting) {
		group.Go(func() error {
			ctx, end := atend.With(t.Context())
			defer end()
			var m memory
			if err := m.enter(ctx, all); err != nil {
				return err
			}
			return m.extend(ctx, size)
		})
	}
	all.waiters(t, cap(all.waiting))
	last, endLast := atend.With(t.Context())
	var m memory
	require.NoError(t, m.enter(last, all), "there is room for those with few payloads")
	require.ErrorIs(t, m.extend(last, size), journal.ErrUnavailable)
	endLast()

	end()
	require.NoError(t, group.Wait(), "each gets it in turn")
	require.True(t, all.long.TryAcquire(size), "all is given back")
	require.True(t, all.short.TryAcquire(int64(cap(all.waiting)+1)*shortBytes))
}

// While an answer is sent, others can be made of what it needs no more.
func TestAnAnswerThatIsMadeGivesHalfOfItsMemoryBack(t *testing.T) {
	t.Parallel()
	all := NewAnswers(32 << 20)
	ctx, end := atend.With(t.Context())
	defer end()
	var m memory
	require.NoError(t, m.enter(ctx, all))
	require.NoError(t, m.extend(ctx, 10<<20))
	require.False(t, all.long.TryAcquire(13<<20), "it counts twice")
	m.made()
	require.True(t, all.long.TryAcquire(22<<20))
	require.False(t, all.long.TryAcquire(1))
}

// Whoever waits for memory and goes away holds up nobody and keeps nothing.
func TestAnAnswerThatNobodyWaitsForAnyMoreWaitsForNothing(t *testing.T) {
	t.Parallel()
	const size = 16 << 20
	all := NewAnswers(size)
	first, endFirst := atend.With(t.Context())
	var m memory
	require.NoError(t, m.enter(first, all))
	require.NoError(t, m.extend(first, size))

	gone, leave := context.WithCancel(t.Context())
	var group errgroup.Group
	group.Go(func() error {
		ctx, end := atend.With(gone)
		defer end()
		var m memory
		if err := m.enter(ctx, all); err != nil {
			return err
		}
		return m.extend(ctx, size)
	})
	all.waiters(t, 1)
	leave()
	require.ErrorIs(t, group.Wait(), context.Canceled)
	all.waiters(t, 0)
	endFirst()
	require.True(t, all.long.TryAcquire(size))
	require.True(t, all.short.TryAcquire(int64(cap(all.waiting)+1)*shortBytes))
}
