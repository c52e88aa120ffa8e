package journal

import (
	"context"
	"errors"
	"sync"
	"time"

	"samjournal/internal/store"
)

// maxCommit is how long one commit may take where no append timeout is set.
const maxCommit = 5 * time.Minute

// Limits bound the append path. Zero values get the default named at each field.
type Limits struct {
	BatchRows   int           // entries of one commit that waited for it; default 1,000
	BatchBytes  int           // payload bytes of one commit that waited for it; default 8 MiB
	QueueRows   int           // entries of one account that may wait; default 10,000
	QueueBytes  int           // payload bytes of all accounts that may wait; default 64 MiB
	Connections int           // commits of different accounts side by side; default 4
	Timeout     time.Duration // how long an append may take until it is durable; 0: as long as its context lets it
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		value *int
		def   int
	}{
		{&l.BatchRows, 1000},
		{&l.BatchBytes, 8 << 20},
		{&l.QueueRows, 10_000},
		{&l.QueueBytes, 64 << 20},
		{&l.Connections, 4},
	} {
		if *d.value <= 0 {
			*d.value = d.def
		}
	}
	return l
}

// committer coalesces the appends of an account: what arrives while a commit is under way waits and goes with the next
// one. So an append alone takes one commit, and under load many share one. Each account has one commit under way at a time;
// accounts take turns on a few connections.
type committer struct {
	backend Backend
	clock   func() time.Time
	limits  Limits
	metrics *metrics // set before the first append

	ctx     context.Context //nolint:containedctx // ends with close; it is the lifetime of the goroutines below
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex
	accounts map[int64]*waiting // accounts with appends that wait or are committed; guarded by mu
	ready    []*waiting         // those that wait for a connection, longest first; guarded by mu
	workers  int                // goroutines that commit; guarded by mu
	rows     int                // entries that wait; guarded by mu
	bytes    int                // payload bytes that wait; guarded by mu
	closed   bool               // guarded by mu
}

// waiting is what waits for the next commit of one account. The committer's mu guards all of it.
type waiting struct {
	accountID int64
	queue     []*pending
	rows      int
}

// pending is one append on its way.
type pending struct {
	ctx     context.Context //nolint:containedctx // of the caller: an append whose caller has gone need not be stored
	entries []store.NewEntry
	bytes   int
	done    chan struct{} // closed when results and err are set
	results []store.Appended
	err     error
}

func newCommitter(backend Backend, clock func() time.Time, limits Limits) *committer {
	ctx, cancel := context.WithCancel(context.Background())
	return &committer{
		backend: backend, clock: clock, limits: limits.withDefaults(), ctx: ctx, cancel: cancel, accounts: map[int64]*waiting{},
	}
}

// close refuses new appends, lets those that wait be committed and returns when all is done.
func (c *committer) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.running.Wait()
	c.cancel()
}

// append stores entries of one account and returns when they are durable, or with what kept them from it.
func (c *committer) append(ctx context.Context, accountID int64, entries []store.NewEntry) ([]store.Appended, error) {
	if c.limits.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.limits.Timeout, ErrTimeout)
		defer cancel()
	}
	p := &pending{ctx: ctx, entries: entries, done: make(chan struct{})}
	for i := range entries {
		p.bytes += len(entries[i].Request) + len(entries[i].Response)
	}
	if err := c.enqueue(accountID, p); err != nil {
		return nil, err
	}
	select {
	case <-p.done:
		return p.results, p.err
	case <-ctx.Done():
		// It may be in a commit that is under way. Nobody waits for that answer any more, and the key tells later.
		return nil, context.Cause(ctx)
	}
}

// enqueue puts an append where the next commit of its account finds it. One that is larger than the queue waits alone.
func (c *committer) enqueue(accountID int64, p *pending) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	w := c.accounts[accountID]
	if w == nil {
		w = &waiting{accountID: accountID}
	}
	if w.rows > 0 && w.rows+len(p.entries) > c.limits.QueueRows || c.bytes > 0 && c.bytes+p.bytes > c.limits.QueueBytes {
		return ErrQueueFull
	}
	w.queue = append(w.queue, p)
	w.rows += len(p.entries)
	c.rows += len(p.entries)
	c.bytes += p.bytes
	if c.accounts[accountID] == nil {
		c.accounts[accountID] = w
		c.ready = append(c.ready, w)
		if c.workers < c.limits.Connections {
			c.workers++
			c.running.Go(c.work)
		}
	}
	return nil
}

// work commits batches until none waits.
func (c *committer) work() {
	for {
		w, batch := c.take()
		if w == nil {
			return
		}
		if len(batch) > 0 {
			c.commit(w.accountID, batch)
		}
		c.putBack(w)
	}
}

// take returns the account that has waited longest and its next batch, or ends the worker. Until putBack, nobody else
// commits for this account. The batch may be empty: its callers have gone.
func (c *committer) take() (*waiting, []*pending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ready) == 0 {
		c.workers--
		return nil, nil
	}
	w := c.ready[0]
	c.ready[0] = nil
	c.ready = c.ready[1:]
	var (
		batch       []*pending
		rows, bytes int
	)
	for len(w.queue) > 0 {
		p := w.queue[0]
		if len(batch) > 0 && (rows+len(p.entries) > c.limits.BatchRows || bytes+p.bytes > c.limits.BatchBytes) {
			break
		}
		w.queue[0] = nil
		w.queue = w.queue[1:]
		w.rows -= len(p.entries)
		c.rows -= len(p.entries)
		c.bytes -= p.bytes
		if p.ctx.Err() == nil {
			batch, rows, bytes = append(batch, p), rows+len(p.entries), bytes+p.bytes
		}
	}
	return w, batch
}

// putBack lets the account take its next turn, behind all that wait already.
func (c *committer) putBack(w *waiting) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(w.queue) > 0 {
		c.ready = append(c.ready, w)
	} else {
		delete(c.accounts, w.accountID)
	}
}

// commit stores a batch in one transaction and answers everybody in it.
func (c *committer) commit(accountID int64, batch []*pending) {
	entries := batch[0].entries
	if len(batch) > 1 {
		entries = nil
		for _, p := range batch {
			entries = append(entries, p.entries...)
		}
	}
	ctx, cancel := c.batchContext(batch)
	defer cancel()
	results, err := c.store(ctx, accountID, entries)
	for _, p := range batch {
		if err != nil {
			p.err = err
		} else {
			p.results, results = results[:len(p.entries):len(p.entries)], results[len(p.entries):]
		}
		close(p.done)
	}
}

// store stores entries in one transaction. When the database refuses the data, each half is tried alone, down to the one
// entry that is at fault, whose result then says so: a bad entry fails alone.
//
// What is durable when: nothing until the backend returns; then everything that it answers for. A crash before it returns
// leaves all of the transaction or nothing; nobody was answered, and whoever asks again with the same key is told.
func (c *committer) store(ctx context.Context, accountID int64, entries []store.NewEntry) ([]store.Appended, error) {
	begun := time.Now()
	results, err := c.backend.Append(ctx, accountID, c.clock(), entries)
	c.metrics.committed(len(entries), time.Since(begun), err)
	if !errors.Is(err, store.ErrRefused) {
		return results, err
	}
	if len(entries) == 1 {
		return []store.Appended{{Err: err}}, nil
	}
	half := len(entries) / 2
	first, err := c.store(ctx, accountID, entries[:half])
	if err != nil {
		return nil, err
	}
	second, err := c.store(ctx, accountID, entries[half:])
	return append(first, second...), err
}

// batchContext is the context of a transaction: that of its only caller, or, where several share it, one that none of them
// can cancel for the others.
func (c *committer) batchContext(batch []*pending) (context.Context, context.CancelFunc) {
	timeout := c.limits.Timeout
	if timeout <= 0 {
		timeout = maxCommit
	}
	ctx, cancel := context.WithTimeoutCause(c.ctx, timeout, ErrTimeout)
	if len(batch) > 1 {
		return ctx, cancel
	}
	stop := context.AfterFunc(batch[0].ctx, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}
