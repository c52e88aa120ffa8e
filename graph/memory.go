package graph

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"samjournal/internal/atend"
	"samjournal/internal/journal"
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
// with many, which a slow client may keep for long. It is safe for concurrent use.
type Answers struct {
	size    int64
	long    *semaphore.Weighted // for all of an answer that has more than shortBytes
	waiting chan struct{}       // holds one token for each answer that waits for that
	short   *semaphore.Weighted // for shortBytes of every answer
}

// NewAnswers returns memory for this many bytes of payloads, and half as much for the first 2 MiB of each answer.
func NewAnswers(bytes int64) *Answers {
	const part, fewest = 2, 4
	answers := max(bytes/part/shortBytes, fewest)
	return &Answers{
		size: bytes, long: semaphore.NewWeighted(bytes), short: semaphore.NewWeighted(answers * shortBytes),
		// Who waits keeps what it has read. A quarter is for those who need no more.
		waiting: make(chan struct{}, answers-answers/fewest),
	}
}

// acquireLong waits, unless too many do.
func (all *Answers) acquireLong(ctx context.Context, bytes int64) error {
	if all.long.TryAcquire(bytes) {
		return nil
	}
	select {
	case all.waiting <- struct{}{}:
	default:
		return errNoRoom
	}
	defer func() { <-all.waiting }()
	return acquire(ctx, all.long, bytes)
}

// errNoRoom says that other answers have the memory for payloads, and did not give it back in time.
var errNoRoom = fmt.Errorf("%w: the memory for payloads is taken by other answers", journal.ErrUnavailable)

// acquire waits, but not for long.
func acquire(ctx context.Context, from *semaphore.Weighted, n int64) error {
	if from.TryAcquire(n) {
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, answersWait)
	defer cancel()
	if from.Acquire(waiting, n) == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("wait for memory: %w", ctx.Err())
	}
	return errNoRoom
}

// memory is what one answer has of it. Its methods may be called at the same time; without Answers nothing is waited for.
type memory struct {
	mu          sync.Mutex // held while memory is waited for, so that an operation waits once
	all         *Answers   // nil before enter; guarded by mu
	short, long held       // guarded by mu
	extended    bool       // guarded by mu
}

// held is some bytes of a semaphore.
type held struct {
	of    *semaphore.Weighted
	bytes int64
}

// keep gives back all but some bytes.
func (h *held) keep(bytes int64) {
	if unused := h.bytes - bytes; unused > 0 {
		h.of.Release(unused)
		h.bytes = bytes
	}
}

// enter waits for the memory for what is read before it is known how long it is: shortBytes, once for an answer.
func (m *memory) enter(ctx context.Context, all *Answers) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all != nil || all == nil {
		return nil
	}
	if err := acquire(ctx, all.short, shortBytes); err != nil {
		return err
	}
	m.all, m.short = all, held{all.short, shortBytes}
	atend.Do(ctx, m.release)
	return nil
}

// extend waits for the memory for an answer with long payloads. Whoever has some and waits for more can wait for ever, so an
// answer waits once; that it has entered is no harm, since nobody who has extended waits for that.
func (m *memory) extend(ctx context.Context, bytes int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.extended || m.all == nil {
		return nil
	}
	bytes = min(twice*bytes, m.all.size) // one entry may be longer than everything together
	if err := m.all.acquireLong(ctx, bytes); err != nil {
		return err
	}
	m.extended, m.long = true, held{m.all.long, bytes}
	m.short.keep(0)
	return nil
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
