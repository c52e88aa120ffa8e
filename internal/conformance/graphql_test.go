package conformance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"samjournal/graph"
	"samjournal/internal/atend"
	"samjournal/internal/subscription"
)

// vars are the variables of an operation, as a client would write them in JSON.
type vars map[string]any

// try executes a query or mutation and returns its data and errors.
func (n *node) try(ctx context.Context, t require.TestingT, document string, v vars) (json.RawMessage, gqlerror.List) {
	data, errs, end := n.hold(ctx, t, document, v)
	end()
	return data, errs
}

// hold is try whose answer is on its way until end is called.
func (n *node) hold(ctx context.Context, t require.TestingT, document string, v vars) (
	data json.RawMessage, errs gqlerror.List, end func(),
) {
	ctx, end = atend.With(ctx)
	ctx, op, errs := n.begin(ctx, t, document, v)
	if len(errs) > 0 {
		return nil, errs, end
	}
	next, ctx := n.exec.DispatchOperation(ctx, op)
	response := next(ctx)
	return response.Data, response.Errors, end
}

// ask is try for what must succeed; the data is decoded into out.
func (n *node) ask(ctx context.Context, t require.TestingT, out any, document string, v vars) {
	data, errs := n.try(ctx, t, document, v)
	require.Empty(t, errs, "%s %v", document, v)
	require.NoError(t, json.Unmarshal(data, out))
}

// refused executes what must fail and returns the code of its only error.
func (n *node) refused(ctx context.Context, t require.TestingT, document string, v vars) string {
	_, errs := n.try(ctx, t, document, v)
	require.Len(t, errs, 1)
	code, _ := errs[0].Extensions["code"].(string)
	return code
}

func (n *node) begin(ctx context.Context, t require.TestingT, document string, v vars) (
	context.Context, *graphql.OperationContext, gqlerror.List,
) {
	ctx = graphql.StartOperationTrace(ctx)
	now := time.Now()
	op, errs := n.exec.CreateOperationContext(ctx, &graphql.RawParams{
		Query: document, Variables: wire(t, v), ReadTime: graphql.TraceTiming{Start: now, End: now},
	})
	return ctx, op, errs
}

// wire brings variables into the form in which a transport hands them over.
func wire(t require.TestingT, v vars) map[string]any {
	text, err := json.Marshal(v)
	require.NoError(t, err)
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var decoded map[string]any
	require.NoError(t, d.Decode(&decoded))
	return decoded
}

// stream is a running subscription, carried out for one subscriber alone. One goroutine reads it.
type stream struct {
	ctx     context.Context //nolint:containedctx // it is the operation's own
	stop    context.CancelFunc
	exec    *executor.Executor
	op      *graphql.OperationContext
	refusal *graphql.Response // instead of a reader
	reader  subscription.Reader
	events  []subscription.Event // that have been read, to come next
}

// subscribe begins a subscription, which ends with stop.
func (n *node) subscribe(ctx context.Context, t require.TestingT, document string, v vars) *stream {
	ctx, cancel := context.WithCancel(ctx)
	ctx, op, errs := n.begin(ctx, t, document, v)
	require.Empty(t, errs)
	s := &stream{ctx: ctx, stop: cancel, exec: n.exec, op: op}
	offering, offered := subscription.Offered(ctx)
	next, offering := n.exec.DispatchOperation(offering, op)
	if s.refusal = next(offering); s.refusal == nil {
		reader, err := offered().Follow(ctx)
		if err != nil {
			s.refusal = &graphql.Response{Errors: gqlerror.List{graph.PresentError(ctx, err)}}
			return s
		}
		s.reader = reader
		context.AfterFunc(ctx, reader.Close)
	}
	return s
}

// read waits for the next event and decodes it; it returns the code of the error that ended the stream instead.
func (s *stream) read(t require.TestingT, out any) (code string) {
	if s.refusal != nil {
		code, _ = s.refusal.Errors[0].Extensions["code"].(string)
		return code
	}
	for len(s.events) == 0 {
		batch, err := s.reader.Read(s.ctx)
		if err != nil {
			return graphqlCode(s.ctx, err)
		}
		s.events = batch.Events
	}
	next, ctx := s.exec.DispatchOperation(subscription.WithEvent(s.ctx, s.events[0]), s.op)
	s.events = s.events[1:]
	response := next(ctx)
	require.Empty(t, response.Errors)
	require.NoError(t, json.Unmarshal(response.Data, out))
	return ""
}

// page is a connection as clients read it.
type page struct {
	Edges []struct {
		Cursor string
		Node   row
	}
	PageInfo struct {
		HasNextPage, HasPreviousPage bool
		StartCursor, EndCursor       *string
	}
	TotalCount int64
	HeadCursor string
}

// row is an entry or a user as clients read it.
type row struct {
	ID, Key, Thing, Command, Origin string
	Position                        int64
	StatusCode                      int
	CreatedAt, RecordedAt           time.Time
	Username                        string
	User                            *struct{ ID, Username string }
	Request, Response               json.RawMessage
	PayloadState                    string
	RedactedPaths                   []string
}

func graphqlCode(ctx context.Context, err error) string {
	code, _ := graph.PresentError(ctx, err).Extensions["code"].(string)
	return code
}

// rawValue is JSON as it came, null included.
type rawValue []byte

// UnmarshalJSON keeps the bytes.
func (r *rawValue) UnmarshalJSON(b []byte) error {
	*r = append((*r)[:0], b...)
	return nil
}

// edge is an entry as a subscription brings it.
type edge struct {
	Cursor string
	Node   row
}
