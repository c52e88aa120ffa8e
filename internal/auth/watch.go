package auth

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"samjournal/internal/store"
)

// sweepTimeout bounds the database's part of looking at all streams.
const sweepTimeout = 5 * time.Second

// watcher looks at all open streams together. It has a goroutine while there are any.
type watcher struct {
	cfg     Config
	running sync.WaitGroup // the goroutine and what it calls

	mu     sync.Mutex
	live   map[*watch]struct{} // guarded by mu
	quit   context.CancelFunc  // guarded by mu: ends the goroutine; nil when there is none
	closed bool                // guarded by mu

	sweeping sync.Mutex // held during a sweep: the goroutine of streams that are gone may still be in one
	failing  bool       // guarded by sweeping
}

// watch is one stream.
type watch struct {
	session *session
	ended   func(error)

	mu   sync.Mutex // held while ended runs
	over bool       // guarded by mu: ended was called, or must not be any more
}

// end tells the stream why its viewer is none any more, once.
func (w *watch) end(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over {
		w.over = true
		w.ended(err)
	}
}

// silence makes sure that ended is not called any more.
func (w *watch) silence() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
}

func (w *watcher) add(s *session, ended func(error)) (stop func()) {
	stream := &watch{session: s, ended: ended}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return func() {}
	}
	w.live[stream] = struct{}{}
	if w.quit == nil {
		ctx, cancel := context.WithCancel(context.Background())
		w.quit = cancel
		w.running.Go(func() { w.run(ctx) })
	}
	return func() {
		w.remove(stream)
		stream.silence()
	}
}

// remove forgets a stream, and ends the goroutine with the last.
func (w *watcher) remove(stream *watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.live, stream)
	if len(w.live) == 0 && w.quit != nil {
		w.quit()
		w.quit = nil
	}
}

func (w *watcher) close() {
	w.mu.Lock()
	w.closed = true
	streams := w.live
	w.live = map[*watch]struct{}{}
	if w.quit != nil {
		w.quit()
		w.quit = nil
	}
	w.mu.Unlock()
	for stream := range streams {
		stream.silence()
	}
	w.running.Wait()
}

func (w *watcher) run(ctx context.Context) {
	ticker := time.NewTicker(w.cfg.Recheck)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.sweep(ctx)
		}
	}
}

// sweep ends the streams whose viewer is none any more: first those that the clock ends, then those of which the database says
// so.
func (w *watcher) sweep(life context.Context) {
	w.sweeping.Lock()
	defer w.sweeping.Unlock()
	now := w.cfg.Clock()
	byToken, byUser := byAccount[int64]{}, byAccount[string]{}
	for _, stream := range w.open() {
		s := stream.session
		switch {
		case s.expires != nil && !now.Before(*s.expires):
			w.dismiss(stream, expired(s))
		case s.token != nil:
			byToken.add(s.token.account, s.token.id, stream)
		case s.user != nil:
			byUser.add(s.user.account, s.user.name, stream)
		}
	}
	ctx, cancel := context.WithTimeout(life, sweepTimeout)
	defer cancel()
	err := errors.Join(w.checkTokens(ctx, byToken), w.checkUsers(ctx, byUser))
	if life.Err() != nil {
		return // no stream is left
	}
	if err != nil && !w.failing {
		w.cfg.Logger.Warn("open streams cannot be checked for revoked tokens now; they stay open", "error", err)
	}
	w.failing = err != nil
}

// open lists the streams that are open now.
func (w *watcher) open() []*watch {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.live))
}

// byAccount has the streams of each account, by the number of their token or the name of their user.
type byAccount[K comparable] map[int64]map[K][]*watch

func (b byAccount[K]) add(account int64, key K, stream *watch) {
	if b[account] == nil {
		b[account] = map[K][]*watch{}
	}
	b[account][key] = append(b[account][key], stream)
}

func expired(s *session) error {
	if s.token != nil {
		return errInvalidToken()
	}
	return unauthenticated("the JWT has expired")
}

// dismiss ends a stream. It has a goroutine of its own, since a client that does not read may hold it up.
func (w *watcher) dismiss(stream *watch, err error) {
	w.remove(stream)
	w.running.Go(func() { stream.end(err) })
}

// checkTokens asks once an account for all tokens that hold streams open.
func (w *watcher) checkTokens(ctx context.Context, byToken byAccount[int64]) error {
	var failed error
	for account, streams := range byToken {
		rows, err := w.cfg.Backend.Tokens(ctx, account, slices.Collect(maps.Keys(streams)))
		if err != nil {
			failed = err
			continue
		}
		now := w.cfg.Clock()
		for id, held := range streams {
			row, exists := rows[id]
			w.checkRow(row, exists, now, held)
		}
	}
	return failed
}

func (w *watcher) checkRow(row store.Token, exists bool, now time.Time, held []*watch) {
	for _, stream := range held {
		err := errInvalidToken()
		if exists && row.Digest == stream.session.digest {
			err = usable(row, now)
		}
		if err != nil {
			w.dismiss(stream, err)
		}
	}
}

// checkUsers asks once an account for all users of JWTs that hold streams open.
func (w *watcher) checkUsers(ctx context.Context, byUser byAccount[string]) error {
	var failed error
	for account, streams := range byUser {
		users, err := w.cfg.Backend.UsersByName(ctx, account, slices.Collect(maps.Keys(streams)))
		if err != nil {
			failed = err
			continue
		}
		for name, held := range streams {
			if users[name].DisabledAt == nil { // active, or not yet a user
				continue
			}
			for _, stream := range held {
				w.dismiss(stream, errDisabledUser())
			}
		}
	}
	return failed
}
