package e2e

import (
	"bufio"
	bigendian "encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// frame is the head of a masked WebSocket text frame of the given length, and its mask.
func frame(length uint64, flags byte) []byte {
	head := []byte{flags | 0x81, 0x80 | 127}
	head = bigendian.BigEndian.AppendUint64(head, length)
	return append(head, 1, 2, 3, 4)
}

// upgraded opens a WebSocket by hand, so that what no library would send can be sent.
func (s *server) upgraded(t testing.TB, headers string) (net.Conn, *bufio.Reader, string) {
	t.Helper()
	conns := s.raw(t, 50)[:1]
	c := conns[0]
	_, err := io.WriteString(c, "GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Protocol: graphql-transport-ws\r\n"+headers+"\r\n")
	require.NoError(t, err)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
	return c, r, resp.Header.Get("Sec-WebSocket-Extensions")
}

func TestWebSocketFramesOf100MBAreNotRead(t *testing.T) {
	t.Parallel()
	s := underAttack(t, newSQLite(t))
	s.withstands(t, func() {
		for range 5 {
			c, r, extensions := s.upgraded(t, "Sec-WebSocket-Extensions: permessage-deflate\r\n")
			require.Empty(t, extensions, "compression is not offered, so no message can be a bomb")
			_, err := c.Write(frame(100<<20, 0))
			require.NoError(t, err)
			go func() {
				zeros := make([]byte, 1<<20)
				for range 100 {
					if _, err := c.Write(zeros); err != nil {
						return
					}
				}
			}()
			_, err = io.Copy(io.Discard, r) // to the close frame, and the end
			if err != nil {
				require.False(t, isTimeout(err), "the server goes on reading")
			}
			require.NoError(t, c.Close())
		}
	})
}

func TestCompressedWebSocketMessagesAreRefused(t *testing.T) {
	t.Parallel()
	s := underAttack(t, newSQLite(t))
	s.withstands(t, func() {
		c, r, _ := s.upgraded(t, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n")
		_, err := c.Write(append(frame(16, 0x40), make([]byte, 16)...)) // RSV1: compressed
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, r)
		if err != nil {
			require.False(t, isTimeout(err), "the server goes on reading")
		}
	})
}

func TestAThousandSubscriptionsOnOneSocketAreTooMany(t *testing.T) {
	t.Parallel()
	s := underAttack(t, newSQLite(t))
	s.withstands(t, func() {
		sub := s.dial(t)
		sub.conn.SetReadLimit(1 << 20)
		sub.send(t, s.connectionInit())
		require.Equal(t, "connection_ack", sub.read(t)["type"])
		for i := range 1000 {
			sub.send(t, map[string]any{
				"type": "subscribe", "id": fmt.Sprint(i), "payload": map[string]any{"query": `subscription { entryCreated { cursor } }`},
			})
		}
		const perConnection = 100
		for range 1000 - perConnection {
			message := sub.read(t)
			require.Equal(t, "error", message["type"])
			require.Equal(t, "RATE_LIMITED", value(t, message, "payload", 0, "extensions", "code"))
		}
		require.NoError(t, sub.conn.Close(websocket.StatusNormalClosure, ""))
	})
}
