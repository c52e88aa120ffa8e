package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/sync/singleflight"
)

// Endpoints are what a page needs to know of an issuer to let people sign in there: a part of its discovery document (OpenID
// Connect Discovery 1.0, section 3), under the names that it has there.
//
//nolint:tagliatelle // OpenID Connect's names
type Endpoints struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported,omitempty"`
	// NamesIssuer tells that answers to authorization requests name the issuer (RFC 9207).
	NamesIssuer bool `json:"authorization_response_iss_parameter_supported,omitempty"`
}

// SignIn finds an issuer's endpoints. It may be used by many goroutines at once.
type SignIn struct {
	issuer string
	client *http.Client
	now    func() time.Time
	log    *slog.Logger
	flight singleflight.Group
	life   context.Context //nolint:containedctx // of the requests to the issuer, which outlive those of callers
	end    context.CancelFunc

	mu    sync.Mutex
	known *Endpoints // guarded by mu; replaced, never changed; kept while the issuer cannot be asked
	asked time.Time  // guarded by mu: when the issuer was asked last
	err   error      // guarded by mu: of the latest look
}

// NewSignIn asks nothing yet. now is the clock.
func NewSignIn(issuer string, now func() time.Time, log *slog.Logger) (*SignIn, error) {
	if err := checkIssuer(issuer); err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.Background())
	return &SignIn{issuer: issuer, client: issuerClient(issuer), now: now, log: log, life: life, end: end}, nil
}

// Close ends what is under way.
func (s *SignIn) Close() {
	s.end()
	s.client.CloseIdleConnections()
}

// Endpoints returns the issuer's endpoints, asked for anew when they are older than ten minutes, at most once in ten seconds.
// It waits for the issuer until ctx ends.
func (s *SignIn) Endpoints(ctx context.Context) (Endpoints, error) {
	s.mu.Lock()
	known, failed, asked := s.known, s.err, s.asked
	s.mu.Unlock()
	age := s.now().Sub(asked)
	if known != nil && failed == nil && age < keysMaxAge || !asked.IsZero() && age < fetchEvery {
		return latest(known, failed)
	}
	answer := s.flight.DoChan("", func() (any, error) {
		return nil, s.look()
	})
	if known != nil {
		return *known, nil // nobody waits: the issuer may be down
	}
	select {
	case <-ctx.Done():
		return Endpoints{}, fmt.Errorf("the issuer %s has not answered: %w", s.issuer, ctx.Err())
	case <-answer:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return latest(s.known, s.err)
}

func latest(known *Endpoints, err error) (Endpoints, error) {
	if known == nil {
		return Endpoints{}, err
	}
	return *known, nil
}

func (s *SignIn) look() error {
	ctx, cancel := context.WithTimeout(s.life, fetchTimeout)
	defer cancel()
	found, err := s.discover(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && s.err == nil && s.life.Err() == nil {
		s.log.Warn("people cannot sign in to the console: the issuer cannot be asked", "issuer", s.issuer, "error", err)
	}
	s.asked, s.err = s.now(), err
	if err == nil {
		s.known = &found
	}
	return err
}

func (s *SignIn) discover(ctx context.Context) (Endpoints, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, s.client), s.issuer)
	if err != nil {
		return Endpoints{}, err
	}
	var found Endpoints
	if err := provider.Claims(&found); err != nil {
		return Endpoints{}, errors.New("the issuer's configuration is not what OpenID Connect says")
	}
	plain := strings.HasPrefix(s.issuer, "http:")
	for _, endpoint := range []string{found.Authorization, found.Token} {
		u, err := url.Parse(endpoint)
		if err != nil || u.Host == "" || u.Scheme != "https" && (!plain || u.Scheme != "http" || !loopback(u.Hostname())) {
			return Endpoints{}, errors.New("the issuer's authorization_endpoint and token_endpoint must be URLs with https")
		}
	}
	return found, nil
}
