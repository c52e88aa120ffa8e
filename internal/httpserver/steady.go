package httpserver

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// retryWrite is after how long a write is tried again that does not go on. The kernel tells a writer of room only when a third of
// what it keeps for the client has gone, which of some megabytes takes a slow client longer than a piece of an answer may.
const retryWrite = 250 * time.Millisecond

// steadyConn keeps to the limit of a write, and not before it is over: whoever reads slowly all the time is not cut off.
type steadyConn struct {
	net.Conn

	deadline atomic.Pointer[time.Time] // of writes
}

// SetDeadline implements net.Conn.
func (c *steadyConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetWriteDeadline implements net.Conn.
func (c *steadyConn) SetWriteDeadline(t time.Time) error {
	c.deadline.Store(&t)

	return c.retryBefore(t)
}

func (c *steadyConn) retryBefore(t time.Time) error {
	if again := time.Now().Add(retryWrite); t.After(again) {
		t = again
	}

	return c.Conn.SetWriteDeadline(t)
}

// Write implements net.Conn.
func (c *steadyConn) Write(p []byte) (n int, err error) {
	for {
		written, err := c.Conn.Write(p[n:])
		n += written

		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}

		deadline := c.deadline.Load()
		if deadline == nil || !deadline.IsZero() && !time.Now().Before(*deadline) {
			return n, err
		}

		if err := c.retryBefore(*deadline); err != nil {
			return n, err
		}
	}
}

// CloseWrite lets net/http finish an answer before it closes a connection whose request it has not read to the end: else the
// client would lose the answer.
func (c *steadyConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}

	return nil
}
