package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The load client's side of both transports. A library's would cost the client as much as the server's costs the server, on
// the same processors: this reads a frame from a buffer without copying it, and knows nothing that no server here sends.

// wireBuffer is read at once, about ten messages of a burst.
const wireBuffer = 4 << 10

// wire is one subscription on a connection of its own. One goroutine reads it.
type wire interface {
	// next returns the next message that is neither a sign of life nor an answer to one. It is valid until the next call.
	next() ([]byte, error)
	// close cuts the connection off, without a trace in the system's tables: there are not ports enough to wait for each.
	close()
}

// subscribeRequest is GraphQL's, in both transports.
type subscribeRequest struct {
	Query     string         `json:"query"`
	Variables map[string]any `json:"variables"`
}

type wireConn struct {
	conn net.Conn
	r    *bufio.Reader
	long []byte // a message that the buffer cannot hold
}

// dial connects and sends a request; what it answers must have the status that is wanted.
func dial(ctx context.Context, address, request string, status int) (wireConn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return wireConn{}, err
	}
	c := wireConn{conn: conn, r: bufio.NewReaderSize(conn, wireBuffer)}
	if err := c.begin(request, status); err != nil {
		c.close()
		return wireConn{}, err
	}
	return c, nil
}

func (c *wireConn) begin(request string, status int) error {
	// Until the subscription stands; afterwards whoever waits for messages has a deadline.
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := io.WriteString(c.conn, request); err != nil {
		return err
	}
	line, err := c.r.ReadString('\n')
	if err != nil {
		return err
	}
	for header := "-"; header != ""; header = strings.TrimSpace(header) {
		if header, err = c.r.ReadString('\n'); err != nil {
			return err
		}
	}
	if fields := strings.Fields(line); len(fields) < 2 || fields[1] != strconv.Itoa(status) {
		return fmt.Errorf("answered %q, not %d", strings.TrimSpace(line), status)
	}
	return nil
}

func (c *wireConn) close() {
	if tcp, ok := c.conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.conn.Close()
}

// take returns the next n bytes.
func (c *wireConn) take(n int) ([]byte, error) {
	if n <= c.r.Size() {
		text, err := c.r.Peek(n)
		if err != nil {
			return nil, err
		}
		_, err = c.r.Discard(n) // the bytes stay where they are until the next read
		return text, err
	}
	if cap(c.long) < n {
		c.long = make([]byte, n)
	}
	_, err := io.ReadFull(c.r, c.long[:n])
	return c.long[:n], err
}

// socketWire speaks graphql-transport-ws.
type socketWire struct{ wireConn }

func dialSocket(ctx context.Context, address, id string, subscribe subscribeRequest) (*socketWire, error) {
	message, err := json.Marshal(map[string]any{"id": id, "type": "subscribe", "payload": subscribe})
	if err != nil {
		return nil, err
	}
	c, err := dial(ctx, address, "GET /graphql HTTP/1.1\r\nHost: "+address+"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\nSec-WebSocket-Key: "+
		base64.StdEncoding.EncodeToString([]byte("0123456789abcdef"))+"\r\n\r\n", http.StatusSwitchingProtocols)
	if err != nil {
		return nil, err
	}
	s := &socketWire{c}
	if err := s.subscribe(message); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// subscribe returns when the server has read the subscription: it reads in order, and has answered what came behind.
func (s *socketWire) subscribe(message []byte) error {
	if err := s.exchange([]byte(`{"type":"connection_init"}`), "connection_ack"); err != nil {
		return err
	}
	if err := s.write(opText, message); err != nil {
		return err
	}
	if err := s.exchange([]byte(`{"type":"ping"}`), "pong"); err != nil {
		return err
	}
	return s.conn.SetDeadline(time.Time{})
}

// exchange sends a message and waits for an answer of a kind.
func (s *socketWire) exchange(message []byte, want string) error {
	if err := s.write(opText, message); err != nil {
		return err
	}
	for {
		text, err := s.read()
		if err != nil {
			return err
		}
		switch kind := messageKind(text); kind {
		case want:
			return nil
		case "ping":
		default:
			return fmt.Errorf("%s instead of %s: %s", kind, want, text)
		}
	}
}

// messageKind is only for messages that are not many.
func messageKind(text []byte) string {
	var message struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(text, &message); err != nil {
		return err.Error()
	}
	return message.Type
}

func (s *socketWire) next() ([]byte, error) {
	for {
		text, err := s.read()
		if err != nil || bytes.Contains(text, []byte(positionName)) {
			return text, err
		}
		switch kind := messageKind(text); kind {
		case "ping":
			if err := s.write(opText, []byte(`{"type":"pong"}`)); err != nil {
				return nil, err
			}
		case "pong":
		default:
			return nil, fmt.Errorf("a message of type %s: %s", kind, text)
		}
	}
}

const (
	finBit   = 0x80
	maskBit  = 0x80
	opText   = 0x1
	opPing   = 0x9
	opPong   = 0xA
	len16bit = 126
)

// read returns the next message and answers ping frames.
func (s *socketWire) read() ([]byte, error) {
	for {
		head, err := s.take(2)
		if err != nil {
			return nil, err
		}
		first, n := head[0], int(head[1])
		switch {
		case n < len16bit:
		case n == len16bit:
			if head, err = s.take(2); err != nil {
				return nil, err
			}
			n = int(binary.BigEndian.Uint16(head))
		default: // neither masks nor messages of more than 64 KiB come from these servers
			return nil, fmt.Errorf("a frame that begins with %#x", head)
		}
		payload, err := s.take(n)
		if err != nil {
			return nil, err
		}
		switch first {
		case finBit | opText:
			return payload, nil
		case finBit | opPing:
			if err := s.write(opPong, payload); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("a frame that begins with %#x: %q", first, payload)
		}
	}
}

// write sends one frame. The mask that clients must use is zero: what is masked stays as it is.
func (s *socketWire) write(operation byte, payload []byte) error {
	frame := []byte{finBit | operation}
	if len(payload) < len16bit {
		frame = append(frame, maskBit|byte(len(payload)))
	} else {
		frame = binary.BigEndian.AppendUint16(append(frame, maskBit|len16bit), uint16(len(payload)))
	}
	frame = append(frame, 0, 0, 0, 0)
	_, err := s.conn.Write(append(frame, payload...))
	return err
}

// eventWire reads an event stream, which comes in chunks of HTTP.
type eventWire struct {
	wireConn

	chunk []byte // not yet read of the last chunk
}

func dialEvents(ctx context.Context, address string, subscribe subscribeRequest) (*eventWire, error) {
	variables, err := json.Marshal(subscribe.Variables)
	if err != nil {
		return nil, err
	}
	v := url.Values{"query": {subscribe.Query}, "variables": {string(variables)}}
	c, err := dial(ctx, address, "GET /graphql?"+v.Encode()+" HTTP/1.1\r\nHost: "+address+"\r\nAccept: text/event-stream\r\n\r\n",
		http.StatusOK)
	if err != nil {
		return nil, err
	}
	return &eventWire{wireConn: c}, c.conn.SetDeadline(time.Time{})
}

// next returns the data of the next event; there are comments between them.
func (e *eventWire) next() ([]byte, error) {
	for {
		line, rest, found := bytes.Cut(e.chunk, []byte("\n"))
		switch {
		case found:
			e.chunk = rest
		case len(e.chunk) > 0:
			return nil, fmt.Errorf("a chunk ends in the middle of a line: %q", e.chunk)
		default:
			if err := e.readChunk(); err != nil {
				return nil, err
			}
			continue
		}
		switch field, value, _ := bytes.Cut(line, []byte(":")); string(field) {
		case "data":
			return bytes.TrimPrefix(value, []byte(" ")), nil
		case "event":
			if string(bytes.TrimSpace(value)) != "next" {
				return nil, fmt.Errorf("an event of type %s", value)
			}
		}
	}
}

func (e *eventWire) readChunk() error {
	line, err := e.r.ReadSlice('\n')
	if err != nil {
		return err
	}
	n, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 31)
	if err != nil {
		return err
	}
	if n == 0 {
		return io.EOF
	}
	chunk, err := e.take(int(n) + len("\r\n"))
	if err != nil {
		return err
	}
	e.chunk = chunk[:n]
	return nil
}

// positionName marks a message that carries an entry.
const positionName = `"position":`

// cutPosition finds the first entry's position, and what is behind it.
func cutPosition(text []byte) (position int, behind []byte, err error) {
	_, behind, _ = bytes.Cut(text, []byte(positionName))
	digits := 0
	for ; digits < len(behind) && behind[digits] >= '0' && behind[digits] <= '9'; digits++ {
		position = position*10 + int(behind[digits]-'0')
	}
	if digits == 0 {
		return 0, nil, fmt.Errorf("no position in %s", text)
	}
	return position, behind[digits:], nil
}
