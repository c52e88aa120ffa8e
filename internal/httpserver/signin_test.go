package httpserver_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"samjournal/internal/httpserver"
)

// startConsole serves a console whose people sign in so; nil for not at all.
func startConsole(t *testing.T, signIn func(context.Context) (httpserver.SignIn, error)) *site {
	t.Helper()

	return start(t, func(_ *httpserver.Config, deps *httpserver.Deps) {
		deps.Static = fstest.MapFS{"console.html": {Data: []byte("console")}, "index.html": {Data: []byte("playground")}}
		deps.SignIn = signIn
	})
}

func (s *site) policy(t *testing.T, path string) string {
	t.Helper()

	return s.do(t, http.MethodGet, path, "").header.Get("Content-Security-Policy")
}

func TestTheConsoleConnectsToNothingElseWhereNobodySignsIn(t *testing.T) {
	t.Parallel()

	s := startConsole(t, nil)
	require.Contains(t, s.policy(t, "/"), "connect-src 'self' ws://"+s.address+" wss://"+s.address+";")
	require.JSONEq(t, `{"signIn": null}`, s.do(t, http.MethodGet, "/console.json", "").text)
}

func TestTheConsoleMayAskTheTokenEndpointAndNoOtherPageMay(t *testing.T) {
	t.Parallel()

	s := startConsole(t, func(context.Context) (httpserver.SignIn, error) {
		return httpserver.SignIn{
			Server: []byte(`{"issuer": "https://id.example.com"}`), TokenEndpoint: "https://tokens.example.com:8443/oauth/token",
			ClientID: "console", Scope: "openid", Parameters: map[string]string{"resource": "urn:journal"},
		}, nil
	})
	require.Contains(t, s.policy(t, "/"), "connect-src 'self' https://tokens.example.com:8443 ws://")
	require.NotContains(t, s.policy(t, "/playground/"), "example.com")

	settings := s.do(t, http.MethodGet, "/console.json", "")
	require.JSONEq(t, `{"signIn": {"server": {"issuer": "https://id.example.com"}, "clientId": "console", "scope": "openid",
		"parameters": {"resource": "urn:journal"}}}`, settings.text)
	require.Equal(t, "no-cache", settings.header.Get("Cache-Control"))
}

func TestAnIssuerBringsNoDirectiveOfItsOwn(t *testing.T) {
	t.Parallel()

	for _, endpoint := range []string{"https://a.example.com; script-src *", "https://a.example.com *", "://", ""} {
		s := startConsole(t, func(context.Context) (httpserver.SignIn, error) {
			return httpserver.SignIn{Server: []byte("{}"), TokenEndpoint: endpoint}, nil
		})
		require.Contains(t, s.policy(t, "/"), "connect-src 'self' ws://", endpoint)
	}
}

func TestTheConsoleIsThereWhileItsIssuerIsNot(t *testing.T) {
	t.Parallel()

	s := startConsole(t, func(context.Context) (httpserver.SignIn, error) {
		return httpserver.SignIn{}, errors.New("down")
	})
	require.Equal(t, "console", s.do(t, http.MethodGet, "/", "").text)
	require.JSONEq(t, `{"signIn": null, "unavailable": true}`, s.do(t, http.MethodGet, "/console.json", "").text)
}
