// Package requestid carries the id of a request in its context, so that an answer, the log line of the operation and an
// INTERNAL error name the same id. It is a leaf: the HTTP layer puts the id there, any layer below may read it.
package requestid

import (
	"context"
	"crypto/rand"
)

// MaxLength is the longest id, in bytes, that is taken from a client.
const MaxLength = 128

// contextKey is the type of the one key of this package.
type contextKey struct{}

// With returns a context that carries the id.
func With(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, contextKey{}, id)
}

// From returns the id that the context carries, or "".
func From(ctx context.Context) string {
	id, _ := ctx.Value(contextKey{}).(string)

	return id
}

// New returns a fresh random id of 26 characters.
func New() string {
	return rand.Text()
}

// Valid reports whether an id that a client sent can be used: 1 to MaxLength printable ASCII characters. Anything else
// could break a log line or a header.
func Valid(id string) bool {
	if id == "" || len(id) > MaxLength {
		return false
	}

	for i := range len(id) {
		if id[i] < ' ' || id[i] > '~' {
			return false
		}
	}

	return true
}
