package httpserver

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// pathConsoleSettings is where the console learns how people sign in.
const pathConsoleSettings = "/console.json"

// signInWithin is how long the console's page waits for the issuer that people sign in at, the first time.
const signInWithin = 2 * time.Second

// SignIn says how people sign in to the console, by OpenID Connect's authorization code flow with PKCE. All of it is told to
// whoever asks.
type SignIn struct {
	// Server is what the issuer's discovery document says of it, as the console's library wants it.
	Server json.RawMessage `json:"server"`
	// TokenEndpoint is the URL that the page sends requests to.
	TokenEndpoint string `json:"-"`
	// ClientID is the console's name at the issuer.
	ClientID string `json:"clientId"`
	// Scope are the scopes to ask for, with spaces between.
	Scope string `json:"scope"`
	// Parameters are further ones of requests to the issuer.
	Parameters map[string]string `json:"parameters,omitempty"`
}

// consoleSettings are what the console is told before anybody has signed in.
type consoleSettings struct {
	SignIn *SignIn `json:"signIn"`
	// Unavailable tells that people could sign in, if the issuer could be asked.
	Unavailable bool `json:"unavailable,omitempty"`
}

// signIn is how people sign in to the console now; nil when they cannot.
func (s *Server) signIn(r *http.Request) *SignIn {
	if s.deps.SignIn == nil {
		return nil
	}

	ctx, cancel := context.WithTimeout(r.Context(), signInWithin)
	defer cancel()

	found, err := s.deps.SignIn(ctx)
	if err != nil {
		return nil // whoever asks the issuer logs why
	}

	return &found
}

// origins are those that the console sends requests to, besides its own.
func (s *SignIn) origins() []string {
	if s == nil {
		return nil
	}

	u, err := url.Parse(s.TokenEndpoint)
	if err != nil || !plainHost(u.Host) {
		return nil
	}

	return []string{u.Scheme + "://" + u.Host}
}

func (s *Server) serveConsoleSettings(w http.ResponseWriter, r *http.Request) {
	settings := consoleSettings{SignIn: s.signIn(r)}
	settings.Unavailable = s.deps.SignIn != nil && settings.SignIn == nil

	text, err := json.Marshal(settings)
	if err != nil {
		panic(err) // impossible: these are texts
	}

	setPageHeaders(w.Header(), r.Host, "'self'")
	w.Header().Set("Content-Type", "application/json")

	_, _ = w.Write(text) // who asked has gone
}
