package httpserver

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// An idle connection keeps these buffers: a client's messages are short, and longer ones pass them by.
const (
	wireReadBuffer  = 512
	wireWriteBuffer = 64

	// keptBuffer is the largest buffer that is used again.
	keptBuffer = 64 << 10
)

// buffers are used again and again.
type buffers struct{ pool sync.Pool }

// get returns an empty buffer.
func (p *buffers) get() *bytes.Buffer {
	if b, ok := p.pool.Get().(*bytes.Buffer); ok {
		return b
	}

	return new(bytes.Buffer)
}

// put takes a buffer back that nobody uses any more, nor what was in it.
func (p *buffers) put(b *bytes.Buffer) {
	if b.Cap() <= keptBuffer {
		b.Reset()
		p.pool.Put(b)
	}
}

// wire is the connection below a WebSocket. It sends what was written between hold and release at once, and gives up on a
// client that does not take what is sent to it in time. It is safe for concurrent use, but for Read.
type wire struct {
	net.Conn

	server *Server
	early  []byte // what net/http has read already

	mu   sync.Mutex
	held *bytes.Buffer // not nil: writes are held back; guarded by mu
}

// wireHijacker hands the connection of a request over as a wire.
type wireHijacker struct {
	http.ResponseWriter

	server *Server
	wire   *wire
}

var _ http.Hijacker = (*wireHijacker)(nil)

// Hijack implements http.Hijacker.
func (h *wireHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("hijack: %w", err)
	}

	early, _ := buffered.Peek(buffered.Reader.Buffered()) // what is buffered can be peeked at
	h.wire = &wire{Conn: conn, server: h.server, early: slices.Clone(early)}

	return h.wire, bufio.NewReadWriter(
		bufio.NewReaderSize(h.wire, wireReadBuffer), bufio.NewWriterSize(h.wire, wireWriteBuffer),
	), nil
}

// Read reads what came with the request first.
func (w *wire) Read(p []byte) (int, error) {
	if len(w.early) == 0 {
		return w.Conn.Read(p)
	}

	n := copy(p, w.early)
	if w.early = w.early[n:]; len(w.early) == 0 {
		w.early = nil
	}

	return n, nil
}

// Write sends, or holds back.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()

	if w.held != nil {
		return w.held.Write(p)
	}

	return w.send(p)
}

// hold begins to hold writes back. Calls do not nest.
func (w *wire) hold() {
	w.mu.Lock()
	defer w.mu.Unlock()

	w.held = w.server.buffers.get()
}

// release sends what was held back.
func (w *wire) release() error {
	w.mu.Lock()
	defer w.mu.Unlock()

	held := w.held
	w.held = nil

	defer w.server.buffers.put(held)

	_, err := w.send(held.Bytes())

	return err
}

// send is called with mu held.
func (w *wire) send(p []byte) (int, error) {
	if err := w.SetWriteDeadline(time.Now().Add(w.server.allowance(len(p)))); err != nil {
		return 0, fmt.Errorf("set write deadline: %w", err)
	}

	return w.Conn.Write(p)
}
