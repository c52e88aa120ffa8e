package httpserver

import (
	"bufio"
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
	hijacked bool
}

// withPatience bounds how long a client may take to receive an answer, and to send a body that nobody reads: net/http reads such
// a body, without a limit of its own, before it answers. Who does read one sets limits of its own.
func (s *Server) withPatience(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &patient{ResponseWriter: w, control: http.NewResponseController(w), server: s}

		if r.ContentLength != 0 {
			_ = p.control.SetReadDeadline(pacer{began: time.Now(), longest: s.cfg.ReadTimeout}.deadline(0))
		}

		next.ServeHTTP(p, r)

		if !p.hijacked {
			p.begin(0) // net/http sends what is left, and lifts the limit before the connection's next request
		}
	})
}

func (p *patient) begin(n int) {
	_ = p.control.SetWriteDeadline(time.Now().Add(p.server.allowance(n)))
}

// end lifts the limit, unless it is over.
func (p *patient) end(err error) {
	if err == nil {
		_ = p.control.SetWriteDeadline(time.Time{})
	}
}

// Write implements http.ResponseWriter.
func (p *patient) Write(b []byte) (int, error) {
	p.begin(len(b))
	n, err := p.ResponseWriter.Write(b)
	p.end(err)

	return n, err
}

// FlushError is for http.ResponseController.
func (p *patient) FlushError() error {
	p.begin(0)
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
