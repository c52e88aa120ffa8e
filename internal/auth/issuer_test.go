package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"samjournal/internal/auth"
)

// issuer is an OpenID Connect issuer.
type issuer struct {
	t        testing.TB
	url      string
	requests atomic.Int64 // for its keys
	down     atomic.Bool
	key      crypto.Signer // what it signs with
	kid      string

	mu        sync.Mutex
	published []jose.JSONWebKey // guarded by mu
}

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	i := &issuer{t: t}
	i.rotate("key-1")
	server := httptest.NewServer(i)
	t.Cleanup(server.Close)
	i.url = server.URL
	return i
}

func (i *issuer) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "application/json")
	switch {
	case i.down.Load():
		http.Error(rw, "down for maintenance", http.StatusServiceUnavailable)
	case r.URL.Path == "/.well-known/openid-configuration":
		_ = json.NewEncoder(rw).Encode(map[string]any{"issuer": i.url, "jwks_uri": i.url + "/keys"})
	case r.URL.Path == "/keys":
		i.requests.Add(1)
		_, _ = rw.Write(i.keySet())
	}
}

func (i *issuer) keySet() []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: i.published})
	require.NoError(i.t, err)
	return text
}

// rotate makes a new key the only one.
func (i *issuer) rotate(kid string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(i.t, err)
	i.sign(key, kid)
	i.publish(jose.JSONWebKey{Key: key.Public(), KeyID: kid, Use: "sig"})
}

func (i *issuer) sign(key crypto.Signer, kid string) { i.key, i.kid = key, kid }

func (i *issuer) publish(keys ...jose.JSONWebKey) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.published = keys
}

// claims are those of a writer of acme, good for an hour.
func (i *issuer) claims(now time.Time, change ...func(map[string]any)) map[string]any {
	claims := map[string]any{
		"iss": i.url, "sub": "alice-id", "aud": "samjournal", "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(),
		"samjournal_account": "acme", "samjournal_role": "writer", "preferred_username": "alice",
	}
	for _, f := range change {
		f(claims)
	}
	return claims
}

// jwt signs claims with ES256, whatever the key says.
func (i *issuer) jwt(claims map[string]any, headers ...func(*jose.SignerOptions)) string {
	return signed(i.t, jose.ES256, jose.JSONWebKey{Key: i.key, KeyID: i.kid}, claims, headers...)
}

func signed(
	t testing.TB, algorithm jose.SignatureAlgorithm, key any, claims map[string]any, headers ...func(*jose.SignerOptions),
) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	require.NoError(t, err)
	return signedText(t, algorithm, key, payload, headers...)
}

// signedText signs whatever the payload is.
func signedText(
	t testing.TB, algorithm jose.SignatureAlgorithm, key any, payload []byte, headers ...func(*jose.SignerOptions),
) string {
	t.Helper()
	opts := (&jose.SignerOptions{}).WithType("JWT")
	for _, f := range headers {
		f(opts)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, opts)
	require.NoError(t, err)
	jws, err := signer.Sign(payload)
	require.NoError(t, err)
	text, err := jws.CompactSerialize()
	require.NoError(t, err)
	return text
}

// unsigned puts parts of a JWT together without a signer's care.
func unsigned(t testing.TB, header, claims map[string]any, signature string) string {
	t.Helper()
	part := func(v map[string]any) string {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return strings.Join([]string{part(header), part(claims), signature}, ".")
}

// set sets a claim; nil removes it.
func set(name string, value any) func(map[string]any) {
	return func(claims map[string]any) {
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
	}
}

// trusting makes an authenticator believe an issuer.
func trusting(i *issuer, change ...func(*auth.JWTConfig)) func(*auth.Config) {
	return func(cfg *auth.Config) {
		jwt := auth.JWTConfig{Issuers: []auth.Issuer{{URL: i.url}}, Audiences: []string{"samjournal", "other"}, Skew: 30 * time.Second}
		for _, f := range change {
			f(&jwt)
		}
		cfg.JWT = &jwt
	}
}
