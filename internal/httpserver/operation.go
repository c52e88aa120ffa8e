package httpserver

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"samjournal/internal/atend"
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
	kind      ast.Operation // "" when the document was not valid
	code      string        // of the first response that had an error, else OK
	viewer    string        // by whom it is counted, "" when it is not
	turn      func()        // gives it back; nil: it must not be parsed nor executed now
	end       func()        // of what resolvers have put off; nil when there was no operation
	input     share         // the memory of its parameters

	ctx     context.Context //nolint:containedctx // it is the operation's own, made by the executor
	graphql *graphql.OperationContext
}

// prepare parses and validates. The second result, when not nil, is the answer to a request that will not be carried out.
// Either way the caller calls finish when it is done.
func (s *Server) prepare(ctx context.Context, transport string, params *graphql.RawParams) (
	op *operation, refused *graphql.Response,
) {
	ctx, end := atend.With(graphql.StartOperationTrace(ctx))
	op = &operation{
		server: s, transport: transport, started: s.now(), name: params.OperationName, code: codeOK, ctx: ctx, end: end,
	}

	defer func() {
		if value := recover(); value != nil {
			refused = op.note(s.panicked(ctx, value))
		}

		if refused != nil {
			op.giveTurn()
		}
	}()

	refused = op.enter()
	if refused != nil {
		return op, refused
	}

	if err := op.takeTurn(); err != nil {
		refused = op.refuse(err)

		return op, refused
	}

	params.ReadTime = graphql.TraceTiming{Start: op.started, End: op.started}
	opCtx, faults := s.executor.CreateOperationContext(ctx, params)
	op.graphql = opCtx

	if len(faults) > 0 {
		refused = op.note(s.executor.DispatchError(graphql.WithOperationContext(ctx, opCtx), firstFaults(faults)))

		return op, refused
	}

	op.kind = opCtx.Operation.Operation

	if op.name == "" {
		op.name = opCtx.Operation.Name
	}

	return op, nil
}

// enter counts the operation among those of its viewer, until finish. The result, when not nil, says that they are too many.
func (o *operation) enter() *graphql.Response {
	name := o.server.viewerName(o.ctx)
	if name == "" {
		return nil
	}

	if err := o.server.admitOperation(name); err != nil {
		return o.refuse(err)
	}

	if !o.server.work.enter(name) {
		o.server.metrics.refuse(refusedViewerOperations)

		return o.refuse(codedError(codeRateLimited,
			"you have %d operations running on this server, which is the limit (SAMJOURNAL_MAX_VIEWER_OPERATIONS); end some",
			o.server.cfg.MaxViewerOperations))
	}

	o.viewer = name

	return nil
}

// refuse notes that the transport does not carry the operation out, and gives the answer to send.
func (o *operation) refuse(err *gqlerror.Error) *graphql.Response {
	return o.note(&graphql.Response{Errors: gqlerror.List{err}})
}

// response carries a query or a mutation out. It returns nil when the operation was cancelled, through the context that was
// given to prepare.
func (o *operation) response() (resp *graphql.Response) {
	defer o.recovered(&resp)

	err := o.takeTurn()
	defer o.giveTurn()

	limited, cancel := o.limit()
	defer cancel()

	if err == nil {
		responses, ctx := o.server.executor.DispatchOperation(limited, o.graphql)
		resp = responses(ctx)
	}

	switch {
	case o.ctx.Err() != nil:
		o.code = codeCanceled

		return nil
	case err != nil:
		return o.refuse(err)
	case len(resp.Errors) > 0 && tookTooLong(limited):
		return o.refuse(o.tooLong())
	default:
		return o.note(resp)
	}
}

// subscribe begins a subscription, whose events go to the sink until the subscriber leaves. The second result, when not nil,
// is why there is no subscription.
func (o *operation) subscribe(to sink) (_ *subscriber, refused *graphql.Response) {
	defer o.recovered(&refused)

	if err := o.takeTurn(); err != nil {
		return nil, o.refuse(err)
	}
	defer o.giveTurn()

	limited, cancel := o.limit()
	defer cancel()

	ctx, offered := subscription.Offered(limited)
	responses, ctx := o.server.executor.DispatchOperation(ctx, o.graphql)
	resp, stream := responses(ctx), offered()

	switch {
	case resp != nil && tookTooLong(limited):
		return nil, o.refuse(o.tooLong())
	case resp != nil:
		return nil, o.note(resp)
	case stream == nil:
		return nil, o.note(o.server.failure(ctx, errors.New("the resolver of the subscription offers no stream")))
	}

	s := o.server.broadcasts.join(o.ctx, stream, o.graphql, to)
	o.ctx, o.graphql = nil, nil // the broadcast has what is needed of them, once for all

	return s, nil
}

// recovered turns a panic into a response.
func (o *operation) recovered(resp **graphql.Response) {
	if value := recover(); value != nil {
		*resp = o.note(o.server.panicked(o.ctx, value))
	}
}

func (o *operation) note(resp *graphql.Response) *graphql.Response {
	if o.code == codeOK {
		o.code = firstCode(resp)
	}

	return resp
}

// finish counts the operation and writes its one log line: names and numbers only, never variables or payloads.
func (o *operation) finish(ctx context.Context) {
	o.giveTurn()
	o.input.release()

	if o.end != nil {
		o.end()
	}

	if o.viewer != "" {
		o.server.work.leave(o.viewer)
	}

	took := o.server.now().Sub(o.started)
	o.server.metrics.observe(o, took)

	o.server.deps.Logger.LogAttrs(ctx, slog.LevelInfo, "operation",
		slog.String("name", shorten(o.name)),
		slog.String("type", string(o.kind)),
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
