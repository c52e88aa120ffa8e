package journal_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/ent"
	"samjournal/ent/entry"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// library is a shelf whose entries can be read.
type library struct {
	*shelf

	mu    sync.Mutex
	pages []journal.Page // that were read since the last time they were asked for
	size  int            // of each payload
}

func newLibrary() *library { return &library{shelf: newShelf(), size: 1000} }

// entryAt is an entry of a library: its status is its position, and of three users in turn each has one.
func (l *library) entryAt(key string, position int64) *ent.Entry {
	user, payload := position%3, model.Payload(`"`+strings.Repeat("x", l.size-2)+`"`)
	return &ent.Entry{
		ID: key, Position: position, StatusCode: int(position), UserID: &user, Request: &payload, Response: &payload,
		RecordedAt: time.Now(),
	}
}

func (l *library) entries(ctx context.Context, p journal.Page) ([]*ent.Entry, error) {
	scope, err := model.ScopeFrom(ctx)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.pages = append(l.pages, p)
	l.mu.Unlock()
	l.shelf.mu.Lock()
	defer l.shelf.mu.Unlock()
	var rows []*ent.Entry
	for position := p.From; position < min(p.To, l.sizes[scope.AccountID]) && len(rows) < p.Limit; position++ {
		e := l.entryAt(l.key(position), position)
		if p.Filter.Match(e) && (scope.OnlyUserID == nil || *e.UserID == *scope.OnlyUserID) {
			rows = append(rows, e)
		}
	}
	return rows, l.broken
}

func (l *library) read() []journal.Page {
	l.mu.Lock()
	defer l.mu.Unlock()
	pages := l.pages
	l.pages = nil
	return pages
}

func overLibrary(t *testing.T, l *library) *journal.Journal {
	t.Helper()
	return overShelf(t, l, func(cfg *journal.Config) { cfg.Entries = l.entries })
}

func plainly() journal.Wanted {
	return journal.Wanted{Selection: journal.Selection{Columns: []string{entry.FieldThing}}}
}

func withPayloads() journal.Wanted {
	return journal.Wanted{Selection: journal.Selection{Columns: []string{entry.FieldRequest, entry.FieldResponse}}}
}

func readerAfter(ctx context.Context, t *testing.T, j *journal.Journal, after *model.Cursor, w journal.Wanted) *journal.Reader {
	t.Helper()
	place, err := j.PlaceAfter(ctx, after)
	require.NoError(t, err)
	r, err := j.Read(place, w)
	require.NoError(t, err)
	return r
}

// requireRead reads until next and checks which entries that gave.
func requireRead(ctx context.Context, t *testing.T, r *journal.Reader, next int64, want ...int64) {
	t.Helper()
	var got []int64
	for {
		b, err := r.Read(ctx)
		require.NoError(t, err)
		for _, e := range b.Entries {
			got = append(got, e.Position)
		}
		require.LessOrEqual(t, b.Next, next)
		if b.Next == next {
			require.Equal(t, want, got)
			return
		}
	}
}

func through(from, to int64) (positions []int64) {
	for ; from < to; from++ {
		positions = append(positions, from)
	}
	return positions
}

func TestReadersOfAnAccountShareWhatIsNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary()
		j := overLibrary(t, l)
		defer j.Close()
		ctx := viewing(1, model.RoleAuditor)
		var readers []*journal.Reader
		for range 10 {
			readers = append(readers, readerAfter(ctx, t, j, nil, plainly()))
		}
		defer func() {
			for _, r := range readers {
				r.Close()
			}
		}()
		synctest.Wait()
		l.set(1, 405)
		pass(time.Second)
		for _, r := range readers {
			requireRead(ctx, t, r, 405, through(5, 405)...)
		}
		pages := l.read()
		require.Len(t, pages, 2, "400 entries, 200 at a time, once for all")
		require.NotContains(t, pages[0].Columns, entry.FieldRequest)

		// One of them that wants more is given it, from the next entries on.
		r := readerAfter(ctx, t, j, nil, withPayloads())
		defer r.Close()
		synctest.Wait()
		l.set(1, 420)
		pass(time.Second)
		for _, r := range append(readers, r) {
			requireRead(ctx, t, r, 420, through(405, 420)...)
		}
		require.Len(t, l.read(), 1)
	})
}

func TestAReaderReadsItsPastByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary()
		j := overLibrary(t, l)
		defer j.Close()
		ctx := viewing(1, model.RoleAuditor)
		r := readerAfter(ctx, t, j, cursorAt(1), plainly())
		defer r.Close()
		requireRead(ctx, t, r, 5, 2, 3, 4)
		require.Len(t, l.read(), 1)
		l.set(1, 7)
		requireRead(ctx, t, r, 7, 5, 6)
		require.Len(t, l.read(), 1)
	})
}

func TestASlowReaderReadsTheDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary()
		j := overLibrary(t, l)
		defer j.Close()
		ctx := viewing(1, model.RoleAuditor)
		slow, fast := readerAfter(ctx, t, j, nil, plainly()), readerAfter(ctx, t, j, nil, plainly())
		defer slow.Close()
		defer fast.Close()
		synctest.Wait()
		for size := int64(405); size <= 2005; size += 400 {
			l.set(1, size)
			pass(time.Second)
			requireRead(ctx, t, fast, size, through(size-400, size)...)
		}
		require.Len(t, l.read(), 10)
		requireRead(ctx, t, slow, 2005, through(5, 2005)...)
		pages := l.read()
		require.Len(t, pages, 5, "1,000 entries are kept for it, and it reads the other 1,000 itself")
		require.EqualValues(t, 5, pages[0].From)
	})
}

func TestAReaderOfPayloadsReadsFewAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary()
		l.size = 100_000
		l.set(1, 100)
		j := overLibrary(t, l)
		defer j.Close()
		ctx := viewing(1, model.RoleAuditor)
		r := readerAfter(ctx, t, j, cursorAt(-1), withPayloads())
		defer r.Close()
		requireRead(ctx, t, r, 100, through(0, 100)...)
		var limits []int
		for _, p := range l.read() {
			limits = append(limits, p.Limit)
		}
		require.Equal(t, []int{4, 2, 1, 1}, limits[:4], "200 kB an entry, and 256 KiB at a time")

		l.size = 10
		small := readerAfter(ctx, t, j, cursorAt(-1), withPayloads())
		defer small.Close()
		requireRead(ctx, t, small, 100, through(0, 100)...)
		limits = nil
		for _, p := range l.read() {
			limits = append(limits, p.Limit)
		}
		require.Equal(t, []int{4, 8, 16, 16}, limits[:4], "never more, since the next ones may be larger")
	})
}

// What all have read is let go, so that an account with little traffic keeps nothing of it for long.
func TestWhatAllHaveReadIsNotKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary()
		j := overLibrary(t, l)
		defer j.Close()
		ctx := viewing(1, model.RoleAuditor)
		r := readerAfter(ctx, t, j, nil, withPayloads())
		defer r.Close()
		synctest.Wait()
		for size := int64(6); size < 50; size++ {
			l.set(1, size)
			pass(time.Second)
			requireRead(ctx, t, r, size, size-1)
			require.LessOrEqual(t, journal.Kept(j, 1), 1)
		}
	})
}

func TestAReaderSeesWhatItsScopeAndFilterLet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary()
		j := overLibrary(t, l)
		defer j.Close()
		two := int64(2)
		reader := model.WithViewer(t.Context(), model.Viewer{Account: model.Account{ID: 1}, Role: model.RoleReader, UserID: &two})
		_, err := j.PlaceAfter(reader, cursorAt(0))
		require.ErrorIs(t, err, journal.ErrCursorInvalid, "another's entry is as if it were not there")
		_, err = j.PlaceAfter(reader, cursorAt(99))
		require.ErrorIs(t, err, journal.ErrCursorInvalid)
		own := readerAfter(reader, t, j, cursorAt(-1), plainly())
		defer own.Close()
		w := plainly()
		w.Filter = parsed(t, where{"statusCodeGTE": 10})
		ctx := viewing(1, model.RoleAuditor)
		filtered := readerAfter(ctx, t, j, cursorAt(0), w)
		defer filtered.Close()
		requireRead(reader, t, own, 5, 2)
		requireRead(ctx, t, filtered, 5)
		l.set(1, 13)
		pass(time.Second)
		require.NotEmpty(t, l.read())
		requireRead(reader, t, own, 13, 5, 8, 11)
		requireRead(ctx, t, filtered, 13, 10, 11, 12)
		require.Empty(t, l.read(), "both have what was read for all")
	})
}

func TestAReaderOfWhatComesSaysWhereItBegins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary()
		j := overLibrary(t, l)
		defer j.Close()
		ctx := viewing(1, model.RoleAuditor)
		place, err := j.PlaceAfter(ctx, cursorAt(1))
		require.NoError(t, err)
		require.EqualValues(t, 2, place.Next())
		live, err := j.ReadNew(place, plainly())
		require.NoError(t, err)
		defer live.Close()
		requireRead(ctx, t, live, 5)
		l.set(1, 8)
		requireRead(ctx, t, live, 8, 5, 6, 7)

		again, err := live.At(3)
		require.NoError(t, err)
		defer again.Close()
		requireRead(ctx, t, again, 8, 3, 4, 5, 6, 7)
	})
}

func TestAReaderIsToldWhenTheJournalWasReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary()
		j := overLibrary(t, l)
		defer j.Close()
		ctx := viewing(1, model.RoleAuditor)
		r, other := readerAfter(ctx, t, j, cursorAt(2), plainly()), readerAfter(ctx, t, j, nil, plainly())
		defer r.Close()
		defer other.Close()
		requireRead(ctx, t, r, 5, 3, 4)
		l.set(1, 9)
		pass(time.Second)
		requireRead(ctx, t, other, 9, 5, 6, 7, 8)
		behind, err := other.At(7)
		require.NoError(t, err)
		defer behind.Close()

		l.replace(6, 12) // what r has read is there still
		pass(time.Second)
		b, err := r.Read(ctx)
		require.NoError(t, err)
		require.True(t, b.Replaced)
		require.EqualValues(t, 5, b.Entries[0].Position)
		_, err = other.Read(ctx)
		require.ErrorIs(t, err, journal.ErrCursorInvalid)
		_, err = behind.Read(ctx)
		require.ErrorIs(t, err, journal.ErrCursorInvalid, "what it was given by other means is not known here")
	})
}

func TestAReaderThatIsClosedCannotBeContinued(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := overLibrary(t, newLibrary())
		defer j.Close()
		r := readerAfter(viewing(1, model.RoleAuditor), t, j, nil, plainly())
		r.Close()
		_, err := r.At(0)
		require.ErrorIs(t, err, journal.ErrClosed)
	})
}
