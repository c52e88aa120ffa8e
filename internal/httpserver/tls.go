package httpserver

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"
)

const (
	// certificateCheck is how often a handshake may look whether the files have changed.
	certificateCheck = time.Second

	// maxStreamsOfConnection is how many requests one HTTP/2 connection carries at a time.
	maxStreamsOfConnection = 100
	// receiveBuffer is what of requests' bodies one HTTP/2 connection may have sent before anybody reads it, in bytes.
	receiveBuffer = 256 << 10
)

// certificate is read from its files, and again when they have changed.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate // guarded by mu
	seen    [2]fileState     // of the files, when current was read; guarded by mu
	failed  [2]fileState     // of the files, when the log was told that they cannot be used; guarded by mu
	checked time.Time        // guarded by mu
}

// fileState is what changes when a file does, or a link to it.
type fileState struct {
	modified time.Time
	size     int64
}

// loadCertificate reads the files for the first time.
func loadCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log, checked: time.Now()}

	var err error
	if c.seen, err = c.states(); err != nil {
		return nil, fmt.Errorf("httpserver: TLS certificate: %w", err)
	}

	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("httpserver: TLS certificate %s with key %s: %w", certFile, keyFile, err)
	}

	c.current = &pair

	return c, nil
}

// get is tls.Config.GetCertificate. A certificate that cannot be read leaves the one before in place: its files may be written
// one after the other, and an old certificate is better than none.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()

	now := time.Now()
	if now.Sub(c.checked) < certificateCheck {
		return c.current, nil
	}

	c.checked = now

	states, err := c.states()
	if states == c.seen {
		return c.current, nil
	}

	var pair tls.Certificate
	if err == nil {
		pair, err = tls.LoadX509KeyPair(c.certFile, c.keyFile)
	}

	if err != nil {
		// It is tried again, for what is wrong may be mended without a trace in the files' states: the right to read them.
		if states == c.failed {
			return c.current, nil
		}

		c.failed = states
		c.log.LogAttrs(context.Background(), slog.LevelError, "the changed TLS certificate cannot be used, the one before stays",
			slog.String("certificate", c.certFile), slog.String("key", c.keyFile), slog.String("error", err.Error()))

		return c.current, nil
	}

	c.current, c.seen, c.failed = &pair, states, [2]fileState{}
	c.log.LogAttrs(context.Background(), slog.LevelInfo, "the TLS certificate was read again",
		slog.String("certificate", c.certFile), slog.Time("validUntil", pair.Leaf.NotAfter))

	return c.current, nil
}

// states looks at both files; one that is not there has the zero state.
func (c *certificate) states() (states [2]fileState, err error) {
	for i, name := range []string{c.certFile, c.keyFile} {
		info, statErr := os.Stat(name)
		if statErr != nil {
			err = statErr

			continue
		}

		states[i] = fileState{modified: info.ModTime(), size: info.Size()}
	}

	return states, err
}

// secure makes the HTTP server speak TLS 1.2 or newer, with HTTP/2 for who wants it.
func (c *certificate) secure(server *http.Server, cfg Config) {
	server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
	server.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams:          maxStreamsOfConnection,
		MaxReceiveBufferPerConnection: receiveBuffer,
		MaxReceiveBufferPerStream:     receiveBuffer,
		SendPingTimeout:               cfg.PingInterval,
		PingTimeout:                   cfg.PingInterval,
		WriteByteTimeout:              cfg.WriteTimeout,
	}
}
