package httpserver_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"samjournal/internal/httpserver"
)

// keyPair is a certificate in files, and who trusts it.
type keyPair struct {
	cert, key string
	roots     *x509.CertPool
}

// newKeyPair makes the files of a certificate for 127.0.0.1, named first.
func newKeyPair(t *testing.T) *keyPair {
	t.Helper()

	dir := t.TempDir()
	p := &keyPair{cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"), roots: x509.NewCertPool()}
	p.renew(t, "first")

	return p
}

// renew puts another certificate in the files.
func (p *keyPair) renew(t *testing.T, name string) {
	t.Helper()

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)

	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)

	keyBytes, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)

	parsed, err := x509.ParseCertificate(cert)
	require.NoError(t, err)
	p.roots.AddCert(parsed)

	require.NoError(t, os.WriteFile(p.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600))
	require.NoError(t, os.WriteFile(p.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyBytes}), 0o600))
}

func (p *keyPair) use(c *httpserver.Config) { c.Edge.TLSCert, c.Edge.TLSKey = p.cert, p.key }

// client speaks HTTP/2 where it is offered.
func (p *keyPair) client(t *testing.T) *http.Client {
	t.Helper()

	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: p.roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
	}
	t.Cleanup(transport.CloseIdleConnections)

	return &http.Client{Transport: transport, Timeout: patience}
}

// handshake returns the name on the certificate that is served.
func (p *keyPair) handshake(t *testing.T, s *site, change func(*tls.Config)) (string, error) {
	t.Helper()

	cfg := &tls.Config{RootCAs: p.roots, MinVersion: tls.VersionTLS10}
	if change != nil {
		change(cfg)
	}

	conn, err := (&tls.Dialer{Config: cfg}).DialContext(t.Context(), "tcp", s.address)
	if err != nil {
		return "", err
	}
	defer conn.Close()

	secure, ok := conn.(*tls.Conn)
	require.True(t, ok)

	return secure.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
}

func TestTLSCarriesEveryTransport(t *testing.T) {
	t.Parallel()

	pair := newKeyPair(t)
	s := startOpen(t, func(c *httpserver.Config, _ *httpserver.Deps) { pair.use(c) })
	client := pair.client(t)
	post := func(query, accept string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+s.address+"/graphql",
			strings.NewReader(`{"query":"`+query+`"}`))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", accept)

		resp, err := client.Do(r)
		require.NoError(t, err)
		t.Cleanup(func() { _ = resp.Body.Close() })

		return resp
	}

	resp := post(`{ hello }`, "application/json")
	require.Equal(t, "HTTP/2.0", resp.Proto)
	require.Equal(t, "max-age=31536000", resp.Header.Get("Strict-Transport-Security"))

	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.JSONEq(t, `{"data":{"hello":"hello world"}}`, string(text))

	// Events come one by one on the connection that carries other requests too.
	resp = post(`subscription { forever }`, eventStream)
	require.Equal(t, "HTTP/2.0", resp.Proto)

	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "data: ") {
		require.NoError(t, lines.Err())
	}

	require.JSONEq(t, `{"data":{"forever":0}}`, strings.TrimPrefix(lines.Text(), "data: "))
	require.Equal(t, http.StatusOK, post(`{ hello }`, "application/json").StatusCode)
	require.NoError(t, resp.Body.Close())
	receive(t, s.resolver.Left, "the source to end with its client")

	// A WebSocket goes over HTTP/1.1.
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()

	http1 := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pair.roots, MinVersion: tls.VersionTLS12}}
	defer http1.CloseIdleConnections()

	conn, _, err := websocket.Dial(ctx, "wss://"+s.address+"/graphql", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: http1}, Subprotocols: []string{"graphql-transport-ws"},
		HTTPHeader: http.Header{"Origin": {"https://" + s.address}},
	})
	require.NoError(t, err)

	w := &wire{t: t, conn: conn, ctx: ctx}
	w.send(`{"type":"connection_init"}`)
	w.expect(`{"type":"connection_ack"}`)
	w.subscribe("1", `{ hello }`)
	w.expect(`{"id":"1","type":"next","payload":{"data":{"hello":"hello world"}}}`)
	require.NoError(t, conn.CloseNow())
}

func TestSlowClientsAreReleasedOverHTTP2(t *testing.T) {
	t.Parallel()

	pair := newKeyPair(t)
	s := startOpen(t, func(c *httpserver.Config, _ *httpserver.Deps) {
		pair.use(c)
		c.ReadTimeout, c.WriteTimeout = 200*time.Millisecond, 200*time.Millisecond
	})
	client := pair.client(t)
	send := func(body io.Reader) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+s.address+"/graphql", body)
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", eventStream)

		resp, err := client.Do(r)
		require.NoError(t, err)
		t.Cleanup(func() { _ = resp.Body.Close() })
		require.Equal(t, "HTTP/2.0", resp.Proto)

		return resp
	}

	// One sends a body without end, slowly.
	body, rest := io.Pipe()
	defer rest.Close()

	go func() { _, _ = io.WriteString(rest, "{") }()

	resp := send(body)
	require.Equal(t, http.StatusBadRequest, resp.StatusCode)

	// One does not read what it has asked for.
	send(strings.NewReader(`{"query":"subscription { flood(size: 1000000) }"}`))
	receive(t, s.resolver.Left, "the source to end")
}

func TestAnEventStreamOverHTTP2OutlastsTheTimeOfAWrite(t *testing.T) {
	t.Parallel()

	pair := newKeyPair(t)
	s := startOpen(t, func(c *httpserver.Config, _ *httpserver.Deps) {
		pair.use(c)
		c.WriteTimeout, c.PingInterval = 50*time.Millisecond, 150*time.Millisecond
	})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		"https://"+s.address+"/graphql?query=subscription%7Bforever%7D", http.NoBody)
	require.NoError(t, err)
	r.Header.Set("Accept", eventStream)

	resp, err := pair.client(t).Do(r)
	require.NoError(t, err)

	defer resp.Body.Close()

	require.Equal(t, "HTTP/2.0", resp.Proto)

	comments := 0
	for lines := bufio.NewScanner(resp.Body); comments < 4; {
		require.True(t, lines.Scan(), "after %d comments: %v", comments, lines.Err())

		if lines.Text() == ":" {
			comments++
		}
	}
}

func TestTLSIsOfVersion12OrNewer(t *testing.T) {
	t.Parallel()

	pair := newKeyPair(t)
	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { pair.use(c) })

	for version, good := range map[uint16]bool{
		tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true,
	} {
		_, err := pair.handshake(t, s, func(c *tls.Config) { c.MaxVersion = version })
		require.Equal(t, good, err == nil, "%s: %v", tls.VersionName(version), err)
	}

	// Without TLS there is nothing but a hint, and browsers keep no rule for loopback's names.
	resp, err := pair.client(t).Get("https://" + s.address + "/healthz")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Empty(t, resp.Header.Get("Strict-Transport-Security"))
	require.Contains(t, s.text("/healthz"), "HTTP request to an HTTPS server")
}

func TestAChangedCertificateIsServed(t *testing.T) {
	t.Parallel()

	pair := newKeyPair(t)
	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { pair.use(c) })
	served := func() string {
		name, err := pair.handshake(t, s, nil)
		require.NoError(t, err)

		return name
	}
	require.Equal(t, "first", served())

	// A broken one is told once, however many connections come, and the one before stays.
	require.NoError(t, os.WriteFile(pair.cert, []byte("no certificate"), 0o600))

	const broken = "the changed TLS certificate cannot be used, the one before stays"

	eventually(t, func() bool { return served() == "first" && len(s.log.lines(t, broken)) > 0 }, "the log to tell")
	require.Equal(t, "ERROR", s.log.lines(t, broken)[0]["level"])

	pair.renew(t, "second")
	eventually(t, func() bool { return served() == "second" }, "the new certificate")
	require.LessOrEqual(t, len(s.log.lines(t, broken)), 2, "once for the broken one, once perhaps for half of the new one")

	// Files that are gone are no reason to stop either.
	require.NoError(t, os.Remove(pair.cert))
	told := len(s.log.lines(t, broken))
	eventually(t, func() bool { return served() == "second" && len(s.log.lines(t, broken)) > told }, "the log to tell")
	pair.renew(t, "third")
	eventually(t, func() bool { return served() == "third" }, "the third certificate")
}

func TestACertificateThatCannotBeReadYetIsTriedAgain(t *testing.T) {
	t.Parallel()

	pair, next := newKeyPair(t), newKeyPair(t)
	next.renew(t, "second")

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { pair.use(c) })
	move := func(from, to string) {
		text, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(to, text, 0o600))
	}
	before, err := os.Stat(pair.key)
	require.NoError(t, err)

	// The key comes late, and nothing but what is in it tells so.
	move(next.cert, pair.cert)
	eventually(t, func() bool {
		_, err := pair.handshake(t, s, nil)
		require.NoError(t, err)

		return strings.Contains(s.log.String(), "the one before stays")
	}, "the log to tell")
	move(next.key, pair.key)
	require.NoError(t, os.Chtimes(pair.key, before.ModTime(), before.ModTime()))

	after, err := os.Stat(pair.key)
	require.NoError(t, err)
	require.Equal(t, before.Size(), after.Size())
	eventually(t, func() bool {
		name, err := next.handshake(t, s, nil)

		return err == nil && name == "second"
	}, "the second certificate")
}

func TestAConnectionCarriesABoundedNumberOfRequests(t *testing.T) {
	t.Parallel()

	pair := newKeyPair(t)
	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { pair.use(c) })

	conn, err := (&tls.Dialer{Config: &tls.Config{
		RootCAs: pair.roots, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12,
	}}).DialContext(t.Context(), "tcp", s.address)
	require.NoError(t, err)

	defer conn.Close()

	_, err = io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	require.NoError(t, err)

	// The server's first frame has its settings, six bytes each (RFC 9113, 6.5).
	head := make([]byte, 9)
	_, err = io.ReadFull(conn, head)
	require.NoError(t, err)
	require.EqualValues(t, 4, head[3], "a SETTINGS frame")

	settings := make([]byte, binary.BigEndian.Uint32(append([]byte{0}, head[:3]...)))
	_, err = io.ReadFull(conn, settings)
	require.NoError(t, err)

	found := map[uint16]uint32{}
	for ; len(settings) > 0; settings = settings[6:] {
		found[binary.BigEndian.Uint16(settings)] = binary.BigEndian.Uint32(settings[2:])
	}

	const maxConcurrentStreams, initialWindowSize = 3, 4

	require.EqualValues(t, 100, found[maxConcurrentStreams])
	require.EqualValues(t, 256<<10, found[initialWindowSize])
}
