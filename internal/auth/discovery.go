package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
)

const (
	// fetchTimeout bounds one fetch of an issuer's keys: discovery and key set.
	fetchTimeout = 5 * time.Second
	// fetchEvery and fetchBurst bound how often keys are fetched, whatever tokens arrive: three times at once, for the first
	// token and a rotation soon after, then once an interval.
	fetchEvery = 10 * time.Second
	fetchBurst = 3
	// keysMaxAge is after how long keys are fetched again although none is missing, so that withdrawn ones go.
	keysMaxAge = 10 * time.Minute
	// maxRedirects is how often an issuer may send elsewhere.
	maxRedirects = 3
)

// discoveredKeys are found by OpenID Connect discovery, first when they are needed. Keys at hand stay while the issuer
// cannot be reached.
type discoveredKeys struct {
	issuer string
	client *http.Client
	now    func() time.Time
	log    *slog.Logger
	limit  *rate.Limiter
	flight singleflight.Group
	begin  func() (context.Context, context.CancelFunc) // the context of one fetch, which outlives requests and ends with close
	close  func()

	mu      sync.Mutex
	keys    []jose.JSONWebKey // guarded by mu; replaced, never changed
	fetched time.Time         // guarded by mu: when keys were asked for that came
	failure error             // guarded by mu: of the latest fetch
}

func newDiscoveredKeys(issuer string, now func() time.Time, log *slog.Logger) *discoveredKeys {
	client := issuerClient(issuer)
	life, end := context.WithCancel(context.Background())
	return &discoveredKeys{
		issuer: issuer, client: client, now: now, log: log, limit: rate.NewLimiter(rate.Every(fetchEvery), fetchBurst),
		begin: func() (context.Context, context.CancelFunc) { return context.WithTimeout(life, fetchTimeout) },
		close: func() {
			end()
			client.CloseIdleConnections()
		},
	}
}

func (d *discoveredKeys) known() []jose.JSONWebKey {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := d.now(); d.keys != nil && now.Sub(d.fetched) >= keysMaxAge && d.limit.TokensAt(now) >= 1 {
		d.flight.DoChan("", d.fetch) // nobody waits: the issuer may be down, and its keys are good until it says otherwise
	}
	return d.keys
}

func (d *discoveredKeys) fresh(ctx context.Context) ([]jose.JSONWebKey, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case result := <-d.flight.DoChan("", d.fetch):
		if result.Err != nil {
			return nil, unavailable("the keys of the JWT's issuer cannot be fetched now", result.Err)
		}
		keys, _ := result.Val.([]jose.JSONWebKey)
		return keys, nil
	}
}

// fetch asks the issuer, if that may be done now; else what the latest fetch found still holds.
func (d *discoveredKeys) fetch() (any, error) {
	asked := d.now()
	d.mu.Lock()
	keys, before := d.keys, d.failure
	d.mu.Unlock()
	if !d.limit.AllowN(asked, 1) {
		return keys, before
	}
	ctx, cancel := d.begin()
	defer cancel()
	fetched, err := d.discover(ctx)

	d.mu.Lock()
	defer d.mu.Unlock()
	d.failure = err
	if err != nil {
		if before == nil && !errors.Is(err, context.Canceled) {
			d.log.Warn("the keys of an issuer cannot be fetched", "issuer", d.issuer, "error", err)
		}
		return nil, err
	}
	if before != nil {
		d.log.Info("the keys of an issuer can be fetched again", "issuer", d.issuer)
	}
	d.keys, d.fetched = fetched, asked
	return fetched, nil
}

func (d *discoveredKeys) discover(ctx context.Context) ([]jose.JSONWebKey, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, d.client), d.issuer)
	if err != nil {
		return nil, err
	}
	var metadata struct {
		KeySet string `json:"jwks_uri"` //nolint:tagliatelle // OpenID Connect's name
	}
	if err := provider.Claims(&metadata); err != nil || metadata.KeySet == "" {
		return nil, errors.New("the issuer's configuration has no jwks_uri")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, metadata.KeySet, nil)
	if err != nil {
		return nil, errors.New("the issuer's jwks_uri is not a URL")
	}
	response, err := d.client.Do(request)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, fmt.Errorf("read the issuer's keys: %w", err)
	}
	keys, err := parseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("what the issuer's jwks_uri leads to %w", err)
	}
	return keys, nil
}

// issuerClient is an HTTP client that trusts an issuer no further than it must: bounded in time and bytes, and with TLS
// wherever it is sent, unless the issuer is on this machine.
func issuerClient(issuer string) *http.Client {
	u, err := url.Parse(issuer)
	return &http.Client{
		Timeout: fetchTimeout,
		Transport: &issuerTransport{
			plain: err == nil && u.Scheme == "http",
			base: &http.Transport{
				Proxy:                  http.ProxyFromEnvironment,
				ForceAttemptHTTP2:      true,
				TLSHandshakeTimeout:    fetchTimeout,
				ResponseHeaderTimeout:  fetchTimeout,
				IdleConnTimeout:        fetchEvery,
				MaxResponseHeaderBytes: maxKeySet,
			},
		},
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return errors.New("the issuer redirects too often")
			}
			return nil
		},
	}
}

// issuerTransport refuses answers that are none, so that nothing of them gets into error messages.
type issuerTransport struct {
	base  *http.Transport
	plain bool // http is allowed, to this machine
}

// RoundTrip is that of http.RoundTripper.
func (t *issuerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && (!t.plain || r.URL.Scheme != "http" || !loopback(r.URL.Hostname())) {
		return nil, errors.New("an issuer's URLs must be https")
	}
	response, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	redirect := response.StatusCode >= 300 && response.StatusCode < 400 && response.Header.Get("Location") != ""
	if response.StatusCode != http.StatusOK && !redirect {
		return nil, errors.Join(fmt.Errorf("the issuer answers with status %d", response.StatusCode), response.Body.Close())
	}
	response.Body = http.MaxBytesReader(nil, response.Body, maxKeySet)
	return response, nil
}

// CloseIdleConnections is what http.Client.CloseIdleConnections looks for.
func (t *issuerTransport) CloseIdleConnections() { t.base.CloseIdleConnections() }

// loopback tells that a host can only be this machine.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
