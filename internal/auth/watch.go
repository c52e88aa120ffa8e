package auth

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"samjournal/internal/store"
)

const (
	// sweepTimeout bounds the database's part of looking at all streams.
	sweepTimeout = 5 * time.Second
	// maxUserChecks is the most users of JWTs that are looked up in one sweep; of more, the others come next.
	maxUserChecks = 500
)

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
	next     userKey    // guarded by sweeping: the user that was checked last
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
	byToken, byUser := map[int64]map[int64][]*watch{}, map[userKey][]*watch{}
	w.mu.Lock()
	streams := make([]*watch, 0, len(w.live))
	for stream := range w.live {
		streams = append(streams, stream)
	}
	w.mu.Unlock()
	for _, stream := range streams {
		s := stream.session
		if s.expires != nil && !now.Before(*s.expires) {
			w.dismiss(stream, expired(s))
			continue
		}
		if s.token != nil {
			if byToken[s.token.account] == nil {
				byToken[s.token.account] = map[int64][]*watch{}
			}
			byToken[s.token.account][s.token.id] = append(byToken[s.token.account][s.token.id], stream)
		}
		if s.user != nil {
			byUser[*s.user] = append(byUser[*s.user], stream)
		}
	}
	ctx, cancel := context.WithTimeout(life, sweepTimeout)
	defer cancel()
	err := w.checkTokens(ctx, byToken)
	if err == nil {
		err = w.checkUsers(ctx, byUser)
	}
	if life.Err() != nil {
		return // no stream is left
	}
	if err != nil && !w.failing {
		w.cfg.Logger.Warn("open streams cannot be checked for revoked tokens now; they stay open", "error", err)
	}
	w.failing = err != nil
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
func (w *watcher) checkTokens(ctx context.Context, byToken map[int64]map[int64][]*watch) error {
	var failed error
	for account, streams := range byToken {
		ids := make([]int64, 0, len(streams))
		for id := range streams {
			ids = append(ids, id)
		}
		rows, err := w.cfg.Backend.Tokens(ctx, account, ids)
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

// checkUsers looks at the users of JWTs, from where the last sweep ended.
func (w *watcher) checkUsers(ctx context.Context, byUser map[userKey][]*watch) error {
	for _, key := range turn(byUser, w.next, maxUserChecks) {
		user, exists, err := w.cfg.Backend.UserByName(ctx, key.account, key.name)
		if err != nil {
			return err
		}
		w.next = key
		if exists && user.DisabledAt != nil {
			for _, stream := range byUser[key] {
				w.dismiss(stream, errDisabledUser())
			}
		}
	}
	return nil
}

// turn returns at most so many of the keys, in order, those after the last one first.
func turn(byUser map[userKey][]*watch, last userKey, most int) []userKey {
	order := func(a, b userKey) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.name, b.name))
	}
	keys := slices.SortedFunc(maps.Keys(byUser), order)
	at, found := slices.BinarySearchFunc(keys, last, order)
	if found {
		at++
	}
	keys = append(keys[at:], keys[:at]...)
	return keys[:min(most, len(keys))]
}
