package graph

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"samjournal/internal/auth"
	"samjournal/internal/journal"
	"samjournal/internal/model"
	"samjournal/internal/requestid"
)

// The codes of extensions.code.
const (
	codeUnauthenticated = "UNAUTHENTICATED"
	codeForbidden       = "FORBIDDEN"
	codeBadUserInput    = "BAD_USER_INPUT"
	codeConflict        = "CONFLICT"
	codeCursorInvalid   = "CURSOR_INVALID"
	codePayloadTooLarge = "PAYLOAD_TOO_LARGE"
	codeUnavailable     = "UNAVAILABLE"
	codeInternal        = "INTERNAL"
)

// retryAfter is how long a client should wait after UNAVAILABLE, in milliseconds.
const retryAfter = 1000

// PresentError turns any error of an operation into what the client sees. Errors that it does not know become INTERNAL, with
// the request's id and nothing of the cause, which the transport logs under the same id.
func PresentError(ctx context.Context, err error) *gqlerror.Error {
	shown := presented(ctx, err)
	code, message, input := classify(err)
	if code == "" {
		if fromParser(shown) {
			// The document or its variables do not fit the schema.
			return withCode(shown, codeBadUserInput, shown.Message, nil)
		}
		code, message = codeInternal, "internal error; the server's log has the cause under this requestId"
		shown.Extensions = map[string]any{"requestId": requestid.From(ctx)}
	}
	return withCode(shown, code, message, input)
}

// presented returns the error as gqlgen places it: with the path of the response field it belongs to.
func presented(ctx context.Context, err error) *gqlerror.Error {
	if placed, ok := errors.AsType[*gqlerror.Error](err); ok {
		same := *placed
		return &same
	}
	return &gqlerror.Error{Err: err, Message: err.Error(), Path: graphql.GetPath(ctx)}
}

// fromParser tells that the error is one of gqlparser or gqlgen about the request itself, not one of a resolver.
func fromParser(e *gqlerror.Error) bool {
	if e.Rule != "" {
		return true
	}
	switch e.Extensions["code"] {
	case "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED":
		return true
	}
	return false
}

func withCode(e *gqlerror.Error, code, message string, input *model.InputError) *gqlerror.Error {
	extensions := map[string]any{"code": code}
	if id, ok := e.Extensions["requestId"]; ok {
		extensions["requestId"] = id
	}
	if code == codeUnavailable {
		extensions["retryAfterMs"] = retryAfter
	}
	if input != nil {
		// While arguments are read, gqlgen's path goes on from the response field into the input. The response path ends with
		// the field; the way into the input is extensions.path.
		var into []any
		if len(e.Path) > 1 {
			for _, step := range e.Path[1:] {
				into = append(into, pathStep(step))
			}
			e.Path = e.Path[:1]
		}
		extensions["path"] = append(into, input.Path...)
	}
	e.Message, e.Extensions = message, extensions
	return e
}

func pathStep(step ast.PathElement) any {
	if index, ok := step.(ast.PathIndex); ok {
		return int(index)
	}
	name, _ := step.(ast.PathName)
	return string(name)
}

// classify returns the code and message of the errors that clients are meant to see; code is "" for all others.
func classify(err error) (code, message string, input *model.InputError) {
	var forbidden *forbiddenError
	switch {
	case errors.As(err, &input):
		message = input.Error()
		return codeBadUserInput, message, input
	case errors.Is(err, journal.ErrConflict):
		return codeConflict, "the journal has an entry with this key and other content; nothing was added", nil
	case errors.Is(err, journal.ErrCursorInvalid):
		return codeCursorInvalid, journal.ErrCursorInvalid.Error(), nil
	case errors.As(err, &forbidden):
		return codeForbidden, forbidden.Error(), nil
	case errors.Is(err, journal.ErrForbidden), errors.Is(err, auth.ErrForbidden):
		return codeForbidden, cmp.Or(auth.Reason(err), journal.ErrForbidden.Error()), nil
	case errors.Is(err, journal.ErrAccountExists):
		return codeConflict, journal.ErrAccountExists.Error() + "; nothing was changed", nil
	case errors.Is(err, ErrAnswerTooLarge):
		tooLarge, _ := errors.AsType[*answerTooLargeError](err)
		return codePayloadTooLarge, tooLarge.Error(), nil
	case errors.Is(err, errNoRoom):
		return codeUnavailable, "the server has no memory for this many payloads at present; try again, or ask for fewer", nil
	case errors.Is(err, model.ErrNoViewer), errors.Is(err, auth.ErrUnauthenticated):
		return codeUnauthenticated, cmp.Or(auth.Reason(err), "who you are is not known; authenticate first"), nil
	case unavailable(err):
		return codeUnavailable, "the journal cannot be reached in time; an append may or may not be stored, " +
			"try again with the same key", nil
	}
	return "", "", nil
}

// ErrAnswerTooLarge says that payloads do not fit in an answer.
var ErrAnswerTooLarge = errors.New("the payloads do not fit in one answer")

// answerTooLargeError is ErrAnswerTooLarge with the numbers, in bytes.
type answerTooLargeError struct{ wanted, used, limit int64 }

// Error tells what to do.
func (e *answerTooLargeError) Error() string {
	has := ""
	if e.used > 0 {
		has = fmt.Sprintf(" and other fields of this one take %d", e.used)
	}
	return fmt.Sprintf("an answer holds at most %d bytes of payloads (SAMJOURNAL_MAX_ANSWER_BYTES), and these take %d%s; "+
		"ask for the payloads of fewer entries at a time, and for each payload once", e.limit, e.wanted, has)
}

// Is makes it match ErrAnswerTooLarge.
func (*answerTooLargeError) Is(target error) bool { return target == ErrAnswerTooLarge }

func unavailable(err error) bool {
	return errors.Is(journal.Translate(err), journal.ErrUnavailable) || errors.Is(err, journal.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// entryError is a presented error as createEntries tells it for one input.
func (r *Resolver) entryError(ctx context.Context, index int, err error) *CreateEntryError {
	e := PresentError(ctx, err)
	if e.Extensions["code"] == codeInternal {
		r.Log.ErrorContext(ctx, "internal error", "requestId", requestid.From(ctx), "input", index, "error", err)
	}
	shown := &CreateEntryError{Message: e.Message, Path: []string{"inputs", strconv.Itoa(index)}}
	shown.Code, _ = e.Extensions["code"].(string)
	if steps, ok := e.Extensions["path"].([]any); ok {
		for _, step := range steps {
			switch step := step.(type) {
			case int:
				shown.Path = append(shown.Path, strconv.Itoa(step))
			case string:
				shown.Path = append(shown.Path, step)
			}
		}
	}
	return shown
}

// inputErrorAt gives an *model.InputError the one step as its whole path; other errors pass.
func inputErrorAt(err error, step any) error {
	if input, ok := errors.AsType[*model.InputError](err); ok {
		return &model.InputError{Path: []any{step}, Reason: input.Reason}
	}
	return err
}

func tooMany(name string, most, has int) *model.InputError {
	return &model.InputError{Path: []any{name}, Reason: fmt.Sprintf("must hold at most %d, has %d", most, has)}
}
