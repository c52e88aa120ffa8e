package httpserver

import (
	"context"
	"hash/maphash"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// rememberedLogins is how many credentials that were right are remembered.
const rememberedLogins = 10_000

// logins slow down who tries credentials out. Whose credential was right a while ago is not held up by others of the same
// address. It is safe for concurrent use.
type logins struct {
	failed *buckets[netip.Addr] // nil: nobody is slowed down
	seed   maphash.Seed
	right  *lru.LRU[struct{}] // by hashes of credentials: a collision lets somebody try, and no more than that
}

func newLogins(cfg Config, now func() time.Time) *logins {
	l := &logins{seed: maphash.MakeSeed(), right: lru.New[struct{}](rememberedLogins)}
	if !cfg.LoopbackOnly {
		l.failed = newBuckets[netip.Addr](1, cfg.Rates.FailedLogins, now)
	}

	return l
}

// hold returns how long a credential from an address has to wait before it is looked at.
func (l *logins) hold(ctx context.Context, addr netip.Addr, credential string) time.Duration {
	wait := l.failed.lacking(addr)
	if wait == 0 {
		return 0
	}

	if _, known := l.right.Get(ctx, l.name(credential)); known {
		return 0
	}

	return wait
}

// note remembers how a credential was found to be. A right one from an address is worth remembering only where wrong ones are
// counted.
func (l *logins) note(ctx context.Context, addr netip.Addr, credential string, right bool) {
	switch {
	case l.failed == nil:
	case right:
		l.right.Add(ctx, l.name(credential), struct{}{})
	default:
		l.failed.take(addr, 1)
	}
}

func (l *logins) name(credential string) string {
	var h maphash.Hash

	h.SetSeed(l.seed)
	_, _ = h.WriteString(credential)

	return string(h.Sum(nil))
}

// credentialOf returns what a request, or the payload of connection_init, says to prove who it is from; "" when nothing.
func credentialOf(r *http.Request, init map[string]any) string {
	for name, value := range init {
		if text, ok := value.(string); ok && text != "" && strings.EqualFold(name, "Authorization") {
			return text
		}
	}

	return r.Header.Get("Authorization")
}

// authenticate calls the viewer hook, unless too many wrong credentials came from the address of late.
func (s *Server) authenticate(ctx context.Context, r *http.Request, init map[string]any) (context.Context, *gqlerror.Error) {
	if s.deps.Viewer == nil {
		return ctx, nil
	}

	credential, addr := credentialOf(r, init), addressKey(clientOf(r.Context()).addr)

	if credential != "" {
		if wait := s.logins.hold(ctx, addr, credential); wait > 0 {
			s.metrics.refuse(refusedFailedLogins)

			return nil, limited(wait,
				"%d wrong credentials came from your address, which is the limit (SAMJOURNAL_RATE_FAILED_LOGINS); one a second is looked at",
				s.cfg.Rates.FailedLogins)
		}
	}

	viewer, err := s.deps.Viewer(ctx, r, init)
	if err == nil {
		if credential != "" {
			s.logins.note(ctx, addr, credential, true)
		}

		return viewer, nil
	}

	shown := s.present(ctx, err)
	if credential != "" && codeOf(shown) == codeUnauthenticated {
		s.logins.note(ctx, addr, credential, false)
	}

	return nil, shown
}
