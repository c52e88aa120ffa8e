package auth

import (
	"net/http"
	"strings"

	"samjournal/internal/model"
)

const (
	authorization = "Authorization"
	// AccountHeader is the header, and the member of connection_init, in which an operator names the account to act in.
	AccountHeader = "X-Samjournal-Account"
	// maxCredential is the most bytes of a credential. Longer ones are refused before anything of them is decoded.
	maxCredential = 8 << 10
	// maxSlug is the most characters of an account's slug.
	maxSlug = 63
)

// given is what a request or connection says of who sends it. The parts of a URL are not looked at: URLs get into logs,
// histories and Referer headers.
type given struct {
	credential string // "" for none
	account    string
	hasAccount bool
}

// read takes the credential and the account from the headers and the payload of connection_init, which may both have them if
// they are the same.
func read(r *http.Request, init map[string]any) (given, error) {
	var g given
	for _, value := range r.Header.Values(authorization) {
		if err := g.addCredential(value); err != nil {
			return given{}, err
		}
	}
	if len(r.Header.Values(authorization)) > 1 {
		return given{}, unauthenticated("the request has more than one Authorization header; send one")
	}
	names := r.Header.Values(AccountHeader)
	for name, value := range init {
		isCredential := strings.EqualFold(name, authorization)
		if value == nil || !isCredential && !strings.EqualFold(name, AccountHeader) {
			continue
		}
		text, ok := value.(string)
		switch {
		case !ok && isCredential:
			return given{}, unauthenticated("Authorization in the payload of connection_init must be a string: Bearer and the token")
		case !ok:
			return given{}, accountInput("must be a string in the payload of connection_init")
		case !isCredential:
			names = append(names, text)
			continue
		}
		if err := g.addCredential(text); err != nil {
			return given{}, err
		}
	}
	for _, name := range names {
		if g.hasAccount && g.account != name {
			return given{}, accountInput("names more than one account")
		}
		g.account, g.hasAccount = name, true
	}
	return g, nil
}

// addCredential takes the value of an Authorization header or member.
func (g *given) addCredential(value string) error {
	credential, err := bearer(value)
	if err != nil {
		return err
	}
	if g.credential != "" && g.credential != credential {
		return unauthenticated("the request has two different credentials; send one")
	}
	g.credential = credential
	return nil
}

// bearer returns the credential of "Bearer X" (RFC 6750, section 2.1). It has at least one character.
func bearer(value string) (string, error) {
	scheme, credential, _ := strings.Cut(value, " ")
	credential = strings.TrimLeft(credential, " ")
	switch {
	case !strings.EqualFold(scheme, "Bearer"):
		return "", unauthenticated("the Authorization header must be Bearer and an API token or a JWT; other schemes are not accepted")
	case credential == "":
		return "", unauthenticated("the Authorization header has no token after Bearer")
	case len(credential) > maxCredential:
		return "", unauthenticated("the token is longer than %d bytes", maxCredential)
	}
	for _, c := range []byte(credential) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-._~+/=", rune(c)) {
			return "", unauthenticated("the token has a space or another character that no token has; " +
				"send Bearer, one space, and the token alone")
		}
	}
	return credential, nil
}

func accountInput(reason string) error {
	return &model.InputError{Path: []any{AccountHeader}, Reason: reason}
}

// possibleSlug tells that an account may have the slug, so that the database is asked for nothing strange.
func possibleSlug(slug string) bool {
	for _, c := range []byte(slug) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return slug != "" && len(slug) <= maxSlug
}
