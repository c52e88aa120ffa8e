package auth

import (
	"context"
	"log/slog"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// touchEvery is how exactly the last use of a token is known.
	touchEvery = time.Minute
	// maxTouches is the most tokens whose last use waits to be written. Of more, some are written a minute later.
	maxTouches = 10000
	// touchTimeout bounds writing the last uses of one account's tokens.
	touchTimeout = 5 * time.Second
)

// toucher writes when tokens were last used: at most once a minute and token, in batches, on one goroutine, so that no
// request waits for it.
type toucher struct {
	backend Backend
	now     func() time.Time
	log     *slog.Logger
	recent  *lru.Cache[tokenKey, time.Time] // the last use that is stored or will be
	quit    chan struct{}
	done    chan struct{}

	mu      sync.Mutex
	pending map[tokenKey]time.Time // guarded by mu
	failing bool                   // owned by the goroutine
}

func startToucher(cfg Config) *toucher {
	recent, _ := lru.New[tokenKey, time.Time](maxRemembered) // fails for sizes below 1 only
	t := &toucher{
		backend: cfg.Backend, now: cfg.Clock, log: cfg.Logger, recent: recent,
		quit: make(chan struct{}), done: make(chan struct{}), pending: map[tokenKey]time.Time{},
	}
	go t.run(cfg.Recheck)
	return t
}

// known tells when a token was last used as far as the database knows, which another node may have written.
func (t *toucher) known(key tokenKey, lastUsed *time.Time) {
	if lastUsed == nil {
		return
	}
	if at, ok := t.recent.Get(key); !ok || at.Before(*lastUsed) {
		t.recent.Add(key, *lastUsed)
	}
}

// touch notes that a token is used now.
func (t *toucher) touch(key tokenKey) {
	now := t.now()
	if at, ok := t.recent.Get(key); ok && now.Sub(at) < touchEvery {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.pending) >= maxTouches {
		return
	}
	t.pending[key] = now
	t.recent.Add(key, now)
}

func (t *toucher) run(interval time.Duration) {
	defer close(t.done)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			t.flush()
		case <-t.quit:
			t.flush()
			return
		}
	}
}

// close writes what is pending and ends the goroutine.
func (t *toucher) close() {
	close(t.quit)
	<-t.done
}

// flush writes what is pending, one account after the other. What cannot be written waits for the next time.
func (t *toucher) flush() {
	t.mu.Lock()
	pending := t.pending
	t.pending = map[tokenKey]time.Time{}
	t.mu.Unlock()
	byAccount := map[int64]map[int64]time.Time{}
	for key, at := range pending {
		if byAccount[key.account] == nil {
			byAccount[key.account] = map[int64]time.Time{}
		}
		byAccount[key.account][key.id] = at
	}
	var failed error
	for account, used := range byAccount {
		if failed == nil { // else every account would wait for a database that is away
			failed = t.write(account, used)
		}
		if failed != nil {
			t.keep(account, used)
		}
	}
	if failed != nil && !t.failing {
		t.log.Warn("the last use of API tokens cannot be written now; it is tried again", "error", failed)
	}
	if failed != nil || len(pending) > 0 {
		t.failing = failed != nil
	}
}

func (t *toucher) write(account int64, used map[int64]time.Time) error {
	ctx, cancel := context.WithTimeout(context.Background(), touchTimeout)
	defer cancel()
	return t.backend.TouchTokens(ctx, account, used)
}

// keep puts back what could not be written.
func (t *toucher) keep(account int64, used map[int64]time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, at := range used {
		key := tokenKey{account, id}
		if t.pending[key].Before(at) && len(t.pending) < maxTouches {
			t.pending[key] = at
		}
	}
}
