package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	feedRate     = 5               // entries per second for each subscriber
	feedTurn     = 2 * time.Second // as fast as it goes
	mostInBurst  = 100             // entries
	mostMessages = 100_000         // of a burst
	warmers      = 10              // subscribers
	fewest       = 500             // subscribers whose memory is told from the server's own
)

// feedVariant is what the subscribers are.
type feedVariant struct {
	transport string
	filters   int  // so many different ones
	complete  bool // with a steady rate and memory, too
}

func feedVariants() []feedVariant {
	return []feedVariant{{overWebSocket, 1, true}, {overWebSocket, 10, false}, {overSSE, 1, true}}
}

func (v feedVariant) String() string {
	if v.filters == 1 {
		return v.transport
	}
	return fmt.Sprintf("%s, %d filters", v.transport, v.filters)
}

// feedCell is what was measured with so many subscribers of a kind.
type feedCell struct {
	subscribers   int
	variant       feedVariant
	product, bare feedFigures
	joined        feedFigures // the bare server's in bursts, when it joins writes
	toBare        ratio       // of the rates in bursts, the product's to the bare server's
	toJoined      ratio
	appending     spent // in bursts as well, with nobody listening
}

// feedFigures are one server's.
type feedFigures struct {
	connecting time.Duration
	idle, used footprint // of one subscriber: after one entry, and after the steady rate
	steady     spent
	bursts     []spent
}

// rate is the median of messages per second.
func (f *feedFigures) rate() float64 { return median(f.rates()) }

func (f *feedFigures) rates() []float64 {
	rates := make([]float64, len(f.bursts))
	for i := range f.bursts {
		rates[i] = float64(f.bursts[i].Messages) / f.bursts[i].Took.Seconds()
	}
	return rates
}

// spent is a task with the processors' time that it took.
type spent struct {
	loadResult

	server, client time.Duration
}

// contestant is a server and the load client that is connected to it.
type contestant struct {
	*server

	load    *loadProcess
	empty   footprint // with nobody connected
	figures *feedFigures
}

func measureFeed(ctx context.Context, cfg feedSettings, database, databaseURL string) (*feedSection, error) {
	if _, err := seedJournal(ctx, cfg.settings, databaseURL, smallEntries); err != nil {
		return nil, err
	}
	s := &feedSection{database: database}
	for _, n := range cfg.subscribers {
		for _, variant := range feedVariants() {
			cell := &feedCell{subscribers: n, variant: variant}
			began := time.Now()
			if err := cell.measure(ctx, cfg, databaseURL); err != nil {
				return nil, fmt.Errorf("%s, %s subscribers by %s: %w", database, thousands(n), variant, err)
			}
			fmt.Fprintf(os.Stderr, "%s, %s subscribers by %s: %s of the bare broadcast (%s)\n",
				database, thousands(n), variant, cell.toBare, time.Since(began).Round(time.Second))
			s.cells = append(s.cells, cell)
		}
	}
	return s, nil
}

// measure starts both servers, fresh, so that their memory is that of this cell.
func (c *feedCell) measure(ctx context.Context, cfg feedSettings, databaseURL string) (err error) {
	product, err := startFeedProduct(ctx, cfg, databaseURL, c.subscribers)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, product.stop()) }()
	bare, err := startBare(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bare.stop()) }()
	pair := []*contestant{{server: product, figures: &c.product}, {server: bare, figures: &c.bare}}
	specs, err := c.warm(ctx, cfg, pair)
	if err != nil {
		return err
	}
	defer func() {
		for _, each := range pair {
			if each.load != nil {
				err = errors.Join(err, each.load.stop())
			}
		}
	}()
	for i, each := range pair {
		if each.load, err = startLoad(ctx, specs[i]); err != nil {
			return err
		}
		each.figures.connecting = each.load.ready.Took
	}
	if c.variant.complete {
		if err := c.measureSteady(ctx, cfg, pair); err != nil {
			return err
		}
	}
	return c.measureBursts(cfg, pair)
}

// inMemory says whether there are enough subscribers for their memory to show.
func (c *feedCell) inMemory() bool { return c.variant.complete && c.subscribers >= fewest }

func (c *feedCell) bursts() loadTask {
	return loadTask{For: feedTurn, Burst: max(1, min(mostInBurst, mostMessages/c.subscribers))}
}

// warm lets a few subscribers of each server have some entries and go: what is measured afterwards is not the first of its
// kind. It returns what the load clients are to do, which makes both servers send the same.
func (c *feedCell) warm(ctx context.Context, cfg feedSettings, pair []*contestant) ([]loadSpec, error) {
	specs := make([]loadSpec, len(pair))
	var sample loadReady
	for i, each := range pair {
		spec := loadSpec{
			Address: strings.TrimPrefix(each.address, "http://"), Transport: c.variant.transport, Filters: c.variant.filters,
			Bare: i > 0, Payload: sample.Payload, First: sample.Next,
		}
		ready, _, err := c.shortly(ctx, each, spec, warmers)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			sample = ready
			if _, c.appending, err = c.shortly(ctx, each, spec, 0); err != nil {
				return nil, err
			}
		}
		spec.Subscribers = c.subscribers
		specs[i] = spec
	}
	if !c.inMemory() {
		return specs, nil
	}
	if err := wait(ctx, cfg.settle); err != nil {
		return nil, err
	}
	for _, each := range pair {
		var err error
		if each.empty, err = footprintOf(ctx, each.server); err != nil {
			return nil, err
		}
	}
	return specs, nil
}

// shortly runs one turn for other subscribers, who go afterwards.
func (c *feedCell) shortly(ctx context.Context, each *contestant, spec loadSpec, n int) (ready loadReady, s spent, err error) {
	spec.Subscribers = n
	if each.load, err = startLoad(ctx, spec); err != nil {
		return ready, s, err
	}
	s, err = each.run(c.bursts())
	ready = each.load.ready
	err = errors.Join(err, each.load.stop())
	each.load = nil
	return ready, s, err
}

func (c *feedCell) measureSteady(ctx context.Context, cfg feedSettings, pair []*contestant) (err error) {
	if err := c.measureMemory(ctx, cfg, pair, &c.product.idle, &c.bare.idle); err != nil {
		return err
	}
	for _, each := range pair {
		if each.figures.steady, err = each.run(loadTask{For: cfg.steady, Rate: feedRate}); err != nil {
			return err
		}
	}
	return c.measureMemory(ctx, cfg, pair, &c.product.used, &c.bare.used)
}

// measureMemory finds out what the servers hold for each subscriber, once they have come to rest.
func (c *feedCell) measureMemory(ctx context.Context, cfg feedSettings, pair []*contestant, into ...*footprint) error {
	if !c.inMemory() {
		return nil
	}
	if err := wait(ctx, cfg.settle); err != nil {
		return err
	}
	for i, each := range pair {
		now, err := footprintOf(ctx, each.server)
		if err != nil {
			return err
		}
		*into[i] = now.minus(each.empty).over(c.subscribers)
	}
	return nil
}

// measureBursts lets each server deliver as fast as it can, in turns, another one first each time. A round before the first
// is not counted.
func (c *feedCell) measureBursts(cfg feedSettings, pair []*contestant) error {
	turns := []struct {
		*contestant

		joined bool
		into   *feedFigures
	}{{pair[0], false, &c.product}, {pair[1], false, &c.bare}, {pair[1], true, &c.joined}}
	for round := -1; round < cfg.rounds; round++ {
		for i := range turns {
			turn := turns[(i+round+1)%len(turns)]
			task := c.bursts()
			task.Joined = turn.joined
			figures, err := turn.run(task)
			if err != nil {
				return err
			}
			if round >= 0 {
				turn.into.bursts = append(turn.into.bursts, figures)
			}
		}
	}
	ours, theirs := &c.product.bursts[0], &c.bare.bursts[0]
	if a, b := ours.Bytes*theirs.Messages, theirs.Bytes*ours.Messages; a > b*101/100 || b > a*101/100 {
		return fmt.Errorf("the messages are not equally long: %d bytes of %d and %d bytes of %d",
			ours.Bytes, ours.Messages, theirs.Bytes, theirs.Messages)
	}
	c.toBare, c.toJoined = c.product.over(&c.bare), c.product.over(&c.joined)
	return nil
}

// over compares the rates in bursts, round with round.
func (f *feedFigures) over(other *feedFigures) ratio {
	ratios := f.rates()
	for i, rate := range other.rates() {
		ratios[i] /= rate
	}
	return ratio{median(ratios), slices.Min(ratios), slices.Max(ratios)}
}

func (c *contestant) run(task loadTask) (s spent, err error) {
	server, err := processorTime(c.process.Process.Pid)
	if err != nil {
		return s, err
	}
	client, err := processorTime(c.load.process.Process.Pid)
	if err != nil {
		return s, err
	}
	if s.loadResult, err = c.load.run(task); err != nil {
		return s, err
	}
	if s.server, err = processorTime(c.process.Process.Pid); err != nil {
		return s, err
	}
	if s.client, err = processorTime(c.load.process.Process.Pid); err != nil {
		return s, err
	}
	s.server -= server
	s.client -= client
	return s, nil
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
