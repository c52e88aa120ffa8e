package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// besides asks a normal page again and again while an attack runs: all must be answered. stop returns how many were.
func (s *server) besides(t testing.TB) (stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan int)
	// Each comes in by the door, past whatever crowds there, and from another address than the attack.
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: dialer.DialContext}
	body := `{"query": ` + quoted(normalPage) + `}`
	go func() {
		n := 0
		defer func() { answered <- n }()
		for ctx.Err() == nil {
			ask, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, s.url+"/graphql", strings.NewReader(body))
			if err != nil {
				return
			}
			ask.Header.Set("Content-Type", "application/json")
			ask.Header.Set("Authorization", "Bearer "+s.token)
			resp, err := (&http.Client{Transport: transport, Timeout: patience}).Do(ask)
			if err != nil {
				t.Errorf("a normal page beside the attack: %v", err)
				return
			}
			text, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusOK || bytes.Contains(text, []byte(`"errors"`)) {
				t.Errorf("a normal page beside the attack: %d %s %v", resp.StatusCode, tail(string(text)), err)
				return
			}
			n++
		}
	}()
	return func() int {
		cancel()
		n := <-answered
		transport.CloseIdleConnections()
		return n
	}
}

// goroutines reads the server's own number.
func (s *server) goroutines(t testing.TB) int {
	t.Helper()
	for line := range strings.Lines(s.get(t, "/metrics").body) {
		var n int
		if _, err := fmt.Sscanf(line, "go_goroutines %d", &n); err == nil {
			return n
		}
	}
	require.FailNow(t, "no number of goroutines")
	return 0
}

// withstands runs an attack and holds the server to what must be true meanwhile and afterwards.
func (s *server) withstands(t *testing.T, attack func()) {
	t.Helper()
	stop := s.besides(t)
	attack()
	require.Positive(t, stop(), "normal pages were answered meanwhile")
	require.Less(t, s.peakMemory(t), int64(mostMemory))
	const few = 100
	eventually(t, "what the attack opened is given back", func() bool {
		return s.sockets(t) < few && s.goroutines(t) < few
	})
	s.healthy(t)
}

// raw opens plain connections; nil where the server does not accept, or closes at once.
func (s *server) raw(t testing.TB, n int) []net.Conn {
	t.Helper()
	var (
		mu    sync.Mutex
		group sync.WaitGroup
		conns []net.Conn
	)
	address := strings.TrimPrefix(s.url, "http://")
	t.Cleanup(func() {
		for _, c := range conns {
			_ = c.Close()
		}
	})
	for range 50 {
		group.Go(func() {
			for range n / 50 {
				c, err := net.DialTimeout("tcp", address, patience)
				if err != nil {
					continue
				}
				mu.Lock()
				conns = append(conns, c)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return conns
}

func TestTenThousandIdleSocketsLeaveRoomForOthers(t *testing.T) {
	t.Parallel()
	s := underAttack(t, newSQLite(t))
	s.withstands(t, func() {
		conns := s.raw(t, 10_000)
		const perAddress, others = 1000, 50
		eventually(t, "the server has closed what is too many", func() bool { return s.sockets(t) < perAddress+others })
		for _, c := range conns {
			_ = c.Close()
		}
	})
}

func TestHeadersThatNeverEndAreCutOff(t *testing.T) {
	t.Parallel()
	s := underAttack(t, newSQLite(t), "--read-header-timeout=1s")
	s.withstands(t, func() {
		conns := s.raw(t, 500)
		for _, c := range conns {
			_, _ = io.WriteString(c, "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ")
		}
		var cut sync.WaitGroup
		for _, c := range conns {
			cut.Go(func() {
				for range 100 { // one byte at a time, as slow as is needed
					if _, err := io.WriteString(c, "a"); err != nil {
						return
					}
					_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
					if _, err := c.Read(make([]byte, 1)); err == nil || !isTimeout(err) {
						return
					}
				}
				t.Error("a connection whose headers never end stays open")
			})
		}
		cut.Wait()
	})
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error) //nolint:errorlint // it is the connection's own
	return ok && timeout.Timeout()
}

func TestABodyOfAGigabyteIsRefusedBeforeItCame(t *testing.T) {
	t.Parallel()
	s := underAttack(t, newSQLite(t), "--read-timeout=2s")
	s.withstands(t, func() {
		for _, framing := range []string{"Content-Length: 1073741824", "Transfer-Encoding: chunked"} {
			conns := s.raw(t, 200)
			var cut sync.WaitGroup
			for _, c := range conns {
				cut.Go(func() {
					_, _ = io.WriteString(c, "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"+
						"Authorization: Bearer "+s.token+"\r\n"+framing+"\r\n\r\n")
					_ = c.SetReadDeadline(time.Now().Add(patience))
					go func() { // slowly, and for ever
						slowly := time.NewTicker(100 * time.Millisecond)
						defer slowly.Stop()
						for range slowly.C {
							if _, err := io.WriteString(c, "8\r\n{\"a\":1,\n\r\n"); err != nil {
								return
							}
						}
					}()
					if _, err := bufio.NewReader(c).ReadString('\n'); isTimeout(err) {
						t.Error("a body that never ends is read for ever")
					}
					_ = c.Close()
				})
			}
			cut.Wait()
		}
	})
}

func TestCompressedBodiesAreNotUnpacked(t *testing.T) {
	t.Parallel()
	s := underAttack(t, newSQLite(t))
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	for range 1 << 10 {
		_, err := w.Write(bytes.Repeat([]byte(" "), 1<<20))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	s.withstands(t, func() {
		for range 20 {
			a := s.post(t, bomb.String(), "Content-Encoding", "gzip")
			require.Equal(t, http.StatusUnsupportedMediaType, a.status)
			require.Contains(t, a.errors[0].Message, "compressed")
		}
	})
}

func TestADoubtfulRequestEndsItsConnection(t *testing.T) {
	t.Parallel()
	s := underAttack(t, newSQLite(t))
	const host = "Host: 127.0.0.1\r\n"
	body := `{"query": "{ viewer { role } }"}`
	smuggled := "GET /smuggled HTTP/1.1\r\n" + host + "\r\n"
	forms := map[string]string{
		"two lengths":             "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}    " + smuggled,
		"a list of lengths":       "Content-Length: 5, 6\r\n\r\n{}    " + smuggled,
		"a signed length":         "Content-Length: +33\r\n\r\n" + body + smuggled,
		"a length in hexadecimal": "Content-Length: 0x21\r\n\r\n" + body + smuggled,
		"a negative length":       "Content-Length: -1\r\n\r\n" + smuggled,
		"chunks twice":            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"an unknown coding":       "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled,
		"a coding after chunks":   "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + smuggled,
		"a space before a colon":  "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"a bare CR":               "X-A: b\rTransfer-Encoding: chunked\r\n\r\n" + smuggled,
		"a NUL in a header":       "X-A: b\x00c\r\n\r\n" + smuggled,
		"a chunk's size too long": "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("0", 100) + "5\r\n" + smuggled,
		"an extension of a chunk": "Transfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("a", 1<<20) + "\r\n" + smuggled,
		"two hosts":               "Host: elsewhere\r\n\r\n" + smuggled,
	}
	s.withstands(t, func() {
		for name, form := range forms {
			t.Run(name, func(t *testing.T) {
				c := s.raw(t, 50)[0]
				require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
				go func() {
					_, _ = io.WriteString(c, "POST /graphql HTTP/1.1\r\n"+host+"Content-Type: application/json\r\nAuthorization: Bearer "+
						s.token+"\r\n"+form)
				}()
				text, err := io.ReadAll(c)
				if err != nil {
					require.False(t, isTimeout(err), "the connection stays open: %s", text)
				}
				require.NotContains(t, string(text), "/smuggled", "the second request was carried out")
				require.NotContains(t, string(text), "200 OK")
			})
		}
	})
}

// A request with a length and chunks is read as RFC 9112, section 6.3, has it: chunks count. What follows them is a request
// of its own, which nobody's credentials but its own open.
func TestChunksCountWhereThereIsALengthToo(t *testing.T) {
	t.Parallel()
	s := underAttack(t, newSQLite(t))
	const ask = "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
	body := `{"query": "{ viewer { role } }"}`
	chunks := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	second := fmt.Sprintf("%sConnection: close\r\nContent-Length: %d\r\n\r\n%s", ask, len(body), body)
	first := ask + "Authorization: Bearer " + s.token + "\r\n" + "Transfer-Encoding: chunked\r\n"
	for name, request := range map[string]string{
		"the length ends in the chunks": first + "Content-Length: 4\r\n\r\n" + chunks + second,
		"the length takes all":          first + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(chunks)+len(second)) + chunks + second,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := s.raw(t, 50)[0]
			require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
			_, err := io.WriteString(c, request)
			require.NoError(t, err)
			in := bufio.NewReader(c)
			for _, want := range []int{http.StatusOK, http.StatusUnauthorized} {
				answer, err := http.ReadResponse(in, nil)
				require.NoError(t, err)
				text, err := io.ReadAll(answer.Body)
				require.NoError(t, errors.Join(err, answer.Body.Close()))
				require.Equal(t, want, answer.StatusCode, "%s", text)
			}
			_, err = in.ReadByte()
			require.ErrorIs(t, err, io.EOF, "there are two requests")
		})
	}
}
