package httpserver

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// trusted are the proxies of these tests.
func trusted() proxies {
	return proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("192.0.2.7/32")}
}

func TestTheClientIsTheRightmostAddressThatIsNotTrusted(t *testing.T) {
	t.Parallel()

	for name, c := range map[string]struct {
		peer      string
		forwarded []string
		want      string
	}{
		"no header":               {"10.0.0.1:4711", nil, "10.0.0.1"},
		"one":                     {"10.0.0.1:4711", []string{"203.0.113.9"}, "203.0.113.9"},
		"spoofed before":          {"10.0.0.1:4711", []string{"127.0.0.1, 198.51.100.1, 203.0.113.9"}, "203.0.113.9"},
		"two proxies":             {"10.0.0.1:4711", []string{"198.51.100.1, 203.0.113.9, 10.7.7.7"}, "203.0.113.9"},
		"several headers":         {"10.0.0.1:4711", []string{"198.51.100.1", "203.0.113.9,10.1.1.1", "10.2.2.2"}, "203.0.113.9"},
		"a trusted one by name":   {"192.0.2.7:1", []string{"203.0.113.9"}, "203.0.113.9"},
		"its neighbour":           {"192.0.2.8:1", []string{"203.0.113.9"}, "192.0.2.8"},
		"a peer not trusted":      {"203.0.113.1:4711", []string{"198.51.100.1"}, "203.0.113.1"},
		"all trusted":             {"10.0.0.1:4711", []string{"10.3.3.3, 10.2.2.2"}, "10.3.3.3"},
		"a port":                  {"10.0.0.1:4711", []string{"203.0.113.9:1234"}, "203.0.113.9"},
		"IPv6":                    {"[fd00::1]:4711", []string{"2001:db8::9"}, "2001:db8::9"},
		"IPv6 in brackets":        {"[fd00::1]:4711", []string{"[2001:db8::9]"}, "2001:db8::9"},
		"IPv6 with a port":        {"[fd00::1]:4711", []string{"[2001:db8::9]:443"}, "2001:db8::9"},
		"IPv4 in IPv6":            {"[::ffff:10.0.0.1]:4711", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		"a zone":                  {"[fe80::1%eth0]:4711", nil, "fe80::1"},
		"spaces":                  {"10.0.0.1:4711", []string{" 198.51.100.1 ,\t203.0.113.9 "}, "203.0.113.9"},
		"garbage at the end":      {"10.0.0.1:4711", []string{"203.0.113.9, unknown"}, "10.0.0.1"},
		"garbage in between":      {"10.0.0.1:4711", []string{"203.0.113.9, x, 10.2.2.2"}, "10.2.2.2"},
		"garbage before":          {"10.0.0.1:4711", []string{"<script>, 203.0.113.9"}, "203.0.113.9"},
		"an empty header":         {"10.0.0.1:4711", []string{""}, "10.0.0.1"},
		"an empty element":        {"10.0.0.1:4711", []string{"203.0.113.9,"}, "10.0.0.1"},
		"brackets around IPv4":    {"10.0.0.1:4711", []string{"[203.0.113.9]"}, "10.0.0.1"},
		"more than any row holds": {"10.0.0.1:4711", []string{"203.0.113.9" + strings.Repeat(",10.0.0.2", 1000)}, "10.0.0.2"},
		"no address at all":       {"@", []string{"203.0.113.9"}, "invalid IP"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		r.Header["X-Forwarded-For"] = c.forwarded

		require.Equal(t, c.want, ClientAddr(trusted().identify(r).Context()).String(), name)
	}
}

func TestWhatAClientWritesItselfChangesNothing(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = "10.0.0.1:4711"
		r.Header["X-Forwarded-For"] = append(
			rapid.SliceOf(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"10.0.0.2", "1.1.1.1", ",", "::1, 10.0.0.9"}))).
				Draw(t, "spoofed"),
			rapid.SampledFrom([]string{"", "1.2.3.4, ", "garbage,"}).Draw(t, "before")+"203.0.113.9, 10.0.0.3")

		require.Equal(t, "203.0.113.9", ClientAddr(trusted().identify(r).Context()).String())
	})
}

func TestATrustedProxyTellsHostAndScheme(t *testing.T) {
	t.Parallel()

	for name, c := range map[string]struct {
		peer, host, proto string
		wantHost          string
		wantSecure        bool
	}{
		"trusted":              {"10.0.0.1:1", "journal.example.com", "https", "journal.example.com", true},
		"with a port":          {"10.0.0.1:1", "journal.example.com:8443", "HTTPS", "journal.example.com:8443", true},
		"a chain":              {"10.0.0.1:1", "evil.example, journal.example.com", "https, http", "journal.example.com", false},
		"plain":                {"10.0.0.1:1", "", "http", "inner:8080", false},
		"garbage":              {"10.0.0.1:1", "a b; c", "", "inner:8080", false},
		"not trusted":          {"203.0.113.1:1", "evil.example", "https", "inner:8080", false},
		"not trusted, by IPv6": {"[2001:db8::1]:1", "evil.example", "https", "inner:8080", false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Host = c.peer, "inner:8080"
		r.Header.Set("X-Forwarded-Host", c.host)
		r.Header.Set("X-Forwarded-Proto", c.proto)

		r = trusted().identify(r)
		require.Equal(t, c.wantHost, r.Host, name)
		require.Equal(t, c.wantSecure, clientOf(r.Context()).secure, name)
	}

	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.TLS = &tls.ConnectionState{}
	require.True(t, clientOf(proxies(nil).identify(r).Context()).secure)
}

func TestAPageWithoutTLSIsAnotherOriginThanTheSameHostWithTLS(t *testing.T) {
	t.Parallel()

	require.True(t, sameHost("https://journal.example.com", "journal.example.com", true))
	require.False(t, sameHost("http://journal.example.com", "journal.example.com", true))
	require.True(t, sameHost("http://journal.example.com", "journal.example.com", false))
	require.True(t, sameHost("https://journal.example.com", "journal.example.com", false), "a proxy may have taken the TLS off")
	require.False(t, sameHost("https://journal.example.com:1", "journal.example.com", true))
}

func FuzzAddressesAreRead(f *testing.F) {
	for _, text := range []string{"1.2.3.4", "1.2.3.4:5", "[::1]:5", "[::1]", "::ffff:1.2.3.4", "fe80::1%x", "[", "]", ""} {
		f.Add(text)
	}

	f.Fuzz(func(t *testing.T, text string) {
		addr := addrOf(text)
		require.False(t, addr.Is4In6())
		require.Empty(t, addr.Zone())
	})
}
