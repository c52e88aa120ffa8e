package graph

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"samjournal/internal/atend"
	"samjournal/internal/inuse"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

const (
	// shortBytes is what an answer reads of payloads before it is known how long they are: most answers need no more, and so no
	// second statement.
	shortBytes = 2 << 20

	// twice is how often long payloads count while an answer is made.
	twice = 2

	// answersWait is how long an answer waits for memory that others have.
	answersWait = 5 * time.Second
)

// Answers is the memory for the payloads of all answers under way, from when they are read until they are written. While an
// answer is made they count twice: as they were read, and as they are encoded. Answers with few of them do not wait behind those
// with many, which a slow client may keep for long. Nor does anybody wait for a single viewer, all of whose clients may be slow:
// it never has everything. It is safe for concurrent use.
type Answers struct {
	all     *room
	viewers *inuse.Table[*room] // of the subjects that have answers under way, whichever account they act in
}

// NewAnswers returns memory for this many bytes of payloads of one viewer, and half as much for the first 2 MiB of each of its
// answers. All viewers together have half as much again. So what one viewer leaves to the others is enough to make the longest
// answer, when that is at most a quarter of bytes.
func NewAnswers(bytes int64) *Answers {
	const part, fewest = 2, 4
	answers := max(bytes/part/shortBytes, fewest)
	return &Answers{
		all:     newRoom(bytes+bytes/part, answers+answers/part),
		viewers: inuse.NewTable(func() *room { return newRoom(bytes, answers) }),
	}
}

// room is the memory that a viewer may have, or all of them together.
type room struct {
	size    int64
	long    *semaphore.Weighted // for all of an answer that has more than shortBytes
	waiting chan struct{}       // holds one token for each answer that waits for that
	short   *semaphore.Weighted // for shortBytes of every answer
	answers int64               // for which short has memory
}

func newRoom(size, answers int64) *room {
	const fewer = 4
	return &room{
		size: size, answers: answers, long: semaphore.NewWeighted(size), short: semaphore.NewWeighted(answers * shortBytes),
		// Who waits keeps what it has read. A quarter is for those who need no more.
		waiting: make(chan struct{}, answers-answers/fewer),
	}
}

// wait takes a token of those who wait, unless too many do.
func (r *room) wait() bool {
	select {
	case r.waiting <- struct{}{}:
		return true
	default:
		return false
	}
}

// share is memory that is taken from a viewer's and from everybody's at once, in this order: so what waits for the viewer's own
// keeps nothing from others.
type share [2]*semaphore.Weighted

func (s share) tryAcquire(n int64) bool {
	if !s[0].TryAcquire(n) {
		return false
	}
	if !s[1].TryAcquire(n) {
		s[0].Release(n)
		return false
	}
	return true
}

// errNoRoom says that other answers have the memory for payloads, and did not give it back in time.
var errNoRoom = fmt.Errorf("%w: the memory for payloads is taken by other answers", journal.ErrUnavailable)

// acquire waits, but not for long.
func (s share) acquire(ctx context.Context, n int64) error {
	if s.tryAcquire(n) {
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, answersWait)
	defer cancel()
	err := s[0].Acquire(waiting, n)
	if err == nil {
		if err = s[1].Acquire(waiting, n); err == nil {
			return nil
		}
		s[0].Release(n)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("wait for memory: %w", ctx.Err())
	}
	return errNoRoom
}

func (s share) release(n int64) {
	s[1].Release(n)
	s[0].Release(n)
}

// memory is what one answer has of it. Its methods may be called at the same time; without Answers nothing is waited for.
type memory struct {
	mu          sync.Mutex // held while memory is waited for, so that an operation waits once
	own, all    *room      // nil before enter; guarded by mu
	short, long held       // guarded by mu
	extended    bool       // guarded by mu
}

// held is some bytes of a share.
type held struct {
	of    share
	bytes int64
}

// keep gives back all but some bytes.
func (h *held) keep(bytes int64) {
	if unused := h.bytes - bytes; unused > 0 {
		h.of.release(unused)
		h.bytes = bytes
	}
}

// enter waits for the memory for what is read before it is known how long it is: shortBytes, once for an answer.
func (m *memory) enter(ctx context.Context, answers *Answers) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.own != nil || answers == nil {
		return nil
	}
	viewer, err := model.ViewerFrom(ctx)
	if err != nil {
		return err
	}
	own, leave := answers.viewers.Enter(viewer.Subject)
	short := share{own.short, answers.all.short}
	if err := short.acquire(ctx, shortBytes); err != nil {
		leave()
		return err
	}
	m.own, m.all, m.short = own, answers.all, held{short, shortBytes}
	atend.Do(ctx, func() {
		m.release()
		leave()
	})
	return nil
}

// extend waits for the memory for an answer with long payloads. Whoever has some and waits for more can wait for ever, so an
// answer waits once; that it has entered is no harm, since nobody who has extended waits for that.
func (m *memory) extend(ctx context.Context, bytes int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.extended || m.own == nil {
		return nil
	}
	bytes = min(twice*bytes, m.own.size) // one entry may be longer than everything together
	long := share{m.own.long, m.all.long}
	if err := m.acquireLong(ctx, long, bytes); err != nil {
		return err
	}
	m.extended, m.long = true, held{long, bytes}
	m.short.keep(0)
	return nil
}

// acquireLong waits, unless too many do. It is called with mu held.
func (m *memory) acquireLong(ctx context.Context, long share, bytes int64) error {
	if long.tryAcquire(bytes) {
		return nil
	}
	if !m.own.wait() {
		return errNoRoom
	}
	defer func() { <-m.own.waiting }()
	if !m.all.wait() {
		return errNoRoom
	}
	defer func() { <-m.all.waiting }()
	return long.acquire(ctx, bytes)
}

// settle gives back what a short answer has not used.
func (m *memory) settle(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.short.keep(bytes)
}

// made says that the answer is encoded: what was read is needed no more.
func (m *memory) made() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.long.keep(m.long.bytes / twice)
}

func (m *memory) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.short.keep(0)
	m.long.keep(0)
}
