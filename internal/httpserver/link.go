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
	linkReadBuffer  = 512
	linkWriteBuffer = 64

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

// link is the connection below a WebSocket. It sends what was written between hold and release at once, and gives up on a
// client that does not take what is sent to it in time. It is safe for concurrent use, but for Read.
type link struct {
	net.Conn

	server *Server
	early  []byte // what net/http has read already

	mu   sync.Mutex
	held *bytes.Buffer // not nil: writes are held back; guarded by mu
}

// linkHijacker hands the connection of a request over as a link.
type linkHijacker struct {
	http.ResponseWriter

	server *Server
	link   *link
}

var _ http.Hijacker = (*linkHijacker)(nil)

// Hijack implements http.Hijacker.
func (h *linkHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("hijack: %w", err)
	}

	early, _ := buffered.Peek(buffered.Reader.Buffered()) // what is buffered can be peeked at
	h.link = &link{Conn: conn, server: h.server, early: slices.Clone(early)}

	return h.link, bufio.NewReadWriter(
		bufio.NewReaderSize(h.link, linkReadBuffer), bufio.NewWriterSize(h.link, linkWriteBuffer),
	), nil
}

// Read reads what came with the request first.
func (l *link) Read(p []byte) (int, error) {
	if len(l.early) == 0 {
		return l.Conn.Read(p)
	}

	n := copy(p, l.early)
	if l.early = l.early[n:]; len(l.early) == 0 {
		l.early = nil
	}

	return n, nil
}

// Write sends, or holds back.
func (l *link) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()

	if l.held != nil {
		return l.held.Write(p)
	}

	return l.send(p)
}

// hold begins to hold writes back. Calls do not nest.
func (l *link) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.held = l.server.buffers.get()
}

// release sends what was held back.
func (l *link) release() error {
	l.mu.Lock()
	defer l.mu.Unlock()

	held := l.held
	l.held = nil

	defer l.server.buffers.put(held)

	_, err := l.send(held.Bytes())

	return err
}

// send is called with mu held.
func (l *link) send(p []byte) (int, error) {
	return inPieces(p, func(piece []byte) (int, error) {
		if err := l.SetWriteDeadline(time.Now().Add(l.server.cfg.WriteTimeout)); err != nil {
			return 0, fmt.Errorf("set write deadline: %w", err)
		}

		return l.Conn.Write(piece)
	})
}
