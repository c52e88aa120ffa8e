package httpserver

import (
	"context"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"
)

const (
	// A crowd of streams that have come one after the other leaves much behind that nobody needs any more, and when they
	// are idle the collector may not run for minutes: so it is called when no more have come for a while.
	crowd      = 250
	afterCrowd = 2 * time.Second
)

// stream is an open WebSocket connection or event stream.
type stream interface {
	// drain ends subscriptions, lets queries and mutations finish, and then ends the stream. It returns at once.
	drain()
	// abort ends the stream and all its operations now.
	abort()
}

// work knows what runs, so that a shutdown can end it.
type work struct {
	maxStreams int
	maxAddress int // streams of one address; 0: no limit
	maxViewer  int // operations of one viewer

	mu         sync.Mutex
	draining   bool                  // guarded by mu: /readyz answers 503
	refusing   bool                  // guarded by mu: nothing new begins
	operations int                   // guarded by mu: HTTP requests under way
	streams    map[stream]netip.Addr // and the client's address of each; guarded by mu
	addresses  map[netip.Addr]int    // streams of each address that has some; guarded by mu
	viewers    map[string]int        // operations under way of each viewer that has some; guarded by mu
	came       int                   // streams, since what they left behind was collected; guarded by mu
	collector  *time.Timer           // guarded by mu
	idle       chan struct{}         // closed when refusing and nothing runs; guarded by mu until then
	idleClosed bool                  // guarded by mu
}

func newWork(cfg Config) *work {
	k := &work{
		maxStreams: cfg.MaxStreams, maxAddress: cfg.Rates.AddressConnections, maxViewer: cfg.MaxViewerOperations,
		streams: make(map[stream]netip.Addr), addresses: make(map[netip.Addr]int), viewers: make(map[string]int),
		idle: make(chan struct{}),
	}

	if cfg.LoopbackOnly {
		k.maxAddress = 0
	}

	return k
}

// enter counts an operation of a viewer in, or returns false when the viewer has too many.
func (k *work) enter(viewer string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()

	if k.viewers[viewer] >= k.maxViewer {
		return false
	}

	k.viewers[viewer]++

	return true
}

// leave counts an operation of a viewer out.
func (k *work) leave(viewer string) {
	k.mu.Lock()
	defer k.mu.Unlock()

	k.viewers[viewer]--
	if k.viewers[viewer] == 0 {
		delete(k.viewers, viewer)
	}
}

// begin counts a request in, or returns false when nothing new may begin.
func (k *work) begin() bool {
	k.mu.Lock()
	defer k.mu.Unlock()

	if k.refusing {
		return false
	}

	k.operations++

	return true
}

// end counts a request out.
func (k *work) end() {
	k.mu.Lock()
	defer k.mu.Unlock()

	k.operations--
	k.checkIdle()
}

// admission is the answer to a stream that wants to begin.
type admission int

const (
	admitted admission = iota
	tooMany
	tooManyOfAddress
	endingSoon
)

// open counts a stream of a client's address in.
func (k *work) open(st stream, addr netip.Addr) admission {
	addr = addressKey(addr)

	k.mu.Lock()
	defer k.mu.Unlock()

	switch {
	case k.refusing:
		return endingSoon
	case len(k.streams) >= k.maxStreams:
		return tooMany
	case k.maxAddress > 0 && k.addresses[addr] >= k.maxAddress:
		return tooManyOfAddress
	default:
		k.streams[st] = addr
		k.addresses[addr]++
		k.collectLater()

		return admitted
	}
}

// collectLater gives back what a crowd of streams has left behind, when they have all come. It is called with mu held.
func (k *work) collectLater() {
	k.came++

	switch {
	case k.came < crowd:
	case k.collector == nil:
		k.collector = time.AfterFunc(afterCrowd, k.collect)
	default:
		k.collector.Reset(afterCrowd)
	}
}

func (k *work) collect() {
	k.mu.Lock()
	k.came = 0
	k.mu.Unlock()

	debug.FreeOSMemory()
}

// close counts a stream out. A stream that was not admitted may be closed too.
func (k *work) close(st stream) {
	k.mu.Lock()
	defer k.mu.Unlock()

	if addr, admitted := k.streams[st]; admitted {
		delete(k.streams, st)

		k.addresses[addr]--
		if k.addresses[addr] == 0 {
			delete(k.addresses, addr)
		}
	}

	k.checkIdle()
}

// checkIdle is called with mu held.
func (k *work) checkIdle() {
	if k.refusing && k.operations == 0 && len(k.streams) == 0 && !k.idleClosed {
		k.idleClosed = true
		close(k.idle)
	}
}

func (k *work) drainingNow() bool {
	k.mu.Lock()
	defer k.mu.Unlock()

	return k.draining
}

// announce makes /readyz answer 503, and reports whether it did not before.
func (k *work) announce() (first bool) {
	k.mu.Lock()
	defer k.mu.Unlock()

	first = !k.draining
	k.draining = true

	return first
}

// drain refuses what is new, ends the streams and waits until nothing runs. When ctx ends first, it aborts the streams and
// returns ctx's error.
func (k *work) drain(ctx context.Context) error {
	for _, st := range k.refuse() {
		st.drain()
	}

	select {
	case <-k.idle:
		return nil
	case <-ctx.Done():
	}

	for _, st := range k.refuse() {
		st.abort()
	}

	return context.Cause(ctx)
}

// refuse closes the door and returns the streams that are still inside.
func (k *work) refuse() []stream {
	k.mu.Lock()
	defer k.mu.Unlock()

	k.refusing = true
	k.checkIdle()

	if k.collector != nil {
		k.collector.Stop()
	}

	inside := make([]stream, 0, len(k.streams))
	for st := range k.streams {
		inside = append(inside, st)
	}

	return inside
}
