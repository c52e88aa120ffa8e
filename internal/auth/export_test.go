package auth

import (
	"context"
	"unsafe"
)

// WatcherAddress tells the goroutine of one authenticator from those of others in a dump of all stacks.
func (a *Authenticator) WatcherAddress() uintptr { return uintptr(unsafe.Pointer(a.watches)) }

// Sweep looks at all open streams once.
func (a *Authenticator) Sweep(ctx context.Context) { a.watches.sweep(ctx) }

// Remembered is how many answers of all kinds are remembered.
func (a *Authenticator) Remembered() int {
	return a.tokens.kept.Len() + a.accounts.kept.Len() + a.users.kept.Len() + a.readers.kept.Len() + a.verified.Len() +
		a.touches.recent.Len()
}
