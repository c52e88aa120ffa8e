package auth_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/auth"
)

// directory is an issuer's discovery document, of which a test decides what is in it.
type directory struct {
	url    string
	asked  atomic.Int64
	down   atomic.Bool
	change func(map[string]any)
}

func newDirectory(t testing.TB, change func(map[string]any)) *directory {
	t.Helper()
	d := &directory{change: change}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		d.asked.Add(1)
		if d.down.Load() {
			http.Error(rw, "down for maintenance", http.StatusServiceUnavailable)
			return
		}
		document := map[string]any{
			"issuer": d.url, "jwks_uri": d.url + "/keys", "authorization_endpoint": d.url + "/auth", "token_endpoint": d.url + "/token",
		}
		d.change(document)
		_ = json.NewEncoder(rw).Encode(document)
	}))
	t.Cleanup(server.Close)
	d.url = server.URL
	return d
}

func signIn(t testing.TB, d *directory, now func() time.Time) *auth.SignIn {
	t.Helper()
	s, err := auth.NewSignIn(d.url, now, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func TestPeopleSignInWhereTheDiscoveryDocumentSays(t *testing.T) {
	t.Parallel()
	d := newDirectory(t, func(document map[string]any) {
		document["token_endpoint"] = "http://localhost:1/another/origin"
		document["authorization_response_iss_parameter_supported"] = true
		document["id_token_signing_alg_values_supported"] = []string{"ES256"}
	})
	found, err := signIn(t, d, time.Now).Endpoints(t.Context())
	require.NoError(t, err)
	require.Equal(t, auth.Endpoints{
		Issuer: d.url, Authorization: d.url + "/auth", Token: "http://localhost:1/another/origin",
		Algorithms: []string{"ES256"}, NamesIssuer: true,
	}, found)
}

func TestEndpointsThatCouldBeReadOnTheWayAreRefused(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"", "http://id.example.com/token", "javascript:alert(1)", "//id.example.com"} {
		for _, name := range []string{"token_endpoint", "authorization_endpoint"} {
			d := newDirectory(t, func(document map[string]any) { document[name] = endpoint })
			_, err := signIn(t, d, time.Now).Endpoints(t.Context())
			require.Error(t, err, "%s %q", name, endpoint)
		}
	}
}

func TestAnIssuerThatIsDownIsAskedAgainLaterAndKnownEndpointsStay(t *testing.T) {
	t.Parallel()
	var passed atomic.Int64
	now := func() time.Time { return time.Unix(1_700_000_000+passed.Load(), 0) }
	d := newDirectory(t, func(map[string]any) {})
	s := signIn(t, d, now)

	d.down.Store(true)
	for range 3 {
		_, err := s.Endpoints(t.Context())
		require.Error(t, err)
	}
	require.EqualValues(t, 1, d.asked.Load(), "not again at once")

	d.down.Store(false)
	passed.Add(11)
	_, err := s.Endpoints(t.Context())
	require.NoError(t, err)

	d.down.Store(true)
	passed.Add(3600)
	found, err := s.Endpoints(t.Context())
	require.NoError(t, err)
	require.Equal(t, d.url+"/token", found.Token)
	require.Eventually(t, func() bool { return d.asked.Load() == 3 }, time.Minute, time.Millisecond, "it is asked, and nobody waits")
}

func TestNobodyWaitsForAnIssuerLongerThanTheyWantTo(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	s, err := auth.NewSignIn(server.URL, time.Now, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(s.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = s.Endpoints(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
