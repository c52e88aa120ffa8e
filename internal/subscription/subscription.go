// Package subscription lets a resolver end a running subscription with an error. A generated subscription resolver can only
// close its channel, which a client sees as a normal end; a stream that breaks must not look like one that is complete.
// It is a leaf: the transports open the slot, a resolver fills it, then closes its channel.
package subscription

import (
	"context"
	"sync"
)

type contextKey struct{}

// slot holds the error that ended one subscription.
type slot struct {
	mu  sync.Mutex
	err error // guarded by mu; the first error stays
}

// With returns a context in which a subscription can be ended by Fail.
func With(ctx context.Context) context.Context {
	return context.WithValue(ctx, contextKey{}, &slot{})
}

// Fail records why the subscription of this context ends. The resolver closes its channel afterwards. Only the first error
// counts, and outside a subscription Fail does nothing.
func Fail(ctx context.Context, err error) {
	s, ok := ctx.Value(contextKey{}).(*slot)
	if !ok {
		return
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	if s.err == nil {
		s.err = err
	}
}

// Err returns the error that ended the subscription of this context, or nil.
func Err(ctx context.Context) error {
	s, ok := ctx.Value(contextKey{}).(*slot)
	if !ok {
		return nil
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	return s.err
}
