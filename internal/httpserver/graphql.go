package httpserver

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// longestKnown is how long a viewer is believed to be one while its request comes.
const longestKnown = time.Second

// serveGraphQL answers /graphql: it finds out the transport and reads the parameters.
func (s *Server) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	if isWebSocketUpgrade(r) {
		s.serveWebSocket(w, r)

		return
	}

	w.Header().Add("Vary", "Accept")
	w.Header().Set("Cache-Control", "no-store")

	// Even a refusal is written in a type that the client accepts, where there is one.
	accept := negotiate(r.Header)
	errorType := accept.plain

	if errorType == "" {
		errorType = typeJSON
	}

	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		methodNotAllowed(w, errorType, "GET, POST")

		return
	}

	if accept.best == "" {
		writeError(w, typeJSON, refuse(http.StatusNotAcceptable, codeBadUserInput,
			"the Accept header must allow %s, %s or %s", typeResponse, typeJSON, typeStream))

		return
	}

	if !s.work.begin() {
		w.Header().Set("Connection", "close")
		writeError(w, errorType, refuse(http.StatusServiceUnavailable, codeUnavailable, "the server is shutting down"))

		return
	}
	defer s.work.end()

	op, refused, err := s.begin(w, r, accept)
	if err != nil {
		s.refuseRequest(w, r, errorType, err)

		return
	}

	s.carryOut(w, r, accept, op, refused)
}

// begin reads a request and prepares its operation. What may become an event stream does so in a goroutine of its own: the
// request's goroutine lasts as long as the stream, and with it the stack that reading, parsing and validating have made it
// grow to.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, accept accepted) (
	op *operation, refused *graphql.Response, err *requestError,
) {
	begin := func() {
		// Who is not let in takes no memory for a body.
		if r, err = s.withViewer(r); err != nil {
			return
		}

		known, input := time.Now(), s.intake.of(s.viewerName(r.Context()))
		defer func() { input.release() }()

		var params *graphql.RawParams
		if params, err = s.readRequest(w, r, &input); err != nil {
			return
		}

		// Whose body takes its time may have been shut out in the meantime.
		if time.Since(known) > longestKnown {
			if r, err = s.withViewer(r); err != nil {
				return
			}
		}

		transport := transportHTTP
		if accept.best == typeStream {
			transport = transportSSE
		}

		op, refused = s.prepare(r.Context(), transport, params)
		op.input, input = input, share{}
	}

	if accept.stream {
		aside(begin)
	} else {
		begin()
	}

	return op, refused, err
}

// aside calls f in a goroutine of its own, waits for it, and passes its panic on.
func aside(f func()) {
	done := make(chan any)

	go func() {
		defer func() { done <- recover() }()

		f()
	}()

	if value := <-done; value != nil {
		panic(value)
	}
}

// withViewer lets the hook put the viewer in the request's context.
func (s *Server) withViewer(r *http.Request) (*http.Request, *requestError) {
	ctx, refused := s.authenticate(r.Context(), r, nil)
	if refused != nil {
		return r, &requestError{status: viewerStatus(codeOf(refused)), err: refused}
	}

	return r.WithContext(ctx), nil
}

// watch has ended called when the viewer of the context is none any more. The result ends the watch.
func (s *Server) watch(ctx context.Context, ended func(error)) (stop func()) {
	if s.deps.Watch == nil {
		return func() {}
	}

	return s.deps.Watch(ctx, ended)
}

// viewerStatus is the HTTP status of a refusal by the viewer hook. A hook that refuses without saying why counts as one that
// failed.
func viewerStatus(code string) int {
	if status := statusOf(code); status != http.StatusBadRequest || code == codeBadUserInput {
		return status
	}

	return http.StatusUnauthorized
}

// refuseRequest answers what never became an operation, and logs it as one, since a client meant it as one.
func (s *Server) refuseRequest(w http.ResponseWriter, r *http.Request, contentType string, err *requestError) {
	op := &operation{server: s, transport: transportHTTP, started: s.now(), code: codeOf(err.err)}
	defer op.finish(r.Context())

	writeError(w, contentType, err)
}

// carryOut runs one operation and answers in the form that its type and the Accept header ask for.
func (s *Server) carryOut(
	w http.ResponseWriter, r *http.Request, accept accepted, op *operation, refused *graphql.Response,
) {
	if accept.best == typeStream && (refused == nil || !overload(firstCode(refused))) {
		s.serveStream(w, r, op, refused)

		return
	}

	switch {
	case refused != nil:
	case op.kind == ast.Subscription && accept.stream:
		s.stream(w, r, op, nil)

		return
	case op.kind == ast.Subscription:
		refused = op.refuse(codedError(codeBadUserInput,
			"a subscription needs a WebSocket (%s) or the header Accept: %s", subprotocol, typeStream))
	case op.kind == ast.Mutation && r.Method == http.MethodGet:
		refused = op.refuse(codedError(codeBadUserInput, "a mutation must be sent with POST"))
		defer op.finish(r.Context())

		w.Header().Set("Allow", http.MethodPost)
		writeResponse(w, accept.best, http.StatusMethodNotAllowed, refused)

		return
	}

	defer op.finish(r.Context())

	if refused != nil {
		answer := cmp.Or(accept.plain, typeJSON) // an overload is no event
		writeResponse(w, answer, refusedStatus(answer, refused), refused)

		return
	}

	// A nil response means that the client has gone.
	if resp := op.response(); resp != nil {
		writeResponse(w, accept.best, resultStatus(accept.best, resp), resp)
	}
}

// refusedStatus follows GraphQL over HTTP: under application/json a well-formed request is answered with 200 even when the
// GraphQL in it is wrong, because clients cannot tell a 4xx of ours from one of a proxy; application/graphql-response+json
// has that told by the media type. A fault of the server's own is 5xx in both, and an overload is told to every client.
func refusedStatus(contentType string, resp *graphql.Response) int {
	status := statusOf(firstCode(resp))
	if contentType == typeJSON && status < http.StatusInternalServerError && !overload(firstCode(resp)) {
		return http.StatusOK
	}

	return status
}

// resultStatus is 200 for every result of an execution, with errors or without; a response without data is none.
func resultStatus(contentType string, resp *graphql.Response) int {
	if resp.Data == nil {
		return refusedStatus(contentType, resp)
	}

	return http.StatusOK
}

// isWebSocketUpgrade reports whether the Upgrade header asks for a WebSocket; others may be ignored (RFC 9110, 7.8).
func isWebSocketUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}
