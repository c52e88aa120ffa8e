package httpserver_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"samjournal/internal/httpserver"
	"samjournal/internal/httpserver/internal/testschema"
)

// smallIntake has room for one body of 100,000 bytes and its values.
func smallIntake(c *httpserver.Config, _ *httpserver.Deps) {
	c.MaxBodyBytes, c.Edge.MaxIntakeBytes = 100_000, 400_000
}

// padded is a request of 100,000 bytes.
func padded() string {
	const query, size = `{"query":"{hello}","extensions":{"pad":""}}`, 100_000

	return strings.Replace(query, `""`, `"`+strings.Repeat("x", size-len(query))+`"`, 1)
}

// trickle begins a POST of a body of 100,000 bytes, sends a part of it, and holds the connection.
func (s *site) trickle(t *testing.T, sent int) net.Conn {
	t.Helper()

	const length = 100_000

	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })

	_, err = fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\n\r\n%s", length, padded()[:sent])
	require.NoError(t, err)

	return conn
}

func TestBodiesThatComeTogetherShareABudget(t *testing.T) {
	t.Parallel()

	s := start(t, smallIntake)
	slow := []net.Conn{s.trickle(t, 99_000), s.trickle(t, 99_000), s.trickle(t, 99_000)}

	// It has taken so much as has come, in steps; short requests get through all the same.
	refused := func() bool { return s.post(t, padded()).status == http.StatusServiceUnavailable }
	eventually(t, refused, "no room for another")

	a := s.post(t, padded())
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Equal(t, "UNAVAILABLE", a.code(t))
	require.Equal(t, "1", a.header.Get("Retry-After"))
	require.Equal(t, http.StatusOK, s.ask(t, `{ hello }`).status)
	require.NotContains(t, s.metric(t), `samjournal_refused_total{reason="memory"} 0`)

	w := s.connect(t)
	w.subscribe("1", `{ hello }`)
	require.Contains(t, w.read(), `"next"`)
	w.read()

	long := `{"type":"ping","payload":"` + strings.Repeat("x", 99_000) + `"}`
	w.send(long)
	w.expectClose(4503, "no memory")

	for _, conn := range slow {
		require.NoError(t, conn.Close())
	}

	eventually(t, func() bool { return s.post(t, padded()).status == http.StatusOK }, "room again")

	w = s.connect(t)
	w.send(long)
	require.Contains(t, w.read(), `"type":"pong"`)
}

func TestWhatIsAnnouncedTakesNoMemory(t *testing.T) {
	t.Parallel()

	s := start(t, smallIntake)
	for range 20 { // of which four would fit
		s.trickle(t, 10)
	}

	require.Equal(t, http.StatusOK, s.post(t, padded()).status)
}

func TestABodyOfTooManyValuesIs413(t *testing.T) {
	t.Parallel()

	s := start(t, smallIntake)
	bomb := `{"query":"{hello}","extensions":{"bomb":[` + strings.Repeat("0,", 20_000) + `0]}}`
	a := s.post(t, bomb)
	require.Equal(t, http.StatusRequestEntityTooLarge, a.status)
	require.Equal(t, "PAYLOAD_TOO_LARGE", a.code(t))
	require.Contains(t, a.Errors[0].Message, "it has so many values")
	require.Contains(t, a.Errors[0].Message, "400000 bytes for all requests")

	w := s.connect(t)
	w.send(`{"id":"1","type":"subscribe","payload":` + bomb + `}`)
	w.expectClose(websocket.StatusMessageTooBig, "so many values")

	a = s.do(t, http.MethodGet, "/graphql?query=%7Bhello%7D&extensions=%7B%22a%22:["+strings.Repeat("0,", 20_000)+"0]%7D", "")
	require.Equal(t, http.StatusRequestEntityTooLarge, a.status)
	require.Equal(t, http.StatusOK, s.ask(t, `{ hello }`).status)
}

func TestMemoryIsHeldUntilTheOperationEnds(t *testing.T) {
	t.Parallel()

	s := start(t, smallIntake)
	// 4,000 values take more than half of what there is.
	list := `"variables":{"v":[` + strings.Repeat("0,", 4_000) + `0]}`
	other := `{"query":"query($v: JSON) { echo(value: $v) }",` + list + `}`
	free := func() bool { return s.post(t, other).status == http.StatusOK }

	require.True(t, free())

	w := s.connect(t)
	w.send(`{"id":"q","type":"subscribe","payload":{"query":"query($v: JSON) { slow echo(value: $v) }",` + list + `}}`)
	receive(t, s.resolver.Waiting, "the query to run")
	require.False(t, free(), "a query holds its variables")
	close(s.resolver.Gate)
	w.read()
	w.read()
	eventually(t, free, "room again")

	w.send(`{"id":"s","type":"subscribe","payload":{"query":"subscription { forever }",` +
		strings.Replace(list, "variables", "extensions", 1) + `}}`)
	w.read()
	require.False(t, free(), "and so does a subscription, for as long as it goes on")
	w.send(`{"id":"s","type":"complete"}`)
	eventually(t, free, "room again")

	for range 10 { // what is refused holds nothing
		require.Equal(t, http.StatusBadRequest, s.post(t, strings.Replace(other, `"query":`, `"query":1,"nope":`, 1)).status)
		require.Equal(t, http.StatusBadRequest, s.post(t, other+"}").status)
		require.Equal(t, "BAD_USER_INPUT", s.post(t, strings.Replace(other, "echo", "nope", 1)).code(t))
	}

	require.True(t, free())
}

func TestOneViewerNeverHasAllTheMemory(t *testing.T) {
	t.Parallel()

	s := startOpen(t, func(c *httpserver.Config, d *httpserver.Deps) {
		c.MaxBodyBytes, c.Edge.MaxIntakeBytes = 100_000, 1_600_000
		d.Viewer, d.ViewerName = byToken, testschema.Viewer
	})

	// It holds what it can get, for as long as it likes: the values of subscriptions.
	message := `{"id":"1","type":"subscribe","payload":{"query":"subscription { forever }","extensions":{"pad":"` +
		strings.Repeat("x", 90_000) + `"}}}`

	for taken := true; taken; {
		w := s.dial(t, "graphql-transport-ws")
		w.send(`{"type":"connection_init","payload":{"authorization":"mallory"}}`)
		w.expect(`{"type":"connection_ack"}`)
		w.send(message)

		_, _, err := w.conn.Read(w.ctx)
		taken = err == nil
	}

	require.Equal(t, http.StatusServiceUnavailable, s.post(t, padded(), "Authorization", "mallory").status)

	a := s.post(t, padded(), "Authorization", "alice")
	require.Equal(t, http.StatusOK, a.status, a.text)
}

func TestCompressedBodiesAre415WithAReason(t *testing.T) {
	t.Parallel()

	s := start(t, nil)

	for _, encoding := range []string{"gzip", "br", "deflate", "zstd", "gzip, identity"} {
		a := s.post(t, `{"query":"{hello}"}`, "Content-Encoding", encoding)
		require.Equal(t, http.StatusUnsupportedMediaType, a.status, encoding)
		require.Contains(t, a.Errors[0].Message, "compressed request")
	}

	require.Equal(t, http.StatusOK, s.post(t, `{"query":"{hello}"}`, "Content-Encoding", "identity").status)
}

func TestAClientThatClosesItsConnectionReadsWhyItsBodyIsRefused(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	for range 30 {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.address)
		require.NoError(t, err)

		body := strings.Repeat("x", 1<<20)
		_, err = fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"+
			"Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		require.NoError(t, err)

		begin := make([]byte, len("HTTP/1.1 415"))
		_, err = io.ReadFull(conn, begin)
		require.NoError(t, err)
		require.Equal(t, "HTTP/1.1 415", string(begin))
		require.NoError(t, conn.Close())
	}
}

func TestSlowSendersAreCutOff(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) {
		c.ReadHeaderTimeout, c.ReadTimeout, c.IdleTimeout = 200*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond
	})
	answerTo := func(begin string) string {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.address)
		require.NoError(t, err)

		defer conn.Close()

		_, err = io.WriteString(conn, begin)
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))

		text, err := io.ReadAll(conn)
		require.NoError(t, err, "the server closes the connection")

		return string(text)
	}

	require.Empty(t, answerTo(""), "nothing at all")
	require.NotContains(t, answerTo("POST /graphql HT"), "200 OK", "half a request line")
	require.NotContains(t, answerTo("POST /graphql HTTP/1.1\r\nHost: localhost\r\nX-A: "), "200 OK", "half a header")

	const head = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

	require.Contains(t, answerTo(head+"Content-Length: 100\r\n\r\n{"), "could not be read to its end")
	require.Contains(t, answerTo(head+"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"), "could not be read to its end")
	require.Contains(t, answerTo(head+"Accept: text/event-stream\r\nContent-Length: 100\r\n\r\n{"), "could not be read to its end")
	require.Contains(t, answerTo("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"), `{"status":"ok"}`, "and then idle")

	// Nobody wants these bodies, and they do not come.
	for _, begin := range []string{
		"GET /healthz", "POST /healthz", "GET /playground/", "POST /nothing", "GET /graphql?query={hello}", "PUT /graphql",
		"POST /graphql", // it has no Content-Type
	} {
		for _, body := range []string{"Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"} {
			a := answerTo(begin + " HTTP/1.1\r\nHost: localhost\r\n" + body)
			require.Regexp(t, "^HTTP/1.1 [2-4]", a, begin)
			require.Contains(t, a, "\r\nConnection: close\r\n", begin)
		}
	}

	a := answerTo("GET /graphql?query=subscription{count(to:1)} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n" +
		"Content-Length: 100\r\n\r\n{")
	require.Contains(t, a, "event: complete")
	require.Contains(t, a, "\r\nConnection: close\r\n")

	require.Contains(t, answerTo(head+"Origin: http://elsewhere.example\r\nContent-Length: 100\r\n\r\n{"), "403 Forbidden")
}

func TestClientsThatReadNothingAreCutOff(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.WriteTimeout = 100 * time.Millisecond })

	for _, path := range []string{"/nothing", "/healthz", "/playground/", "/metrics", "/graphql", "/graphql?query={hello}"} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.address)
		require.NoError(t, err)
		require.NoError(t, conn.SetWriteDeadline(time.Now().Add(patience)))

		// It asks for more and more until no answer fits in what the kernel keeps for it.
		requests := strings.Repeat("GET "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n", 1000)
		for err == nil {
			_, err = io.WriteString(conn, requests)
		}

		require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "%s: the server waits without end", path)
		require.NoError(t, conn.Close())
	}
}

func TestAWebSocketMessageThatComesSlowlyEndsItsConnection(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.ReadTimeout = 200 * time.Millisecond })
	slow, quiet := s.connect(t), s.connect(t)

	writer, err := slow.conn.Writer(slow.ctx, websocket.MessageText)
	require.NoError(t, err)
	_, err = io.WriteString(writer, strings.Repeat(" ", 10_000)) // a part of a message, and no end of it
	require.NoError(t, err)

	_, _, err = slow.conn.Read(slow.ctx)
	require.ErrorIs(t, err, io.EOF)

	// One that sends nothing has no part of a message open.
	quiet.send(`{"type":"ping"}`)
	quiet.expect(`{"type":"pong"}`)
}

func TestWebSocketMessagesAreNeverCompressed(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	conn, resp, err := websocket.Dial(t.Context(), "ws://"+s.address+"/graphql", &websocket.DialOptions{
		Subprotocols: []string{"graphql-transport-ws"}, CompressionMode: websocket.CompressionContextTakeover,
	})
	require.NoError(t, err)
	require.Empty(t, resp.Header.Get("Sec-Websocket-Extensions"))
	require.NoError(t, conn.CloseNow())
}
