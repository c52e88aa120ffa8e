package httpserver

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// longestQueue is how long an operation waits for its turn: a client that waits longer is better told to come again.
const longestQueue = time.Second

// turns limits how many operations are parsed and executed at a time. It is safe for concurrent use.
type turns struct {
	taken      chan struct{} // holds one token for each that runs
	waiting    atomic.Int64
	maxWaiting int64
	longest    time.Duration
}

func newTurns(edge EdgeConfig) *turns {
	return &turns{
		taken: make(chan struct{}, edge.MaxExecuting), maxWaiting: int64(edge.MaxWaiting), longest: longestQueue,
	}
}

// take waits for a turn, which is to be given back, and returns false when there is none within the time, or when the context
// ends.
func (t *turns) take(ctx context.Context) bool {
	select {
	case t.taken <- struct{}{}:
		return true
	default:
	}

	defer t.waiting.Add(-1)

	if t.waiting.Add(1) > t.maxWaiting {
		return false
	}

	patience := time.NewTimer(t.longest)
	defer patience.Stop()

	select {
	case t.taken <- struct{}{}:
		return true
	case <-patience.C:
		return false
	case <-ctx.Done():
		return false
	}
}

func (t *turns) giveBack() { <-t.taken }

// takeTurn waits for the operation's turn to be parsed or executed, if it does not have it, and returns why it gets none.
func (o *operation) takeTurn() *gqlerror.Error {
	if o.turn {
		return nil
	}

	if o.turn = o.server.turns.take(o.ctx); o.turn {
		return nil
	}

	if o.ctx.Err() == nil {
		o.server.metrics.refuse(refusedOperations)
	}

	return codedError(codeUnavailable, "this server has as many operations running as it can, and others waiting; try again")
}

// giveTurn gives the operation's turn to another. What waits for its client, not for the server, must not hold it.
func (o *operation) giveTurn() {
	if o.turn {
		o.turn = false
		o.server.turns.giveBack()
	}
}

// errTooLong is the cause by which Config.OperationTimeout ends an operation.
var errTooLong = errors.New("the operation took too long")

// limit returns the context in which the operation is executed, or a subscription begins.
func (o *operation) limit() (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(o.ctx, o.server.cfg.OperationTimeout, errTooLong)
}

func tookTooLong(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errTooLong) }

// tooLong is the answer of an operation that was given up.
func (o *operation) tooLong() *gqlerror.Error {
	outcome := ""
	if o.kind == ast.Mutation {
		outcome = "; it may have been carried out or not"
	}

	return codedError(codeUnavailable, "the %s took longer than %s, which is the limit%s",
		o.kind, o.server.cfg.OperationTimeout, outcome)
}
