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

// listenLinger is how long commits of other processes are heard of after the last follower has gone: a front end that is
// loaded again should not cost a connection each time.
const listenLinger = time.Minute

// feeds holds one feed per account that has followers. Where nobody follows, nothing is read.
type feeds struct {
	backend Backend
	poll    time.Duration
	log     *slog.Logger
	listen  listenFunc  // may be nil
	entries EntryReader // may be nil: then nothing is read but heads
	clock   func() time.Time
	metrics *metrics        // set before the first follower
	ctx     context.Context //nolint:containedctx // ends with close; it is the lifetime of the goroutines below
	cancel  context.CancelFunc
	running sync.WaitGroup

	connected atomic.Bool           // commits of other processes are told, so looking can wait
	unheard   atomic.Pointer[error] // why they are not, once it was tried

	mu        sync.Mutex
	byAccount map[int64]*feed    // guarded by mu
	deaf      context.CancelFunc // ends listening; nil: nobody listens; guarded by mu
	linger    *time.Timer        // calls deaf some time after the last follower has gone; guarded by mu
}

// feed watches one account in one goroutine. It tells its followers how far the journal has grown and reads what is new for
// those of them that want entries, once for all; see recent.go.
type feed struct {
	scope  model.Scope
	kick   chan struct{} // holds one token: look at the head now
	cancel context.CancelFunc

	followers int // guarded by feeds.mu

	mu      sync.Mutex
	recent  recent        // guarded by mu
	wanted  uint64        // looks asked for; guarded by mu
	served  uint64        // looks asked for before the last look began; guarded by mu
	size    int64         // what the last look found; guarded by mu
	lastKey string        // of the entry before size; guarded by mu
	history uint64        // how often the journal turned out to be another one than before; guarded by mu
	changed chan struct{} // closed and replaced after each look; guarded by mu
}

func newFeeds(cfg Config) *feeds {
	ctx, cancel := context.WithCancel(context.Background())
	return &feeds{
		backend: cfg.Backend, poll: cfg.Poll, log: cfg.Logger, listen: cfg.Listen, entries: cfg.Entries, clock: cfg.Clock,
		ctx: ctx, cancel: cancel, byAccount: map[int64]*feed{},
	}
}

// hear listens to commits of all processes until ctx ends.
func (fs *feeds) hear(ctx context.Context) {
	fs.listen(ctx, fs.wake, func(connected bool, err error) {
		switch news := fs.heard(ctx, connected, err); {
		case !news:
		case connected:
			fs.log.InfoContext(ctx, "feed: hearing of commits by notification")
			fs.wakeAll() // what was committed while nobody listened
		default:
			fs.log.WarnContext(ctx, "feed: notifications lost, looking by itself until they are back", "error", err)
		}
	})
}

// heard notes whether commits are told, and returns whether that is news: an attempt that fails like the one before is not.
func (fs *feeds) heard(ctx context.Context, connected bool, err error) (news bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	before := fs.unheard.Load()
	fs.connected.Store(connected)
	fs.unheard.Store(nil)
	if !connected {
		fs.unheard.Store(&err)
	}
	return connected || before == nil || (*before).Error() != err.Error()
}

// listenNow listens while there are followers. It is called with mu held.
func (fs *feeds) listenNow() {
	if fs.listen == nil {
		return
	}
	if fs.linger != nil {
		fs.linger.Stop()
		fs.linger = nil
	}
	if fs.deaf == nil {
		ctx, cancel := context.WithCancel(fs.ctx)
		fs.deaf = cancel
		fs.running.Go(func() { fs.hear(ctx) })
	}
}

// listenNoMore ends listening when nobody has followed for a while. It is called with mu held.
func (fs *feeds) listenNoMore() {
	if fs.deaf == nil || len(fs.byAccount) > 0 {
		return
	}
	fs.linger = time.AfterFunc(listenLinger, func() {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		if fs.deaf == nil || len(fs.byAccount) > 0 {
			return
		}
		fs.deaf()
		fs.deaf = nil
		fs.connected.Store(false)
		fs.unheard.Store(nil)
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
	if fs.linger != nil {
		fs.linger.Stop()
	}
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
	fs.listenNow()
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
		fs.listenNoMore()
	}
}

// attachAgain adds a follower to a feed that has some. It returns false when the feed has ended meanwhile.
func (fs *feeds) attachAgain(f *feed) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.followers == 0 || fs.ctx.Err() != nil {
		return false
	}
	f.followers++
	return true
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
	asked, begun, before := f.wanted, f.served > 0, store.Head{Size: f.size, LastKey: f.lastKey}
	f.mu.Unlock()
	head, same, err := fs.lookAtHead(ctx, f, before)
	if err != nil {
		return err
	}
	if same && begun && head.Size > before.Size && f.reads() {
		return fs.readNew(ctx, f, before.Size, head, asked)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !same {
		f.history++
		f.recent.clear()
	}
	f.found(head, asked)
	return nil
}

// lookAtHead reads the head and tells whether the journal is the one that was seen before.
func (fs *feeds) lookAtHead(ctx context.Context, f *feed, before store.Head) (head store.Head, same bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, headTimeout)
	defer cancel()
	if head, err = fs.backend.Head(ctx, f.scope); err != nil {
		return head, false, err
	}
	same, err = fs.continues(ctx, f.scope.AccountID, before, head)
	return head, same, err
}

// found tells the followers how far the journal has grown. It is called with mu held.
func (f *feed) found(head store.Head, asked uint64) {
	f.served, f.size, f.lastKey = asked, head.Size, head.LastKey
	close(f.changed)
	f.changed = make(chan struct{})
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

var _ Backend = (*store.Store)(nil)
