package httpserver_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/httpserver"
)

// longAnswer is the length of an answer that no socket keeps for a client, in bytes.
const longAnswer = 48 << 20

// hungry gives a client half a second for each piece of an answer: over a minute and a half for all of a long one.
func hungry(c *httpserver.Config, _ *httpserver.Deps) {
	c.WriteTimeout, c.MaxBodyBytes, c.Edge.MaxIntakeBytes = 500*time.Millisecond, longAnswer+1000, 8*longAnswer
}

// askForMuch sends a request whose answer is as long as its variables, on a connection that nobody reads.
func (s *site) askForMuch(t *testing.T, headers string) net.Conn {
	t.Helper()

	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(64<<10)) // what the client's side keeps is not what is tested

	body := `{"query":"query($v:JSON){echo(value:$v)}","variables":{"v":"` + strings.Repeat("x", longAnswer) + `"}}`
	_, err = fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\n%s\r\n%s", len(body), headers, body)
	require.NoError(t, err)

	return conn
}

func TestAClientThatStopsReadingALongAnswerIsCutOffAfterAPiece(t *testing.T) {
	t.Parallel()

	for _, accept := range []string{"", "Accept: text/event-stream\r\n"} {
		s := start(t, hungry)
		conn := s.askForMuch(t, accept)
		eventually(t, func() bool { return len(s.log.lines(t, "operation")) == 1 }, "the operation to end")

		n, err := io.Copy(io.Discard, conn)
		require.Less(t, n, int64(longAnswer), err)
	}
}

func TestAWebSocketClientThatStopsReadingALongMessageIsCutOffAfterAPiece(t *testing.T) {
	t.Parallel()

	s := start(t, hungry)
	w := s.connect(t)
	w.subscribe("1", fmt.Sprintf(`subscription { flood(size: %d) }`, longAnswer))
	receive(t, s.resolver.Left, "the source to end")
}

// The kernel has megabytes for a client, and tells of room only when much of them has gone.
func TestAClientThatReadsSlowlyIsNotCutOff(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, d *httpserver.Deps) {
		hungry(c, d)
		c.WriteTimeout = 2 * time.Second
	})
	conn := s.askForMuch(t, "")

	pace := time.NewTicker(100 * time.Millisecond)
	defer pace.Stop()

	for range 70 {
		<-pace.C

		_, err := io.CopyN(io.Discard, conn, 26<<10) // twice as much as it has to
		require.NoError(t, err)
		require.Empty(t, s.log.lines(t, "operation"), "the answer was given up")
	}
}
