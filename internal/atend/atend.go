// Package atend lets what is below a transport do something when an operation is over: when its answer has been written, or
// nobody will write it any more. It is a leaf: the transport says when that is, any layer below may ask to be told.
package atend

import (
	"context"
	"slices"
	"sync"
)

type contextKey struct{}

// list is what is to be done.
type list struct {
	mu   sync.Mutex
	over bool     // guarded by mu
	todo []func() // guarded by mu
}

// With returns a context in which things can be put off to the end, and the function that says that it has come. Called again,
// that does nothing.
func With(ctx context.Context) (_ context.Context, end func()) {
	l := &list{}

	return context.WithValue(ctx, contextKey{}, l), l.end
}

// Do calls f at the end, the last one asked for first; at once when the end has come; when the context ends where no transport
// says when the end is.
func Do(ctx context.Context, f func()) {
	l, ok := ctx.Value(contextKey{}).(*list)
	if !ok {
		context.AfterFunc(ctx, f)

		return
	}

	if !l.add(f) {
		f()
	}
}

// add returns false when the end has come.
func (l *list) add(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()

	if l.over {
		return false
	}

	l.todo = append(l.todo, f)

	return true
}

func (l *list) end() {
	l.mu.Lock()
	todo := l.todo
	l.over, l.todo = true, nil
	l.mu.Unlock()

	for _, f := range slices.Backward(todo) {
		f()
	}
}
