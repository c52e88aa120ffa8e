package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

const (
	issuer   = "https://id.example.com"
	audience = "journal"
)

// signer is an identity provider: its key is in the file that the server trusts.
type signer struct {
	key  *rsa.PrivateKey
	file string
}

func newSigner(t testing.TB, dir string) signer {
	t.Helper()
	const bits = 2048
	key, err := rsa.GenerateKey(rand.Reader, bits)
	require.NoError(t, err)
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1", Use: "sig"}}})
	require.NoError(t, err)
	s := signer{key: key, file: filepath.Join(dir, "jwks.json")}
	require.NoError(t, os.WriteFile(s.file, set, 0o600))
	return s
}

// claims are those of a good token, but for the changes; nil takes one away.
func claims(changes map[string]any) map[string]any {
	all := map[string]any{
		"iss": issuer, "aud": audience, "sub": "alice", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		"samjournal_account": "default", "samjournal_role": "auditor", "preferred_username": "alice",
	}
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

func signed(t testing.TB, algorithm jose.SignatureAlgorithm, key any, header, payload map[string]any) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", "1")
	for name, value := range header {
		options.WithHeader(jose.HeaderKey(name), value)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	require.NoError(t, err)
	text, err := json.Marshal(payload)
	require.NoError(t, err)
	object, err := s.Sign(text)
	require.NoError(t, err)
	token, err := object.CompactSerialize()
	require.NoError(t, err)
	return token
}

// unsigned is a token that says what it likes, with anything for a signature.
func unsigned(t testing.TB, header, payload map[string]any, signature string) string {
	t.Helper()
	var parts []string
	for _, part := range []map[string]any{header, payload} {
		text, err := json.Marshal(part)
		require.NoError(t, err)
		parts = append(parts, base64.RawURLEncoding.EncodeToString(text))
	}
	return strings.Join(append(parts, signature), ".")
}

func (s signer) token(t testing.TB, changes map[string]any) string {
	t.Helper()
	return signed(t, jose.RS256, s.key, nil, claims(changes))
}

// forgeries are tokens that nobody may get in with.
func (s signer) forgeries(t testing.TB) map[string]string {
	t.Helper()
	const bits = 2048
	other, err := rsa.GenerateKey(rand.Reader, bits)
	require.NoError(t, err)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	public, err := json.Marshal(jose.JSONWebKey{Key: s.key.Public()})
	require.NoError(t, err)
	good := s.token(t, nil)
	head, rest, _ := strings.Cut(good, ".")
	_, signature, _ := strings.Cut(rest, ".")
	own := jose.JSONWebKey{Key: curve.Public()}
	return map[string]string{
		"alg none":               unsigned(t, map[string]any{"alg": "none"}, claims(nil), ""),
		"alg None, with kid":     unsigned(t, map[string]any{"alg": "None", "kid": "1"}, claims(nil), "c2ln"),
		"alg none, signed":       unsigned(t, map[string]any{"alg": "none", "kid": "1"}, claims(nil), signature),
		"the public key as HMAC": signed(t, jose.HS256, public, nil, claims(nil)),
		"another key":            signed(t, jose.RS256, other, nil, claims(nil)),
		"a key of its own":       signed(t, jose.ES256, curve, map[string]any{"jwk": own}, claims(nil)),
		"a URL of keys":          signed(t, jose.RS256, other, map[string]any{"jku": "http://127.0.0.1:1/keys"}, claims(nil)),
		"an unknown key":         signed(t, jose.RS256, other, map[string]any{"kid": "2"}, claims(nil)),
		"a critical extension":   unsigned(t, map[string]any{"alg": "RS256", "kid": "1", "crit": []string{"exp"}}, claims(nil), "c2ln"),
		"another audience":       s.token(t, map[string]any{"aud": "another"}),
		"no audience":            s.token(t, map[string]any{"aud": nil}),
		"another issuer":         s.token(t, map[string]any{"iss": issuer + "/"}),
		"expired":                s.token(t, map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}),
		"without end":            s.token(t, map[string]any{"exp": nil}),
		"not yet":                s.token(t, map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}),
		"of the future":          s.token(t, map[string]any{"iat": time.Now().Add(time.Hour).Unix()}),
		"huge":                   s.token(t, map[string]any{"more": strings.Repeat("a", 30_000)}),
		"no role":                s.token(t, map[string]any{"samjournal_role": nil}),
		"an operator":            s.token(t, map[string]any{"samjournal_role": "operator"}),
		"two roles":              s.token(t, map[string]any{"samjournal_role": []string{"reader", "admin"}}),
		"another payload":        head + "." + strings.Repeat("A", 40) + rest[40:],
		"half":                   good[:len(good)/2],
		"dots":                   "...",
		"not base64":             "a.b.c",
	}
}

func TestNoForgedJWTGetsIn(t *testing.T) {
	t.Parallel()
	db := newSQLite(t)
	provider := newSigner(t, db.dir)
	s := serve(t, db.where, "--auth=required", "--oidc-issuers="+issuer, "--oidc-audiences="+audience,
		"--oidc-jwks-file="+provider.file, "--rate-failed-logins=0")
	viewer := value(t, s.as(provider.token(t, nil)).query(t, whoAmI, nil), "viewer")
	require.Equal(t, "AUDITOR", value(t, viewer, "role"))
	require.Equal(t, issuer+"#alice", value(t, viewer, "subject"))
	for name, token := range provider.forgeries(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shown := s.as(token).denied(t)
			require.NotContains(t, shown.Message, "a.b.c")
			sub := s.dial(t)
			sub.send(t, s.as(token).connectionInit())
			require.EqualValues(t, 4401, sub.closed(t))
		})
	}
	elsewhere := s.as(provider.token(t, map[string]any{"samjournal_account": "nosuch"})).post(t, `{"query": `+quoted(whoAmI)+`}`)
	require.Equal(t, 403, elsewhere.status, elsewhere.body)
}

func TestGuessingTokensIsSlow(t *testing.T) {
	t.Parallel()
	db := newSQLite(t)
	token := newToken(t, db.where, "--role=auditor")
	s := serve(t, db.where, "--auth=required", "--rate-failed-logins=5")
	s.as(token).query(t, whoAmI, nil)
	for range 5 {
		s.denied(t, "Authorization", "Bearer "+token+"a")
	}
	eventually(t, "guesses are held up", func() bool {
		a := s.post(t, `{"query": "{ viewer { role } }"}`, "Authorization", "Bearer "+token+"a")
		return a.status == 429 && a.header.Get("Retry-After") != "" && a.errors[0].code() == "RATE_LIMITED"
	})
	s.as(token).query(t, whoAmI, nil)
}
