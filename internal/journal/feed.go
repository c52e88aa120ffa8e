package journal

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"samjournal/internal/model"
	"samjournal/internal/store"
)

// ErrClosed says that the journal is closing: the server shuts down and a client should connect again.
var ErrClosed = errors.New("the server is shutting down")

// slowPoll is how often a feed looks by itself although commits are told: a connection may be dead without a sign.
const slowPoll = 10 * time.Second

const headTimeout = 5 * time.Second // how long one look at a head may take

// feeds holds one feed per account that has followers. Where nobody follows, nothing is read.
type feeds struct {
	backend Backend
	poll    time.Duration
	log     *slog.Logger
	listen  listenFunc      // may be nil
	ctx     context.Context //nolint:containedctx // ends with close; it is the lifetime of the goroutines below
	cancel  context.CancelFunc
	running sync.WaitGroup

	connected atomic.Bool           // commits of other processes are told, so looking can wait
	unheard   atomic.Pointer[error] // why they are not, once it was tried
	started   sync.Once             // listening

	mu        sync.Mutex
	byAccount map[int64]*feed // guarded by mu
}

// feed watches the head of one account in one goroutine and tells its followers how far the journal has grown.
type feed struct {
	scope  model.Scope
	kick   chan struct{} // holds one token: look at the head now
	cancel context.CancelFunc

	mu        sync.Mutex
	followers int           // guarded by feeds.mu
	wanted    uint64        // looks asked for; guarded by mu
	served    uint64        // looks asked for before the last look began; guarded by mu
	size      int64         // what the last look found; guarded by mu
	lastKey   string        // of the entry before size; guarded by mu
	history   uint64        // how often the journal turned out to be another one than before; guarded by mu
	changed   chan struct{} // closed and replaced after each look; guarded by mu
}

func newFeeds(cfg Config) *feeds {
	ctx, cancel := context.WithCancel(context.Background())
	return &feeds{
		backend: cfg.Backend, poll: cfg.Poll, log: cfg.Logger, listen: cfg.Listen, ctx: ctx, cancel: cancel,
		byAccount: map[int64]*feed{},
	}
}

// hear listens to commits of all processes until the feeds are closed.
func (fs *feeds) hear() {
	fs.listen(fs.ctx, fs.wake, func(connected bool, err error) {
		fs.connected.Store(connected)
		if connected {
			fs.unheard.Store(nil)
			fs.log.Info("feed: hearing of commits by notification")
			fs.wakeAll() // what was committed while nobody listened
			return
		}
		fs.unheard.Store(&err)
		fs.log.Warn("feed: notifications lost, looking by itself until they are back", "error", err)
	})
}

// Degraded returns why entries of other processes reach subscribers only by looking for them from time to time, or nil when
// they are told of at once, or nobody has subscribed yet.
func (j *Journal) Degraded() error {
	if err := j.feeds.unheard.Load(); err != nil {
		return *err
	}
	return nil
}

func (fs *feeds) wakeAll() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range fs.byAccount {
		f.look()
	}
}

func (fs *feeds) close() {
	fs.mu.Lock()
	fs.cancel() // under the lock, so that no follower who has just been let in starts a goroutine while they are waited for
	fs.mu.Unlock()
	fs.running.Wait()
}

// wake makes the account's feed look at the head now, if there is one; account 0 stands for any of them.
func (fs *feeds) wake(accountID int64) {
	if accountID == 0 {
		fs.wakeAll()
		return
	}
	fs.mu.Lock()
	f := fs.byAccount[accountID]
	fs.mu.Unlock()
	if f != nil {
		f.look()
	}
}

// attach returns the account's feed, starting it for the first follower, and the number of the look after which its size
// is no older than this call.
func (fs *feeds) attach(accountID int64) (*feed, uint64, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.ctx.Err() != nil {
		return nil, 0, ErrClosed
	}
	if fs.listen != nil {
		fs.started.Do(func() { fs.running.Go(fs.hear) })
	}
	f := fs.byAccount[accountID]
	if f == nil {
		ctx, cancel := context.WithCancel(fs.ctx)
		f = &feed{
			scope: model.Scope{AccountID: accountID}, kick: make(chan struct{}, 1), cancel: cancel, changed: make(chan struct{}),
		}
		fs.byAccount[accountID] = f
		fs.running.Go(func() { fs.watch(ctx, f) })
	}
	f.followers++
	look := f.look()
	return f, look, nil
}

// detach ends the feed with its last follower.
func (fs *feeds) detach(f *feed) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f.followers--
	if f.followers == 0 {
		delete(fs.byAccount, f.scope.AccountID)
		f.cancel()
	}
}

// look asks for a look at the head and returns its number.
func (f *feed) look() uint64 {
	f.mu.Lock()
	f.wanted++
	n := f.wanted
	f.mu.Unlock()
	select {
	case f.kick <- struct{}{}:
	default: // one is asked for already and has not begun
	}
	return n
}

// watch looks at the head whenever it is asked to, and every poll for what other processes append.
func (fs *feeds) watch(ctx context.Context, f *feed) {
	ticker := time.NewTicker(fs.poll)
	defer ticker.Stop()
	failed := false
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.kick:
		case <-ticker.C:
			if fs.connected.Load() && !failed && time.Since(last) < slowPoll {
				continue // a commit would have been told
			}
		}
		last = time.Now()
		err := fs.lookAt(ctx, f)
		if ctx.Err() != nil {
			return
		}
		// Followers wait while the database is away; the next look goes on where this one failed.
		if err != nil && !failed {
			fs.log.WarnContext(ctx, "feed: cannot read the head; will keep trying", "account", f.scope.AccountID, "error", err)
		}
		if err == nil && failed {
			fs.log.InfoContext(ctx, "feed: reading again", "account", f.scope.AccountID)
		}
		failed = err != nil
	}
}

func (fs *feeds) lookAt(ctx context.Context, f *feed) error {
	f.mu.Lock()
	asked, before := f.wanted, store.Head{Size: f.size, LastKey: f.lastKey}
	f.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, headTimeout)
	defer cancel()
	head, err := fs.backend.Head(ctx, f.scope)
	if err != nil {
		return err
	}
	same, err := fs.continues(ctx, f.scope.AccountID, before, head)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.served, f.size, f.lastKey = asked, head.Size, head.LastKey
	if !same {
		f.history++
	}
	close(f.changed)
	f.changed = make(chan struct{})
	return nil
}

// continues tells whether a journal is the one that was seen before, perhaps grown. It is another one when a backup was
// restored or a failover lost commits, which shows in its size only until others have appended enough.
func (fs *feeds) continues(ctx context.Context, accountID int64, before, now store.Head) (bool, error) {
	switch {
	case before.Size == 0:
		return true, nil
	case now.Size <= before.Size:
		return now == before, nil
	}
	key, err := fs.backend.KeyAt(ctx, accountID, before.Size-1)
	return key == before.LastKey, err
}

// Follower goes through one account's journal from a position on, first what is there, then what comes. It is for one
// goroutine.
type Follower struct {
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

// Follow returns a follower of the viewer's account that begins after the cursor, or at the journal's end when it is nil.
// It fails with ErrCursorInvalid when the cursor does not fit the journal. Close it.
func (j *Journal) Follow(ctx context.Context, after *model.Cursor) (*Follower, error) {
	scope, err := model.ScopeFrom(ctx)
	if err != nil {
		return nil, err
	}
	if !scope.Entries {
		return nil, ErrForbidden
	}
	f := &Follower{feeds: j.feeds}
	if after == nil {
		head, err := j.backend.Head(ctx, scope)
		if err != nil {
			return nil, err
		}
		f.next, f.sure, f.prefix = head.Size, head.Size-1, model.PrefixOfKey(head.LastKey)
	} else {
		if err := j.fits(ctx, scope.AccountID, *after); err != nil {
			return nil, err
		}
		f.next, f.sure, f.prefix = after.Position+1, after.Position, after.KeyPrefix
	}
	if err := f.attach(scope.AccountID); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *Follower) attach(accountID int64) error {
	feed, look, err := f.feeds.attach(accountID)
	if err != nil {
		return err
	}
	feed.mu.Lock()
	defer feed.mu.Unlock()
	f.feed, f.look, f.history = feed, look, feed.history
	return nil
}

// fits checks that the journal has the entry that a cursor was made from.
func (j *Journal) fits(ctx context.Context, accountID int64, c model.Cursor) error {
	return fits(ctx, j.backend, accountID, c.Position, c.KeyPrefix)
}

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
// returns the same until Advance. It fails with ctx's error, with ErrClosed, with ErrCursorInvalid when the journal no longer
// has what was read of it, or with an error of the backend, after which it may be called again.
func (f *Follower) Next(ctx context.Context) (from, to int64, err error) {
	for {
		f.feed.mu.Lock()
		known, size, changed := f.feed.served >= f.look, f.feed.size, f.feed.changed
		last, history := f.feed.lastKey, f.feed.history
		f.feed.mu.Unlock()
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
func (f *Follower) stillFits(ctx context.Context) error {
	if f.sure != f.next-1 {
		return ErrCursorInvalid
	}
	return fits(ctx, f.feeds.backend, f.feed.scope.AccountID, f.sure, f.prefix)
}

// Advance says that everything before next has been read.
func (f *Follower) Advance(next int64) {
	f.next = next
	if next == f.to {
		f.sure, f.prefix = next-1, model.PrefixOfKey(f.toLast)
	}
}

// Close ends following.
func (f *Follower) Close() { f.feeds.detach(f.feed) }

var _ Backend = (*store.Store)(nil)
