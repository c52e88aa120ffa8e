package httpserver

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"samjournal/internal/subscription"
)

const (
	// broadcastBytes and broadcastsBytes are what one broadcast and all of them keep of encoded events for subscribers that
	// are behind, each at least one event. Who is further behind reads for itself.
	broadcastBytes  = 4 << 20
	broadcastsBytes = 64 << 20

	// catchUpReads is how many subscribers may read their past at the same time: after a restart all come back at once, and
	// queries should not have to wait behind them for the database.
	catchUpReads = 4

	// chunk is how many bytes of events a subscriber takes at a time; one event may be longer.
	chunk = 16 << 10
)

// broadcasts holds one broadcast per stream that has subscribers.
type broadcasts struct {
	server  *Server
	kept    atomic.Int64  // bytes of encoded events, of all broadcasts
	reading chan struct{} // holds one token for each subscriber that reads its past

	mu    sync.Mutex
	byKey map[string]*broadcast // guarded by mu
}

// broadcast carries a subscription out once for all its subscribers, whose document, variables and scope are equal. It
// keeps the newest events encoded, and each subscriber has its own place among them: nobody waits for anybody, and memory does
// not grow with the number of subscribers that are slow.
type broadcast struct {
	all     *broadcasts
	key     string
	execute *execution
	stream  subscription.Stream // of the first subscriber; only what is equal for all is used
	ctx     context.Context     //nolint:containedctx // ends with the last subscriber
	cancel  context.CancelFunc

	subscribers int // guarded by all.mu

	mu      sync.Mutex
	reader  subscription.Reader // nil: the place in the stream is not known yet; guarded by mu
	next    int64               // the position before which all events have been kept or dropped; guarded by mu
	dropped int64               // the position from which on events are kept; guarded by mu
	events  []encoded           // guarded by mu
	bytes   int                 // of events; guarded by mu
	members int                 // subscribers that have not left; guarded by mu
	idle    []*subscriber       // those that have all there is; guarded by mu
	ended   bool                // guarded by mu
	last    *graphql.Response   // why it has ended; nil: it is complete; guarded by mu

	// What is there no longer: see subscription.Batch.Ahead. All guarded by mu.
	changes int   // how often
	changed int64 // next, the last time
	ahead   *graphql.Response
}

// encoded is an event as it goes to every subscriber.
type encoded struct {
	position int64
	payload  []byte
}

// execution makes responses of events. It is safe for concurrent use.
type execution struct {
	server  *Server
	graphql *graphql.OperationContext
}

// response resolves and encodes one event. A response without data ends the subscription.
func (x *execution) response(ctx context.Context, e subscription.Event) (resp *graphql.Response) {
	defer func() {
		if value := recover(); value != nil {
			resp = x.server.panicked(ctx, value)
		}
	}()

	responses, ctx := x.server.executor.DispatchOperation(subscription.WithEvent(ctx, e), x.graphql)

	if resp = responses(ctx); resp == nil {
		resp = x.server.failure(ctx, errors.New("the resolver of the subscription does not resolve its own event"))
	}

	return resp
}

// failure is a response that ends a subscription.
func (s *Server) failure(ctx context.Context, err error) *graphql.Response {
	return &graphql.Response{Errors: gqlerror.List{s.present(ctx, err)}}
}

func newBroadcasts(s *Server) *broadcasts {
	return &broadcasts{server: s, reading: make(chan struct{}, catchUpReads), byKey: make(map[string]*broadcast)}
}

// read reads when it is its turn.
func (b *broadcasts) read(ctx context.Context, reader subscription.Reader) (subscription.Batch, error) {
	select {
	case b.reading <- struct{}{}:
		defer func() { <-b.reading }()

		return reader.Read(ctx)
	case <-ctx.Done():
		return subscription.Batch{}, ctx.Err()
	}
}

// join adds a subscriber to the broadcast of its stream, which begins with the first one. The context's values are those of
// the first subscriber's operation.
func (b *broadcasts) join(ctx context.Context, stream subscription.Stream, op *graphql.OperationContext, to sink) *subscriber {
	b.mu.Lock()
	defer b.mu.Unlock()

	key := stream.Key()
	c := b.byKey[key]

	if c == nil {
		c = &broadcast{all: b, key: key, stream: stream, execute: &execution{server: b.server, graphql: op}}
		c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
		b.byKey[key] = c

		go c.run()
	}

	c.subscribers++

	return c.add(stream, to)
}

// leave ends the broadcast with its last subscriber.
func (b *broadcasts) leave(c *broadcast) {
	b.mu.Lock()
	defer b.mu.Unlock()

	c.subscribers--
	if c.subscribers > 0 {
		return
	}

	if b.byKey[c.key] == c {
		delete(b.byKey, c.key)
	}

	c.cancel()
}

// add is called with all.mu held. A subscriber whose past the broadcast does not have reads that by itself first.
func (c *broadcast) add(stream subscription.Stream, to sink) *subscriber {
	s := &subscriber{broadcast: c, sink: to, stream: stream, next: stream.Next(), place: notIdle}

	c.mu.Lock()
	defer c.mu.Unlock()

	c.members++
	s.changes = c.changes

	if c.reader == nil || s.next >= c.next {
		s.rest()
	} else {
		to.wake(s)
	}

	return s
}

// run reads the stream to its end.
func (c *broadcast) run() {
	defer c.forget()
	defer func() {
		if value := recover(); value != nil {
			c.endWith(c.all.server.panicked(c.ctx, value))
		}
	}()

	reader, err := c.stream.Live(c.ctx)
	if err != nil {
		c.end(err)

		return
	}
	defer reader.Close()

	for {
		batch, err := reader.Read(c.ctx)
		if err != nil {
			c.end(err)

			return
		}

		if batch.Ahead != nil {
			c.change(batch.Ahead)
		}

		for _, event := range batch.Events {
			resp := c.execute.response(c.ctx, event)
			if resp.Data == nil {
				c.endWith(resp)

				return
			}

			c.keep(encoded{event.Position, encodeResponse(resp)})
		}

		c.advance(reader, batch)
	}
}

// keep adds an event and wakes those who wait for it.
func (c *broadcast) keep(e encoded) {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.events = append(c.events, e)
	c.bytes += len(e.payload)
	c.all.kept.Add(int64(len(e.payload)))
	c.next = e.position + 1

	for len(c.events) > 1 && (c.bytes > broadcastBytes || c.all.kept.Load() > broadcastsBytes) {
		c.drop(1)
	}

	c.wake()
}

// drop forgets the first n events. It is called with mu held.
func (c *broadcast) drop(n int) {
	for i := range c.events[:n] {
		size := len(c.events[i].payload)
		c.bytes -= size
		c.all.kept.Add(-int64(size))
		c.dropped = c.events[i].position + 1
		c.events[i] = encoded{}
	}

	if c.events = c.events[n:]; len(c.events) == 0 {
		c.events = nil
	}
}

// advance notes how far the stream has been read. Before the first time nobody knows where they are.
func (c *broadcast) advance(reader subscription.Reader, batch subscription.Batch) {
	c.mu.Lock()
	defer c.mu.Unlock()

	if c.reader == nil {
		c.reader, c.dropped = reader, batch.Next
		c.wake()
	}

	c.next = batch.Next
}

// change has those end who are further than the broadcast, before it goes on.
func (c *broadcast) change(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.changes++
	c.changed, c.ahead = c.next, c.all.server.failure(c.ctx, why)
	c.wake()
}

// wake has all idle subscribers look. It is called with mu held.
func (c *broadcast) wake() {
	for i, s := range c.idle {
		c.idle[i] = nil
		s.place = notIdle
		s.sink.wake(s)
	}

	c.idle = c.idle[:0]
}

// end tells all subscribers why there is no more: err is for them, or io.EOF.
func (c *broadcast) end(err error) {
	switch {
	case c.ctx.Err() != nil: // nobody is there to be told
	case errors.Is(err, io.EOF):
		c.endWith(nil)
	default:
		c.endWith(c.all.server.failure(c.ctx, err))
	}
}

func (c *broadcast) endWith(last *graphql.Response) {
	// Who subscribes from now on begins anew.
	c.all.mu.Lock()
	if c.all.byKey[c.key] == c {
		delete(c.all.byKey, c.key)
	}
	c.all.mu.Unlock()

	c.mu.Lock()
	defer c.mu.Unlock()

	c.ended, c.last = true, last
	c.wake()
}

// forget gives back the memory of a broadcast that nobody follows any more.
func (c *broadcast) forget() {
	<-c.ctx.Done() // subscribers may still be taking what is kept

	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(len(c.events))
}

// outlook is what there is for a subscriber to do.
type outlook int

const (
	nothing outlook = iota // it has all there is, or has left
	take                   // some events
	behind                 // what it needs next is kept no longer
	over                   // there will be no more
)

// take returns what there is to do for a subscriber, and the next events where it is to send them; with nothing, the
// subscriber is idle.
func (c *broadcast) take(s *subscriber) (outlook, []encoded) {
	c.mu.Lock()
	defer c.mu.Unlock()

	switch {
	case s.left:
		return nothing, nil
	case c.lost(s):
		return over, nil
	case c.reader == nil && !c.ended:
		s.rest()

		return nothing, nil
	case s.next < c.dropped && !c.ended:
		return behind, nil
	}

	first, _ := slices.BinarySearchFunc(c.events, s.next, func(e encoded, position int64) int {
		return cmp.Compare(e.position, position)
	})
	rest := c.events[first:]

	switch {
	case len(rest) > 0 && s.next >= c.dropped:
		return take, s.some(rest)
	case c.ended:
		s.last = c.last

		return over, nil
	default:
		s.next = max(s.next, c.next)
		s.stream = nil
		s.rest()
		c.dropRead()

		return nothing, nil
	}
}

// lost tells whether a subscriber has seen what is there no longer. It is called with mu held.
func (c *broadcast) lost(s *subscriber) bool {
	if s.changes == c.changes {
		return false
	}

	s.changes = c.changes
	s.last = c.ahead

	return s.next > c.changed
}

// dropRead forgets the events when every subscriber has them. It is called with mu held.
func (c *broadcast) dropRead() {
	if len(c.idle) == c.members {
		c.drop(len(c.events))
	}
}
