package httpserver

import (
	"context"
	"io"
	"net/netip"
	"time"

	"github.com/coder/websocket"
)

// longestPause is how long a connection whose address sends too much is not read from. One that would have to wait longer is
// closed.
const longestPause = 2 * time.Second

// readText reads a message to its end, within its limits of size, time and memory.
func (c *socket) readText(from io.Reader) ([]byte, error) {
	pace := pacer{began: time.Now(), longest: c.server.cfg.ReadTimeout}
	text, err := readAll(c.writes, from, extent{most: c.server.cfg.MaxBodyBytes}, &c.input, pace, c.link.SetReadDeadline)

	_ = c.link.SetReadDeadline(time.Time{}) // the next message may be long in coming

	return text, err
}

// endUnread closes the connection when there was no memory for a message; nobody knows what operation it belongs to. Otherwise
// the connection has ended by itself.
func (c *socket) endUnread(err error) bool {
	refused := c.server.intakeRefusal(err)

	switch {
	case refused == nil:
		return false
	case codeOf(refused.err) == codePayloadTooLarge:
		return c.end(websocket.StatusMessageTooBig, refused.err.Message)
	default:
		return c.end(closeOverload, refused.err.Message)
	}
}

// messagePace slows down who sends too many messages or frames: what comes after that is not read yet, so the client waits.
type messagePace struct {
	requests *buckets[netip.Addr]
	addr     netip.Addr
	ctx      context.Context //nolint:containedctx // the connection's
}

func (s *Server) newMessagePace(ctx context.Context) messagePace {
	return messagePace{requests: s.rates.addressRequests, addr: addressKey(clientOf(ctx).addr), ctx: ctx}
}

// wait returns when the next message may be handled, and false when there is none to be handled any more.
func (p messagePace) wait() bool {
	pause := p.requests.reserve(p.addr)

	switch {
	case pause == 0:
		return true
	case pause > longestPause:
		return false
	}

	timer := time.NewTimer(pause)
	defer timer.Stop()

	select {
	case <-timer.C:
		return true
	case <-p.ctx.Done():
		return false
	}
}
