package httpserver

import (
	"context"
	"log/slog"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"samjournal/internal/requestid"
	"samjournal/internal/subscription"
)

// The transports as log and metrics call them.
const (
	transportHTTP      = "http"
	transportSSE       = "sse"
	transportWebSocket = "websocket"
)

// maxLoggedName bounds the client's operation name in the log, in bytes.
const maxLoggedName = 100

// operation is one GraphQL operation from its parameters to its last answer. One goroutine uses it.
type operation struct {
	server    *Server
	transport string
	started   time.Time
	name      string
	code      string // of the first response that had an error, else OK

	ctx       context.Context //nolint:containedctx // it is the operation's own, made by the executor
	graphql   *graphql.OperationContext
	responses graphql.ResponseHandler // nil until the first next
	ended     bool
}

// prepare parses and validates. The second result, when not nil, is the answer to a request that will not be carried out.
// Either way the caller calls finish when it is done.
func (s *Server) prepare(ctx context.Context, transport string, params *graphql.RawParams) (
	_ *operation, refused *graphql.Response,
) {
	ctx = subscription.With(graphql.StartOperationTrace(ctx))
	op := &operation{server: s, transport: transport, started: s.now(), name: params.OperationName, code: codeOK, ctx: ctx}

	defer func() {
		if value := recover(); value != nil {
			refused = op.note(s.panicked(ctx, value))
		}
	}()

	params.ReadTime = graphql.TraceTiming{Start: op.started, End: op.started}
	opCtx, faults := s.executor.CreateOperationContext(ctx, params)
	op.graphql = opCtx

	if len(faults) > 0 {
		refused = op.note(s.executor.DispatchError(graphql.WithOperationContext(ctx, opCtx), faults))

		return op, refused
	}

	if op.name == "" {
		op.name = opCtx.Operation.Name
	}

	return op, nil
}

// kind is the operation's type, or "" when the document was not valid.
func (o *operation) kind() ast.Operation {
	if o.graphql == nil || o.graphql.Operation == nil {
		return ""
	}

	return o.graphql.Operation.Operation
}

// refuse notes that the transport does not carry the operation out, and gives the answer to send.
func (o *operation) refuse(err *gqlerror.Error) *graphql.Response {
	return o.note(&graphql.Response{Errors: gqlerror.List{err}})
}

// next waits for the next response and returns nil after the last one, or when the operation was cancelled. The caller
// cancels through the context that it gave to prepare.
func (o *operation) next() (resp *graphql.Response) {
	if o.ended {
		return nil
	}

	defer func() {
		if value := recover(); value != nil {
			o.ended = true
			resp = o.note(o.server.panicked(o.ctx, value))
		}
	}()

	if o.responses == nil {
		o.responses, o.ctx = o.server.executor.DispatchOperation(o.ctx, o.graphql)
	}

	resp = o.responses(o.ctx)

	switch {
	case o.ctx.Err() != nil:
		o.ended = true

		// To leave is how a client ends a subscription; a query or a mutation it has abandoned.
		if o.kind() != ast.Subscription {
			o.code = codeCanceled
		}

		return nil
	case resp == nil:
		o.ended = true

		return o.failure()
	case o.kind() != ast.Subscription || resp.Data == nil:
		o.ended = true
	}

	return o.note(resp)
}

// failure is the last response of a subscription whose resolver ended it with an error, else nil.
func (o *operation) failure() *graphql.Response {
	err := subscription.Err(o.ctx)
	if err == nil {
		return nil
	}

	return o.note(&graphql.Response{Errors: gqlerror.List{o.server.present(o.ctx, err)}})
}

func (o *operation) note(resp *graphql.Response) *graphql.Response {
	if o.code == codeOK {
		o.code = firstCode(resp)
	}

	return resp
}

// finish counts the operation and writes its one log line: names and numbers only, never variables or payloads.
func (o *operation) finish(ctx context.Context) {
	took := o.server.now().Sub(o.started)
	o.server.metrics.observe(o, took)

	o.server.deps.Logger.LogAttrs(ctx, slog.LevelInfo, "operation",
		slog.String("name", shorten(o.name)),
		slog.String("type", string(o.kind())),
		slog.String("code", o.code),
		slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.String("requestId", requestid.From(ctx)),
		slog.String("transport", o.transport),
	)
}

func shorten(name string) string {
	if len(name) > maxLoggedName {
		return name[:maxLoggedName] + "…"
	}

	return name
}
