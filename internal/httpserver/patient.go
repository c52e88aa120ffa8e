package httpserver

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// patient is a response whose client has a limited time to take each part of it. Between two parts there is no limit: over
// HTTP/2 a limit that is over ends the stream, although nobody waits for anything.
//
// Where deadlines are not supported there is no connection either (a recorder in a test), so their errors tell nothing.
type patient struct {
	http.ResponseWriter

	control  *http.ResponseController // of the ResponseWriter
	server   *Server
	body     *body // nil: the request has none
	answered bool
	hijacked bool
}

// body is one of a request that tells whether it was read to its end.
type body struct {
	io.ReadCloser

	ended bool
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.ended = b.ended || errors.Is(err, io.EOF)

	return n, err
}

// withPatience bounds how long a client may take to receive an answer, and to send a body that nobody reads: net/http looks for
// the end of such a body without a limit of its own. Who does read one sets limits of its own.
func (s *Server) withPatience(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &patient{ResponseWriter: w, control: http.NewResponseController(w), server: s}

		if r.ContentLength != 0 && r.ProtoMajor == 1 { // HTTP/2 looks for no end
			_ = p.control.SetReadDeadline(pacer{began: time.Now(), longest: s.cfg.ReadTimeout}.deadline(0))

			// net/http knows its own bodies by their type.
			p.body = &body{ReadCloser: r.Body}
			r = r.WithContext(r.Context())
			r.Body = p.body
		}

		next.ServeHTTP(p, r)

		if !p.hijacked {
			p.begin() // net/http sends what is left, and lifts the limit before the connection's next request
		}
	})
}

func (p *patient) begin() { _ = p.control.SetWriteDeadline(time.Now().Add(p.server.cfg.WriteTimeout)) }

// end lifts the limit, unless it is over.
func (p *patient) end(err error) {
	if err == nil {
		_ = p.control.SetWriteDeadline(time.Time{})
	}
}

// WriteHeader ends the connection after an answer that does not wait for the end of a body: what is still to come of that must
// not be taken for a request.
func (p *patient) WriteHeader(status int) {
	p.answered = p.answered || status >= http.StatusOK

	if p.answered && p.body != nil && !p.body.ended {
		p.Header().Set("Connection", "close")
	}

	p.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (p *patient) Write(b []byte) (int, error) {
	if !p.answered {
		p.WriteHeader(http.StatusOK)
	}

	n, err := inPieces(b, func(piece []byte) (int, error) {
		p.begin()

		return p.ResponseWriter.Write(piece)
	})
	p.end(err)

	return n, err
}

// FlushError is for http.ResponseController.
func (p *patient) FlushError() error {
	if !p.answered {
		p.WriteHeader(http.StatusOK)
	}

	p.begin()
	err := p.control.Flush()
	p.end(err)

	return err
}

// Flush implements http.Flusher.
func (p *patient) Flush() { _ = p.FlushError() }

// Hijack implements http.Hijacker.
func (p *patient) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := p.control.Hijack()
	p.hijacked = err == nil

	return conn, buffered, err
}

// Unwrap is for http.ResponseController.
func (p *patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// bare is the response of net/http itself, which http.MaxBytesReader knows how to tell that a body is too long.
func bare(w http.ResponseWriter) http.ResponseWriter {
	if p, ok := w.(*patient); ok {
		return p.ResponseWriter
	}

	return w
}
