package auth_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"samjournal/internal/auth"
	"samjournal/internal/store"
)

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i))
	require.Zero(t, i.requests.Load(), "nothing is fetched before a token comes")
	old := i.jwt(i.claims(w.clock.now()))
	_, err := w.viewer(old)
	require.NoError(t, err)

	i.rotate("key-2")
	_, err = w.viewer(i.jwt(i.claims(w.clock.now())))
	require.NoError(t, err, "an unknown key is asked for")
	w.clock.advance(time.Second)
	w.refused(old, "not signed by a key of its issuer") // the issuer has withdrawn it
	require.LessOrEqual(t, i.requests.Load(), int64(3))
}

func TestWithdrawnKeysGoAfterAWhile(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i))
	text := i.jwt(i.claims(w.clock.now()))
	_, err := w.viewer(text)
	require.NoError(t, err)
	i.rotate("key-2")
	w.clock.advance(9 * time.Minute)
	_, err = w.viewer(text)
	require.NoError(t, err)
	w.clock.advance(2 * time.Minute)
	eventually(t, func() bool {
		w.clock.advance(time.Second)
		_, err := w.viewer(text)
		return err != nil
	}, "the withdrawn key is forgotten")
	w.refused(text, "not signed by a key of its issuer")
}

func TestAFloodOfUnknownKeysIsBounded(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i))
	claims := i.claims(w.clock.now())
	flood := func() {
		var wg sync.WaitGroup
		for n := range 200 {
			wg.Go(func() {
				_, err := w.auth.Viewer(t.Context(), request("Authorization", "Bearer "+
					signed(t, jose.ES256, jose.JSONWebKey{Key: i.key, KeyID: fmt.Sprint("no-", n)}, claims)), nil)
				if err == nil {
					t.Error("a token of an unknown key was accepted")
				}
			})
		}
		wg.Wait()
	}
	flood()
	require.LessOrEqual(t, i.requests.Load(), int64(3))
	_, err := w.viewer(i.jwt(claims))
	require.NoError(t, err, "known keys are not affected")

	i.rotate("key-2")
	w.clock.advance(10 * time.Second)
	flood()
	require.LessOrEqual(t, i.requests.Load(), int64(4), "one more after ten seconds")
	_, err = w.viewer(i.jwt(claims))
	require.NoError(t, err, "new keys come with the flood's fetch")
}

func TestForgedTokensOfAKnownKeyCostTheIssuerNothing(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i))
	good := i.jwt(i.claims(w.clock.now()))
	_, err := w.viewer(good)
	require.NoError(t, err)
	before := i.requests.Load()
	parts := strings.Split(good, ".")
	other := strings.Split(i.jwt(i.claims(w.clock.now(), set("sub", "mallory"))), ".")
	w.refused(parts[0]+"."+parts[1]+"."+other[2], "not signed")
	require.Equal(t, before, i.requests.Load())
}

func TestAnIssuerThatIsDownIsUnavailableUntilItIsUp(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.down.Store(true)
	w := newWorld(t, sqlite(t), trusting(i))
	text := i.jwt(i.claims(w.clock.now()))
	for range 5 {
		_, err := w.viewer(text)
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.NotErrorIs(t, err, auth.ErrUnauthenticated)
		require.NotContains(t, err.Error(), "maintenance", "what an issuer answers is shown to nobody")
	}
	require.Equal(t, 1, strings.Count(w.log.String(), "cannot be fetched"), "logged once, not once a request")

	i.down.Store(false)
	w.clock.advance(10 * time.Second)
	_, err := w.viewer(text)
	require.NoError(t, err)
	require.Contains(t, w.log.String(), "can be fetched again")

	i.down.Store(true)
	w.clock.advance(time.Minute)
	_, err = w.viewer(text)
	require.NoError(t, err, "known keys stay")
	i.sign(i.key, "key-2")
	_, err = w.viewer(i.jwt(i.claims(w.clock.now())))
	require.ErrorIs(t, err, store.ErrUnavailable, "whether the issuer has this key cannot be known now")
}

func TestAnIssuerThatCannotBeReachedAtAll(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	server := httptest.NewServer(http.NotFoundHandler())
	i.url = server.URL
	server.Close()
	w := newWorld(t, sqlite(t), trusting(i))
	_, err := w.viewer(i.jwt(i.claims(w.clock.now())))
	require.ErrorIs(t, err, store.ErrUnavailable)
}

func TestAnIssuerThatNeverAnswersIsWaitedForAWhileOnly(t *testing.T) {
	t.Parallel()
	for name, slow := range map[string]string{"configuration": "/.well-known/openid-configuration", "keys": "/keys"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			asked := make(chan struct{}, 1)
			server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path != slow {
					i.ServeHTTP(rw, r)
					return
				}
				rw.WriteHeader(http.StatusOK) // and then one byte after the other, for ever
				asked <- struct{}{}
				for r.Context().Err() == nil {
					_, _ = rw.Write([]byte(" "))
					_ = http.NewResponseController(rw).Flush()
					select {
					case <-time.After(time.Millisecond):
					case <-r.Context().Done():
					}
				}
			}))
			t.Cleanup(server.Close)
			i.url = server.URL
			w := newWorld(t, sqlite(t), trusting(i))
			bearer := request("Authorization", "Bearer "+i.jwt(i.claims(w.clock.now())))

			ctx, leave := context.WithCancel(t.Context())
			go func() {
				<-asked
				leave()
			}()
			_, err := w.auth.Viewer(ctx, bearer, nil)
			require.ErrorIs(t, err, context.Canceled, "a client that leaves waits no more")
			_, err = w.auth.Viewer(t.Context(), bearer, nil)
			require.ErrorIs(t, err, store.ErrUnavailable)

			w.clock.advance(10 * time.Second)
			go func() {
				<-asked
				w.auth.Close()
			}()
			_, err = w.auth.Viewer(t.Context(), bearer, nil)
			require.ErrorIs(t, err, store.ErrUnavailable, "Close ends what is under way")
		})
	}
}

func TestStrangeAnswersOfIssuersAreUnavailable(t *testing.T) {
	t.Parallel()
	const configuration = `{"issuer":"URL","jwks_uri":"URL/keys"}`
	for name, test := range map[string]struct {
		answer func(url string) http.HandlerFunc
		reason string // in the log
	}{
		"another issuer":  {document(`{"issuer":"https://other.example.com","jwks_uri":"URL/keys"}`, ``), "did not match"},
		"no key set":      {document(`{"issuer":"URL"}`, ``), "no jwks_uri"},
		"not JSON":        {document(`<html>`, ``), "failed to decode"},
		"plain http away": {document(`{"issuer":"URL","jwks_uri":"http://192.0.2.1/"}`, ``), "must be https"},
		"a file":          {document(`{"issuer":"URL","jwks_uri":"file:///etc/passwd"}`, ``), "must be https"},
		"redirect away":   {redirect("http://192.0.2.1/"), "must be https"},
		"redirects":       {redirect("/x"), "redirects too often"},
		"keys not JSON":   {document(configuration, `<html>`), "not a JSON Web Key Set"},
		"no keys":         {document(configuration, `{"keys":[]}`), "no public key"},
		"symmetric keys":  {document(configuration, `{"keys":[{"kty":"oct","k":"AAAA","kid":"key-1"}]}`), "no public key"},
		"too many keys":   {document(configuration, `{"keys":[`+strings.Repeat(`{},`, 100)+`{}]}`), "more than 100 keys"},
		"endless keys":    {document(configuration, `{"keys":[`+strings.Repeat(" ", 1<<20)+`]}`), "too large"},
		"endless configuration": {
			document(`{"issuer":"URL",`+strings.Repeat(" ", 1<<20)+`"jwks_uri":"URL/keys"}`, ``), "too large",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			var url string
			server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { test.answer(url)(rw, r) }))
			t.Cleanup(server.Close)
			url, i.url = server.URL, server.URL
			w := newWorld(t, sqlite(t), trusting(i))
			_, err := w.viewer(i.jwt(i.claims(w.clock.now())))
			require.ErrorIs(t, err, store.ErrUnavailable)
			require.Contains(t, w.log.String(), test.reason)
		})
	}
}

func redirect(to string) func(url string) http.HandlerFunc {
	return func(string) http.HandlerFunc { return http.RedirectHandler(to, http.StatusFound).ServeHTTP }
}

// document answers discovery and requests for keys with texts in which URL stands for the server's own.
func document(configuration, keys string) func(url string) http.HandlerFunc {
	return func(url string) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			text := keys
			if r.URL.Path == "/.well-known/openid-configuration" {
				text = configuration
			}
			rw.Header().Set("Content-Type", "application/json")
			_, _ = rw.Write([]byte(strings.ReplaceAll(text, "URL", url)))
		}
	}
}

func TestKeysThatAreNotForSignaturesAreNotUsed(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i))
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	i.publish(
		jose.JSONWebKey{Key: i.key.Public(), KeyID: "enc", Use: "enc"},
		jose.JSONWebKey{Key: short.Public(), KeyID: "short"},
		jose.JSONWebKey{Key: i.key.Public(), KeyID: "sig"},
	)
	claims := i.claims(w.clock.now())
	_, err = w.viewer(signed(t, jose.ES256, jose.JSONWebKey{Key: i.key, KeyID: "sig"}, claims))
	require.NoError(t, err)
	w.refused(signed(t, jose.ES256, jose.JSONWebKey{Key: i.key, KeyID: "enc"}, claims), "not signed by a key")
	w.refused(signed(t, jose.RS256, jose.JSONWebKey{Key: short, KeyID: "short"}, claims), "not signed by a key")
}

func TestKeysFromAFile(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	path := filepath.Join(t.TempDir(), "jwks.json")
	write := func(text []byte) {
		next := path + ".new"
		require.NoError(t, os.WriteFile(next, text, 0o600))
		require.NoError(t, os.Rename(next, path))
	}
	write(i.keySet())
	w := newWorld(t, sqlite(t), trusting(i, func(cfg *auth.JWTConfig) {
		cfg.Issuers = []auth.Issuer{{URL: "https://login.example.com", JWKSFile: path}}
	}))
	jwt := func() string { return i.jwt(i.claims(w.clock.now(), set("iss", "https://login.example.com"))) }
	_, err := w.viewer(jwt())
	require.NoError(t, err)

	i.rotate("key-2")
	w.clock.advance(time.Second)
	w.refused(jwt(), "not signed by a key")
	write(i.keySet())
	w.clock.advance(time.Second)
	_, err = w.viewer(jwt())
	require.NoError(t, err, "the file is read again when it changes")

	write([]byte("half a fi"))
	for range 3 {
		w.clock.advance(time.Second)
		_, err = w.viewer(jwt())
		require.NoError(t, err, "the keys known so far stay")
	}
	require.Equal(t, 1, strings.Count(w.log.String(), path), w.log.String())
	require.Zero(t, i.requests.Load())
}

func TestAKeyFileThatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqlite(t))
	directory := t.TempDir()
	for name, text := range map[string]string{
		"missing.json": "",
		"text.json":    "text",
		"empty.json":   `{"keys":[]}`,
		"private.json": `{"keys":[{"kty":"oct","k":"AAAA"}]}`,
		"large.json":   strings.Repeat(" ", 1<<20+1),
	} {
		path := filepath.Join(directory, name)
		if text != "" {
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		}
		_, err := auth.New(auth.Config{Backend: w.store, JWT: &auth.JWTConfig{
			Issuers: []auth.Issuer{{URL: "https://login.example.com", JWKSFile: path}}, Audiences: []string{"samjournal"},
		}})
		require.ErrorContains(t, err, path)
	}
}
