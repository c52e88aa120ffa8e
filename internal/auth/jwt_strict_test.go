package auth_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"samjournal/internal/auth"
)

// What a token says must be the same to whoever reads it: names are compared exactly, and none comes twice.
func TestJWTsThatCanBeReadInTwoWaysAreRefused(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i))
	key := jose.JSONWebKey{Key: i.key, KeyID: i.kid}
	text := func(change ...func(map[string]any)) string {
		claims, err := json.Marshal(i.claims(w.clock.now(), change...))
		require.NoError(t, err)
		return string(claims)
	}
	with := func(claims, more string) string {
		return signedText(t, jose.ES256, key, []byte(strings.TrimSuffix(claims, "}")+more+"}"))
	}
	_, err := w.viewer(with(text(), `,"x":1`))
	require.NoError(t, err)
	const malformed = "nor a well-formed JWT"
	for _, more := range []string{
		`,"samjournal_role":"admin"`, `,"sub":"root"`, `,"preferred_username":"root"`, `,"aud":"samjournal"`, `,"exp":9999999999`,
		`,"x":{"y":1,"y":2}`, ",\"x\":\"\xff\"", `,"x":"\ud800"`,
	} {
		w.refused(with(text(), more), malformed)
	}
	w.refused(with(text(set("sub", nil)), ",\"sub\":\"root\xff\""), malformed)
	w.refused(with(text(set("aud", "another")), `,"AUD":"samjournal"`), "its aud must have one of")
	w.refused(with(text(set("aud", nil)), `,"Aud":["samjournal"]`), "its aud must have one of")
	w.refused(with(text(set("iss", nil)), `,"ISS":"`+i.url+`"`), "issuer is not one")
	w.refused(with(text(set("samjournal_role", nil)), `,"Samjournal_Role":"admin"`), "names no role")
	w.refused(i.jwt(i.claims(w.clock.now()), func(o *jose.SignerOptions) {
		o.WithType("logout+jwt").WithHeader("typ ", "JWT").WithHeader("tYP", "JWT")
	}), "typ must be JWT or at+jwt")
}

func TestAnAudienceIsAStringOrAListOfStrings(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i))
	for _, aud := range []any{7, true, map[string]any{"samjournal": true}, []any{"samjournal", 7}, []any{[]any{"samjournal"}}} {
		w.refused(i.jwt(i.claims(w.clock.now(), set("aud", aud))), "nor a well-formed JWT")
	}
}

func TestEncryptedAndNestedJWTsAreRefused(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i))
	const malformed = "nor a well-formed JWT"
	claims := i.claims(w.clock.now())
	good := i.jwt(claims)
	nested := signedText(t, jose.ES256, jose.JSONWebKey{Key: i.key, KeyID: i.kid}, []byte(good),
		func(o *jose.SignerOptions) { o.WithContentType("JWT") })
	w.refused(nested, malformed)
	for _, encryption := range []jose.Recipient{
		{Algorithm: jose.ECDH_ES, Key: i.key.Public()}, {Algorithm: jose.DIRECT, Key: make([]byte, 16)},
	} {
		encrypter, err := jose.NewEncrypter(jose.A128GCM, encryption, (&jose.EncrypterOptions{}).WithType("JWT").WithContentType("JWT"))
		require.NoError(t, err)
		encrypted, err := encrypter.Encrypt([]byte(good))
		require.NoError(t, err)
		text, err := encrypted.CompactSerialize()
		require.NoError(t, err)
		w.refused(text, malformed)
	}
	// The same signature in JSON, with more than one signature or none: only the compact form is a JWT.
	jws, err := jose.ParseSigned(good, []jose.SignatureAlgorithm{jose.ES256})
	require.NoError(t, err)
	_, err = w.auth.Viewer(t.Context(), request("Authorization", "Bearer "+jws.FullSerialize()), nil)
	require.ErrorIs(t, err, auth.ErrUnauthenticated)
}
