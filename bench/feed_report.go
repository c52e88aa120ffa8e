package main

import (
	"fmt"
	"strings"
	"time"
)

// feedHeading begins the last section of the results.
const feedHeading = "## The feed\n"

func feedMarkdown(cfg feedSettings, sections []*feedSection) string {
	var b strings.Builder
	line := beginSection(&b, feedHeading, feedArg)
	line("*Bare* is a broadcast of the same bytes by a server written by hand, a write for each message; *joined* is the same with")
	line("one write for all messages of a burst. Servers, database and subscribers share the cores.")
	line("Ratios are medians over %d rounds, with the least and the greatest round in brackets.", cfg.rounds)
	for _, s := range sections {
		s.writeBursts(line)
		s.writeSteady(line, cfg.steady)
		s.writeMemory(line)
	}
	return b.String()
}

func (s *feedSection) writeBursts(line func(string, ...any)) {
	line("")
	line("### %s: as fast as it goes", s.database)
	line("")
	line("| subscribers | messages/s | bare | ÷ bare | joined | ÷ joined | cores busy | bare | joined " +
		"| µs of a core for a message: server | of it appending | bare | joined | client |")
	line("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	for _, c := range s.cells {
		appending := float64(c.appending.server.Microseconds()) / float64(c.appending.Entries*c.subscribers)
		line("| %s | %s | %s | **%.2f** (%.2f to %.2f) | %s | %s | %.2f | %.2f | %.2f | %.1f | %.1f | %.1f | %.1f | %.1f |", c,
			thousands(int(c.product.rate())), thousands(int(c.bare.rate())), c.toBare.median, c.toBare.least, c.toBare.greatest,
			thousands(int(c.joined.rate())), c.toJoined, c.product.busy(), c.bare.busy(), c.joined.busy(),
			c.product.perMessage(serversTime), appending, c.bare.perMessage(serversTime), c.joined.perMessage(serversTime),
			c.product.perMessage(clientsTime))
	}
}

func (s *feedSection) writeSteady(line func(string, ...any), during time.Duration) {
	line("")
	line("### %s: %d entries/s to each, for %s", s.database, feedRate, during)
	line("")
	line("| subscribers | messages/s | p50 | p99 | greatest | from the answer: p50 | p99 | bare: p50 | p99 " +
		"| s of a core: server | bare | client |")
	line("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	for _, c := range s.cells {
		if !c.variant.complete {
			continue
		}
		p, b := &c.product.steady, &c.bare.steady
		line("| %s | %s | %s | **%s** | %s | %s | %s | %s | %s | %.1f | %.1f | %.1f |", c,
			thousands(int(float64(p.Messages)/p.Took.Seconds())), us(p.Asked.P50), us(p.Asked.P99), us(p.Asked.Max),
			us(p.Answered.P50), us(p.Answered.P99), us(b.Asked.P50), us(b.Asked.P99), p.server.Seconds(), b.server.Seconds(),
			p.client.Seconds())
	}
}

func (s *feedSection) writeMemory(line func(string, ...any)) {
	line("")
	line("### %s: memory of a subscriber", s.database)
	line("")
	line("| subscribers | idle: RSS | bare | ÷ bare | anonymous ÷ bare | after the entries: RSS | bare | ÷ bare " +
		"| goroutines | bare | all connected in |")
	line("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	for _, c := range s.cells {
		if !c.inMemory() {
			continue
		}
		p, b := &c.product, &c.bare
		line("| %s | %s | %s | **%.2f** | %.2f | %s | %s | %.2f | %.1f | %.1f | %.1f s |", c,
			kib(p.idle.rss), kib(b.idle.rss), p.idle.rss/b.idle.rss, p.idle.anonymous/b.idle.anonymous,
			kib(p.used.rss), kib(b.used.rss), p.used.rss/b.used.rss, p.idle.goroutines, b.idle.goroutines, p.connecting.Seconds())
	}
}

func (c *feedCell) String() string { return thousands(c.subscribers) + " by " + c.variant.String() }

func serversTime(s *spent) time.Duration { return s.server }

func clientsTime(s *spent) time.Duration { return s.client }

// perMessage is microseconds of processors' time, the median of the bursts'.
func (f *feedFigures) perMessage(of func(*spent) time.Duration) float64 {
	values := make([]float64, len(f.bursts))
	for i := range f.bursts {
		values[i] = float64(of(&f.bursts[i]).Microseconds()) / float64(f.bursts[i].Messages)
	}
	return median(values)
}

// busy is how many processors server and client had, the database server's not counted; the median of the bursts'.
func (f *feedFigures) busy() float64 {
	values := make([]float64, len(f.bursts))
	for i := range f.bursts {
		s := &f.bursts[i]
		values[i] = (s.server + s.client).Seconds() / s.Took.Seconds()
	}
	return median(values)
}

func us(microseconds int64) string { return ms(time.Duration(microseconds) * time.Microsecond) }

func kib(bytes float64) string { return fmt.Sprintf("%.1f KiB", bytes/(1<<10)) }
