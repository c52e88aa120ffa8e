package httpserver

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// EdgeConfig says who may connect, and how much may be under way at a time.
type EdgeConfig struct {
	// TLSCert and TLSKey are PEM files of the certificate's chain and its key: the server speaks TLS with them and reads them
	// again when they change. Default none: no TLS.
	TLSCert, TLSKey string
	// TrustedProxies are the networks of the reverse proxies whose X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host are
	// believed. Default none. They contradict LoopbackOnly.
	TrustedProxies []netip.Prefix
	// AllowedOrigins are the origins, scheme://host[:port] as browsers write them, whose pages may use the API besides the
	// server's own. Default none.
	AllowedOrigins []string

	// MaxConnections limits open TCP connections, idle ones among them; more are closed as they come. Default 15,000; 0: off.
	MaxConnections int
	// MaxExecuting limits the queries and mutations that are parsed and executed at the same time, with the subscriptions that
	// are beginning; one viewer has at most three quarters of them. Default 512.
	MaxExecuting int
	// MaxWaiting is how many more may wait for their turn, each at most 1 s, three quarters of them one viewer's; others are
	// answered UNAVAILABLE. Default 512; 0: none waits.
	MaxWaiting int
	// MaxIntakeBytes limits the memory, in bytes, that request bodies and WebSocket messages take together: while they come, by
	// their length, and from then until their operation ends, by what they are decoded to. One that could never fit is refused
	// with 413. Less than four times MaxBodyBytes counts as that: the text of a body, and its values. One viewer has at most
	// three quarters, or those four times. Default 128 MiB.
	MaxIntakeBytes int64
}

func defaultEdge() EdgeConfig {
	return EdgeConfig{MaxConnections: 15_000, MaxExecuting: 512, MaxWaiting: 512, MaxIntakeBytes: 128 << 20}
}

// intakePerBody is how many times the longest body there must be memory for: its text, and the values in it.
const intakePerBody = 4

// validateEdge names the first value that is wrong.
func (c Config) validateEdge() error {
	edge := c.Edge

	switch {
	case (edge.TLSCert == "") != (edge.TLSKey == ""):
		return fmt.Errorf("httpserver: Config.Edge needs both TLSCert and TLSKey, or neither")
	case c.LoopbackOnly && len(edge.TrustedProxies) > 0:
		return fmt.Errorf("httpserver: Config.Edge.TrustedProxies contradict LoopbackOnly")
	case edge.MaxConnections < 0:
		return fmt.Errorf("httpserver: Config.Edge.MaxConnections must not be negative, it is %d", edge.MaxConnections)
	case edge.MaxExecuting <= 0:
		return fmt.Errorf("httpserver: Config.Edge.MaxExecuting must be positive, it is %d", edge.MaxExecuting)
	case edge.MaxWaiting < 0:
		return fmt.Errorf("httpserver: Config.Edge.MaxWaiting must not be negative, it is %d", edge.MaxWaiting)
	case edge.MaxIntakeBytes <= 0:
		return fmt.Errorf("httpserver: Config.Edge.MaxIntakeBytes must be positive, it is %d", edge.MaxIntakeBytes)
	}

	for _, network := range edge.TrustedProxies {
		if !network.IsValid() {
			return fmt.Errorf("httpserver: Config.Edge.TrustedProxies has a network that is none")
		}
	}

	for _, origin := range edge.AllowedOrigins {
		if !canonicalOrigin(origin) {
			return fmt.Errorf("httpserver: Config.Edge.AllowedOrigins must be written as browsers do, scheme://host[:port] in lower "+
				"case without the scheme's own port, such as https://app.example.com; one is %q", origin)
		}
	}

	return nil
}

// canonicalOrigin reports whether an origin is written as a browser writes it in the header Origin, which is compared with it.
func canonicalOrigin(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.Contains(origin, "*") {
		return false
	}

	own := map[string]string{"http": "80", "https": "443"}[u.Scheme]

	return u.Port() != own && origin == u.Scheme+"://"+strings.ToLower(u.Host) && !strings.HasSuffix(u.Host, ":")
}

// prepareEdge builds what stands between the network and the executor.
func (s *Server) prepareEdge() error {
	s.origins = newOrigins(s.cfg.Edge.AllowedOrigins)
	s.proxies = s.cfg.Edge.TrustedProxies
	s.connections = newConnections(s.cfg, s.metrics.refuse)
	s.rates = newRates(s.cfg, s.now)
	s.logins = newLogins(s.cfg, s.now)
	s.turns = newTurns(s.cfg.Edge.MaxExecuting, s.cfg.Edge.MaxWaiting)

	least := intakePerBody * s.cfg.MaxBodyBytes
	input := max(s.cfg.Edge.MaxIntakeBytes, least)
	s.intake = newIntake(input, max(ofOneViewer(input), least))

	if s.cfg.Edge.TLSCert == "" {
		return nil
	}

	var err error
	s.certificate, err = loadCertificate(s.cfg.Edge.TLSCert, s.cfg.Edge.TLSKey, s.deps.Logger)

	return err
}
