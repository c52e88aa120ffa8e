package httpserver

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxForwarded bounds how many addresses of X-Forwarded-For are looked at: more proxies than that stand in no row.
const maxForwarded = 32

// client is where a request comes from, as far as it can be known.
type client struct {
	// addr is the client's address, 4-in-6 unmapped; not valid when the connection has none (a Unix socket).
	addr netip.Addr
	// secure says that the client speaks TLS, with this server or with a trusted proxy.
	secure bool
}

type clientKey struct{}

// clientOf returns the client of a request's context.
func clientOf(ctx context.Context) client {
	c, _ := ctx.Value(clientKey{}).(client)

	return c
}

// ClientAddr is the address of the client that a request comes from, which X-Forwarded-For tells where the request came through
// a trusted proxy. It is not valid when it is not known.
func ClientAddr(ctx context.Context) netip.Addr { return clientOf(ctx).addr }

// proxies are the networks whose word is taken for where a request comes from.
type proxies []netip.Prefix

func (p proxies) trust(addr netip.Addr) bool {
	for _, network := range p {
		if network.Contains(addr) {
			return true
		}
	}

	return false
}

// identify returns the request with its client in its context and, behind a trusted proxy, the host that the client asked for.
func (p proxies) identify(r *http.Request) *http.Request {
	c := client{addr: addrOf(r.RemoteAddr), secure: r.TLS != nil}
	host := r.Host

	if p.trust(c.addr) {
		c.addr = p.clientAddr(c.addr, r.Header.Values("X-Forwarded-For"))
		c.secure = c.secure || strings.EqualFold(last(r.Header.Values("X-Forwarded-Proto")), "https")

		if forwarded := last(r.Header.Values("X-Forwarded-Host")); plainHost(forwarded) {
			host = forwarded
		}
	}

	r = r.WithContext(context.WithValue(r.Context(), clientKey{}, c))
	r.Host = host

	return r
}

// clientAddr goes from the trusted peer back through the proxies that X-Forwarded-For names, each of which has added the
// address that it was connected to from, and stops at the first that is not trusted: what stands to the left of it is the
// client's own invention. Where an address cannot be read, the proxy that wrote it is the last that is known.
func (p proxies) clientAddr(peer netip.Addr, headers []string) netip.Addr {
	known, seen := peer, 0

	for _, rest := range slices.Backward(headers) {
		for rest != "" {
			var element string

			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, element = rest[:comma], rest[comma+1:]
			} else {
				rest, element = "", rest
			}

			addr := addrOf(strings.TrimSpace(element))
			seen++

			if !addr.IsValid() || seen > maxForwarded {
				return known
			}

			if known = addr; !p.trust(addr) {
				return known
			}
		}
	}

	return known
}

// last returns the last element of a header whose elements are separated by commas: the one that the nearest proxy has written.
func last(headers []string) string {
	if len(headers) == 0 {
		return ""
	}

	text := headers[len(headers)-1]

	return strings.TrimSpace(text[strings.LastIndexByte(text, ',')+1:])
}

// addrOf reads an address with or without a port or brackets; one that is none is not valid.
func addrOf(text string) netip.Addr {
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr.Unmap().WithZone("")
	}

	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap().WithZone("")
	}

	if inner, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inner, "]") {
		if addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]")); err == nil && addr.Is6() {
			return addr.Unmap().WithZone("")
		}
	}

	return netip.Addr{}
}
