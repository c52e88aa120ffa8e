package httpserver

import (
	"net"
	"net/netip"
	"sync"
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

		return &countedConn{steadyConn: &steadyConn{Conn: conn}, leave: func() { l.connections.leave(addr) }}, nil
	}
}

// countedConn counts itself out when it is closed.
type countedConn struct {
	*steadyConn

	leave func()
	once  sync.Once
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	c.once.Do(c.leave)

	return c.steadyConn.Close()
}
