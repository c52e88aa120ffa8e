package auth_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"samjournal/internal/auth"
	"samjournal/internal/model"
)

func TestAJWTBecomesAViewer(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		i := newIssuer(t)
		w.auth = w.authenticator(trusting(i))
		v, err := w.viewer(i.jwt(i.claims(w.clock.now())))
		require.NoError(t, err)
		want := model.Viewer{Account: w.acme, Role: model.RoleWriter, Subject: i.url + "#alice-id"}
		require.Equal(t, want, v, "no user is created, and none is shown before there is one")

		w.token(model.RoleReader, func(in *auth.TokenInput) { in.Username = new("bjørn") }) // creates the user
		claims := i.claims(w.clock.now(), set("preferred_username", "bjørn"), set("samjournal_role", "READER"))
		v, err = w.viewer(i.jwt(claims))
		require.NoError(t, err)
		require.Equal(t, model.RoleReader, v.Role)
		require.Equal(t, new("bjørn"), v.Username)
		require.NotNil(t, v.UserID)
	})
}

func TestEveryAsymmetricAlgorithmIsAccepted(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i))
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	keys := map[jose.SignatureAlgorithm]any{jose.EdDSA: edKey}
	for algorithm, curve := range map[jose.SignatureAlgorithm]elliptic.Curve{
		jose.ES256: elliptic.P256(), jose.ES384: elliptic.P384(), jose.ES512: elliptic.P521(),
	} {
		keys[algorithm], err = ecdsa.GenerateKey(curve, rand.Reader)
		require.NoError(t, err)
	}
	for _, algorithm := range []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512} {
		keys[algorithm] = rsaKey
	}
	var published []jose.JSONWebKey
	for algorithm, key := range keys {
		private := jose.JSONWebKey{Key: key, KeyID: string(algorithm), Algorithm: string(algorithm)}
		published = append(published, private.Public())
	}
	i.publish(published...)
	require.Len(t, keys, len(auth.SignatureAlgorithms()))
	for algorithm, key := range keys {
		require.Contains(t, auth.SignatureAlgorithms(), string(algorithm))
		text := signed(t, algorithm, jose.JSONWebKey{Key: key, KeyID: string(algorithm)}, i.claims(w.clock.now()))
		_, err := w.viewer(text)
		require.NoError(t, err, algorithm)
	}
	// A key is for its own algorithm only, and an issuer's keys need no names.
	w.refused(signed(t, jose.RS512, jose.JSONWebKey{Key: rsaKey, KeyID: "RS256"}, i.claims(w.clock.now())), "not signed by a key")
	_, err = w.viewer(signed(t, jose.ES384, keys[jose.ES384], i.claims(w.clock.now())))
	require.NoError(t, err)
}

func TestForgedJWTsAreRefused(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	i.mu.Lock()
	i.published = append(i.published, jose.JSONWebKey{Key: rsaKey.Public(), KeyID: "rsa"})
	i.mu.Unlock()
	w := newWorld(t, sqlite(t), trusting(i))
	claims := i.claims(w.clock.now())
	good := i.jwt(claims)
	_, err = w.viewer(good)
	require.NoError(t, err)
	parts := strings.Split(good, ".")

	for _, alg := range []string{"none", "None", "NONE", "nOnE", ""} {
		header := map[string]any{"alg": alg, "typ": "JWT", "kid": i.kid}
		w.refused(unsigned(t, header, claims, ""), "alg must be one of RS256")
		w.refused(unsigned(t, header, claims, parts[2]), "alg must be one of RS256")
	}

	der, err := x509.MarshalPKIXPublicKey(rsaKey.Public())
	require.NoError(t, err)
	for _, secret := range [][]byte{
		der, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), rsaKey.N.Bytes(), i.keySet(), {},
	} {
		text := unsigned(t, map[string]any{"alg": "HS256", "kid": "rsa"}, claims, "")
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(strings.TrimSuffix(text, ".")))
		w.refused(text+base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), "alg must be one of RS256")
	}

	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	w.refused(signed(t, jose.ES256, jose.JSONWebKey{Key: other, KeyID: i.kid}, claims), "not signed by a key of its issuer")
	w.refused(signed(t, jose.ES256, jose.JSONWebKey{Key: other, KeyID: "another"}, claims), "not signed by a key of its issuer")
	w.refused(signed(t, jose.ES256, other, claims), "not signed by a key of its issuer")

	// The claims of one token under the signature of another.
	admin := strings.Split(i.jwt(i.claims(w.clock.now(), set("samjournal_role", "admin"))), ".")
	w.refused(parts[0]+"."+admin[1]+"."+parts[2], "not signed by a key of its issuer")
}

func TestNoKeyIsTakenFromAToken(t *testing.T) {
	t.Parallel()
	i, evil := newIssuer(t), newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i))
	claims := i.claims(w.clock.now())
	key := jose.JSONWebKey{Key: evil.key, KeyID: i.kid}
	embedded := func(opts *jose.SignerOptions) { opts.EmbedJWK = true }
	w.refused(signed(t, jose.ES256, key, claims, embedded), "not signed by a key of its issuer")
	w.refused(signed(t, jose.ES256, jose.JSONWebKey{Key: evil.key}, claims, embedded), "not signed by a key of its issuer")
	for _, header := range []jose.HeaderKey{"jku", "x5u"} {
		points := func(opts *jose.SignerOptions) { opts.WithHeader(header, evil.url+"/keys") }
		w.refused(signed(t, jose.ES256, key, claims, points), "not signed by a key of its issuer")
	}
	require.Zero(t, evil.requests.Load(), "what a token points to is never followed")
}

func TestHeadersThatAskForMoreAreRefused(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i))
	claims := i.claims(w.clock.now())
	for _, crit := range []any{[]string{"exp"}, []string{"b64"}, []string{}, "x"} {
		w.refused(i.jwt(claims, func(o *jose.SignerOptions) { o.WithHeader("crit", crit).WithHeader("exp", 1) }), "header crit")
	}
	for _, typ := range []jose.ContentType{"logout+jwt", "secevent+jwt", "dpop+jwt"} {
		w.refused(i.jwt(claims, func(o *jose.SignerOptions) { o.WithType(typ) }), "typ must be JWT or at+jwt")
	}
	for _, typ := range []jose.ContentType{"jwt", "at+jwt", "application/at+JWT"} {
		_, err := w.viewer(i.jwt(claims, func(o *jose.SignerOptions) { o.WithType(typ) }))
		require.NoError(t, err, typ)
	}
}

func TestAJWTMustBeForThisServiceAndFromAnIssuerItBelieves(t *testing.T) {
	t.Parallel()
	i, second, stranger := newIssuer(t), newIssuer(t), newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i, func(cfg *auth.JWTConfig) {
		cfg.Issuers = append(cfg.Issuers, auth.Issuer{URL: second.url})
	}))
	now := w.clock.now()
	for _, aud := range []any{"other", []string{"x", "samjournal"}} {
		_, err := w.viewer(i.jwt(i.claims(now, set("aud", aud))))
		require.NoError(t, err)
	}
	for _, aud := range []any{nil, "", "samjourna", "Samjournal", []string{}, []string{"x", "y"}} {
		w.refused(i.jwt(i.claims(now, set("aud", aud))), `its aud must have one of ["samjournal" "other"]`)
	}
	_, err := w.viewer(second.jwt(second.claims(now)))
	require.NoError(t, err)

	w.refused(stranger.jwt(stranger.claims(now)), "issuer is not one that this server believes")
	w.refused(i.jwt(i.claims(now, set("iss", nil))), "issuer is not one that this server believes")
	w.refused(i.jwt(i.claims(now, set("iss", i.url+"/"))), "issuer is not one that this server believes")
	// One issuer speaks for nobody else.
	w.refused(second.jwt(i.claims(now)), "not signed by a key of its issuer")
	w.refused(stranger.jwt(i.claims(now)), "not signed by a key of its issuer")
}

func TestTheTimesOfAJWT(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i))
	now := w.clock.now()
	at := func(d time.Duration) any { return now.Add(d).Unix() }
	for name, test := range map[string]struct {
		change  []func(map[string]any)
		refused string // "": accepted
	}{
		"expired within skew":     {[]func(map[string]any){set("exp", at(-28*time.Second))}, ""},
		"expired beyond skew":     {[]func(map[string]any){set("exp", at(-31*time.Second))}, "has expired"},
		"expired long ago":        {[]func(map[string]any){set("exp", 1)}, "has expired"},
		"no exp":                  {[]func(map[string]any){set("exp", nil)}, "has no exp"},
		"exp null":                {[]func(map[string]any){func(c map[string]any) { c["exp"] = nil }}, "nor a well-formed JWT"},
		"exp of another spelling": {[]func(map[string]any){set("exp", nil), set("EXP", at(time.Hour))}, "has no exp"},
		"exp as text":             {[]func(map[string]any){set("exp", "9999999999")}, "exp is not a time"},
		"exp beyond time":         {[]func(map[string]any){set("exp", 1e18)}, "exp is not a time"},
		"exp below time":          {[]func(map[string]any){set("exp", -1e18)}, "exp is not a time"},
		"exp with a fraction":     {[]func(map[string]any){set("exp", float64(now.Unix())+100.5)}, ""},
		"nbf within skew":         {[]func(map[string]any){set("nbf", at(29*time.Second))}, ""},
		"nbf beyond skew":         {[]func(map[string]any){set("nbf", at(32*time.Second))}, "not valid yet"},
		"iat within skew":         {[]func(map[string]any){set("iat", at(29*time.Second))}, ""},
		"iat in the future":       {[]func(map[string]any){set("iat", at(32*time.Second))}, "issued in the future"},
		"no iat":                  {[]func(map[string]any){set("iat", nil)}, ""},
		"nbf that is no number":   {[]func(map[string]any){set("nbf", "soon")}, "nor a well-formed JWT"},
		"no sub":                  {[]func(map[string]any){set("sub", nil)}, "has no sub"},
	} {
		text := i.jwt(i.claims(now, test.change...))
		if test.refused != "" {
			w.refused(text, test.refused)
			continue
		}
		_, err := w.viewer(text)
		require.NoError(t, err, name)
	}
}

func TestAJWTThatWasAcceptedExpires(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i), func(cfg *auth.Config) { cfg.Recheck = time.Hour })
	text := i.jwt(i.claims(w.clock.now(), set("exp", w.clock.now().Add(time.Minute).Unix())))
	_, err := w.viewer(text)
	require.NoError(t, err)
	w.clock.advance(89 * time.Second)
	_, err = w.viewer(text)
	require.NoError(t, err, "within the skew")
	w.clock.advance(2 * time.Second)
	w.refused(text, "has expired")
}

func TestWhatIsNoJWTIsRefused(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i))
	claims := i.claims(w.clock.now())
	good := i.jwt(claims)
	parts := strings.Split(good, ".")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: i.key}, nil)
	require.NoError(t, err)
	jws, err := signer.Sign([]byte("not JSON"))
	require.NoError(t, err)
	notJSON, err := jws.CompactSerialize()
	require.NoError(t, err)
	for _, text := range []string{
		"garbage", "a.b.c", "..", "...", "eyJ.eyJ.x", parts[0], parts[0] + "." + parts[1], good + ".x", "." + good, good + "=",
		parts[0] + ".." + parts[2], notJSON, strings.Join(parts, "..") + ".", parts[0] + "=." + parts[1] + "." + parts[2],
		respelled(good),
	} {
		w.refused(text, "neither an API token, which begins with sjt_, nor a well-formed JWT")
	}
	w.refused(i.jwt(i.claims(w.clock.now(), set("pad", strings.Repeat("x", 8<<10)))), "longer than 8192 bytes")
	w.refused(strings.Repeat("a", 1<<20), "longer than 8192 bytes")
}

// respelled changes bits of the last character that stand for nothing.
func respelled(text string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(text) - 1
	return text[:last] + string(alphabet[strings.IndexByte(alphabet, text[last])^1])
}

func TestTheSubjectIsBounded(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i))
	room := 200 - len(i.url) - 1
	v, err := w.viewer(i.jwt(i.claims(w.clock.now(), set("sub", strings.Repeat("é", room)))))
	require.NoError(t, err)
	require.Len(t, []rune(v.Subject), 200)
	w.refused(i.jwt(i.claims(w.clock.now(), set("sub", strings.Repeat("é", room+1)))), "at most 199 characters together")
	w.refused(i.jwt(i.claims(w.clock.now(), set("sub", "a\x00b"))), "without control characters")
}

func TestTheConfigurationOfJWTsIsChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqlite(t))
	fine := func() *auth.JWTConfig {
		return &auth.JWTConfig{Issuers: []auth.Issuer{{URL: "https://login.example.com"}}, Audiences: []string{"samjournal"}}
	}
	for want, change := range map[string]func(*auth.JWTConfig){
		"at least one issuer":                     func(c *auth.JWTConfig) { c.Issuers = nil },
		"at least one audience":                   func(c *auth.JWTConfig) { c.Audiences = nil },
		"none may be empty":                       func(c *auth.JWTConfig) { c.Audiences = []string{""} },
		"named twice":                             func(c *auth.JWTConfig) { c.Issuers = append(c.Issuers, c.Issuers...) },
		"skew must be from 0s to 2m0s, is 2m1s":   func(c *auth.JWTConfig) { c.Skew = 121 * time.Second },
		"skew must be from 0s to 2m0s, is -1s":    func(c *auth.JWTConfig) { c.Skew = -time.Second },
		`is "HS256"`:                              func(c *auth.JWTConfig) { c.Algorithms = []string{"RS256", "HS256"} },
		`is "none"`:                               func(c *auth.JWTConfig) { c.Algorithms = []string{"none"} },
		`operator must be ISSUER#SUB`:             func(c *auth.JWTConfig) { c.Operators = []string{"https://other.example.com#x"} },
		`one of the issuers, is "https://login."`: func(c *auth.JWTConfig) { c.Operators = []string{"https://login."} },
	} {
		cfg := fine()
		change(cfg)
		_, err := auth.New(auth.Config{Backend: w.store, JWT: cfg})
		require.ErrorContains(t, err, want)
	}
	for _, url := range []string{
		"", "login.example.com", "http://login.example.com", "ftp://localhost", "https://", "https://x.example.com?a", "https://x/#a",
		"https://user:hunter2@x.example.com", "http://127.0.0.1.example.com", "http://localhost.example.com", "%",
	} {
		cfg := fine()
		cfg.Issuers[0].URL = url
		_, err := auth.New(auth.Config{Backend: w.store, JWT: cfg})
		require.ErrorContains(t, err, "issuer must be a URL such as https://", url)
		require.NotContains(t, err.Error(), "hunter2")
	}
	for _, url := range []string{"https://login.example.com/realms/x", "http://localhost:81", "http://127.0.0.1", "http://[::1]:1"} {
		cfg := fine()
		cfg.Issuers[0].URL = url
		a, err := auth.New(auth.Config{Backend: w.store, JWT: cfg})
		require.NoError(t, err, "an issuer that cannot be reached keeps nobody from starting")
		a.Close()
	}
}

// FuzzJWT sends what its seeds become as JWTs. Nothing of it is signed, so nothing of it may be accepted.
func FuzzJWT(f *testing.F) {
	i := newIssuer(f)
	w := newWorld(f, sqlite(f), trusting(i))
	claims := i.claims(w.clock.now())
	good := i.jwt(claims)
	_, err := w.viewer(good)
	require.NoError(f, err)
	parts := strings.Split(good, ".")
	f.Add("")
	f.Add("a.b.c")
	f.Add(parts[0] + "." + parts[1] + ".")
	f.Add(parts[0] + "." + parts[1] + "." + parts[2][1:])
	f.Add(unsigned(f, map[string]any{"alg": "none"}, claims, ""))
	f.Add(unsigned(f, map[string]any{"alg": "HS256", "kid": i.kid}, claims, "AAAA"))
	f.Add(unsigned(f, map[string]any{"alg": "ES256", "crit": []string{"b64"}, "b64": false}, claims, parts[2]))
	f.Add(unsigned(f, map[string]any{"alg": "ES256", "jwk": map[string]any{"kty": "EC"}}, claims, parts[2]))
	f.Add(unsigned(f, map[string]any{"alg": []any{nil}, "typ": 1, "kid": map[string]any{}}, map[string]any{"iss": 1}, "x"))
	f.Add(unsigned(f, map[string]any{"alg": "RS256", "x5c": []string{"MIIB"}}, claims, parts[2]))
	f.Fuzz(func(t *testing.T, text string) {
		if text == good {
			return
		}
		r := request()
		r.Header["Authorization"] = []string{"Bearer " + text}
		ctx, err := w.auth.Viewer(t.Context(), r, nil)
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
		require.Nil(t, ctx)
	})
}
