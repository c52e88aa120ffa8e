//go:build fault

package fault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// filter is a subscription's filter and, in the words of the tables, what it must let through.
type filter struct {
	where map[string]any
	sql   string
}

func filters() []filter {
	return []filter{
		{nil, "1 = 1"},
		{map[string]any{"statusCodeGTE": 400}, "status_code >= 400"},
		{map[string]any{"thing": "PLUGIN"}, "thing = 'Plugin'"},
		{map[string]any{"commandIn": []string{"APPLY", "DELETE"}}, "command IN ('apply', 'delete')"},
		{map[string]any{"username": "user-3"}, "username = 'user-3'"},
		{map[string]any{"usernameIsNil": true}, "username IS NULL"},
		{
			map[string]any{"or": []any{map[string]any{"thing": "ACCOUNT"}, map[string]any{"statusCode": 201}}},
			"(thing = 'Account' OR status_code = 201)",
		},
		{
			map[string]any{"not": map[string]any{"thing": "PROMPT"}, "statusCodeNEQ": 200, "username": "user-1"},
			"NOT (thing = 'Prompt') AND status_code <> 200 AND username = 'user-1'",
		},
	}
}

// edge is an edge of entryCreated.
type edge struct {
	Cursor string
	Node   struct {
		Key      string
		Position int64
	}
}

const entryCreated = `subscription ($after: Cursor, $where: EntryWhereInput) {
	entryCreated(after: $after, where: $where) { cursor node { key position } } }`

// subscriber follows the journal and, whenever its connection is lost, goes on at a random node after the last edge that it
// handled.
type subscriber struct {
	filter filter
	urls   func() string // of a random node
	drops  bool          // leaves by itself now and then

	after atomic.Pointer[string] // the cursor of the last edge that was handled

	mu       sync.Mutex
	log      []acknowledged // the edges that were handled, in order; guarded by mu
	resumed  int            // subscriptions that the server began; guarded by mu
	failures []string       // guarded by mu
	codes    map[string]int // how subscriptions ended; guarded by mu
}

// run follows until ctx ends.
func (s *subscriber) run(ctx context.Context) {
	for ctx.Err() == nil {
		life, cancel := ctx, context.CancelFunc(func() {})
		if s.drops {
			life, cancel = context.WithTimeout(ctx, time.Duration(100+rand.IntN(4000))*time.Millisecond)
		}
		err := s.follow(life)
		cancel()
		if ctx.Err() == nil {
			s.ended(err)
			pause(ctx, time.Duration(rand.IntN(200))*time.Millisecond)
		}
	}
}

// ended notes why a subscription ended. A lost connection is part of life; an end without reason, or for a reason that
// would keep a client from going on, is not.
func (s *subscriber) ended(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reason := code(err)
	switch status := websocket.CloseStatus(err); {
	case reason != "":
	case status != -1:
		reason = fmt.Sprintf("close %d", status)
	case errors.Is(err, context.DeadlineExceeded):
		reason = "dropped"
	default:
		reason = "lost"
	}
	s.codes[reason]++
	switch reason {
	case "UNAVAILABLE", "close 1012", "close 1001", "close 1006", "close 4503", "dropped", "lost":
	default:
		s.failures = append(s.failures, fmt.Sprintf("subscriber %v: ended with %s: %v", s.filter.where, reason, err))
	}
}

// message is one of graphql-transport-ws.
type message struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// follow subscribes once and handles edges until the subscription ends.
func (s *subscriber) follow(ctx context.Context) error {
	conn, err := subscribe(ctx, s.urls(), s.after.Load(), s.filter.where)
	if err != nil {
		return err
	}
	defer func() { _ = conn.CloseNow() }()
	s.mu.Lock()
	s.resumed++
	s.mu.Unlock()
	for {
		e, err := nextEdge(ctx, conn)
		if err != nil {
			return err
		}
		s.handle(e)
		if rand.IntN(2000) == 0 && !pause(ctx, time.Second) { // a slow moment
			return ctx.Err()
		}
	}
}

func (s *subscriber) handle(e edge) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, acknowledged{key: e.Node.Key, position: e.Node.Position})
	s.after.Store(&e.Cursor)
}

// last is the position of the last edge that was handled, −1 when there is none.
func (s *subscriber) last() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.log) == 0 {
		return -1
	}
	return s.log[len(s.log)-1].position
}

// subscribe opens a connection and sends the subscription.
func subscribe(ctx context.Context, url string, after *string, where map[string]any) (*websocket.Conn, error) {
	opening, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	conn, resp, err := websocket.Dial(opening, strings.Replace(url, "http", "ws", 1)+"/graphql",
		&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		return nil, err
	}
	if resp.Body != nil {
		resp.Body.Close()
	}
	conn.SetReadLimit(1 << 20)
	payload, err := json.Marshal(map[string]any{
		"query": entryCreated, "variables": map[string]any{"after": after, "where": where},
	})
	if err == nil {
		err = send(opening, conn, message{Type: "connection_init"})
	}
	if err == nil {
		_, _, err = conn.Read(opening) // connection_ack: nothing else comes first
	}
	if err == nil {
		err = send(opening, conn, message{Type: "subscribe", ID: "1", Payload: payload})
	}
	if err != nil {
		return nil, errors.Join(err, conn.CloseNow())
	}
	return conn, nil
}

func send(ctx context.Context, conn *websocket.Conn, m message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return conn.Write(ctx, websocket.MessageText, text)
}

// nextEdge returns the next edge. The error is a *refusal when the server ended the subscription with one.
func nextEdge(ctx context.Context, conn *websocket.Conn) (edge, error) {
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return edge{}, err
		}
		var m message
		if json.Unmarshal(text, &m) != nil {
			return edge{}, unexpected(text)
		}
		switch m.Type {
		case "ping":
		case "next":
			var next struct{ Data struct{ EntryCreated *edge } }
			err := json.Unmarshal(m.Payload, &next)
			if err != nil || next.Data.EntryCreated == nil {
				return edge{}, unexpected(text)
			}
			return *next.Data.EntryCreated, nil
		case "error":
			var refused []*refusal
			if err := json.Unmarshal(m.Payload, &refused); err != nil || len(refused) == 0 {
				return edge{}, unexpected(text)
			}
			return edge{}, refused[0]
		default:
			return edge{}, unexpected(text)
		}
	}
}

// unexpected is the error for a message that the protocol or the schema has no place for here.
func unexpected(text []byte) error {
	r := &refusal{Message: string(text)}
	r.Extensions.Code = "UNEXPECTED MESSAGE"
	return r
}
