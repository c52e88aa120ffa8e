package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"samjournal/internal/requestid"
)

// The codes that the transports give out themselves.
const (
	codeOK               = "OK"
	codeCanceled         = "CANCELED" // only in log and metrics: the client went away, or the server ends
	codeUnauthenticated  = "UNAUTHENTICATED"
	codeForbidden        = "FORBIDDEN"
	codeNotFound         = "NOT_FOUND"
	codeBadUserInput     = "BAD_USER_INPUT"
	codePayloadTooLarge  = "PAYLOAD_TOO_LARGE"
	codeQueryTooComplex  = "QUERY_TOO_COMPLEX"
	codeRateLimited      = "RATE_LIMITED"
	codeUnavailable      = "UNAVAILABLE"
	codeInternal         = "INTERNAL"
	retryAfterSeconds    = 1
	internalErrorMessage = "internal server error"
)

// requestError is a refusal by the HTTP layer itself: the status is the same whatever the client accepts.
type requestError struct {
	status int
	err    *gqlerror.Error
}

func (e *requestError) Error() string { return e.err.Message }

func refuse(status int, code, format string, args ...any) *requestError {
	return &requestError{status: status, err: codedError(code, format, args...)}
}

// codedError makes an error that is ready for the client.
func codedError(code, format string, args ...any) *gqlerror.Error {
	extensions := map[string]any{"code": code}
	if code == codeUnavailable {
		extensions["retryAfterMs"] = retryAfterSeconds * 1000
	}

	return &gqlerror.Error{Message: fmt.Sprintf(format, args...), Extensions: extensions}
}

// codeOf returns the error's extensions.code, or "".
func codeOf(err *gqlerror.Error) string {
	code, _ := err.Extensions["code"].(string)

	return code
}

// firstCode returns what the log calls a response: OK or the first error's code.
func firstCode(resp *graphql.Response) string {
	if len(resp.Errors) == 0 {
		return codeOK
	}

	if code := codeOf(resp.Errors[0]); code != "" {
		return code
	}

	return codeInternal
}

// statusOf is the HTTP status of a request that was not carried out, by its code.
func statusOf(code string) int {
	switch code {
	case codeUnauthenticated:
		return http.StatusUnauthorized
	case codeForbidden:
		return http.StatusForbidden
	case codePayloadTooLarge:
		return http.StatusRequestEntityTooLarge
	case codeRateLimited:
		return http.StatusTooManyRequests
	case codeUnavailable:
		return http.StatusServiceUnavailable
	case codeInternal:
		return http.StatusInternalServerError
	default:
		return http.StatusBadRequest
	}
}

// overload says that a code asks the client to come again later: not for what it has sent, but for when.
func overload(code string) bool { return code == codeRateLimited || code == codeUnavailable }

// tell sets the headers that belong to the status of a refusal.
func tell(h http.Header, status int, err *gqlerror.Error) {
	switch status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		seconds := retryAfterSeconds

		if ms, ok := err.Extensions["retryAfterMs"].(int); ok {
			seconds = max(seconds, int((time.Duration(ms)*time.Millisecond+time.Second-1)/time.Second))
		}

		h.Set("Retry-After", strconv.Itoa(seconds))
	}
}

// panicError keeps what is needed to find the cause of a panic. Only the log sees it.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

func keepPanic(_ context.Context, value any) error {
	return &panicError{value: value, stack: debug.Stack()}
}

// present gives every error that leaves the server its code. It is the executor's error presenter.
func (s *Server) present(ctx context.Context, err error) *gqlerror.Error {
	if coded, ok := errors.AsType[*gqlerror.Error](err); ok {
		switch code := codeOf(coded); code {
		case "":
		case errcode.ParseFailed, errcode.ValidationFailed:
			return inputError(coded)
		case codeInternal:
			return s.internal(ctx, err, coded)
		default:
			return coded
		}
	}

	presented := s.deps.Present(ctx, err)
	if presented == nil {
		return nil
	}

	switch codeOf(presented) {
	case "", codeInternal:
		return s.internal(ctx, err, presented)
	default:
		return presented
	}
}

// firstFaults keeps what is told of a document short: a document may have a fault at each of its thousands of tokens, and a
// message may quote all of them.
func firstFaults(faults gqlerror.List) gqlerror.List {
	const (
		most    = 10
		longest = 500 // bytes of a message
	)

	told := slices.Clone(faults[:min(len(faults), most)])
	for i, fault := range told {
		if len(fault.Message) > longest {
			short := *fault
			short.Message = strings.ToValidUTF8(fault.Message[:longest], "") + "…"
			told[i] = &short
		}
	}

	if len(faults) > len(told) {
		told = append(told, codedError(codeBadUserInput, "and more errors of this kind"))
	}

	return told
}

// inputError makes an error of the parser or the validator into one for the client. A variable that does not fit its type
// comes with the way to the spot where a response's path should be: "variable", its name and the steps below. The way goes
// into extensions.path, as with every other bad input.
func inputError(err *gqlerror.Error) *gqlerror.Error {
	out := recoded(err, codeBadUserInput)
	if len(out.Path) < 2 || out.Path[0] != ast.PathName("variable") {
		return out
	}

	steps := make([]any, 0, len(out.Path)-1)
	for _, step := range out.Path[1:] {
		switch step := step.(type) {
		case ast.PathName:
			steps = append(steps, string(step))
		case ast.PathIndex:
			steps = append(steps, int(step))
		}
	}

	out.Path, out.Extensions["path"] = nil, steps

	return out
}

// internal logs the cause, which the client never sees, and gives the client the id to ask for it.
func (s *Server) internal(ctx context.Context, cause error, shown *gqlerror.Error) *gqlerror.Error {
	out := recoded(shown, codeInternal)
	out.Message = internalErrorMessage
	out.Extensions["requestId"] = requestid.From(ctx)

	// A client that has gone away cancels its operation; what fails then is no fault.
	if ctx.Err() != nil {
		return out
	}

	attrs := []slog.Attr{
		slog.String("requestId", requestid.From(ctx)),
		slog.String("path", shown.Path.String()),
		slog.String("error", cause.Error()),
	}

	if panicked, ok := errors.AsType[*panicError](cause); ok {
		attrs = append(attrs, slog.String("stack", string(panicked.stack)))
	}

	s.deps.Logger.LogAttrs(ctx, slog.LevelError, "internal error", attrs...)

	return out
}

// recoded copies the error and gives the copy another code.
func recoded(err *gqlerror.Error, code string) *gqlerror.Error {
	out := *err

	out.Extensions = maps.Clone(err.Extensions)
	if out.Extensions == nil {
		out.Extensions = map[string]any{}
	}

	out.Extensions["code"] = code

	return &out
}

// panicked turns a recovered panic outside the resolvers into a response.
func (s *Server) panicked(ctx context.Context, value any) *graphql.Response {
	return &graphql.Response{Errors: gqlerror.List{s.present(ctx, s.recovered(ctx, value))}}
}

// writeError answers a request that was refused before it became an operation.
func writeError(w http.ResponseWriter, contentType string, err *requestError) {
	w.Header().Set("Cache-Control", "no-store")
	writeResponse(w, contentType, err.status, &graphql.Response{Errors: gqlerror.List{err.err}})
}
