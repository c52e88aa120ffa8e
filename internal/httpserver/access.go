package httpserver

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// checkAccess refuses what must not reach the API. It looks at who sends the request, never at what it asks for.
//
// A page of another site may make its visitor's browser send requests to any address, loopback too. Such a request names its
// site in Origin or Sec-Fetch-Site, or, after DNS rebinding, in Host.
func (s *Server) checkAccess(r *http.Request) *requestError {
	if s.cfg.LoopbackOnly {
		if err := checkLoopback(r); err != nil {
			return err
		}
	}

	return s.checkOrigin(r)
}

// checkOrigin refuses what pages of other origins send, but for those that are allowed.
func (s *Server) checkOrigin(r *http.Request) *requestError {
	switch given := r.Header.Values("Origin"); {
	case len(given) == 0:
	case len(given) == 1 && s.origins.allow(given[0]):
		return nil
	case len(given) > 1 || !sameHost(given[0], r.Host, clientOf(r.Context()).secure):
		return foreignPage()
	}

	if err := s.crossOrigin.Check(r); err != nil {
		return refuse(http.StatusForbidden, codeForbidden, "refused: %s", err)
	}

	// CrossOriginProtection lets every GET pass, but here a GET may run a query and open a stream. All browsers in use say where
	// such a request comes from, so it needs no header that would make them ask first.
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		if r.URL.Path == pathGraphQL || r.URL.Path == pathExport {
			return foreignPage()
		}
	}

	return nil
}

func foreignPage() *requestError {
	return refuse(http.StatusForbidden, codeForbidden,
		"the request comes from a page of another origin; the API answers only pages of its own host and of allowed origins")
}

// checkLoopback holds while there is no access control: whoever reaches the server may read and write everything.
func checkLoopback(r *http.Request) *requestError {
	if !loopbackHost(r.Host) {
		return refuse(http.StatusForbidden, codeForbidden,
			"the Host header must be localhost, a name under .localhost, 127.0.0.0/8 or [::1], "+
				"because this server has no access control")
	}

	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"} {
		if _, present := r.Header[name]; present {
			return refuse(http.StatusForbidden, codeForbidden,
				"the request came through a proxy (it has the header %s), and this server has no access control", name)
		}
	}

	return nil
}

// loopbackHost reports whether a Host header names this machine's loopback interface, with or without a port.
func loopbackHost(host string) bool {
	name := host
	if withoutPort, _, err := net.SplitHostPort(host); err == nil {
		name = withoutPort
	} else if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		name = host[1 : len(host)-1]
	}

	name = strings.ToLower(name)
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}

	addr, err := netip.ParseAddr(name)

	return err == nil && addr.Unmap().IsLoopback()
}

// sameHost reports whether an Origin header names the host that the request went to. "null", which sandboxed pages and files
// send, has no host. A page that came without TLS, which anybody on its way could have written, is another origin than the
// same host with TLS; a server that a proxy has not told about TLS cannot know.
func sameHost(origin, host string, secure bool) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || secure) {
		return false
	}

	return strings.EqualFold(u.Host, host)
}
