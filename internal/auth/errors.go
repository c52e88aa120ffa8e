package auth

import (
	"errors"
	"fmt"

	"samjournal/internal/store"
)

// ErrUnauthenticated says that there is no credential where one is needed, or one that is not valid. Errors that match it say
// why, and repeat nothing of what was sent.
var ErrUnauthenticated = errors.New("a valid credential is needed")

// ErrForbidden says that the viewer may not do what it asks for.
var ErrForbidden = errors.New("the viewer may not do this")

// refusal is an error of a kind that callers test for, in words of its own. cause is for the log.
type refusal struct {
	kind, cause error
	reason      string
}

// Reason is what a client may read of an error that matches ErrUnauthenticated or ErrForbidden: why, and what to do about it;
// "" for other errors.
func Reason(err error) string {
	r, ok := errors.AsType[*refusal](err)
	if !ok || r.cause != nil {
		return ""
	}
	return r.reason
}

// Error is the reason, and the cause if there is one.
func (e *refusal) Error() string {
	if e.cause != nil {
		return e.reason + ": " + e.cause.Error()
	}
	return e.reason
}

// Unwrap gives both the kind and the cause.
func (e *refusal) Unwrap() []error {
	if e.cause != nil {
		return []error{e.kind, e.cause}
	}
	return []error{e.kind}
}

func unauthenticated(reason string, args ...any) error {
	return &refusal{kind: ErrUnauthenticated, reason: fmt.Sprintf(reason, args...)}
}

// unavailable matches store.ErrUnavailable: whether the credential is valid cannot be found out now.
func unavailable(reason string, cause error) error {
	return &refusal{kind: store.ErrUnavailable, reason: reason, cause: cause}
}

// The refusals that must be the same whatever the reason, so that they tell nothing.

func errInvalidToken() error {
	return unauthenticated("the token is not valid: unknown, expired or revoked")
}

func errOtherAccount() error {
	return &refusal{kind: ErrForbidden, reason: "the viewer may not act in this account"}
}

func errDisabledUser() error {
	return unauthenticated("the user that this credential acts as is disabled")
}
