package testschema

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"samjournal/internal/subscription"
)

// Log is a log whose events are their places. The zero value is empty.
type Log struct {
	mu       sync.Mutex
	size     int64         // guarded by mu
	replaced int           // guarded by mu
	changed  chan struct{} // closed when the log changes; guarded by mu
	resolved int64         // events that have been resolved; guarded by mu
	readers  int           // that are open; guarded by mu
}

// Add adds events.
func (l *Log) Add(events int64) { l.change(func() { l.size += events }) }

// Replace makes the log another one from this size on.
func (l *Log) Replace(size int64) { l.change(func() { l.size, l.replaced = size, l.replaced+1 }) }

// Resolved is how many events have been resolved.
func (l *Log) Resolved() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()

	return l.resolved
}

// Readers is how many readers are open.
func (l *Log) Readers() int {
	l.mu.Lock()
	defer l.mu.Unlock()

	return l.readers
}

func (l *Log) change(how func()) {
	l.mu.Lock()
	defer l.mu.Unlock()

	how()

	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// look gives the log as it is, and what is closed when it changes.
func (l *Log) look() (size int64, replaced int, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()

	if l.changed == nil {
		l.changed = make(chan struct{})
	}

	return l.size, l.replaced, l.changed
}

// Log tells the log's events.
func (r sub) Log(ctx context.Context, from *int, tag string, size int) (<-chan string, error) {
	if event, ok := subscription.Resolved[string](ctx); ok {
		r.Resolver.Log.change(func() { r.Resolver.Log.resolved++ })

		return event, nil
	}

	now, _, _ := r.Resolver.Log.look()
	if from != nil {
		now = int64(*from)
	}

	subscription.Offer(ctx, &logStream{log: &r.Resolver.Log, key: fmt.Sprint(tag, " ", size), next: now, size: size})

	return subscription.Nothing[string](), nil
}

type logStream struct {
	log  *Log
	key  string
	next int64
	size int
}

func (s *logStream) Key() string { return s.key }

func (s *logStream) Next() int64 { return s.next }

func (s *logStream) Follow(context.Context) (subscription.Reader, error) {
	return s.open(s.next, false), nil
}

func (s *logStream) Live(context.Context) (subscription.Reader, error) {
	now, _, _ := s.log.look()

	return s.open(now, true), nil
}

func (s *logStream) open(at int64, live bool) *logReader {
	_, replaced, _ := s.log.look()
	s.log.change(func() { s.log.readers++ })

	return &logReader{stream: s, at: at, live: live, replaced: replaced}
}

type logReader struct {
	stream   *logStream
	at       int64
	live     bool // it has not yet said where it begins
	replaced int
}

func (r *logReader) Read(ctx context.Context) (subscription.Batch, error) {
	if r.live {
		r.live = false

		return subscription.Batch{Next: r.at}, nil
	}

	for {
		size, replaced, changed := r.stream.log.look()

		switch {
		case size < r.at:
			return subscription.Batch{}, coded("CURSOR_INVALID")
		case replaced != r.replaced:
			r.replaced = replaced
			b := r.batch(min(size, r.at+10))
			b.Ahead = coded("CURSOR_INVALID")

			return b, nil
		case size > r.at:
			return r.batch(min(size, r.at+10)), nil
		}

		select {
		case <-changed:
		case <-ctx.Done():
			return subscription.Batch{}, ctx.Err()
		}
	}
}

func (r *logReader) batch(to int64) subscription.Batch {
	b := subscription.Batch{Next: to}

	for ; r.at < to; r.at++ {
		text := fmt.Sprint(r.at, ":", strings.Repeat("x", r.stream.size))
		b.Events = append(b.Events, subscription.Event{Position: r.at, Value: text})
	}

	return b
}

func (r *logReader) At(next int64) (subscription.Reader, error) {
	return r.stream.open(next, false), nil
}

func (r *logReader) Close() { r.stream.log.change(func() { r.stream.log.readers-- }) }
