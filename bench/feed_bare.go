package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// bareArg makes this program the bare server.
const bareArg = "serve-bare"

// bare is a feed without a journal: POST /broadcast sends each line of its body to all who listen at /graphql, by WebSocket
// or as an event stream, in the protocols' envelopes. It understands no GraphQL, waits for no database and has no limits, no
// pings and no timeouts.
//
// A connection has one goroutine, that of its handler. One goroutine a processor writes to all connections of its shard in
// turn. The usual alternative, a queue and a writing goroutine for each connection, delivers as much in bursts, but takes half
// as much processor time again where messages come one by one, and 10 KiB more for each connection. It is for servers that
// must not let one slow reader hold up the others; here is none.
type bare struct {
	shards []*bareShard
	opened atomic.Uint64
}

// bareShard is a part of the connections.
type bareShard struct {
	broadcasts chan bareBroadcast

	mu          sync.Mutex       // held while anything is sent
	subscribers []bareSubscriber // guarded by mu
	text, held  []byte           // guarded by mu: buffers that are used again and again
}

// bareBroadcast is what came with one request. Joined, each subscriber gets it all with one write, which no library here
// offers and not everybody would do.
type bareBroadcast struct {
	payloads [][]byte
	joined   bool
}

type bareSubscriber interface {
	// send writes messages, with one write, and returns the buffer to be used again.
	send(payloads [][]byte, buffer []byte) ([]byte, error)
}

// serveBare ends with the context, or with its standard input: who started it may have been killed.
func serveBare(ctx context.Context, in io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: newBare(ctx), ReadHeaderTimeout: patience}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	fmt.Fprintf(os.Stderr, "http://%s\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// newBare returns the server's handler. Its goroutines end with the context.
func newBare(ctx context.Context) http.Handler {
	b := &bare{}
	for range runtime.GOMAXPROCS(0) {
		s := &bareShard{broadcasts: make(chan bareBroadcast, 16)}
		b.shards = append(b.shards, s)
		go s.run(ctx)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /broadcast", b.broadcast)
	mux.HandleFunc("GET /graphql", b.listen)
	mux.Handle("GET /metrics", promhttp.Handler())
	return mux
}

func (b *bare) broadcast(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	payloads := bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	for _, s := range b.shards {
		s.broadcasts <- bareBroadcast{payloads: payloads, joined: r.URL.Query().Has("joined")}
	}
}

func (b *bare) listen(w http.ResponseWriter, r *http.Request) {
	shard := b.shards[b.opened.Add(1)%uint64(len(b.shards))]
	if r.Header.Get("Upgrade") == "" {
		shard.serveEvents(w, r)
		return
	}
	h := &holder{ResponseWriter: w}
	conn, err := websocket.Accept(h, r, &websocket.AcceptOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		return // Accept has answered
	}
	_ = shard.serveSocket(r.Context(), &bareSocket{shard: shard, conn: conn, held: h.held}) // the client has gone
	_ = conn.CloseNow()
}

func (s *bareShard) run(ctx context.Context) {
	for {
		select {
		case b := <-s.broadcasts:
			s.send(b)
		case <-ctx.Done():
			return
		}
	}
}

// send gives one subscriber all payloads before it turns to the next, which makes the client read several at once.
func (s *bareShard) send(b bareBroadcast) {
	s.mu.Lock()
	defer s.mu.Unlock()
	step := 1
	if b.joined {
		step = len(b.payloads)
	}
	for _, subscriber := range s.subscribers {
		for some := range slices.Chunk(b.payloads, step) {
			var err error
			if s.text, err = subscriber.send(some, s.text[:0]); err != nil {
				break // its handler takes it out
			}
		}
	}
}

// remove returns when nothing is being sent to the subscriber any more.
func (s *bareShard) remove(b bareSubscriber) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscribers = slices.DeleteFunc(s.subscribers, func(other bareSubscriber) bool { return other == b })
}

// bareSocket is one subscription; the load client opens no second one on a connection.
type bareSocket struct {
	shard *bareShard
	conn  *websocket.Conn
	held  *heldConn // below conn
	id    string    // the client's
}

func (c *bareSocket) send(payloads [][]byte, b []byte) ([]byte, error) {
	if len(payloads) > 1 {
		c.held.hold(c.shard.held)
	}
	for _, payload := range payloads {
		b = append(b[:0], `{"id":"`...)
		b = append(b, c.id...)
		b = append(b, `","type":"next","payload":`...)
		b = append(b, payload...)
		b = append(b, '}')
		// No deadline, so none to set and clear.
		if err := c.conn.Write(context.Background(), websocket.MessageText, b); err != nil {
			return b, err
		}
	}
	if len(payloads) > 1 {
		var err error
		c.shard.held, err = c.held.release()
		return b, err
	}
	return b, nil
}

// heldConn can hold back what is written. The load client says nothing that is to be answered while entries come, so that
// only the shard's goroutine writes.
type heldConn struct {
	net.Conn

	holding bool
	text    []byte
}

func (c *heldConn) Write(text []byte) (int, error) {
	if !c.holding {
		return c.Conn.Write(text)
	}
	c.text = append(c.text, text...)
	return len(text), nil
}

func (c *heldConn) hold(buffer []byte) { c.holding, c.text = true, buffer[:0] }

// release writes what was held and gives the buffer back.
func (c *heldConn) release() ([]byte, error) {
	buffer := c.text
	c.holding, c.text = false, nil
	_, err := c.Conn.Write(buffer)
	return buffer, err
}

// holder lets a WebSocket be made of a heldConn.
type holder struct {
	http.ResponseWriter

	held *heldConn
}

func (h *holder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err == nil {
		h.held = &heldConn{Conn: conn}
		buffered.Writer.Reset(h.held)
		conn = h.held
	}
	return conn, buffered, err
}

func (s *bareShard) serveSocket(ctx context.Context, c *bareSocket) error {
	defer s.remove(c)
	for {
		_, text, err := c.conn.Read(ctx)
		if err != nil {
			return err
		}
		var message struct {
			Type string `json:"type"`
			ID   string `json:"id"`
		}
		if err := json.Unmarshal(text, &message); err != nil {
			return err
		}
		answer := ""
		switch message.Type {
		case "connection_init":
			answer = `{"type":"connection_ack"}`
		case "ping":
			answer = `{"type":"pong"}`
		case "subscribe":
			c.id = message.ID
			s.mu.Lock()
			s.subscribers = append(s.subscribers, c)
			s.mu.Unlock()
		}
		if answer != "" {
			if err := c.conn.Write(ctx, websocket.MessageText, []byte(answer)); err != nil {
				return err
			}
		}
	}
}

type bareEvents struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (e *bareEvents) send(payloads [][]byte, b []byte) ([]byte, error) {
	for _, payload := range payloads {
		b = append(b, "event: next\ndata: "...)
		b = append(b, payload...)
		b = append(b, "\n\n"...)
	}
	return b, e.write(b)
}

func (e *bareEvents) write(text []byte) error {
	if _, err := e.w.Write(text); err != nil {
		return err
	}
	return e.control.Flush()
}

func (s *bareShard) serveEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	e := &bareEvents{w: w, control: http.NewResponseController(w)}
	s.mu.Lock()
	err := e.write([]byte(":\n\n"))
	s.subscribers = append(s.subscribers, e) // before the client can know that it is connected, and say so to a writer
	s.mu.Unlock()
	defer s.remove(e)
	if err == nil {
		<-r.Context().Done()
	}
}
