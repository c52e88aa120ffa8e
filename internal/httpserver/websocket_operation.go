package httpserver

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// socketOperation is one operation on a WebSocket.
type socketOperation struct {
	socket *socket
	id     string
	cancel context.CancelFunc

	// endless says that it is a subscription: nobody can wait for its end.
	endless atomic.Bool

	// mu is held while a message of the operation is written, so that none follows once the client has ended it: the id is
	// free for another operation from then on.
	mu         sync.Mutex
	silent     bool       // guarded by mu
	subscribed *operation // guarded by mu

	begin []byte // of each message of a subscription, up to its payload

	forgotten bool // guarded by the socket's mu: it counts no more
}

// start runs an operation in a goroutine of its own. The reading goroutine calls it, after it has checked that the id is free.
func (c *socket) start(id string, params *graphql.RawParams) {
	ctx, cancel := context.WithCancel(c.nextRequestID(c.ctx))
	op := &socketOperation{socket: c, id: id, cancel: cancel}
	input := c.input

	c.mu.Lock()
	if c.draining {
		c.mu.Unlock()
		cancel()

		return
	}

	c.input = share{} // it is the operation's from now on
	c.operations[id] = op
	c.active++
	c.running.Go(func() {
		defer c.recovered()

		if !op.run(ctx, params, input) {
			op.forget()
			cancel()
		}
	})
	c.mu.Unlock()
}

// run carries the operation out, and returns true when it is a subscription that goes on. An operation that was cancelled, by
// the client, a lost connection or a shutdown, ends without a message.
func (o *socketOperation) run(ctx context.Context, params *graphql.RawParams, input share) (goesOn bool) {
	op, resp := o.socket.server.prepare(ctx, transportWebSocket, params)
	op.input = input

	if op.kind == ast.Subscription && resp == nil {
		return o.subscribe(ctx, op)
	}

	defer op.finish(ctx)

	if resp == nil {
		resp = op.response()
	}

	switch {
	case resp == nil:
	case resp.Data == nil:
		o.fail(resp)
	default:
		o.next(resp)
		o.complete()
	}

	return false
}

// subscribe begins a subscription and returns whether it goes on. From then on it has no goroutine of its own: it ends when
// its context does.
func (o *socketOperation) subscribe(ctx context.Context, op *operation) (goesOn bool) {
	o.endless.Store(true)
	o.endIfDraining()

	var b bytes.Buffer

	beginNext(&b, o.id)
	o.begin = bytes.Clone(b.Bytes())

	o.mu.Lock()
	o.subscribed = op
	o.mu.Unlock()

	subscriber, refused := op.subscribe(o)
	if refused != nil {
		if ctx.Err() == nil {
			o.fail(refused)
		}

		op.finish(ctx)

		return false
	}

	running := o.socket.server.metrics.subscribers.WithLabelValues(transportWebSocket)
	running.Inc()
	o.socket.running.Add(1)

	context.AfterFunc(ctx, func() {
		defer o.socket.running.Done()

		subscriber.leave()
		running.Dec()
		o.forget()

		o.mu.Lock()
		defer o.mu.Unlock()
		op.finish(ctx)
	})

	return true
}

// wake implements sink. It is not called after the subscriber has left, so the socket is still there.
func (o *socketOperation) wake(s *subscriber) {
	o.socket.running.Go(func() {
		defer o.socket.recovered()
		s.pump()
	})
}

// send implements sink.
func (o *socketOperation) send(events []encoded) bool {
	o.mu.Lock()
	defer o.mu.Unlock()

	if o.silent {
		return false
	}

	sent := o.socket.sendAll(len(events), func(i int, b *bytes.Buffer) []byte {
		b.Write(o.begin)
		b.Write(events[i].payload)
		b.WriteByte('}')

		return b.Bytes()
	})
	if sent {
		o.socket.server.metrics.deliveries.WithLabelValues(transportWebSocket).Add(float64(len(events)))
	}

	return sent
}

// end implements sink.
func (o *socketOperation) end(last *graphql.Response) {
	if last == nil {
		o.complete()
	} else {
		o.mu.Lock()
		o.subscribed.note(last)
		o.mu.Unlock()

		o.fail(last)
	}

	o.cancel()
}

// endIfDraining covers a shutdown that began before it was known that this is a subscription.
func (o *socketOperation) endIfDraining() {
	o.socket.mu.Lock()
	defer o.socket.mu.Unlock()

	if o.socket.draining {
		o.cancel()
	}
}

// forget frees the id, unless another operation has it already, and the operation's place among the connection's.
func (o *socketOperation) forget() {
	o.socket.mu.Lock()
	defer o.socket.mu.Unlock()

	if o.socket.operations[o.id] == o {
		delete(o.socket.operations, o.id)
	}

	if !o.forgotten {
		o.forgotten = true
		o.socket.active--
	}
}

// silence cancels the operation; when it returns no further message of it follows.
func (o *socketOperation) silence() {
	o.cancel()

	o.mu.Lock()
	defer o.mu.Unlock()

	o.silent = true
}

func (o *socketOperation) next(resp *graphql.Response) {
	var b bytes.Buffer

	beginNext(&b, o.id)
	appendResponse(&b, resp)
	b.WriteByte('}')
	o.write(b.Bytes())
}

// complete frees the id first, so that a client may use it again as soon as it has read the message.
func (o *socketOperation) complete() {
	var b bytes.Buffer

	beginMessage(&b, "complete", o.id)
	b.WriteByte('}')
	o.forget()
	o.write(b.Bytes())
}

// fail ends the operation with the protocol's error message.
func (o *socketOperation) fail(resp *graphql.Response) {
	o.forget()

	o.mu.Lock()
	defer o.mu.Unlock()

	if !o.silent {
		o.socket.sendErrors(o.id, resp.Errors)
	}
}

func (o *socketOperation) write(text []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()

	if !o.silent {
		o.socket.send(text)
	}
}
