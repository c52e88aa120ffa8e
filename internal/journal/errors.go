package journal

import (
	"errors"
	"fmt"

	"samjournal/internal/store"
)

// ErrConflict says that the account's journal has an entry with this key and other content.
var ErrConflict = store.ErrConflict

// ErrAccountExists says that the slug of a new account is taken.
var ErrAccountExists = store.ErrAccountExists

// ErrUnavailable says that the database cannot be reached or is too busy; an append that failed with it may or may not be
// stored, and can be sent again with the same key.
var ErrUnavailable = store.ErrUnavailable

// ErrQueueFull says that more entries wait for a commit than may wait. Nothing of the append is stored. It matches
// ErrUnavailable.
var ErrQueueFull = fmt.Errorf("%w: too many entries wait to be appended", ErrUnavailable)

// ErrTimeout says that an append was not durable within the append timeout: it may or may not be stored. It matches
// ErrUnavailable.
var ErrTimeout = fmt.Errorf("%w: the append was not durable in time", ErrUnavailable)

// ErrForbidden says that the viewer's role does not allow what was asked.
var ErrForbidden = errors.New("your role does not allow this")

// ErrCursorInvalid says that a cursor no longer fits the journal: the journal is shorter than it says, or has another entry
// at its position, as after a restored backup. Whoever holds it must read the journal again from a position they trust.
var ErrCursorInvalid = errors.New("the cursor does not fit this journal, which may have been restored from a backup; " +
	"read the journal again from a point you trust")

// Translate makes errors of the database drivers, as reading through Ent gives them, match ErrUnavailable where trying
// again may help.
func Translate(err error) error { return store.Translate(err) }
