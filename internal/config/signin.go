//nolint:lll // a field's tags stay on its line
package config

import (
	"slices"
	"strings"
)

// SignIn says how people sign in to the console at an identity provider, by OpenID Connect's authorization code flow with PKCE.
// Nothing in it is secret: a browser gets all of it.
type SignIn struct {
	// ClientID is the console's name at the issuer, a public client. Default none: people sign in with a token.
	ClientID string `name:"client-id" env:"CLIENT_ID" placeholder:"ID" help:"Client, a public one, as which the console lets people sign in at an issuer of JWTs. Default: they sign in with a token"`
	// Issuer is the one of the issuers of JWTs at which people sign in. Default the first.
	Issuer string `env:"ISSUER" placeholder:"URL" help:"Which of --oidc-issuers people sign in at. Default: the first"`
	// Scopes are asked for. Default openid.
	Scopes []string `env:"SCOPES" default:"openid" placeholder:"SCOPE" help:"Scopes that the console asks for; offline_access, where the issuer knows it, keeps people signed in while the page is open. Default: ${default}"`
	// Parameters are sent with the requests for authorization and for tokens, for issuers that need to be told which service a
	// token is for: resource (RFC 8707) or audience, say. Default none.
	Parameters map[string]string `env:"PARAMETERS" mapsep:"," placeholder:"NAME=VALUE" help:"Further parameters of the requests to the issuer, such as resource=URI or audience=NAME, where it needs them to make tokens for this server."`
}

// ownParameters are those that the console sends itself.
func ownParameters() []string {
	return []string{
		"client_id", "client_secret", "code", "code_challenge", "code_challenge_method", "code_verifier", "grant_type", "nonce",
		"redirect_uri", "refresh_token", "response_mode", "response_type", "scope", "state",
	}
}

// SignInIssuer is where people sign in to the console; "" for nowhere.
func (a Access) SignInIssuer() string {
	switch {
	case a.Console.ClientID == "" || len(a.OIDC.Issuers) == 0:
		return ""
	case a.Console.Issuer != "":
		return a.Console.Issuer
	}
	return a.OIDC.Issuers[0]
}

// validate names the first thing that is wrong.
func (s SignIn) validate(issuers []string) error {
	switch {
	case s.ClientID == "" && s.Issuer != "":
		return wrong("console-oidc-issuer", "is of no use without --console-oidc-client-id")
	case s.ClientID == "" && len(s.Parameters) > 0:
		return wrong("console-oidc-parameters", "are of no use without --console-oidc-client-id")
	case s.ClientID == "":
		return nil
	case len(issuers) == 0:
		return wrong("console-oidc-client-id", "needs --oidc-issuers: people sign in at one of them")
	case s.Issuer != "" && !slices.Contains(issuers, s.Issuer):
		return wrong("console-oidc-issuer", "must be one of --oidc-issuers, is %q", s.Issuer)
	case !slices.Contains(s.Scopes, "openid"):
		return wrong("console-oidc-scopes", "must have openid among them, are %q", strings.Join(s.Scopes, ","))
	}
	for name := range s.Parameters {
		if name == "" || slices.Contains(ownParameters(), name) {
			return wrong("console-oidc-parameters", "must be further ones; the console sends %q itself", name)
		}
	}
	return nil
}
