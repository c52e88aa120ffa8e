package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// subscription is one entryCreated on a WebSocket of its own.
type subscription struct {
	conn *websocket.Conn
}

const entryCreated = `subscription ($after: Cursor, $where: EntryWhereInput) {
	entryCreated(after: $after, where: $where) { cursor node { key position request response } } }`

// follow subscribes to what comes after the journal's present end.
func (s *server) follow(t testing.TB) *subscription {
	t.Helper()
	head := value(t, s.query(t, `{ entries(first: 0) { headCursor } }`, nil), "entries", "headCursor")
	return s.subscribe(t, map[string]any{"after": head})
}

// dial opens a connection.
func (s *server) dial(t testing.TB) *subscription {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, resp, err := websocket.Dial(ctx, strings.Replace(s.url, "http", "ws", 1)+"/graphql",
		&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	require.NoError(t, err)
	if resp.Body != nil {
		resp.Body.Close()
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &subscription{conn: conn}
}

// subscribe opens a connection and subscribes. The server may not have begun when it returns: give it a cursor.
func (s *server) subscribe(t testing.TB, variables map[string]any) *subscription {
	t.Helper()
	sub := s.dial(t)
	sub.send(t, s.connectionInit())
	require.Equal(t, "connection_ack", sub.read(t)["type"])
	sub.send(t, map[string]any{
		"type": "subscribe", "id": "1", "payload": map[string]any{"query": entryCreated, "variables": variables},
	})
	return sub
}

func (s *server) connectionInit() map[string]any {
	if s.token == "" {
		return map[string]any{"type": "connection_init"}
	}
	return map[string]any{"type": "connection_init", "payload": map[string]any{"Authorization": "Bearer " + s.token}}
}

func (s *subscription) send(t testing.TB, message any) {
	t.Helper()
	text, err := json.Marshal(message)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, s.conn.Write(ctx, websocket.MessageText, text))
}

// read returns the next message that is no ping.
func (s *subscription) read(t testing.TB) map[string]any {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	message, err := s.receive(ctx)
	require.NoError(t, err)
	return message
}

func (s *subscription) receive(ctx context.Context) (map[string]any, error) {
	for {
		_, text, err := s.conn.Read(ctx)
		if err != nil {
			return nil, err
		}
		var message map[string]any
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		if err := decoder.Decode(&message); err != nil || message["type"] != "ping" {
			return message, err
		}
	}
}

// next returns the next edge.
func (s *subscription) next(t testing.TB) map[string]any {
	t.Helper()
	message := s.read(t)
	require.Equal(t, "next", message["type"], message)
	edge, ok := value(t, message, "payload", "data", "entryCreated").(map[string]any)
	require.True(t, ok, message)
	return edge
}

// closed waits for the server to close the connection and returns its code.
func (s *subscription) closed(t testing.TB) websocket.StatusCode {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		if _, _, err := s.conn.Read(ctx); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}
