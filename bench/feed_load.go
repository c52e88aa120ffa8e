package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// loadArg makes this program the load client.
const loadArg = "feed-load"

const (
	dialers = 32               // connections that are being made at a time
	longest = 30 * time.Second // without a message while one is due
)

const (
	overWebSocket = "WebSocket"
	overSSE       = "SSE"
)

// loadSpec says what the load client connects to.
type loadSpec struct {
	Address     string `json:"address"` // HOST:PORT
	Bare        bool   `json:"bare"`    // not the product
	Transport   string `json:"transport"`
	Subscribers int    `json:"subscribers"` // 0: only appends
	Filters     int    `json:"filters"`     // so many different ones, all of which let everything through
	// Payload and First are for the bare server: what it broadcasts, and the position in it to begin with.
	Payload []byte `json:"payload"`
	First   int    `json:"first"`
}

// loadReady is the load client's first answer: every subscriber, if there are any, has got one entry.
type loadReady struct {
	Took    time.Duration `json:"took"`    // until all were connected
	Payload []byte        `json:"payload"` // of the entry
	Next    int           `json:"next"`    // position
}

// loadTask is one of two: entries at a steady rate, or as fast as they are delivered.
type loadTask struct {
	For   time.Duration `json:"for"`
	Rate  int           `json:"rate"`  // entries per second
	Burst int           `json:"burst"` // entries at a time, while two of these are on their way; 0: at a steady rate
	// Joined makes the bare server send a subscriber's messages of a burst with one write.
	Joined bool `json:"joined"`
}

// loadResult is what became of a task.
type loadResult struct {
	Entries  int           `json:"entries"`
	Messages int64         `json:"messages"`
	Bytes    int64         `json:"bytes"` // of them
	Took     time.Duration `json:"took"`  // from the first request to the last message
	// Of a steady rate: latencies from before the request, and from its answer.
	Asked    quantiles `json:"asked"`
	Answered quantiles `json:"answered"`
}

// quantiles are in microseconds. Those from the answer are negative where the message came first.
type quantiles struct {
	P50 int64 `json:"p50"`
	P99 int64 `json:"p99"`
	Max int64 `json:"max"`
}

func quantilesOf(values []int64) quantiles {
	slices.Sort(values)
	n := len(values)
	return quantiles{P50: values[(n-1)/2], P99: values[(n-1)*99/100], Max: values[n-1]}
}

// audience is the load client: all the subscribers, and who appends.
type audience struct {
	spec        loadSpec
	append      func(ctx context.Context, count int) (first int, err error)
	subscribers []*subscriber
	next        int // position of the next entry
	began       time.Time
	joined      bool          // the task's
	longest     time.Duration // until what is due is taken for lost

	delivered atomic.Int64
	target    atomic.Int64  // of delivered
	reached   chan struct{} // holds one when delivered reached target
	failed    chan error    // holds the first
	recording atomic.Pointer[recording]
}

// recording asks the subscribers to write down when entries came.
type recording struct{ first, count int }

// subscriber is one subscription. Its fields belong to the reading goroutine until delivered has counted its last message.
type subscriber struct {
	wire     wire
	next     int // position of the next entry
	bytes    int64
	arrivals []int64 // microseconds since the client began, of the entries in recording
}

func newAudience(spec loadSpec) *audience {
	return &audience{spec: spec, began: time.Now(), longest: longest, reached: make(chan struct{}, 1), failed: make(chan error, 1)}
}

// serveLoad connects, says so, and carries out tasks until there are no more.
func serveLoad(ctx context.Context, specText string, in io.Reader, out io.Writer) (err error) {
	var spec loadSpec
	if err := json.Unmarshal([]byte(specText), &spec); err != nil {
		return err
	}
	a := newAudience(spec)
	defer a.close()
	ready, err := a.connect(ctx)
	if err != nil {
		return fmt.Errorf("%d subscribers by %s at %s: %w", spec.Subscribers, spec.Transport, spec.Address, err)
	}
	answers := json.NewEncoder(out)
	if err := answers.Encode(ready); err != nil {
		return err
	}
	tasks := json.NewDecoder(bufio.NewReader(in))
	for {
		var task loadTask
		if err := tasks.Decode(&task); errors.Is(err, io.EOF) {
			return a.fault()
		} else if err != nil {
			return err
		}
		result, err := a.run(ctx, task)
		if err != nil {
			return fmt.Errorf("%d subscribers by %s at %s: %w", spec.Subscribers, spec.Transport, spec.Address, err)
		}
		if err := answers.Encode(result); err != nil {
			return err
		}
	}
}

// fault is what a subscriber has complained of, if one has: too many messages are noticed only when the last has come.
func (a *audience) fault() error {
	select {
	case err := <-a.failed:
		return err
	default:
		return nil
	}
}

func (a *audience) close() {
	for _, s := range a.subscribers {
		if s != nil {
			s.wire.close()
		}
	}
}

// connect opens all subscriptions and appends one entry, which all of them must get.
func (a *audience) connect(ctx context.Context) (loadReady, error) {
	after := ""
	if a.spec.Bare {
		a.append, a.next = a.broadcast(), a.spec.First
	} else {
		head, err := readHead(ctx, a.spec.Address)
		if err != nil {
			return loadReady{}, err
		}
		a.append, a.next, after = appendEntries(a.spec.Address), head.Size, head.Cursor
	}
	a.subscribers = make([]*subscriber, a.spec.Subscribers)
	start := time.Now()
	dialing, ctx2 := errgroup.WithContext(ctx)
	dialing.SetLimit(dialers)
	for i := range a.subscribers {
		dialing.Go(func() error {
			if ctx2.Err() != nil {
				return ctx2.Err()
			}
			w, err := a.dial(ctx2, i, after)
			if err == nil {
				a.subscribers[i] = &subscriber{wire: w, next: a.next}
			}
			return err
		})
	}
	if err := dialing.Wait(); err != nil {
		return loadReady{}, err
	}
	ready := loadReady{Took: time.Since(start)}
	sample := make(chan []byte, 1)
	for _, s := range a.subscribers {
		go a.follow(s, sample)
	}
	if len(a.subscribers) == 0 {
		return ready, nil
	}
	err := a.deliver(ctx, 1)
	if err == nil {
		err = a.wait(ctx, 0)
	}
	if err == nil {
		ready.Payload, ready.Next = <-sample, a.next
	}
	return ready, err
}

func (a *audience) dial(ctx context.Context, i int, after string) (wire, error) {
	subscribe := feedSubscription(after, i, a.spec.Filters)
	if a.spec.Transport == overSSE {
		return dialEvents(ctx, a.spec.Address, subscribe)
	}
	// As long as the ids that clients' libraries make.
	return dialSocket(ctx, a.spec.Address, fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i), subscribe)
}

// follow reads a subscription to its end, which only this program may bring about. Each entry must come once and in order.
func (a *audience) follow(s *subscriber, sample chan<- []byte) {
	for first := true; ; first = false {
		message, err := s.wire.next()
		position := 0
		if err == nil {
			position, _, err = cutPosition(message)
		}
		if err == nil && position != s.next {
			err = fmt.Errorf("the entry at position %d came when %d was due", position, s.next)
		}
		if err != nil {
			select {
			case a.failed <- err:
			default: // the first error is kept
			}
			return
		}
		if first {
			select {
			case sample <- payloadOf(message):
			default:
			}
		}
		if r := a.recording.Load(); r != nil {
			s.arrivals[position-r.first] = time.Since(a.began).Microseconds()
		}
		s.next++
		s.bytes += int64(len(message))
		if a.delivered.Add(1) == a.target.Load() {
			select {
			case a.reached <- struct{}{}:
			default:
			}
		}
	}
}

// deliver appends entries that every subscriber is to get.
func (a *audience) deliver(ctx context.Context, count int) error {
	a.target.Add(int64(count) * int64(len(a.subscribers)))
	first, err := a.append(ctx, count)
	if err == nil && first != a.next {
		err = fmt.Errorf("appended at position %d instead of %d: somebody else writes", first, a.next)
	}
	a.next += count
	return err
}

// wait returns when all but so many messages have been delivered.
func (a *audience) wait(ctx context.Context, missing int64) error {
	target := a.target.Load() - missing
	look := time.NewTicker(time.Millisecond) // only the last message is reported
	defer look.Stop()
	tick := look.C
	if missing == 0 {
		tick = nil
	}
	before, since := a.delivered.Load(), time.Now()
	silence := time.NewTicker(time.Second)
	defer silence.Stop()
	for {
		now := a.delivered.Load()
		switch {
		case now >= target:
			return nil
		case now > before:
			before, since = now, time.Now()
		case time.Since(since) > a.longest:
			return fmt.Errorf("%d messages are missing, none came for %s", target-now, a.longest)
		}
		select {
		case <-a.reached:
		case <-tick:
		case <-silence.C:
		case err := <-a.failed:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (a *audience) run(ctx context.Context, task loadTask) (loadResult, error) {
	a.joined = task.Joined
	var bytes int64
	for _, s := range a.subscribers {
		bytes -= s.bytes
	}
	first, delivered, start := a.next, a.delivered.Load(), time.Now()
	var result loadResult
	var err error
	if task.Burst > 0 {
		err = a.bursts(ctx, task, start)
	} else {
		result, err = a.steady(ctx, task)
	}
	if err != nil {
		return result, err
	}
	result.Took = time.Since(start)
	result.Entries = a.next - first
	result.Messages = a.delivered.Load() - delivered
	for _, s := range a.subscribers {
		bytes += s.bytes
	}
	result.Bytes = bytes
	return result, a.fault()
}

// bursts appends as fast as entries are delivered: the next ones when less than one burst is still on its way.
func (a *audience) bursts(ctx context.Context, task loadTask, start time.Time) error {
	for first := true; first || time.Since(start) < task.For; first = false {
		if err := a.deliver(ctx, task.Burst); err != nil {
			return err
		}
		if err := a.wait(ctx, int64(task.Burst)*int64(len(a.subscribers))); err != nil {
			return err
		}
	}
	return a.wait(ctx, 0)
}

// moment is of one entry, in microseconds since the client began.
type moment struct {
	position        int
	asked, answered int64
}

// steady appends one entry after the other at fixed times, whether or not the one before has been answered.
func (a *audience) steady(ctx context.Context, task loadTask) (loadResult, error) {
	count := int(task.For.Seconds() * float64(task.Rate))
	first := a.next
	for _, s := range a.subscribers {
		s.arrivals = make([]int64, count)
	}
	a.recording.Store(&recording{first: first, count: count})
	defer a.recording.Store(nil)
	a.target.Add(int64(count) * int64(len(a.subscribers)))
	a.next += count
	moments := make([]moment, count)
	appending, ctx2 := errgroup.WithContext(ctx)
	tick := time.NewTicker(time.Second / time.Duration(task.Rate))
	defer tick.Stop()
	for i := range count {
		appending.Go(func() (err error) {
			m := &moments[i]
			m.asked = time.Since(a.began).Microseconds()
			m.position, err = a.append(ctx2, 1)
			m.answered = time.Since(a.began).Microseconds()
			return err
		})
		select {
		case <-tick.C:
		case <-ctx2.Done():
		}
	}
	if err := appending.Wait(); err != nil {
		return loadResult{}, err
	}
	if err := a.wait(ctx, 0); err != nil {
		return loadResult{}, err
	}
	slices.SortFunc(moments, func(m, n moment) int { return cmp.Compare(m.position, n.position) })
	asked, answered := make([]int64, 0, count*len(a.subscribers)), make([]int64, 0, count*len(a.subscribers))
	for i, m := range moments {
		if m.position != first+i {
			return loadResult{}, fmt.Errorf("appended at position %d instead of %d: somebody else writes", m.position, first+i)
		}
		for _, s := range a.subscribers {
			asked, answered = append(asked, s.arrivals[i]-m.asked), append(answered, s.arrivals[i]-m.answered)
		}
	}
	return loadResult{Asked: quantilesOf(asked), Answered: quantilesOf(answered)}, nil
}
