package httpserver

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"
	"golang.org/x/time/rate"
)

// RateLimits says how much one viewer and one address may ask for. All are off with Config.LoopbackOnly, where nobody else
// reaches the server, and 0 switches one off. A rate may be exceeded for a moment, up to twice the number at once.
//
// An address is the client's as Config.Edge.TrustedProxies tell it; of IPv6 it is the network of 64 bits, which one client has
// for itself.
type RateLimits struct {
	// ViewerRequests are the operations of one viewer, per second. Default 1,000.
	ViewerRequests int
	// ViewerCost is the cost of one viewer's operations, per second, as the cost of documents is counted. Default 5,000,000.
	ViewerCost int
	// AddressRequests are the HTTP requests and WebSocket messages from one address, per second. Default 2,000.
	AddressRequests int
	// AddressConnections are the TCP connections from one address, but for trusted proxies, and as many WebSocket connections
	// and event streams of one client's address, at a time. Default 1,000.
	AddressConnections int
	// FailedLogins are the credentials from one address that may be wrong in a row; then one a second is looked at. Credentials
	// that were right a while ago are not held up. Default 20.
	FailedLogins int
}

func defaultRates() RateLimits {
	return RateLimits{
		ViewerRequests: 1_000, ViewerCost: 5_000_000, AddressRequests: 2_000, AddressConnections: 1_000, FailedLogins: 20,
	}
}

func (l RateLimits) validate() error {
	for _, limit := range []struct {
		name  string
		value int
	}{
		{"ViewerRequests", l.ViewerRequests},
		{"ViewerCost", l.ViewerCost},
		{"AddressRequests", l.AddressRequests},
		{"AddressConnections", l.AddressConnections},
		{"FailedLogins", l.FailedLogins},
	} {
		if limit.value < 0 || limit.value > math.MaxInt32 {
			return fmt.Errorf("httpserver: Config.Rates.%s must be from 0 to %d, it is %d", limit.name, math.MaxInt32, limit.value)
		}
	}

	return nil
}

const (
	// maxBuckets bounds the memory of one limit: viewers or addresses that are remembered at a time.
	maxBuckets = 100_000
	// leastSweep is the least time between two looks for buckets that are full again.
	leastSweep = time.Second
	// mostSampled is among how many buckets the one is chosen that makes room for another.
	mostSampled = 16
	// burstSeconds is how many seconds' worth may come at once.
	burstSeconds = 2
)

// buckets limit a rate for each key. A bucket that is full again is as good as none and is forgotten. When there is no room for
// another, one is forgotten that is fuller than others: so whoever comes new is not held up by those who fill the room, and who
// has used a bucket up has to use up all others before it is given a new one. Nil limits nothing. It is safe for concurrent use.
type buckets[K comparable] struct {
	limit rate.Limit
	burst int
	room  int
	now   func() time.Time

	mu    sync.Mutex
	byKey map[K]*rate.Limiter // guarded by mu
	swept time.Time           // guarded by mu
}

// newBuckets returns nil when the limit is off.
func newBuckets[K comparable](perSecond float64, burst int, now func() time.Time) *buckets[K] {
	if burst == 0 {
		return nil
	}

	limit := rate.Limit(perSecond)

	return &buckets[K]{
		limit: limit, burst: burst, room: maxBuckets, now: now,
		byKey: make(map[K]*rate.Limiter), swept: now(),
	}
}

// take takes n, or everything that a full bucket holds when n is more. It returns how long to wait when there is not enough;
// then nothing was taken.
func (b *buckets[K]) take(key K, n int) (wait time.Duration) {
	if b == nil || n <= 0 {
		return 0
	}

	now := b.now()
	r := b.of(key, now).ReserveN(now, min(n, b.burst))

	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
	}

	return wait
}

// reserve takes one in any case and returns how long to wait before it is used.
func (b *buckets[K]) reserve(key K) (wait time.Duration) {
	if b == nil {
		return 0
	}

	now := b.now()

	return b.of(key, now).ReserveN(now, 1).DelayFrom(now)
}

// lacking returns how long it takes until there is one to be had.
func (b *buckets[K]) lacking(key K) (wait time.Duration) {
	if b == nil {
		return 0
	}

	now := b.now()

	b.mu.Lock()
	limiter, known := b.byKey[key]
	b.mu.Unlock()

	if !known {
		return 0
	}

	missing := 1 - limiter.TokensAt(now)
	if missing <= 0 {
		return 0
	}

	return time.Duration(missing / float64(b.limit) * float64(time.Second))
}

// of returns the bucket of a key, a full one when it has none.
func (b *buckets[K]) of(key K, now time.Time) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()

	if limiter, known := b.byKey[key]; known {
		return limiter
	}

	refill := time.Duration(float64(b.burst) / float64(b.limit) * float64(time.Second))
	if since := now.Sub(b.swept); since > 2*refill && since > leastSweep || len(b.byKey) >= b.room && since > leastSweep {
		b.sweep(now)
	}

	if len(b.byKey) >= b.room {
		b.evict(now)
	}

	limiter := rate.NewLimiter(b.limit, b.burst)
	b.byKey[key] = limiter

	return limiter
}

// evict forgets the fullest of some buckets, which loses the least. It is called with mu held.
func (b *buckets[K]) evict(now time.Time) {
	var (
		fullest K
		holds   = math.Inf(-1)
		sampled int
	)

	for key, limiter := range b.byKey { // in an order that begins anywhere
		if tokens := limiter.TokensAt(now); tokens > holds {
			fullest, holds = key, tokens
		}

		sampled++
		if sampled == mostSampled {
			break
		}
	}

	delete(b.byKey, fullest)
}

// sweep is called with mu held.
func (b *buckets[K]) sweep(now time.Time) {
	b.swept = now

	for key, limiter := range b.byKey {
		if limiter.TokensAt(now) >= float64(b.burst) {
			delete(b.byKey, key)
		}
	}
}

// rates are the limits of RateLimits that count over time.
type rates struct {
	viewerRequests  *buckets[string]
	viewerCost      *buckets[string]
	addressRequests *buckets[netip.Addr]
}

func newRates(cfg Config, now func() time.Time) rates {
	if cfg.LoopbackOnly {
		return rates{}
	}

	perSecond := func(n int) (float64, int) { return float64(n), burstSeconds * n }

	var r rates

	limit, burst := perSecond(cfg.Rates.ViewerRequests)
	r.viewerRequests = newBuckets[string](limit, burst, now)

	limit, burst = perSecond(cfg.Rates.ViewerCost)
	r.viewerCost = newBuckets[string](limit, burst, now)

	limit, burst = perSecond(cfg.Rates.AddressRequests)
	r.addressRequests = newBuckets[netip.Addr](limit, burst, now)

	return r
}

// addressKey is by what a client's address is counted: of IPv6 one client has a network of 64 bits for itself.
func addressKey(addr netip.Addr) netip.Addr {
	const network = 64

	if !addr.Is6() {
		return addr
	}

	prefix, err := addr.Prefix(network)
	if err != nil {
		return addr
	}

	return prefix.Addr()
}

// limited is the refusal of what may come again after wait.
func limited(wait time.Duration, format string, args ...any) *gqlerror.Error {
	err := codedError(codeRateLimited, format, args...)
	err.Extensions["retryAfterMs"] = int(math.Ceil(float64(wait) / float64(time.Millisecond)))

	return err
}

// admitRequest counts an HTTP request of its client's address.
func (s *Server) admitRequest(r *http.Request) *requestError {
	wait := s.rates.addressRequests.take(addressKey(clientOf(r.Context()).addr), 1)
	if wait == 0 {
		return nil
	}

	s.metrics.refuse(refusedAddressRate)

	return &requestError{status: http.StatusTooManyRequests, err: limited(wait,
		"more than %d requests a second come from your address, which is the limit (SAMJOURNAL_RATE_ADDRESS_REQUESTS)",
		s.cfg.Rates.AddressRequests)}
}

// admitOperation counts an operation of a viewer.
func (s *Server) admitOperation(viewer string) *gqlerror.Error {
	wait := s.rates.viewerRequests.take(viewer, 1)
	if wait == 0 {
		return nil
	}

	s.metrics.refuse(refusedViewerRate)

	return limited(wait,
		"you send more than %d operations a second, which is the limit (SAMJOURNAL_RATE_VIEWER_REQUESTS)", s.cfg.Rates.ViewerRequests)
}

// charge counts the cost of an operation of the context's viewer, which is known once its document has been measured.
func (s *Server) charge(ctx context.Context, cost int) *gqlerror.Error {
	name := s.viewerName(ctx)
	if name == "" {
		return nil
	}

	wait := s.rates.viewerCost.take(name, cost)
	if wait == 0 {
		return nil
	}

	s.metrics.refuse(refusedViewerCost)

	return limited(wait,
		"your operations cost more than %d a second, which is the limit (SAMJOURNAL_RATE_VIEWER_COST); this one costs %d",
		s.cfg.Rates.ViewerCost, cost)
}

// viewerName is Deps.ViewerName, or "".
func (s *Server) viewerName(ctx context.Context) string {
	if s.deps.ViewerName == nil {
		return ""
	}

	return s.deps.ViewerName(ctx)
}
