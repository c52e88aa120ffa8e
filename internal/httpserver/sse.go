package httpserver

import (
	"bytes"
	"context"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// serveStream answers with an event stream, by graphql-sse's distinct connections mode. The specification wants errors of
// validation as a next event too, because a browser's EventSource cannot read the body of a 400.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request, op *operation, refused *graphql.Response) {
	if refused == nil && op.kind == ast.Mutation && r.Method == http.MethodGet {
		refused = op.refuse(codedError(codeBadUserInput, "a mutation must be sent with POST"))
		defer op.finish(r.Context())

		w.Header().Set("Allow", http.MethodPost)
		writeResponse(w, typeJSON, http.StatusMethodNotAllowed, refused)

		return
	}

	s.stream(w, r, op, refused)
}

// stream sends an operation's responses as events. A shutdown ends a subscription without complete, which makes the client
// connect again, elsewhere.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, op *operation, refused *graphql.Response) {
	op.transport = transportSSE
	defer op.finish(r.Context())

	ctx, cancel := context.WithCancel(op.ctx)
	defer cancel()

	op.ctx = ctx
	op.giveTurn()

	events := &eventStream{
		server: s, w: w, control: http.NewResponseController(w), cancel: cancel, op: op,
		endless: op.kind == ast.Subscription,
	}

	if err := s.openStream(events, clientOf(r.Context()).addr); err != nil {
		_ = op.refuse(err.err)
		writeError(w, typeJSON, err)

		return
	}
	defer s.work.close(events)

	s.metrics.streams.WithLabelValues(transportSSE).Inc()
	defer s.metrics.streams.WithLabelValues(transportSSE).Dec()

	aside(events.begin)
	defer events.finish()
	defer s.watch(ctx, func(err error) { events.dismiss(s.present(ctx, err)) })()

	if refused == nil && events.endless {
		events.follow(ctx)

		return
	}

	if refused == nil {
		refused = op.response()
	}

	if refused != nil {
		events.next(encodeResponse(refused))
		events.complete()
	}
}

// openStream counts a stream in, or says why it may not begin.
func (s *Server) openStream(st stream, addr netip.Addr) *requestError {
	switch s.work.open(st, addr) {
	case tooManyOfAddress:
		s.metrics.refuse(refusedAddressStreams)

		return refuse(http.StatusTooManyRequests, codeRateLimited,
			"your address has %d connections and event streams open, which is the limit (SAMJOURNAL_RATE_ADDRESS_CONNECTIONS)",
			s.cfg.Rates.AddressConnections)
	case tooMany:
		s.metrics.refuse(refusedStreams)

		return refuse(http.StatusServiceUnavailable, codeUnavailable,
			"this server has %d connections and event streams open, which is the limit (SAMJOURNAL_MAX_CONNECTIONS)", s.cfg.MaxStreams)
	case endingSoon:
		return refuse(http.StatusServiceUnavailable, codeUnavailable, "the server is shutting down")
	default:
		return nil
	}
}

// eventStream writes the events of one response. The request's goroutine waits, on a small stack: whatever needs more has one
// of its own while it lasts; and there is the keep-alive's timer.
type eventStream struct {
	server  *Server
	control *http.ResponseController
	cancel  context.CancelFunc
	op      *operation
	endless bool           // a subscription: nobody can wait for its end
	running sync.WaitGroup // pumps

	mu        sync.Mutex
	w         http.ResponseWriter // guarded by mu
	keepAlive *time.Timer         // guarded by mu
	ended     bool                // guarded by mu: the response must not be touched any more
}

// begin sends the headers and a first comment, so that the client knows at once that it is connected.
func (e *eventStream) begin() {
	h := e.w.Header()
	h.Set("Content-Type", typeStream+"; charset=utf-8")
	h.Set("Cache-Control", "no-cache, no-transform")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	e.w.WriteHeader(http.StatusOK)
	e.write([]byte(":\n\n"))

	e.mu.Lock()
	defer e.mu.Unlock()

	e.keepAlive = time.AfterFunc(e.server.cfg.PingInterval, e.ping)
}

// ping shows proxies that the stream is alive, and shows us when the client is not.
func (e *eventStream) ping() {
	e.write([]byte(":\n\n"))

	e.mu.Lock()
	defer e.mu.Unlock()

	if !e.ended {
		e.keepAlive.Reset(e.server.cfg.PingInterval)
	}
}

// follow carries a subscription out until it ends.
func (e *eventStream) follow(ctx context.Context) {
	var (
		subscriber *subscriber
		refused    *graphql.Response
	)

	aside(func() { subscriber, refused = e.op.subscribe(e) })

	if refused != nil {
		e.next(encodeResponse(refused))
		e.complete()

		return
	}

	running := e.server.metrics.subscribers.WithLabelValues(transportSSE)
	running.Inc()
	defer running.Dec()

	<-ctx.Done()
	subscriber.leave()
	e.running.Wait()
}

// wake implements sink. It is not called after the subscriber has left.
func (e *eventStream) wake(s *subscriber) {
	e.running.Go(func() {
		defer e.recovered()
		s.pump()
	})
}

// recovered is deferred by pumps: a panic costs the stream alone.
func (e *eventStream) recovered() {
	if value := recover(); value != nil {
		_ = e.server.panicked(context.Background(), value) // it is logged
		e.cancel()
	}
}

// send implements sink.
func (e *eventStream) send(events []encoded) bool {
	b := e.server.buffers.get()
	defer e.server.buffers.put(b)

	for _, event := range events {
		nextEvent(b, event.payload)
	}

	if !e.write(b.Bytes()) {
		return false
	}

	e.server.metrics.deliveries.WithLabelValues(transportSSE).Add(float64(len(events)))

	return true
}

// end implements sink.
func (e *eventStream) end(last *graphql.Response) {
	if last != nil {
		e.next(encodeResponse(e.op.note(last)))
	}

	e.complete()
	e.cancel()
}

func (e *eventStream) next(response []byte) {
	var b bytes.Buffer

	nextEvent(&b, response)
	e.write(b.Bytes())
}

// nextEvent writes an event that carries a response.
func nextEvent(b *bytes.Buffer, response []byte) {
	b.WriteString("event: next\n")

	// A newline would end the field; JSON may have one between its tokens.
	for line := range bytes.Lines(response) {
		b.WriteString("data: ")
		b.Write(bytes.TrimRight(line, "\r\n"))
		b.WriteByte('\n')
	}

	b.WriteByte('\n')
}

// complete has an empty data field: a browser's EventSource drops events that have none.
const complete = "event: complete\ndata:\n\n"

func (e *eventStream) complete() { e.write([]byte(complete)) }

// dismiss ends the stream of a viewer that is none any more: the client is told why, and nothing follows.
func (e *eventStream) dismiss(why *gqlerror.Error) {
	var b bytes.Buffer

	nextEvent(&b, encodeResponse(&graphql.Response{Errors: gqlerror.List{why}}))
	b.WriteString(complete)

	e.mu.Lock()
	defer e.mu.Unlock()

	e.writeLocked(b.Bytes())
	e.ended = true
	e.cancel()
}

// write sends and flushes. A client that takes it too slowly, or is gone, ends the operation.
func (e *eventStream) write(text []byte) bool {
	e.mu.Lock()
	defer e.mu.Unlock()

	return e.writeLocked(text)
}

// writeLocked is called with mu held.
func (e *eventStream) writeLocked(text []byte) bool {
	if e.ended {
		return false
	}

	_, err := e.w.Write(text)
	if err == nil {
		err = e.control.Flush()
	}

	if err != nil {
		e.ended = true
		e.cancel()
	}

	return err == nil
}

// finish stops the keep-alive; after it nothing writes.
func (e *eventStream) finish() {
	e.mu.Lock()
	defer e.mu.Unlock()

	e.ended = true
	e.keepAlive.Stop()
}

func (e *eventStream) drain() {
	if e.endless {
		e.cancel()
	}
}

func (e *eventStream) abort() { e.cancel() }
