package httpserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"samjournal/internal/requestid"
)

// subprotocol is the only WebSocket subprotocol served:
// https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
const subprotocol = "graphql-transport-ws"

// The close codes of graphql-transport-ws, and those of RFC 6455 and IANA that are used here. What a stock client does with
// one is as important as its meaning: graphql-ws never connects again after 4400, 4401, 4406, 4409, 4429 and 4500, and does,
// with its backoff, after 1012, 4403, 4408 and 4503.
const (
	closeServiceRestart  websocket.StatusCode = websocket.StatusServiceRestart // 1012
	closeBadRequest      websocket.StatusCode = 4400
	closeUnauthorized    websocket.StatusCode = 4401
	closeForbidden       websocket.StatusCode = 4403
	closeSubprotocol     websocket.StatusCode = 4406
	closeInitTimeout     websocket.StatusCode = 4408
	closeDuplicateID     websocket.StatusCode = 4409
	closeTooManyInits    websocket.StatusCode = 4429
	closeInternal        websocket.StatusCode = 4500
	closeOverload        websocket.StatusCode = 4503
	maxCloseReason                            = 123 // bytes, RFC 6455, 5.5
	maxOperationIDLength                      = 256
	maxInitBytes                              = 64 << 10 // of a message of who is not known yet: as much as headers have
)

// socket is one WebSocket connection. One goroutine reads; each operation has a goroutine of its own while it has something
// to do; pings run on a timer. All of them write through conn, which takes one message at a time.
type socket struct {
	server *Server
	conn   *websocket.Conn
	link   *link // below conn
	cancel context.CancelFunc
	// writes is never cancelled: conn would drop the whole connection when an operation's write is. The link has deadlines.
	writes context.Context //nolint:containedctx // see above

	// Owned by the reading goroutine.
	ctx     context.Context //nolint:containedctx // the connection's; it carries the viewer after connection_init
	request *http.Request   // nil after connection_init
	input   share           // the memory of the message that is being read or handled
	viewer  string          // its name, once it is known
	inited  bool
	serial  int    // of the last operation, for request ids
	unwatch func() // ends the watch over the viewer

	pace messagePace

	sending sync.Mutex     // held while messages are sent
	running sync.WaitGroup // operations' goroutines, and subscriptions
	writing atomic.Int32   // messages that are being written
	closing sync.Once
	closed  chan struct{} // closed when the closing handshake is over

	mu         sync.Mutex
	operations map[string]*socketOperation // guarded by mu
	active     int                         // guarded by mu: operations that run, ended by the client or not
	draining   bool                        // guarded by mu: no operation begins any more
	pinger     *time.Timer                 // guarded by mu
	initTimer  *time.Timer                 // set before reading begins
}

// serveWebSocket accepts a connection and has it served. The request's own goroutine, with all that net/http keeps for it,
// ends here.
func (s *Server) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	hijacker := &linkHijacker{ResponseWriter: w, server: s}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	pace := s.newMessagePace(ctx)

	conn, err := websocket.Accept(hijacker, r, &websocket.AcceptOptions{
		Subprotocols:       []string{subprotocol},
		InsecureSkipVerify: true, // checkOrigin has compared the origin, and knows those that are allowed
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived:     func(context.Context, []byte) bool { return pace.wait() },
		OnPongReceived:     func(context.Context, []byte) { pace.wait() },
	})
	if err != nil {
		cancel()

		return // Accept has answered
	}

	conn.SetReadLimit(min(s.cfg.MaxBodyBytes, maxInitBytes))

	c := &socket{
		server: s, conn: conn, link: hijacker.link, request: r, ctx: ctx, cancel: cancel, writes: context.WithoutCancel(ctx),
		operations: make(map[string]*socketOperation), closed: make(chan struct{}), unwatch: func() {}, pace: pace,
	}

	switch s.work.open(c, clientOf(ctx).addr) {
	case admitted:
	case tooManyOfAddress:
		s.metrics.refuse(refusedAddressStreams)
		c.refuse(closeOverload, fmt.Sprintf(
			"Too many connections from your address: %d is the limit (SAMJOURNAL_RATE_ADDRESS_CONNECTIONS)",
			s.cfg.Rates.AddressConnections))

		return
	case tooMany:
		s.metrics.refuse(refusedStreams)
		c.refuse(closeOverload, fmt.Sprintf("Too many connections: %d is the limit (SAMJOURNAL_MAX_CONNECTIONS)", s.cfg.MaxStreams))

		return
	case endingSoon:
		c.refuse(closeServiceRestart, "Service restart")

		return
	}

	if conn.Subprotocol() != subprotocol {
		c.refuse(closeSubprotocol, "Subprotocol not acceptable")
		s.work.close(c)

		return
	}

	go c.serve()
}

// refuse closes a connection that is not served.
func (c *socket) refuse(code websocket.StatusCode, reason string) {
	c.close(code, reason)
	c.cancel()
}

// serve reads until the connection ends, and returns when nothing of it runs any more.
func (c *socket) serve() {
	defer c.server.work.close(c)

	c.server.metrics.streams.WithLabelValues(transportWebSocket).Inc()
	defer c.server.metrics.streams.WithLabelValues(transportWebSocket).Dec()

	c.initTimer = time.AfterFunc(c.server.cfg.InitTimeout, func() {
		c.close(closeInitTimeout, "Connection initialisation timeout")
	})
	c.startPings(c.ctx)

	for c.readMessage() {
	}

	// A closing handshake that has begun goes on to its end; it needs nobody to read any more.
	c.cancel()
	c.unwatch()
	c.initTimer.Stop()
	c.stopPings()
	c.running.Wait()
	c.closing.Do(func() {
		_ = c.conn.CloseNow()
		close(c.closed)
	})
	<-c.closed
}

// readMessage handles the next message and returns false when there will be none.
func (c *socket) readMessage() bool {
	defer c.recovered()

	kind, from, err := c.conn.Reader(c.writes)
	if err != nil {
		return false
	}

	if kind != websocket.MessageText {
		return c.end(closeBadRequest, "Messages must be text")
	}

	c.input = c.server.intake.of(c.viewer)
	defer c.input.release()

	text, err := c.readText(from)
	if err != nil {
		return c.endUnread(err)
	}

	if !c.pace.wait() {
		if c.pace.ctx.Err() != nil {
			return false
		}

		c.server.metrics.refuse(refusedAddressRate)

		return c.end(closeOverload, "Too many messages from your address")
	}

	return c.handle(text)
}

// recovered is deferred by goroutines of the connection: a panic, which resolvers' are not, costs the connection alone.
func (c *socket) recovered() {
	if value := recover(); value != nil {
		_ = c.server.panicked(c.writes, value) // it is logged
		c.abort()
	}
}

// close begins the closing handshake; only the first call counts. It may be called by any goroutine and takes up to ten
// seconds with a client that does not answer.
func (c *socket) close(code websocket.StatusCode, reason string) {
	c.closing.Do(func() {
		defer close(c.closed)

		if len(reason) > maxCloseReason {
			reason = strings.ToValidUTF8(reason[:maxCloseReason], "")
		}

		_ = c.conn.Close(code, reason)
		c.cancel()
	})
}

// send writes one message.
func (c *socket) send(message []byte) bool {
	return c.sendAll(1, func(int, *bytes.Buffer) []byte { return message })
}

// sendAll writes n messages at once. A client that does not take them in time is cut off, and its operations with it. The
// buffer is for message to write into.
func (c *socket) sendAll(n int, message func(i int, b *bytes.Buffer) []byte) bool {
	c.writing.Add(1)
	defer c.writing.Add(-1)

	c.sending.Lock()
	defer c.sending.Unlock()

	if err := c.writeAll(n, message); err != nil {
		c.abort()

		return false
	}

	return true
}

// writeAll is called with sending held.
func (c *socket) writeAll(n int, message func(i int, b *bytes.Buffer) []byte) error {
	b := c.server.buffers.get()
	defer c.server.buffers.put(b)

	c.link.hold()

	var err error
	for i := 0; i < n && err == nil; i++ {
		b.Reset()
		err = c.conn.Write(c.writes, websocket.MessageText, message(i, b))
	}

	return errors.Join(err, c.link.release())
}

// startPings begins the timer of ping.
func (c *socket) startPings(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.pinger = time.AfterFunc(c.server.cfg.PingInterval, func() { c.ping(ctx) })
}

// ping sends the protocol's ping, which shows proxies and the client's library a living connection, and a WebSocket ping
// frame, which every client's stack answers: who does not is gone. While a long message is on its way to a slow client no
// frame can pass it; then the write timeout judges.
func (c *socket) ping(ctx context.Context) {
	if c.writing.Load() == 0 {
		if !c.send([]byte(`{"type":"ping"}`)) {
			return
		}

		deadline, cancel := context.WithTimeout(ctx, c.server.cfg.PingInterval)
		defer cancel()

		if err := c.conn.Ping(deadline); err != nil && c.writing.Load() == 0 {
			c.abort()

			return
		}
	}

	c.mu.Lock()
	defer c.mu.Unlock()

	if c.pinger != nil {
		c.pinger.Reset(c.server.cfg.PingInterval)
	}
}

func (c *socket) stopPings() {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.pinger.Stop()
	c.pinger = nil
}

// drain ends the connection in order: subscriptions now, the rest when it has finished.
func (c *socket) drain() {
	c.mu.Lock()
	c.draining = true

	for _, op := range c.operations {
		if op.endless.Load() {
			op.cancel()
		}
	}
	c.mu.Unlock()

	go func() {
		c.running.Wait()
		c.close(closeServiceRestart, "Service restart")
	}()
}

// abort cuts the connection without a handshake.
func (c *socket) abort() {
	c.cancel()
	_ = c.conn.CloseNow()
}

// nextRequestID names the operations of a connection apart, so that each has its own id in the log and in INTERNAL errors.
func (c *socket) nextRequestID(ctx context.Context) context.Context {
	c.serial++

	return requestid.With(ctx, socketRequestID(requestid.From(c.writes), c.serial))
}
