package httpserver_test

import (
	"context"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"samjournal/internal/httpserver"
)

// watches is a Deps.Watch whose viewers are dismissed by hand.
type watches struct {
	mu    sync.Mutex
	ended map[int]func(error) // guarded by mu
	last  int                 // guarded by mu
}

func (w *watches) watch(_ context.Context, ended func(error)) (stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()

	w.last++
	id := w.last

	if w.ended == nil {
		w.ended = map[int]func(error){}
	}

	w.ended[id] = ended

	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.ended, id)
	}
}

func (w *watches) open() int {
	w.mu.Lock()
	defer w.mu.Unlock()

	return len(w.ended)
}

func (w *watches) dismissAll(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()

	for _, ended := range w.ended {
		ended(err)
	}
}

func TestAWebSocketEndsWithItsViewer(t *testing.T) {
	t.Parallel()

	var viewers watches

	s := start(t, func(_ *httpserver.Config, d *httpserver.Deps) { d.Watch = viewers.watch })
	w := s.connect(t)
	w.subscribe("1", `subscription { forever }`)
	eventually(t, func() bool { return viewers.open() == 1 }, "1 watched streams")

	viewers.dismissAll(errNoToken)
	w.expectClose(4401, "no token")
	eventually(t, func() bool { return viewers.open() == 0 }, "the watch ends with the connection")
}

func TestWhoIsDismissedBeginsNothingMore(t *testing.T) {
	t.Parallel()

	var viewers watches

	s := start(t, func(_ *httpserver.Config, d *httpserver.Deps) { d.Watch = viewers.watch })
	w := s.connect(t)
	viewers.dismissAll(errNoToken)

	// It does not answer the close frame, and goes on as if nothing had been said.
	const more = `{"id":"1","type":"subscribe","payload":{"query":"mutation { bump }"}}`
	for range 50 {
		if w.conn.Write(w.ctx, websocket.MessageText, []byte(more)) != nil {
			break
		}
	}

	w.expectClose(4401, "no token")
	eventually(t, func() bool { return viewers.open() == 0 }, "the connection to end")
	require.Zero(t, s.resolver.Bumped.Load())
}

func TestAnEventStreamEndsWithItsViewer(t *testing.T) {
	t.Parallel()

	var viewers watches

	s := start(t, func(_ *httpserver.Config, d *httpserver.Deps) { d.Watch = viewers.watch })
	lines, _ := s.listen(t, `subscription { forever }`)
	eventually(t, func() bool { return viewers.open() == 1 }, "1 watched streams")

	viewers.dismissAll(errNoToken)

	var text string
	for lines.Scan() { // to the end of the stream
		text += lines.Text() + "\n"
	}

	require.Contains(t, text, "event: next\n"+`data: {"errors":[{"message":"no token","extensions":{"code":"UNAUTHENTICATED"}}]}`)
	require.Contains(t, text, "event: complete\n")
	eventually(t, func() bool { return viewers.open() == 0 }, "0 watched streams")
}

func TestAWatchEndsWithItsStream(t *testing.T) {
	t.Parallel()

	var viewers watches

	s := start(t, func(_ *httpserver.Config, d *httpserver.Deps) { d.Watch = viewers.watch })
	_, leave := s.listen(t, `subscription { forever }`)
	w := s.connect(t)
	eventually(t, func() bool { return viewers.open() == 2 }, "2 watched streams")

	leave()
	require.NoError(t, w.conn.CloseNow())
	eventually(t, func() bool { return viewers.open() == 0 }, "0 watched streams")
}
