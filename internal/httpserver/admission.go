package httpserver

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"samjournal/internal/inuse"
)

// longestQueue is how long an operation waits for its turn: a client that waits longer is better told to come again.
const longestQueue = time.Second

// turns limits how many operations are parsed and executed at a time. One viewer never has them all, so that another's gets
// through whatever the first one sends. It is safe for concurrent use.
type turns struct {
	all     *lane
	longest time.Duration
	viewers *inuse.Table[*lane] // of those with an operation that has a turn or waits
}

// lane is how many operations may run and wait, of one viewer or of all.
type lane struct {
	taken      chan struct{} // holds one token for each that runs
	waiting    atomic.Int64
	maxWaiting int64
}

func newLane(running, waiting int) *lane {
	return &lane{taken: make(chan struct{}, running), maxWaiting: int64(waiting)}
}

func newTurns(running, waiting int) *turns {
	return &turns{
		all: newLane(running, waiting), longest: longestQueue,
		viewers: inuse.NewTable(func() *lane { return newLane(ofOneViewer(running), ofOneViewer(waiting)) }),
	}
}

// ofOneViewer is how many of n one viewer may have: three quarters, and the only one there is.
func ofOneViewer[N int | int64](n N) N { return n - n/4 }

// errNoTurn says that everybody's operations, and errNoOwnTurn that the viewer's own, run or wait already.
var (
	errNoTurn    = errors.New("as many operations run as can")
	errNoOwnTurn = errors.New("as many operations of one viewer run as may")
)

// take waits for a turn of a viewer, "" being nobody in particular, which is to be given back. It fails when there is none
// within the time, or when the context ends.
func (t *turns) take(ctx context.Context, viewer string) (giveBack func(), err error) {
	if viewer == "" {
		if err := t.wait(ctx, nil); err != nil {
			return nil, err
		}

		return func() { <-t.all.taken }, nil
	}

	own, leave := t.viewers.Enter(viewer)
	if err := t.wait(ctx, own); err != nil {
		leave()

		return nil, err
	}

	return func() {
		<-t.all.taken
		<-own.taken
		leave()
	}, nil
}

// try takes a turn that is free now.
func (t *turns) try(own *lane) bool {
	if own != nil && !own.try() {
		return false
	}

	if t.all.try() {
		return true
	}

	if own != nil {
		<-own.taken
	}

	return false
}

// wait takes a turn of the viewer's lane, where there is one, and of all, in this order: what waits for the viewer's own keeps
// nothing from others but a place in the queue, of which the viewer has not all either.
func (t *turns) wait(ctx context.Context, own *lane) error {
	if t.try(own) {
		return nil
	}

	if own != nil {
		defer own.waiting.Add(-1)

		if own.waiting.Add(1) > own.maxWaiting {
			return errNoOwnTurn
		}
	}

	defer t.all.waiting.Add(-1)

	if t.all.waiting.Add(1) > t.all.maxWaiting {
		return errNoTurn
	}

	ctx, cancel := context.WithTimeout(ctx, t.longest)
	defer cancel()

	if own != nil && !own.take(ctx) {
		return errNoOwnTurn
	}

	if t.all.take(ctx) {
		return nil
	}

	if own != nil {
		<-own.taken
	}

	return errNoTurn
}

func (l *lane) try() bool {
	select {
	case l.taken <- struct{}{}:
		return true
	default:
		return false
	}
}

func (l *lane) take(ctx context.Context) bool {
	select {
	case l.taken <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// takeTurn waits for the operation's turn to be parsed or executed, if it does not have it, and returns why it gets none.
func (o *operation) takeTurn() *gqlerror.Error {
	if o.turn != nil {
		return nil
	}

	var err error
	if o.turn, err = o.server.turns.take(o.ctx, o.viewer); err == nil {
		return nil
	}

	if o.ctx.Err() == nil {
		o.server.metrics.refuse(refusedOperations)
	}

	edge := o.server.cfg.Edge
	if errors.Is(err, errNoOwnTurn) {
		return codedError(codeUnavailable, "you have %d operations running, which is the most for one viewer "+
			"(three quarters of SAMJOURNAL_MAX_RUNNING_OPERATIONS), and others waiting; try again", ofOneViewer(edge.MaxExecuting))
	}

	return codedError(codeUnavailable, "this server has %d operations running, which is the most "+
		"(SAMJOURNAL_MAX_RUNNING_OPERATIONS), and others waiting; try again", edge.MaxExecuting)
}

// giveTurn gives the operation's turn to another. What waits for its client, not for the server, must not hold it.
func (o *operation) giveTurn() {
	if o.turn != nil {
		o.turn()
		o.turn = nil
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

	return codedError(codeUnavailable, "the %s took longer than %s, which is the limit (SAMJOURNAL_OPERATION_TIMEOUT)%s",
		o.kind, o.server.cfg.OperationTimeout, outcome)
}
