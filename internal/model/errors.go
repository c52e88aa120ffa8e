package model

import (
	"errors"
	"fmt"
	"strings"
)

// InputError says that something a caller gave is not acceptable. Path leads to the spot: string field names and int list
// indexes, outermost first. Reason says what is allowed and never repeats a payload.
type InputError struct {
	Path   []any
	Reason string
}

// Error renders the path as people write it, for example "input.request.messages[2]: reason".
func (e *InputError) Error() string {
	var b strings.Builder
	for _, step := range e.Path {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", step)
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			fmt.Fprint(&b, step)
		}
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(e.Reason)
	return b.String()
}

// Under returns the same error seen from further outside: its path begins with the given steps.
func (e *InputError) Under(steps ...any) *InputError {
	return &InputError{Path: append(append([]any{}, steps...), e.Path...), Reason: e.Reason}
}

// InputUnder is Under for any error: one that is no *InputError passes unchanged.
func InputUnder(err error, steps ...any) error {
	if input, ok := errors.AsType[*InputError](err); ok {
		return input.Under(steps...)
	}
	return err
}
