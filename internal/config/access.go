//nolint:lll // a field's tags stay on its line
package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Access says who may use the API, and from where.
type Access struct {
	// Auth is none (the default): whoever sends no credential is the local operator, and only this machine is served; or
	// required: every operation needs an API token or a JWT of a configured issuer.
	Auth string `env:"SAMJOURNAL_AUTH" enum:"none,required" default:"none" help:"none: only this machine is served, and whoever sends no credential may do everything; required: every operation needs an API token or a JWT. Default: ${default}"`
	// InsecureNoAuth allows an address that is not loopback although nobody is authenticated. Default false.
	InsecureNoAuth bool `name:"insecure-no-auth" env:"SAMJOURNAL_INSECURE_NO_AUTH" help:"Serve other machines although there is no access control: everybody who reaches the server may read and write everything."`
	// JournalReads appends an entry for every operation that shows payloads. Default false.
	JournalReads bool `env:"SAMJOURNAL_JOURNAL_READS" help:"Journal reading too: an entry says who looked at the requests and responses of which entries."`
	// AllowedOrigins are the origins, scheme://host[:port], whose pages may use the API from a browser. Default none but the
	// server's own.
	AllowedOrigins []string `env:"SAMJOURNAL_ALLOWED_ORIGINS" placeholder:"ORIGIN" help:"Origins such as https://app.example.com whose pages may use the API, besides the server's own."`
	// TrustedProxies are the addresses or networks of the reverse proxies whose X-Forwarded-For, -Proto and -Host are believed.
	// Default none.
	TrustedProxies []string `env:"SAMJOURNAL_TRUSTED_PROXIES" placeholder:"CIDR" help:"Addresses or networks of reverse proxies whose X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host are believed."`
	// TLSCert and TLSKey are PEM files: the server speaks TLS with them, and reads them again when they change. Default none.
	TLSCert string `name:"tls-cert" env:"SAMJOURNAL_TLS_CERT" placeholder:"FILE" help:"PEM file of the certificate chain to serve TLS with; it is read again when it changes."`
	TLSKey  string `name:"tls-key" env:"SAMJOURNAL_TLS_KEY" placeholder:"FILE" help:"PEM file of the key of --tls-cert."`

	OIDC    OIDC   `embed:"" prefix:"oidc-" envprefix:"SAMJOURNAL_OIDC_"`
	Console SignIn `embed:"" prefix:"console-oidc-" envprefix:"SAMJOURNAL_CONSOLE_OIDC_"`
}

// OIDC says whose JWTs are believed, and what they say of the viewer.
type OIDC struct {
	// Issuers are the URLs of the issuers, as their tokens' iss says them. Default none: no JWT is accepted.
	Issuers []string `env:"ISSUERS" placeholder:"URL" help:"Issuers whose JWTs are accepted, exactly as their claim iss. Their keys are found by OpenID Connect discovery."`
	// Audiences are the values of aud of which a token needs one. At least one is needed with Issuers.
	Audiences []string `env:"AUDIENCES" placeholder:"AUD" help:"Values of the claim aud of which a JWT must have one; needed with --oidc-issuers."`
	// JWKSFile holds the keys of the one issuer, in the place of discovery; it is read again when it changes. Default none.
	JWKSFile string `name:"jwks-file" env:"JWKS_FILE" placeholder:"FILE" help:"File with the issuer's keys (a JSON Web Key Set) in the place of discovery, for a single issuer."`
	// Algorithms are the signature algorithms that are accepted. Default, and the most, is auth.SignatureAlgorithms.
	Algorithms []string `env:"ALGORITHMS" enum:"${signature_algorithms}" default:"${signature_algorithms}" placeholder:"ALG" help:"Signature algorithms that are accepted, asymmetric ones only. Default: ${default}"`
	// Skew is how far the issuer's clock may be off. Default 30 s.
	Skew time.Duration `env:"SKEW" default:"30s" placeholder:"DURATION" help:"How far the issuer's clock may be off, 0s to 2m. Default: ${default}"`
	// AccountClaim names the account's slug.
	AccountClaim string `env:"ACCOUNT_CLAIM" default:"samjournal_account" placeholder:"CLAIM" help:"Claim with the slug of the account; with / in front a JSON Pointer into the claims. Default: ${default}"`
	// DefaultAccount is the account of tokens without AccountClaim. Default none: such a token is refused.
	DefaultAccount string `env:"DEFAULT_ACCOUNT" placeholder:"SLUG" help:"Account of JWTs without the account claim. Default: they are refused"`
	// RoleClaim names the role, or a list with one role in it.
	RoleClaim string `env:"ROLE_CLAIM" default:"samjournal_role" placeholder:"CLAIM" help:"Claim with the role (writer, reader, auditor or admin), or with a list that holds one of them. Default: ${default}"`
	// UsernameClaim names the user that the viewer acts as.
	UsernameClaim string `env:"USERNAME_CLAIM" default:"preferred_username" placeholder:"CLAIM" help:"Claim with the username that the viewer acts as. Default: ${default}"`
	// Operators are the subjects that are operators, ISSUER#SUB. Default none.
	Operators []string `env:"OPERATORS" placeholder:"ISSUER#SUB" help:"Subjects of JWTs, issuer and sub with # between, that are operators: they may do everything in every account."`
}

// Required tells that every operation needs a credential.
func (a Access) Required() bool { return a.Auth == "required" }

// Open tells that the server may be reached by others than the local operator.
func (a Access) Open() bool { return a.Required() || a.InsecureNoAuth }

// Validate names the first thing that is wrong.
func (a Access) Validate() error {
	for _, origin := range a.AllowedOrigins {
		if !validOrigin(origin) {
			return wrong("allowed-origins", "must be an origin such as https://app.example.com or http://localhost:3000, is %q", origin)
		}
	}
	for _, proxy := range a.TrustedProxies {
		if _, err := network(proxy); err != nil {
			return wrong("trusted-proxies", "must be an address or a network such as 10.0.0.0/8, is %q", proxy)
		}
	}
	switch {
	case (a.TLSCert == "") != (a.TLSKey == ""):
		return wrong("tls-cert", "and --tls-key belong together: give both or none")
	case a.Required() && a.InsecureNoAuth:
		return wrong("insecure-no-auth", "contradicts --auth=required; give one of them")
	case !a.Required() && len(a.OIDC.Issuers) > 0:
		return wrong("oidc-issuers", "needs --auth=required: without it, who sends no credential may do everything")
	case !a.Open() && len(a.TrustedProxies) > 0:
		return wrong("trusted-proxies", "needs --auth=required: a proxy serves other machines, and there is no access control")
	}
	if err := a.OIDC.Validate(); err != nil {
		return err
	}
	return a.Console.validate(a.OIDC.Issuers)
}

// Validate names the first thing that is wrong.
func (o OIDC) Validate() error {
	const most = 2 * time.Minute
	switch {
	case len(o.Issuers) > 0 && len(o.Audiences) == 0:
		return wrong("oidc-audiences", "is needed with --oidc-issuers: a token for another service must not be good for this one")
	case len(o.Issuers) == 0 && (len(o.Audiences) > 0 || o.JWKSFile != "" || len(o.Operators) > 0):
		return wrong("oidc-issuers", "is needed with the other settings of JWTs")
	case o.JWKSFile != "" && len(o.Issuers) != 1:
		return wrong("oidc-jwks-file", "holds the keys of a single issuer, and --oidc-issuers names %d", len(o.Issuers))
	case o.Skew < 0 || o.Skew > most:
		return wrong("oidc-skew", "must be from 0s to %s, is %s", most, o.Skew)
	case len(o.Issuers) > 0 && o.RoleClaim == "":
		return wrong("oidc-role-claim", "must name a claim")
	}
	for _, issuer := range o.Issuers {
		if u, err := url.Parse(issuer); err != nil || u.Scheme != "https" && (u.Scheme != "http" || !Loopback(u.Hostname())) {
			return wrong("oidc-issuers", "must be a URL such as https://login.example.com (http only on this machine)")
		}
	}
	for _, operator := range o.Operators {
		issuer, subject, _ := strings.Cut(operator, "#")
		if subject == "" || !slices.Contains(o.Issuers, issuer) {
			return wrong("oidc-operators", "must be ISSUER#SUB with one of --oidc-issuers, is %q", operator)
		}
	}
	return nil
}

// Proxies returns the networks of the trusted proxies.
func (a Access) Proxies() []netip.Prefix {
	var networks []netip.Prefix
	for _, proxy := range a.TrustedProxies {
		if n, err := network(proxy); err == nil { // Validate has named the others
			networks = append(networks, n)
		}
	}
	return networks
}

func network(s string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(s); err == nil {
		return address.Prefix(address.BitLen())
	}
	n, err := netip.ParsePrefix(s)
	return n.Masked(), err
}

// validOrigin tells whether s is scheme://host[:port] as browsers write it, with nothing after.
func validOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && s == u.Scheme+"://"+strings.ToLower(u.Host)
}

// Loopback tells that a host name can only be this machine.
func Loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
