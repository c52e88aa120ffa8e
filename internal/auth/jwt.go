package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	// maxSkew is the most that JWTConfig.Skew may be.
	maxSkew = 2 * time.Minute
	// operatorAccount is the account of operators whose tokens name none: the one that is there from the start.
	operatorAccount = "default"
)

// JWTConfig says whose JWTs are believed, and what they say of the viewer.
type JWTConfig struct {
	// Issuers are who may sign; at least one.
	Issuers []Issuer
	// Audiences are the values of aud of which a token needs one; at least one, else a token for any other service would be
	// good for this one.
	Audiences []string
	// Algorithms are the signature algorithms that are accepted, of SignatureAlgorithms. Default all of them.
	Algorithms []string
	// Skew is how far the issuer's clock may be off, from 0 to 2 minutes; it is granted to exp, nbf and iat. Default 0.
	Skew time.Duration
	// AccountClaim, RoleClaim and UsernameClaim name the claims with the account's slug, the role (a string, or a list of
	// strings of which exactly one is a role) and the username. With / in front it is a JSON Pointer (RFC 6901) such as
	// /realm_access/roles. Defaults samjournal_account, samjournal_role and preferred_username.
	AccountClaim, RoleClaim, UsernameClaim string
	// DefaultAccount is the slug of the account of tokens without AccountClaim. Default none: they are refused.
	DefaultAccount string
	// Operators are the subjects, "<issuer>#<sub>", that are operators. Default none.
	Operators []string
}

// Issuer is one whose JWTs are believed.
type Issuer struct {
	// URL is what its tokens have as iss, to the letter. It is https, or http on this machine.
	URL string
	// JWKSFile holds its keys, a JSON Web Key Set (RFC 7517), in the place of discovery. It is read again when it changes.
	JWKSFile string
}

// SignatureAlgorithms are those that JWTs may be signed with: the asymmetric ones of RFC 7518 and RFC 8037, since with a
// symmetric one whoever can verify a token can forge it.
func SignatureAlgorithms() []string {
	return []string{
		oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
	}
}

func (c JWTConfig) withDefaults() JWTConfig {
	if len(c.Algorithms) == 0 {
		c.Algorithms = SignatureAlgorithms()
	}
	for _, name := range []struct {
		claim    *string
		fallback string
	}{
		{&c.AccountClaim, "samjournal_account"}, {&c.RoleClaim, "samjournal_role"}, {&c.UsernameClaim, "preferred_username"},
	} {
		if *name.claim == "" {
			*name.claim = name.fallback
		}
	}
	return c
}

func (c JWTConfig) validate() error {
	switch {
	case len(c.Issuers) == 0:
		return errors.New("at least one issuer is needed")
	case len(c.Audiences) == 0 || slices.Contains(c.Audiences, ""):
		return errors.New("at least one audience is needed, and none may be empty")
	case c.Skew < 0 || c.Skew > maxSkew:
		return fmt.Errorf("skew must be from 0s to %s, is %s", maxSkew, c.Skew)
	}
	for _, algorithm := range c.Algorithms {
		if allowed := SignatureAlgorithms(); !slices.Contains(allowed, algorithm) {
			return fmt.Errorf("algorithm must be one of %s, is %q", strings.Join(allowed, ", "), algorithm)
		}
	}
	seen := map[string]bool{}
	for _, issuer := range c.Issuers {
		if err := checkIssuer(issuer.URL); err != nil {
			return err
		}
		if seen[issuer.URL] {
			return fmt.Errorf("issuer %q is named twice", issuer.URL)
		}
		seen[issuer.URL] = true
	}
	for _, operator := range c.Operators {
		issuer, sub, _ := strings.Cut(operator, "#")
		if sub == "" || !seen[issuer] {
			return fmt.Errorf("operator must be ISSUER#SUB with one of the issuers, is %q", operator)
		}
	}
	return nil
}

func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(issuer, "?#") ||
		u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return fmt.Errorf("issuer must be a URL such as https://login.example.com, without query, fragment or password "+
			"(http only on this machine), is %q", redacted(u, issuer))
	}
	return nil
}

// redacted is a URL without password.
func redacted(u *url.URL, text string) string {
	switch {
	case u == nil:
		return "not a URL"
	case u.User != nil:
		return u.Redacted()
	}
	return text
}

// jwtVerifier verifies JWTs. Its methods may be called from many goroutines at once.
type jwtVerifier struct {
	cfg     JWTConfig
	now     func() time.Time
	issuers map[string]*oidc.IDTokenVerifier // by URL
	closers []func()
}

func newJWTVerifier(cfg JWTConfig, interval time.Duration, now func() time.Time, log *slog.Logger) (*jwtVerifier, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	v := &jwtVerifier{cfg: cfg, now: now, issuers: map[string]*oidc.IDTokenVerifier{}}
	for _, issuer := range cfg.Issuers {
		keys := &issuerKeys{}
		for _, algorithm := range cfg.Algorithms {
			keys.algorithms = append(keys.algorithms, jose.SignatureAlgorithm(algorithm))
		}
		if issuer.JWKSFile != "" {
			file, err := newFileKeys(issuer.JWKSFile, interval, now, log)
			if err != nil {
				v.close()
				return nil, err
			}
			keys.source = file
		} else {
			discovered := newDiscoveredKeys(issuer.URL, now, log)
			v.closers = append(v.closers, discovered.close)
			keys.source = discovered
		}
		v.issuers[issuer.URL] = oidc.NewVerifier(issuer.URL, keys, &oidc.Config{
			SupportedSigningAlgs: cfg.Algorithms,
			SkipClientIDCheck:    true, // it knows one audience; verify checks for any of them
			SkipExpiryCheck:      true, // its leeway is fixed: none for exp, five minutes for nbf
		})
	}
	return v, nil
}

func (v *jwtVerifier) close() {
	for _, end := range v.closers {
		end()
	}
}

// verify returns what the JWT proves. Its error matches ErrUnauthenticated, or store.ErrUnavailable when the key that the JWT
// names cannot be fetched now.
func (v *jwtVerifier) verify(ctx context.Context, text string) (identity, error) {
	verifier, issuer, err := v.inspect(text)
	if err != nil {
		return identity{}, err
	}
	var o outcome
	token, err := verifier.Verify(context.WithValue(ctx, outcomeKey{}, &o), text)
	switch {
	case o.err != nil:
		return identity{}, o.err
	case err != nil: // its text repeats what is in the token
		return identity{}, errNotJWT()
	}
	// The verifier reads names in any case, and the last of two that are the same.
	var (
		payload jsontext.Value
		claims  map[string]any
	)
	if token.Claims(&payload) != nil || json.Unmarshal(payload, &claims) != nil {
		return identity{}, errNotJWT()
	}
	audiences, ok := texts(claims["aud"])
	if iss, _ := claims["iss"].(string); !ok || iss != issuer {
		return identity{}, errNotJWT()
	}
	if !slices.ContainsFunc(audiences, func(aud string) bool { return slices.Contains(v.cfg.Audiences, aud) }) {
		return identity{}, unauthenticated("the JWT is not for this service: its aud must have one of %q", v.cfg.Audiences)
	}
	expires, err := checkTimes(claims, v.now(), v.cfg.Skew)
	if err != nil {
		return identity{}, err
	}
	who, err := v.identify(issuer, claims)
	who.expires = expires
	return who, err
}

// inspect looks at what a JWT says of itself, to tell early and clearly why it is refused, and to find its issuer. Nothing of
// this is believed before the signature is verified.
func (v *jwtVerifier) inspect(text string) (verifier *oidc.IDTokenVerifier, issuer string, err error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 { //nolint:mnd // header, claims, signature: RFC 7515, section 7.1
		return nil, "", errNotJWT()
	}
	var header struct {
		Algorithm string         `json:"alg"`
		Type      string         `json:"typ"`
		Critical  jsontext.Value `json:"crit"`
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if !decodePart(parts[0], &header) || !decodePart(parts[1], &claims) || !decodePart(parts[2], nil) {
		return nil, "", errNotJWT()
	}
	switch strings.ToLower(header.Type) {
	case "", "jwt", "application/jwt", "at+jwt", "application/at+jwt":
	default: // such as logout+jwt: made for something else (RFC 8725, section 3.11)
		return nil, "", unauthenticated("the JWT's typ must be JWT or at+jwt")
	}
	verifier, known := v.issuers[claims.Issuer]
	switch {
	case !slices.Contains(v.cfg.Algorithms, header.Algorithm):
		return nil, "", unauthenticated("the JWT's alg must be one of %s", strings.Join(v.cfg.Algorithms, ", "))
	case header.Critical != nil:
		return nil, "", unauthenticated("the JWT has the header crit, and none of what it may ask for is known here")
	case !known:
		return nil, "", unauthenticated("the JWT's issuer is not one that this server believes")
	}
	return verifier, claims.Issuer, nil
}

// decodePart reads one part of a JWT, in its one spelling, and the JSON in it when into is given: of two values for one name,
// or a name in another case, others might read something else.
func decodePart(part string, into any) bool {
	if strings.ContainsAny(part, "\r\n") { // which the decoder passes over
		return false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
	return err == nil && (into == nil || json.Unmarshal(raw, into) == nil)
}

func errNotJWT() error {
	return unauthenticated("the credential is neither an API token, which begins with %s, nor a well-formed JWT", tokenPrefix)
}
