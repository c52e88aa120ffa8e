package journal

import (
	"context"
	"sync/atomic"

	"samjournal/ent"
	"samjournal/internal/model"
)

// Wanted is what a Reader reads: which entries, and what of them. It must not be changed.
type Wanted struct {
	Filter    *EntryFilter
	Selection Selection
}

// Batch is what a Reader has read.
type Batch struct {
	Entries []*ent.Entry // those that match, in order; shared, so nobody may change them
	Next    int64        // the position before which everything has been read
	// Replaced says that the journal has become another one, as after a restored backup, though what this reader has read of it
	// is still there. Who has read further by other means cannot be sure.
	Replaced bool
}

// Reader reads the entries of one account that match, first those that are there, then those that come, without gap. What
// is new it shares with the other readers of the account; what they have all passed, or what it is too slow for, it reads
// from the database. It is for one goroutine, but for At.
type Reader struct {
	journal  *Journal
	follower *follower
	scope    model.Scope
	wanted   Wanted
	needs    extras
	page     int // entries to read next, when it reads alone

	at      atomic.Int64  // position of the next entry, for the feed
	history atomic.Uint64 // of the follower, for At
}

// Read returns a reader that begins at a place. Close it.
func (j *Journal) Read(place Place, wanted Wanted) (*Reader, error) {
	follower, err := j.follow(place)
	if err != nil {
		return nil, err
	}
	return j.reader(follower, place.scope, wanted), nil
}

// ReadNew returns a reader of what is appended from now on. Its first Batch is empty and says where that begins. Close it.
func (j *Journal) ReadNew(place Place, wanted Wanted) (*Reader, error) {
	place.next = unknown
	return j.Read(place, wanted)
}

func (j *Journal) reader(follower *follower, scope model.Scope, wanted Wanted) *Reader {
	r := &Reader{journal: j, follower: follower, scope: scope, wanted: wanted, needs: wanted.Selection.extras(), page: plainPage}
	if r.needs.payloads() {
		r.page = ownPage
	}
	r.at.Store(follower.next)
	r.history.Store(follower.history)
	feed := follower.feed
	feed.mu.Lock()
	defer feed.mu.Unlock()
	if feed.recent.readers == nil {
		feed.recent.readers = map[*Reader]struct{}{}
	}
	feed.recent.readers[r] = struct{}{}
	return r
}

// At returns another reader of the same, which begins at this position. It fails with ErrClosed when this one is closed. Any
// goroutine may call it.
func (r *Reader) At(position int64) (*Reader, error) {
	f := r.follower
	if !f.feeds.attachAgain(f.feed) {
		return nil, ErrClosed
	}
	// It is not known which entry comes before the position: when the journal becomes another one, reading must end.
	again := &follower{feeds: f.feeds, feed: f.feed, look: f.look, history: r.history.Load(), next: position, sure: unknown}
	return r.journal.reader(again, r.scope, r.wanted), nil
}

// Read waits until there is something that was not read yet and returns it; of that nothing may match. It fails with ctx's
// error, with ErrClosed, with ErrCursorInvalid when the journal no longer has what was read of it, or with an error of the
// database, after which it may be called again.
func (r *Reader) Read(ctx context.Context) (Batch, error) {
	f := r.follower
	before := f.history
	from, to, err := f.Next(ctx)
	if err != nil {
		return Batch{}, err
	}
	b := Batch{Next: to, Replaced: f.history != before}
	if from < to {
		if b.Entries, b.Next, err = r.read(ctx, from, to); err != nil {
			return Batch{}, err
		}
	}
	f.Advance(b.Next)
	r.at.Store(b.Next)
	r.history.Store(f.history)
	return b, nil
}

// read returns entries that match from a position on, and the position before which there are no more.
func (r *Reader) read(ctx context.Context, from, to int64) (matching []*ent.Entry, next int64, err error) {
	r.follower.feed.mu.Lock()
	shared := r.follower.feed.recent.after(from, r.needs)
	r.follower.feed.mu.Unlock()
	if shared != nil {
		for _, e := range shared {
			if visible(r.scope, e) && r.wanted.Filter.Match(e) {
				matching = append(matching, e)
			}
		}
		return matching, from + int64(len(shared)), nil
	}
	limit := min(r.page, r.needs.page())
	matching, err = r.journal.entries(ctx, Page{
		Selection: r.wanted.Selection, From: from, To: to, Limit: limit, Filter: r.wanted.Filter,
	})
	if err == nil && len(matching) == limit {
		to = matching[limit-1].Position + 1
		if r.needs.payloads() {
			r.resize(payloadBytes(matching))
		}
	}
	return matching, to, err
}

// resize makes the next page hold about ownBytes of payloads: who reads alone reads slowly, and many may.
func (r *Reader) resize(bytes int) {
	if bytes > ownBytes {
		r.page = max(r.page/2, 1)
	} else if bytes < ownBytes/2 {
		r.page = min(2*r.page, plainPage)
	}
}

// visible tells what store.ScopeEntries asks in SQL of an entry in memory.
func visible(scope model.Scope, e *ent.Entry) bool {
	return scope.Entries && (scope.OnlyUserID == nil || e.UserID != nil && *e.UserID == *scope.OnlyUserID)
}

// Close ends reading.
func (r *Reader) Close() {
	feed := r.follower.feed
	feed.mu.Lock()
	delete(feed.recent.readers, r)
	if len(feed.recent.readers) == 0 {
		feed.recent.clear()
	}
	feed.mu.Unlock()
	r.follower.Close()
}
