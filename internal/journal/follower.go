package journal

import (
	"context"

	"samjournal/internal/model"
)

// unknown stands for a position that is not known yet: the journal's end, for a follower of what comes.
const unknown = -2

// follower goes through one account's journal from a position on, first what is there, then what comes. It is for one
// goroutine.
type follower struct {
	feeds *feeds
	feed  *feed
	look  uint64 // a size from before this look may be older than the cursor
	next  int64  // position of the next entry to read

	// history is the feed's when what was read last was known to be in the journal: the entry at position sure, whose key
	// begins with prefix.
	history uint64
	sure    int64
	prefix  [8]byte

	to     int64 // what Next gave last
	toLast string
}

// Place is where reading a journal begins.
type Place struct {
	scope  model.Scope
	next   int64 // position of the first entry
	prefix [8]byte
}

// Next is the position of the first entry.
func (p Place) Next() int64 { return p.next }

// PlaceAfter returns the place in the journal of the viewer's account after a cursor, or at the journal's end when it is nil.
// It fails with ErrCursorInvalid when the cursor does not fit the journal as the viewer sees it.
func (j *Journal) PlaceAfter(ctx context.Context, after *model.Cursor) (Place, error) {
	scope, err := model.ScopeFrom(ctx)
	if err != nil {
		return Place{}, err
	}
	if !scope.Entries {
		return Place{}, ErrForbidden
	}
	if after != nil {
		p := Place{scope: scope, next: after.Position + 1, prefix: after.KeyPrefix}
		if scope.OnlyUserID != nil {
			return p, j.fitsWhatIsSeen(ctx, after)
		}
		return p, fits(ctx, j.backend, scope.AccountID, after.Position, after.KeyPrefix)
	}
	head, err := j.backend.Head(ctx, scope)
	return Place{scope: scope, next: head.Size, prefix: model.PrefixOfKey(head.LastKey)}, err
}

// fitsWhatIsSeen is fits for a viewer that sees only some entries: that of another is as if it were not there, so that nobody
// learns the keys of others by trying cursors.
func (j *Journal) fitsWhatIsSeen(ctx context.Context, c *model.Cursor) error {
	if c.Position < 0 {
		return nil // before the first entry: fits every journal
	}
	seen, err := j.entries(ctx, Page{From: c.Position, To: c.Position + 1, Limit: 1})
	if err != nil {
		return err
	}
	if len(seen) == 0 || model.PrefixOfKey(seen[0].ID) != c.KeyPrefix {
		return ErrCursorInvalid
	}
	return nil
}

// follow returns a follower that begins at a place. Close it.
func (j *Journal) follow(p Place) (*follower, error) {
	f := &follower{feeds: j.feeds, next: p.next, sure: p.next - 1, prefix: p.prefix}
	feed, look, err := f.feeds.attach(p.scope.AccountID)
	if err != nil {
		return nil, err
	}
	feed.mu.Lock()
	defer feed.mu.Unlock()
	f.feed, f.look, f.history = feed, look, feed.history
	return f, nil
}

// fits checks that the journal has an entry at this position whose key begins so.
func fits(ctx context.Context, backend Backend, accountID, position int64, prefix [8]byte) error {
	if position < 0 {
		return nil // before the first entry: fits every journal
	}
	key, err := backend.KeyAt(ctx, accountID, position)
	if err != nil {
		return err
	}
	if key == "" || model.PrefixOfKey(key) != prefix {
		return ErrCursorInvalid
	}
	return nil
}

// Next waits until there are entries that were not read yet and returns their positions: from, included, to, excluded. It
// returns the same until Advance. A follower of what comes first gets the journal's end, twice. It fails with ctx's error,
// with ErrClosed, with ErrCursorInvalid when the journal no longer has what was read of it, or with an error of the backend,
// after which it may be called again.
func (f *follower) Next(ctx context.Context) (from, to int64, err error) {
	for {
		f.feed.mu.Lock()
		known, size, changed := f.feed.served >= f.look, f.feed.size, f.feed.changed
		last, history := f.feed.lastKey, f.feed.history
		f.feed.mu.Unlock()
		if known && f.next == unknown {
			f.next, f.to, f.toLast, f.history = size, size, last, history
			return size, size, nil
		}
		if known && size < f.next {
			return 0, 0, ErrCursorInvalid
		}
		if known && history != f.history {
			if err := f.stillFits(ctx); err != nil {
				return 0, 0, err
			}
			f.history = history
		}
		if known && size > f.next {
			f.to, f.toLast = size, last
			return f.next, size, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		case <-f.feeds.ctx.Done():
			return 0, 0, ErrClosed
		}
	}
}

// stillFits checks that the journal, which is another one than before, has what was read. Where reading stopped between two
// looks the last key is not known here, and whoever reads must say with a cursor how far they came.
func (f *follower) stillFits(ctx context.Context) error {
	if f.sure != f.next-1 {
		return ErrCursorInvalid
	}
	return fits(ctx, f.feeds.backend, f.feed.scope.AccountID, f.sure, f.prefix)
}

// Advance says that everything before next has been read.
func (f *follower) Advance(next int64) {
	f.next = next
	if next == f.to {
		f.sure, f.prefix = next-1, model.PrefixOfKey(f.toLast)
	}
}

// Close ends following.
func (f *follower) Close() { f.feeds.detach(f.feed) }
