package httpserver

import (
	"context"
	"errors"
	"net/http"
	"time"

	"samjournal/internal/requestid"
)

// headerRequestID is the header that takes and returns the request's id.
const headerRequestID = "X-Request-ID"

// withRequestID takes the client's id when it is usable, else makes one, and returns it in the answer.
func withRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(headerRequestID)
		if !requestid.Valid(id) {
			id = requestid.New()
		}

		w.Header().Set(headerRequestID, id)
		next.ServeHTTP(w, r.WithContext(requestid.With(r.Context(), id)))
	})
}

// withRecovery turns a panic into an INTERNAL answer. Resolvers' panics do not get here: the executor recovers them.
func (s *Server) withRecovery(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()

		defer func() {
			value := recover()
			if value == nil {
				return
			}

			if err, ok := value.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(value)
			}

			// When the answer has begun this write does nothing but log a superfluous header.
			writeResponse(w, typeJSON, http.StatusInternalServerError, s.panicked(ctx, value))
		}()

		next.ServeHTTP(w, r)
	})
}

// withAccess puts checkAccess and the headers that every answer has before the addresses.
func (s *Server) withAccess(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("X-Frame-Options", "DENY")

		r = s.proxies.identify(r)

		// Browsers keep it for the host name, which on loopback is that of other programs too.
		if clientOf(r.Context()).secure && !s.cfg.LoopbackOnly {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}

		if err := s.checkAccess(r); err != nil {
			s.metrics.refuse(refusedOrigin)
			writeError(w, typeJSON, err)

			return
		}

		next.ServeHTTP(w, r)
	})
}

// refusedBody is how long a body that nobody wants may be in coming until its connection is closed.
const refusedBody = 500 * time.Millisecond

// withUnreadBodies lets clients that asked for the connection to be closed read why their body is not. net/http waits a moment
// before it closes a connection on which more of a body may be coming, because the close would make the client's side throw the
// answer away; but it does not when the connection was to be closed anyway, which is how proxies with HTTP/1.0 send everything.
// A reader that finds a body longer than its limit, here nothing, makes it wait there too.
func withUnreadBodies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)

		if !r.Close || r.ContentLength == 0 || r.ProtoMajor != 1 {
			return
		}

		control := http.NewResponseController(w)
		if control.Flush() != nil || control.SetReadDeadline(time.Now().Add(refusedBody)) != nil {
			return
		}

		_, _ = http.MaxBytesReader(w, r.Body, 0).Read(make([]byte, 1)) // nothing of it is wanted
	})
}

// withRates refuses what comes too often from one address. Probes may always ask.
func (s *Server) withRates(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != pathHealth && r.URL.Path != pathReady {
			if err := s.admitRequest(r); err != nil {
				writeError(w, typeJSON, err)

				return
			}
		}

		next.ServeHTTP(w, r)
	})
}

// recovered is Deps.Recover or its default.
func (s *Server) recovered(ctx context.Context, value any) error {
	if s.deps.Recover != nil {
		return s.deps.Recover(ctx, value)
	}

	return keepPanic(ctx, value)
}
