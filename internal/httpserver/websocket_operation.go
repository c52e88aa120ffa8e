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
	mu     sync.Mutex
	silent bool // guarded by mu

	forgotten bool // guarded by the socket's mu: it counts no more
}

// start runs an operation in a goroutine of its own. The reading goroutine calls it, after it has checked that the id is free.
func (c *socket) start(id string, params *graphql.RawParams) {
	ctx, cancel := context.WithCancel(c.nextRequestID(c.ctx))
	op := &socketOperation{socket: c, id: id, cancel: cancel}

	c.mu.Lock()
	if c.draining {
		c.mu.Unlock()
		cancel()

		return
	}

	c.operations[id] = op
	c.active++
	c.running.Add(1)
	c.mu.Unlock()

	go func() {
		defer c.running.Done()
		defer cancel()
		defer op.forget()
		defer func() {
			if value := recover(); value != nil {
				op.fail(c.server.panicked(ctx, value))
			}
		}()

		op.run(ctx, params)
	}()
}

// run carries the operation out. An operation that was cancelled, by the client, a lost connection or a shutdown, ends
// without a message.
func (o *socketOperation) run(ctx context.Context, params *graphql.RawParams) {
	op, refused := o.socket.server.prepare(ctx, transportWebSocket, params)
	defer op.finish(ctx)

	if refused != nil {
		o.fail(refused)

		return
	}

	if op.kind() == ast.Subscription {
		o.endless.Store(true)
		o.endIfDraining()
	}

	for {
		resp := op.next()

		switch {
		case resp == nil && ctx.Err() == nil:
			o.complete()

			return
		case resp == nil:
			return
		case resp.Data == nil:
			o.fail(resp)

			return
		default:
			o.next(resp)
		}
	}
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

	b.Grow(len(resp.Data) + len(o.id) + 64)
	beginMessage(&b, "next", o.id)
	b.WriteString(`,"payload":`)
	b.Write(encodeResponse(resp))
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
