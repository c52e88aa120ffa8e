package httpserver_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"samjournal/internal/httpserver"
	"samjournal/internal/httpserver/internal/testschema"
)

const app = "https://app.example.com"

// startOpen serves for others than loopback.
func startOpen(t *testing.T, change func(*httpserver.Config, *httpserver.Deps)) *site {
	t.Helper()

	return start(t, func(c *httpserver.Config, d *httpserver.Deps) {
		c.LoopbackOnly = false

		if change != nil {
			change(c, d)
		}
	})
}

func allowApp(c *httpserver.Config, _ *httpserver.Deps) {
	c.Edge.AllowedOrigins = []string{app, "http://[::1]:3000"}
}

func TestAPageOfAnAllowedOriginMayAsk(t *testing.T) {
	t.Parallel()

	s := startOpen(t, allowApp)

	for _, origin := range []string{app, "http://[::1]:3000"} {
		a := s.ask(t, `{ hello }`, "Origin", origin, "Sec-Fetch-Site", "cross-site")
		require.Equal(t, http.StatusOK, a.status, a.text)
		require.Equal(t, origin, a.header.Get("Access-Control-Allow-Origin"))
		require.Equal(t, "X-Request-Id, Retry-After", a.header.Get("Access-Control-Expose-Headers"))
		require.Empty(t, a.header.Get("Access-Control-Allow-Credentials"))
		require.ElementsMatch(t, []string{"Origin", "Accept"}, a.header.Values("Vary"))

		a = s.do(t, http.MethodGet, "/graphql?query=%7Bhello%7D", "", "Origin", origin, "Sec-Fetch-Site", "same-site")
		require.Equal(t, http.StatusOK, a.status)
		require.Equal(t, origin, a.header.Get("Access-Control-Allow-Origin"))

		a = s.ask(t, `subscription { count(to: 1) }`, "Origin", origin, "Accept", eventStream)
		require.Equal(t, http.StatusOK, a.status)
		require.Equal(t, origin, a.header.Get("Access-Control-Allow-Origin"))
	}

	a := s.ask(t, `{ hello }`)
	require.Equal(t, http.StatusOK, a.status)
	require.Empty(t, a.header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, a.header.Values("Vary"), "Origin", "a cache must not give this answer to a page")
}

func TestAPageOfAnAllowedOriginMayAskFirst(t *testing.T) {
	t.Parallel()

	s := startOpen(t, allowApp)
	preflight := func(origin, method, headers string) answer {
		return s.do(t, http.MethodOptions, "/graphql", "", "Origin", origin, "Access-Control-Request-Method", method,
			"Access-Control-Request-Headers", headers, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors")
	}

	a := preflight(app, http.MethodPost, "accept,authorization,content-type,x-request-id,x-samjournal-account")
	require.Equal(t, http.StatusNoContent, a.status)
	require.Equal(t, app, a.header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "POST", a.header.Get("Access-Control-Allow-Methods"))
	require.Equal(t, "accept,authorization,content-type,x-request-id,x-samjournal-account",
		a.header.Get("Access-Control-Allow-Headers"))
	require.Equal(t, "600", a.header.Get("Access-Control-Max-Age"))

	require.Empty(t, preflight(app, http.MethodPost, "cookie").header.Get("Access-Control-Allow-Origin"))
	require.Empty(t, preflight(app, http.MethodPut, "accept").header.Get("Access-Control-Allow-Origin"))

	a = preflight("https://evil.example", http.MethodPost, "content-type")
	require.Equal(t, http.StatusForbidden, a.status)
	require.Empty(t, a.header.Get("Access-Control-Allow-Origin"))
}

func TestOriginsLikeTheAllowedOneAreRefused(t *testing.T) {
	t.Parallel()

	s := startOpen(t, allowApp)

	for _, origin := range []string{
		"http://app.example.com", app + ":8443", app + "/", "https://APP.example.com", "https://app.example.com.evil.example",
		"https://evil.example/https://app.example.com", "https://xapp.example.com", "null", "",
	} {
		a := s.ask(t, `{ hello }`, "Origin", origin)
		require.Equal(t, http.StatusForbidden, a.status, origin)
		require.Equal(t, "FORBIDDEN", a.code(t))
		require.Empty(t, a.header.Get("Access-Control-Allow-Origin"))
	}

	// An image or a script of an allowed page names no origin: what it asks for was not meant for the page's own code.
	a := s.do(t, http.MethodGet, "/graphql?query=%7Bhello%7D", "", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors")
	require.Equal(t, http.StatusForbidden, a.status)
	require.Contains(t, s.metric(t), `samjournal_refused_total{reason="origin"} 10`)
}

func TestAWebSocketOfAnAllowedOriginIsAccepted(t *testing.T) {
	t.Parallel()

	s := startOpen(t, allowApp)

	for origin, want := range map[string]int{
		app:                      http.StatusSwitchingProtocols,
		"http://[::1]:3000":      http.StatusSwitchingProtocols,
		"http://" + s.address:    http.StatusSwitchingProtocols,
		"https://evil.example":   http.StatusForbidden,
		"http://app.example.com": http.StatusForbidden,
		"null":                   http.StatusForbidden,
	} {
		conn, resp, err := websocket.Dial(t.Context(), "ws://"+s.address+"/graphql", &websocket.DialOptions{
			Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{"Origin": {origin}},
		})
		require.Equal(t, want, resp.StatusCode, origin)

		if err == nil {
			require.NoError(t, conn.CloseNow())
		} else {
			require.NoError(t, resp.Body.Close())
		}
	}
}

func TestAnAllowedPageMaySendNoSimpleRequest(t *testing.T) {
	t.Parallel()

	s := startOpen(t, allowApp)

	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
		a := s.do(t, http.MethodPost, "/graphql", `{"query":"{hello}"}`, "Content-Type", contentType, "Origin", app)
		require.Equal(t, http.StatusUnsupportedMediaType, a.status, contentType)
		require.Equal(t, app, a.header.Get("Access-Control-Allow-Origin"), "the page may read why")
	}
}

func TestBehindATrustedProxyTheHostIsTheForwardedOne(t *testing.T) {
	t.Parallel()

	behind := func(c *httpserver.Config, _ *httpserver.Deps) {
		c.Edge.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}
	forwarded := []string{
		"X-Forwarded-For", "203.0.113.9", "X-Forwarded-Host", "journal.example.com", "X-Forwarded-Proto", "https",
		"Sec-Fetch-Site", "same-origin", "Origin",
	}

	s := startOpen(t, behind)
	a := s.ask(t, `{ hello }`, append(forwarded, "https://journal.example.com")...)
	require.Equal(t, http.StatusOK, a.status, a.text)
	require.NotEmpty(t, a.header.Get("Strict-Transport-Security"))

	a = s.ask(t, `{ hello }`, append(forwarded, "http://journal.example.com")...)
	require.Equal(t, http.StatusForbidden, a.status, "the page came without TLS")

	a = s.do(t, http.MethodGet, "/playground/", "", "X-Forwarded-Host", "journal.example.com")
	require.Contains(t, a.header.Get("Content-Security-Policy"), "wss://journal.example.com;")

	// Nobody else is believed.
	a = startOpen(t, nil).ask(t, `{ hello }`, append(forwarded, "https://journal.example.com")...)
	require.Equal(t, http.StatusForbidden, a.status)
	require.Empty(t, a.header.Get("Strict-Transport-Security"))
}

func TestEveryAnswerHasItsSecurityHeaders(t *testing.T) {
	t.Parallel()

	s := startOpen(t, nil)

	for _, a := range []answer{
		s.ask(t, `{ hello }`),
		s.post(t, `{`),
		s.ask(t, `{ hello }`, "Origin", "https://evil.example"),
		s.ask(t, `subscription { count(to: 1) }`, "Accept", eventStream),
		s.do(t, http.MethodGet, "/nowhere", ""),
		s.do(t, http.MethodGet, "/healthz", ""),
		s.do(t, http.MethodGet, "/readyz", ""),
		s.do(t, http.MethodGet, "/metrics", ""),
		s.do(t, http.MethodGet, "/", ""),
		s.do(t, http.MethodGet, "/playground/", ""),
	} {
		require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
		require.Equal(t, "same-origin", a.header.Get("Cross-Origin-Resource-Policy"))
		require.Equal(t, "no-referrer", a.header.Get("Referrer-Policy"))
		require.Equal(t, "DENY", a.header.Get("X-Frame-Options"))
		require.Contains(t, a.header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
		require.Empty(t, a.header.Get("Strict-Transport-Security"), "without TLS it means nothing")
	}

	page := s.do(t, http.MethodGet, "/playground/", "").header
	require.Contains(t, page.Get("Permissions-Policy"), "camera=(), ")
	require.Equal(t, "default-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; "+
		"connect-src 'self' ws://"+s.address+" wss://"+s.address+"; object-src 'none'; base-uri 'self'; form-action 'self'; "+
		"frame-ancestors 'none'", page.Get("Content-Security-Policy"))
	require.Equal(t, "default-src 'none'; frame-ancestors 'none'",
		s.ask(t, `{ hello }`).header.Get("Content-Security-Policy"))
}

func TestSettingsOfTheEdgeAreChecked(t *testing.T) {
	t.Parallel()

	schema := testschema.NewExecutableSchema(testschema.Config{Resolvers: testschema.New()})

	for want, change := range map[string]func(*httpserver.Config){
		"both TLSCert and TLSKey":   func(c *httpserver.Config) { c.Edge.TLSCert = "cert.pem" },
		"no such file":              func(c *httpserver.Config) { c.Edge.TLSCert, c.Edge.TLSKey = "/nowhere", "/nowhere" },
		"TrustedProxies contradict": func(c *httpserver.Config) { c.Edge.TrustedProxies = []netip.Prefix{{}} },
		"network that is none": func(c *httpserver.Config) {
			c.LoopbackOnly, c.Edge.TrustedProxies = false, []netip.Prefix{{}}
		},
		"MaxConnections must not be negative":   func(c *httpserver.Config) { c.Edge.MaxConnections = -1 },
		"MaxExecuting must be positive":         func(c *httpserver.Config) { c.Edge.MaxExecuting = 0 },
		"MaxWaiting must not be negative":       func(c *httpserver.Config) { c.Edge.MaxWaiting = -1 },
		"MaxIntakeBytes must be positive":       func(c *httpserver.Config) { c.Edge.MaxIntakeBytes = 0 },
		"OperationTimeout must be positive":     func(c *httpserver.Config) { c.OperationTimeout = 0 },
		"Rates.ViewerRequests must be from 0":   func(c *httpserver.Config) { c.Rates.ViewerRequests = -1 },
		"Rates.ViewerCost must be from 0":       func(c *httpserver.Config) { c.Rates.ViewerCost = 1 << 40 },
		"Rates.AddressRequests must be from 0":  func(c *httpserver.Config) { c.Rates.AddressRequests = -1 },
		"Rates.AddressConnections must be from": func(c *httpserver.Config) { c.Rates.AddressConnections = -1 },
		"Rates.FailedLogins must be from 0":     func(c *httpserver.Config) { c.Rates.FailedLogins = -1 },
	} {
		cfg := httpserver.DefaultConfig()
		change(&cfg)
		_, err := httpserver.New(cfg, schema, httpserver.Deps{Present: present, Logger: (&site{log: &logBuffer{}}).logger()})
		require.ErrorContains(t, err, want)
	}

	for _, origin := range []string{
		"*", "https://*.example.com", "app.example.com", "https://App.example.com", "https://app.example.com/", "ftp://x",
		"https://app.example.com:443", "http://app.example.com:80", "https://", "https://user@app.example.com", "null",
		"https://app.example.com?x", "https://app.example.com:",
	} {
		cfg := httpserver.DefaultConfig()
		cfg.Edge.AllowedOrigins = []string{origin}
		_, err := httpserver.New(cfg, schema, httpserver.Deps{Present: present, Logger: (&site{log: &logBuffer{}}).logger()})
		require.ErrorContains(t, err, "AllowedOrigins", url.QueryEscape(origin))
	}
}
