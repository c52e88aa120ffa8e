package journal_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/journal"
)

// key is that of an entry: keyAt, unless the journal was replaced by another at or before it.
func (s *shelf) key(position int64) string {
	if s.replaced && position >= s.from {
		return keyAt(position + 1)
	}
	return keyAt(position)
}

// replace gives account 1 another journal, which has only the entries before from in common with the one that it had.
func (s *shelf) replace(from, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replaced, s.from, s.sizes[1] = true, from, size
}

// A restored backup, or a failover that lost commits, may be longer than the journal was before the feed looks again.
func TestAJournalThatIsReplacedByALongerOneIsToldNotPassedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		j := overShelf(t, s)
		defer j.Close()
		atTheEnd, reading := follow(t, j, nil), follow(t, j, cursorAt(-1))
		defer atTheEnd.Close()
		defer reading.Close()
		between, early := follow(t, j, cursorAt(2)), follow(t, j, cursorAt(1))
		defer between.Close()
		defer early.Close()
		require.Equal(t, next{0, 5, nil}, <-ask(t.Context(), reading))
		reading.Advance(5)
		answers := []<-chan next{ask(t.Context(), atTheEnd), ask(t.Context(), reading)}
		synctest.Wait()
		s.replace(2, 9)
		pass(time.Second)
		for _, answer := range answers {
			require.Equal(t, next{0, 0, journal.ErrCursorInvalid}, <-answer)
		}
		require.Equal(t, next{0, 0, journal.ErrCursorInvalid}, <-ask(t.Context(), between), "its last entry is not there any more")
		require.Equal(t, next{2, 9, nil}, <-ask(t.Context(), early), "what it has read is in both")
		early.Advance(9)
		answer := ask(t.Context(), early)
		s.set(1, 10)
		require.Equal(t, next{9, 10, nil}, <-answer)
	})
}

func TestAJournalThatIsReplacedByOneOfTheSameLengthIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		j := overShelf(t, s)
		defer j.Close()
		f := follow(t, j, nil)
		defer f.Close()
		answer := ask(t.Context(), f)
		synctest.Wait()
		s.replace(4, 5)
		require.Equal(t, next{0, 0, journal.ErrCursorInvalid}, <-answer)
	})
}
