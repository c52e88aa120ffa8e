package httpserver

import (
	"context"
	"errors"
	"io"

	"github.com/99designs/gqlgen/graphql"

	"samjournal/internal/subscription"
)

// sink is where a subscriber's events go: a WebSocket or an event stream.
type sink interface {
	// wake has the subscriber's pump called once, in a goroutine that may take its time. It returns at once.
	wake(s *subscriber)
	// send writes responses in order and returns false when the client is gone.
	send(responses []encoded) bool
	// end says that there is no more: with why, or nil when the subscription is complete. The subscriber has left by then.
	end(last *graphql.Response)
}

// notIdle is the place of a subscriber that is not among the idle ones.
const notIdle = -1

// subscriber is one running subscription. While there is nothing to send to it, it is no more than this.
type subscriber struct {
	broadcast *broadcast
	sink      sink
	stream    subscription.Stream // nil when its past has been read; of the goroutine that pumps

	// All guarded by the broadcast's mu.
	next    int64             // position of the next event that it wants
	place   int               // among the idle ones
	left    bool              // no more for it
	cancel  func()            // of its own reading, while it is behind; else nil
	changes int               // of the broadcast, that it knows of
	last    *graphql.Response // why it ends
}

// rest makes a subscriber wait for what comes. It is called with the broadcast's mu held.
func (s *subscriber) rest() {
	s.place = len(s.broadcast.idle)
	s.broadcast.idle = append(s.broadcast.idle, s)
}

// some takes the first events, about a chunk of them. It is called with the broadcast's mu held.
func (s *subscriber) some(events []encoded) []encoded {
	n, bytes := 1, len(events[0].payload)
	for n < len(events) && bytes+len(events[n].payload) <= chunk {
		bytes += len(events[n].payload)
		n++
	}

	s.next = events[n-1].position + 1

	return append([]encoded(nil), events[:n]...) // the originals are cleared when they are dropped
}

// pump sends what there is, and returns when the subscriber waits again or has ended. The sink calls it, once for each wake.
func (s *subscriber) pump() {
	for {
		outlook, events := s.broadcast.take(s)

		switch outlook {
		case nothing:
			return
		case take:
			if !s.sink.send(events) {
				return
			}
		case behind:
			if !s.catchUp() {
				return
			}
		case over:
			s.end(s.last)

			return
		}
	}
}

// leave ends the subscription; it may be called more than once. A pump that is at work comes to its end by itself.
func (s *subscriber) leave() {
	c := s.broadcast

	c.mu.Lock()
	if s.left {
		c.mu.Unlock()

		return
	}

	s.left = true
	c.members--

	if s.place != notIdle {
		last := len(c.idle) - 1
		c.idle[s.place] = c.idle[last]
		c.idle[s.place].place = s.place
		c.idle[last] = nil
		c.idle = c.idle[:last]
		s.place = notIdle
	}

	c.dropRead()

	if s.cancel != nil {
		s.cancel()
	}
	c.mu.Unlock()

	c.all.leave(c)
}

// catchUp reads for this subscriber alone, at its own pace, until the broadcast has what comes next. It returns false when the
// subscription has ended.
func (s *subscriber) catchUp() bool {
	ctx, cancel := context.WithCancel(s.broadcast.ctx)
	defer cancel()

	if !s.cancelWith(cancel) {
		return false
	}
	defer s.cancelWith(nil)

	reader, err := s.open(ctx)
	if err != nil {
		return s.fail(ctx, err)
	}
	defer reader.Close()

	for {
		batch, err := s.broadcast.all.read(ctx, reader)
		if err != nil {
			return s.fail(ctx, err)
		}

		if !s.sendAll(ctx, batch.Events) {
			return false
		}

		if s.caughtUp(batch.Next) {
			return true
		}
	}
}

// open begins where the subscriber is.
func (s *subscriber) open(ctx context.Context) (subscription.Reader, error) {
	if s.stream != nil {
		reader, err := s.stream.Follow(ctx)
		s.stream = nil

		return reader, err
	}

	s.broadcast.all.server.metrics.fallbacks.Inc()

	s.broadcast.mu.Lock()
	live, next := s.broadcast.reader, s.next
	s.broadcast.mu.Unlock()

	return live.At(next)
}

// sendAll resolves and sends events that the broadcast does not keep.
func (s *subscriber) sendAll(ctx context.Context, events []subscription.Event) bool {
	var (
		ready []encoded
		bytes int
	)

	for _, event := range events {
		resp := s.broadcast.execute.response(ctx, event)
		if ctx.Err() != nil {
			return false
		}

		if resp.Data == nil {
			return s.end(resp)
		}

		payload := encodeResponse(resp)
		if bytes > 0 && bytes+len(payload) > chunk {
			if !s.sink.send(ready) {
				return false
			}

			ready, bytes = nil, 0
		}

		ready, bytes = append(ready, encoded{event.Position, payload}), bytes+len(payload)
	}

	return len(ready) == 0 || s.sink.send(ready)
}

// caughtUp notes how far the subscriber has come and tells whether the broadcast has what comes next.
func (s *subscriber) caughtUp(next int64) bool {
	c := s.broadcast

	c.mu.Lock()
	defer c.mu.Unlock()

	s.next = next

	return next >= c.dropped || c.ended
}

// cancelWith notes how reading can be ended by leave, and returns false when that has been called already.
func (s *subscriber) cancelWith(cancel func()) bool {
	s.broadcast.mu.Lock()
	defer s.broadcast.mu.Unlock()

	s.cancel = cancel

	return !s.left
}

// fail ends the subscription with an error of its own reading.
func (s *subscriber) fail(ctx context.Context, err error) bool {
	switch {
	case ctx.Err() != nil:
	case errors.Is(err, io.EOF):
		s.end(nil)
	default:
		s.end(s.broadcast.all.server.failure(ctx, err))
	}

	return false
}

// end leaves and tells the client; false is for the pump.
func (s *subscriber) end(last *graphql.Response) bool {
	s.leave()
	s.sink.end(last)

	return false
}
