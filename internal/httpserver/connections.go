package httpserver

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// connections limits the TCP connections of a listener, in all and from one address.
type connections struct {
	most        int // 0: no limit
	mostAddress int // 0: no limit
	exempt      proxies
	refused     func(reason string)

	mu        sync.Mutex
	open      int                // guarded by mu
	addresses map[netip.Addr]int // guarded by mu
}

func newConnections(cfg Config, refused func(reason string)) *connections {
	c := &connections{
		most: cfg.Edge.MaxConnections, mostAddress: cfg.Rates.AddressConnections, exempt: cfg.Edge.TrustedProxies,
		refused: refused, addresses: make(map[netip.Addr]int),
	}

	if cfg.LoopbackOnly {
		c.mostAddress = 0
	}

	return c
}

// admit counts a connection in, or says why it is one too many.
func (c *connections) admit(addr netip.Addr) (reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()

	if c.most > 0 && c.open >= c.most {
		return refusedConnections
	}

	key := addressKey(addr)
	if c.mostAddress > 0 && c.addresses[key] >= c.mostAddress && !c.exempt.trust(addr) {
		return refusedAddressConnections
	}

	c.open++
	c.addresses[key]++

	return ""
}

func (c *connections) leave(addr netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.open--

	key := addressKey(addr)

	c.addresses[key]--
	if c.addresses[key] == 0 {
		delete(c.addresses, key)
	}
}

// limit returns a listener that closes connections which are too many: whoever has that many open has been told enough, and an
// answer would need a goroutine for each.
func (c *connections) limit(listener net.Listener) net.Listener {
	return &limitedListener{Listener: listener, connections: c}
}

type limitedListener struct {
	net.Listener

	connections *connections
}

// Accept implements net.Listener.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}

		addr := addrOf(conn.RemoteAddr().String())

		if reason := l.connections.admit(addr); reason != "" {
			l.connections.refused(reason)
			_ = conn.Close()

			continue
		}

		return &countedConn{Conn: conn, leave: func() { l.connections.leave(addr) }}, nil
	}
}

// retryWrite is after how long a write is tried again that does not go on. The kernel tells a writer of room only when a third of
// what it keeps for the client has gone, which of some megabytes takes a slow client longer than a piece of an answer may.
const retryWrite = 250 * time.Millisecond

// countedConn counts itself out when it is closed.
type countedConn struct {
	net.Conn

	leave func()
	once  sync.Once

	deadline atomic.Pointer[time.Time] // of writes
}

// SetDeadline implements net.Conn.
func (c *countedConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetWriteDeadline implements net.Conn.
func (c *countedConn) SetWriteDeadline(t time.Time) error {
	c.deadline.Store(&t)

	return c.retryBefore(t)
}

func (c *countedConn) retryBefore(t time.Time) error {
	if again := time.Now().Add(retryWrite); t.After(again) {
		t = again
	}

	return c.Conn.SetWriteDeadline(t)
}

// Write implements net.Conn.
func (c *countedConn) Write(p []byte) (n int, err error) {
	for {
		written, err := c.Conn.Write(p[n:])
		n += written

		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}

		deadline := c.deadline.Load()
		if deadline == nil || !deadline.IsZero() && !time.Now().Before(*deadline) {
			return n, err
		}

		if err := c.retryBefore(*deadline); err != nil {
			return n, err
		}
	}
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	c.once.Do(c.leave)

	return c.Conn.Close()
}

// CloseWrite lets net/http finish an answer before it closes a connection whose request it has not read to the end: else the
// client would lose the answer.
func (c *countedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}

	return nil
}
