package httpserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"samjournal/internal/httpserver"
)

// logged is a subscription to the log from a place on, −1 for its end.
func logged(from int, tag string, size int) string {
	begin := ""
	if from >= 0 {
		begin = fmt.Sprintf("from: %d, ", from)
	}

	return fmt.Sprintf(`subscription { log(%stag: %q, size: %d) }`, begin, tag, size)
}

// place reads the place of the event that a message or a line of an event stream carries.
func place(text string) (int, error) {
	_, text, _ = strings.Cut(text, `"log":"`)
	text, _, _ = strings.Cut(text, ":")

	return strconv.Atoi(text)
}

func (w *wire) expectPlaces(from, to int) {
	w.t.Helper()

	for want := from; want < to; want++ {
		text := w.read()
		for text == `{"type":"ping"}` {
			text = w.read()
		}

		got, err := place(text)
		require.NoError(w.t, err, "%.200s", text)
		require.Equal(w.t, want, got)
	}
}

// waiting waits until so many subscriptions run, all of which have what there is.
func (s *site) waiting(t *testing.T, subscribers int) {
	t.Helper()
	eventually(t, func() bool {
		return strings.Contains(s.text("/metrics"), fmt.Sprintf("samjournal_subscribers{transport=\"websocket\"} %d\n", subscribers))
	}, "the subscriptions to run")
}

func TestSubscribersOfAStreamShareOneExecution(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	s.resolver.Log.Add(5)

	const clients = 20

	w := s.connect(t)
	for i := range clients {
		w.subscribe(strconv.Itoa(i), logged(-1, "shared", 3))
	}

	w.subscribe("other", logged(-1, "alone", 3))
	s.waiting(t, clients+1)
	eventually(t, func() bool { return s.resolver.Log.Readers() == 2 }, "one reader for each stream")

	s.resolver.Log.Add(4)

	seen := map[string]int{}

	for range 4 * (clients + 1) {
		var m struct {
			ID      string `json:"id"`
			Payload struct{ Data struct{ Log string } }
		}

		require.NoError(t, json.Unmarshal([]byte(w.read()), &m))
		require.Equal(t, fmt.Sprintf("%d:xxx", 5+seen[m.ID]), m.Payload.Data.Log)
		seen[m.ID]++
	}

	require.Len(t, seen, clients+1)
	require.EqualValues(t, 8, s.resolver.Log.Resolved(), "four events of two streams")
}

func TestASubscriberReadsItsPastByItself(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	s.resolver.Log.Add(100)

	now, before := s.connect(t), s.connect(t)
	now.subscribe("1", logged(-1, "", 0))
	s.waiting(t, 1)
	before.subscribe("1", logged(0, "", 0))
	before.expectPlaces(0, 100)

	s.resolver.Log.Add(20)
	before.expectPlaces(100, 120)
	now.expectPlaces(100, 120)
	require.EqualValues(t, 120, s.resolver.Log.Resolved())
}

func TestASlowSubscriberHoldsUpNobodyAndMissesNothing(t *testing.T) {
	t.Parallel()

	const (
		events = 120
		size   = 256 << 10 // more than all buffers and what a broadcast keeps take
	)

	registry := prometheus.NewRegistry()
	s := start(t, func(_ *httpserver.Config, d *httpserver.Deps) { d.Registry = registry })
	slow, fast := s.connect(t), s.connect(t)
	slow.subscribe("1", logged(-1, "", size))
	fast.subscribe("1", logged(-1, "", size))
	s.waiting(t, 2)

	for i := range events {
		s.resolver.Log.Add(1)
		fast.expectPlaces(i, i+1)
	}

	slow.expectPlaces(0, events)
	require.Contains(t, s.text("/metrics"), "samjournal_subscriber_fallbacks_total 1")

	s.resolver.Log.Add(1)
	slow.expectPlaces(events, events+1)
	fast.expectPlaces(events, events+1)
}

func TestWhatTheLogLostIsTold(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	s.resolver.Log.Add(10)

	ahead, here, beyond := s.connect(t), s.connect(t), s.connect(t)
	ahead.subscribe("1", logged(12, "", 0))
	here.subscribe("1", logged(10, "", 0))
	s.waiting(t, 2)
	eventually(t, func() bool { return s.resolver.Log.Readers() == 1 }, "the broadcast to read")

	// The broadcast has come to 10, and so far the log is as it was; who begins at 12 has seen something else, and what is there
	// now is not for them.
	s.resolver.Log.Replace(14)
	require.Equal(t, "CURSOR_INVALID", ahead.expectError("1"))
	here.expectPlaces(10, 14)

	s.resolver.Log.Replace(4)
	require.Equal(t, "CURSOR_INVALID", here.expectError("1"))

	// A stream that has ended does not stand in the way of the next.
	beyond.subscribe("1", logged(2, "", 0))
	beyond.expectPlaces(2, 4)
	s.resolver.Log.Add(1)
	beyond.expectPlaces(4, 5)
}

// Clients of both transports come and go, begin anywhere, read slowly or not at all for a while: each sees every event from
// where it began, once and in order.
func TestEverySubscriberSeesEachEventOnceInOrder(t *testing.T) {
	t.Parallel()

	const clients = 12

	rounds, events := 6, int64(3_000)
	if testing.Short() {
		rounds, events = 2, 600
	}

	s := start(t, nil)

	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()

	running, ctx := errgroup.WithContext(ctx)
	running.Go(func() error {
		for added := int64(0); added < events; {
			n := min(1+rand.Int64N(40), events-added)
			s.resolver.Log.Add(n)
			added += n

			select {
			case <-time.After(time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
		}

		return nil
	})

	for client := range clients {
		running.Go(func() error {
			next := 0

			for range rounds - 1 {
				var err error
				if next, err = s.followLog(ctx, client%2 == 0, next, next+1+rand.IntN(int(events)/rounds)); err != nil {
					return err
				}
			}

			next, err := s.followLog(ctx, client%2 == 0, next, int(events))
			if err == nil && next != int(events) {
				err = fmt.Errorf("client %d saw %d events", client, next)
			}

			return err
		})
	}

	require.NoError(t, running.Wait())
	http.DefaultClient.CloseIdleConnections()
	eventually(t, func() bool { return s.resolver.Log.Readers() == 0 }, "all readers to be closed")
}

// followLog subscribes at a place and reads on to another; it returns where it came to.
func (s *site) followLog(ctx context.Context, socket bool, from, to int) (int, error) {
	read, end, err := s.openLog(ctx, socket, logged(from, strconv.Itoa(rand.IntN(2)), 100))
	if err != nil {
		return from, err
	}
	defer end()

	for from < to {
		text, err := read()
		if err != nil {
			return from, err
		}

		got, err := place(text)
		if err != nil || got != from {
			return from, fmt.Errorf("place %d, want %d: %.100s", got, from, text)
		}

		from++

		if rand.IntN(500) == 0 {
			select { // a slow reader
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
				return from, ctx.Err()
			}
		}
	}

	return from, nil
}

// openLog subscribes over a WebSocket or an event stream.
func (s *site) openLog(ctx context.Context, socket bool, query string) (read func() (string, error), end func(), err error) {
	if !socket {
		return s.openEvents(ctx, query)
	}

	conn, resp, err := websocket.Dial(ctx, "ws://"+s.address+"/graphql", &websocket.DialOptions{
		Subprotocols: []string{"graphql-transport-ws"},
	})
	if err != nil {
		return nil, nil, err
	}

	if resp.Body != nil {
		_ = resp.Body.Close()
	}

	read = func() (string, error) {
		_, text, err := conn.Read(ctx)

		return string(text), err
	}

	message, err := json.Marshal(map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{"query": query}})
	if err != nil {
		return nil, nil, err
	}

	for _, text := range []string{`{"type":"connection_init"}`, string(message)} {
		if err := conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			return nil, nil, err
		}
	}

	_, err = read() // the acknowledgement

	return read, func() { _ = conn.CloseNow() }, err
}

func TestAViewersOperationsAreBounded(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, d *httpserver.Deps) {
		c.MaxViewerOperations = 2
		d.ViewerName = func(context.Context) string { return "the same for all" }
	})
	w := s.connect(t)
	w.subscribe("1", `subscription { forever }`)
	w.read()

	lines, leave := s.listen(t, `subscription { forever }`)
	for !strings.HasPrefix(lines.Text(), "data:") {
		require.True(t, lines.Scan())
	}

	other := s.connect(t)
	other.subscribe("1", `{ hello }`)
	require.Equal(t, "RATE_LIMITED", other.expectError("1"))

	a := s.ask(t, `{ hello }`, "Accept", "application/graphql-response+json")
	require.Equal(t, http.StatusTooManyRequests, a.status)
	require.Equal(t, "RATE_LIMITED", a.code(t))
	require.Contains(t, a.Errors[0].Message, "2 operations")

	// Places are free again when operations have ended, however they end.
	w.send(`{"id":"1","type":"complete"}`)
	leave()

	for range 3 {
		eventually(t, func() bool { return s.ask(t, `{ hello }`).Data["hello"] == "hello world" }, "a place")
	}
}
