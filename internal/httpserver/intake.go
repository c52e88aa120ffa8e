package httpserver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"

	"samjournal/internal/inuse"
)

const (
	// freeIntake is what of each body or message is not counted, in bytes: while a few hold all there is, short ones get through.
	freeIntake = 4 << 10
	// longestIntake is how long a body or message waits for memory.
	longestIntake = time.Second

	// A body or message has to come at this rate, in bytes per second, after a time of grace: who holds memory has to use it.
	leastRate = 16 << 10
	graceRate = 10 * time.Second
)

// errNoMemory says that others have taken the memory for input, and did not give it back within the time.
var errNoMemory = errors.New("the memory for input is taken")

// intake is the memory for what clients send. A subscription holds what it was sent for as long as it goes on, so one viewer
// never has everything. It is safe for concurrent use.
type intake struct {
	size    int64
	most    int64 // that one viewer may have
	longest time.Duration
	free    *semaphore.Weighted
	viewers *inuse.Table[*semaphore.Weighted] // what those may still have that have shares
}

// newIntake returns an intake of which one viewer may have most.
func newIntake(size, most int64) *intake {
	return &intake{
		size: size, most: most, longest: longestIntake, free: semaphore.NewWeighted(size),
		viewers: inuse.NewTable(func() *semaphore.Weighted { return semaphore.NewWeighted(most) }),
	}
}

// of returns a share for what a viewer sends, which has to be released; "" is nobody in particular.
func (in *intake) of(viewer string) share {
	if viewer == "" {
		return share{intake: in}
	}

	own, leave := in.viewers.Enter(viewer)

	return share{intake: in, own: own, leave: leave}
}

// share is what one body or message has of the intake. One goroutine uses it at a time. The zero value cannot grow, only be
// released.
type share struct {
	intake *intake
	own    *semaphore.Weighted // what the viewer may still have; nil: nobody's in particular
	leave  func()              // ends the viewer's use; nil where own is
	wanted int64               // what was asked for, the free part included
	held   int64
}

// grow adds n bytes. It fails with errNoMemory when they cannot be had within the time, with a *tooBigError when never, or when
// the context ends.
func (h *share) grow(ctx context.Context, n int64) error {
	h.wanted += n

	lacking := max(h.wanted-freeIntake, 0) - h.held
	switch {
	case lacking <= 0:
		return nil
	case h.held+lacking > h.size():
		return &tooBigError{wanted: h.wanted, size: h.size()}
	}

	waiting, cancel := context.WithTimeout(ctx, h.intake.longest)
	defer cancel()

	// The viewer's own comes first: what waits for it keeps nothing from others.
	if h.own != nil && h.own.Acquire(waiting, lacking) != nil {
		return errNoMemory
	}

	if h.intake.free.Acquire(waiting, lacking) != nil {
		if h.own != nil {
			h.own.Release(lacking)
		}

		return errNoMemory
	}

	h.held += lacking

	return nil
}

// size is the most that the share can have.
func (h *share) size() int64 {
	if h.own != nil {
		return h.intake.most
	}

	return h.intake.size
}

// shrink gives n bytes back that were added.
func (h *share) shrink(n int64) {
	h.wanted -= n
	h.giveBack(h.held - max(h.wanted-freeIntake, 0))
}

// release gives everything back. It may be called again.
func (h *share) release() {
	h.wanted = 0
	h.giveBack(h.held)

	if h.own != nil {
		h.leave()
		h.own, h.leave = nil, nil
	}
}

func (h *share) giveBack(n int64) {
	if n > 0 {
		h.held -= n
		h.intake.free.Release(n)

		if h.own != nil {
			h.own.Release(n)
		}
	}
}

// tooBigError says that something could not be taken in even if there were nothing else.
type tooBigError struct{ wanted, size int64 }

func (*tooBigError) Error() string { return "too big for the memory for input" }

// pacer bounds the time in which a body or message may come.
type pacer struct {
	began   time.Time
	longest time.Duration
}

// deadline is when the next byte must be there, after n have come.
func (p pacer) deadline(n int) time.Time {
	return p.began.Add(min(p.longest, graceRate+time.Duration(n)*(time.Second/leastRate)))
}

// extent is what is known of how long something is that is read.
type extent struct {
	said int64 // by who sends it; not to be believed; 0: nothing
	most int64
}

// room is how much to have for it after all of what there was has been filled. What the sender says of the length saves copies,
// but is no reason to have much more room than for what has come.
func (l extent) room(filled int64) int64 {
	const least, begin, trust = bytes.MinRead, freeIntake, 8

	switch {
	case filled == 0:
		return min(l.said+least, begin)
	case filled < l.said:
		return min(l.said+least, trust*filled)
	default:
		return min(l.most+least, 2*filled)
	}
}

// readAll reads to the end. The share grows with the room, and the deadline is set before every read.
func readAll(
	ctx context.Context, from io.Reader, l extent, h *share, pace pacer, setDeadline func(time.Time) error,
) ([]byte, error) {
	var buf []byte

	for {
		if len(buf) == cap(buf) {
			room := max(l.room(int64(len(buf))), int64(len(buf))+1)
			if err := h.grow(ctx, room-int64(cap(buf))); err != nil {
				return nil, err
			}

			larger := make([]byte, len(buf), room)
			copy(larger, buf)
			buf = larger
		}

		_ = setDeadline(pace.deadline(len(buf))) // where deadlines are not supported there is no connection either

		n, err := from.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]

		switch {
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return nil, err
		}
	}
}

// decodeWithin decodes JSON when there is memory for what it becomes, which can be fifty times its length.
func decodeWithin(ctx context.Context, text []byte, h *share) (any, error) {
	if err := h.grow(ctx, decodedSize(text)); err != nil {
		return nil, err
	}

	return decodeJSON(text)
}

// What decoding makes of JSON, in bytes, rounded up from measurements: a test compares them with what is kept.
const (
	sizeOfElement = 56 // an interface in a slice, and a short number or string
	sizeOfMember  = 72 // a name, an interface, a short number or string, in a map that has grown
	sizeOfArray   = 40
	sizeOfObject  = 320 // the first group of a map's members
	sizeOfMap     = 64
)

// decodedSize estimates what decodeJSON makes of a text, from above, whether the text is JSON or not.
func decodedSize(text []byte) int64 {
	var (
		size   = int64(len(text)) * 5 / 4 // what strings, names and long numbers have in them
		quoted bool
	)

	for i := 0; i < len(text); i++ {
		c := text[i]

		if quoted {
			switch c {
			case '\\':
				i++
			case '"':
				quoted = false
			}

			continue
		}

		switch c {
		case '"':
			quoted = true
		case ',':
			size += sizeOfElement
		case ':':
			size += sizeOfMember
		case '[':
			size += sizeOfArray

			if i+1 < len(text) && text[i+1] != ']' {
				size += sizeOfElement
			}
		case '{':
			size += sizeOfMap

			if i+1 < len(text) && text[i+1] != '}' {
				size += sizeOfObject
			}
		}
	}

	return size
}

// intakeRefusal is the answer to a body for which there is no memory, or nil when err is another error.
func (s *Server) intakeRefusal(err error) *requestError {
	var tooBig *tooBigError

	switch {
	case errors.As(err, &tooBig):
		return refuse(http.StatusRequestEntityTooLarge, codePayloadTooLarge,
			"the request would take %d bytes of memory, because it has so many values, and the server has %d bytes for all requests "+
				"of a viewer; send fewer values", tooBig.wanted, tooBig.size)
	case errors.Is(err, errNoMemory):
		s.metrics.refuse(refusedMemory)

		return refuse(http.StatusServiceUnavailable, codeUnavailable,
			"the server has no memory for this request at present; try again")
	default:
		return nil
	}
}
