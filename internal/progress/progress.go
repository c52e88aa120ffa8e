package progress

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Unit is what a phase counts.
type Unit int

// The units.
const (
	Entries Unit = iota
	Bytes
)

// Reporter hears of one phase after the other. It is used by one goroutine.
type Reporter interface {
	// Begin starts a phase of total units; -1 when nobody knows the total.
	Begin(phase string, total int64, unit Unit)
	// Add tells that n more units are done.
	Add(n int64)
	// End ends the phase, done or not.
	End()
}

// For returns a bar when f is a terminal, else lines.
func For(f *os.File) Reporter {
	if term.IsTerminal(int(f.Fd())) {
		return NewBar(f)
	}
	return NewLines(f, 10*time.Second, time.Now)
}

// Silent reports nothing.
func Silent() Reporter { return NewLines(io.Discard, time.Hour, time.Now) }

// NewBar draws a bar for each phase on w, which must be a terminal.
func NewBar(w io.Writer) Reporter { return &bar{w: w} }

type bar struct {
	w   io.Writer
	now *progressbar.ProgressBar
}

// Begin starts a phase.
func (b *bar) Begin(phase string, total int64, unit Unit) {
	options := []progressbar.Option{
		progressbar.OptionSetWriter(b.w),
		progressbar.OptionSetDescription(phase),
		progressbar.OptionSetWidth(30),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionSetSpinnerChangeInterval(0), // no goroutine of its own
		progressbar.OptionSetPredictTime(total > 0),
	}
	if unit == Bytes {
		options = append(options, progressbar.OptionShowBytes(true), progressbar.OptionUseIECUnits(true))
	} else {
		options = append(options, progressbar.OptionShowIts(), progressbar.OptionSetItsString("entries"))
	}
	b.now = progressbar.NewOptions64(total, options...)
	_ = b.now.RenderBlank()
}

// Add counts.
func (b *bar) Add(n int64) {
	if b.now != nil {
		_ = b.now.Add64(n) // a terminal that cannot be drawn on is no reason to stop
	}
}

// End ends the phase.
func (b *bar) End() {
	if b.now != nil {
		_ = b.now.Exit()
		fmt.Fprintln(b.w)
		b.now = nil
	}
}

// NewLines writes a line to w when a phase ends and, meanwhile, at most once in every interval of the clock now.
func NewLines(w io.Writer, every time.Duration, now func() time.Time) Reporter {
	return &lines{w: w, every: every, now: now}
}

type lines struct {
	w     io.Writer
	every time.Duration
	now   func() time.Time

	phase       string
	unit        Unit
	done, total int64
	last        time.Time
}

// Begin starts a phase.
func (l *lines) Begin(phase string, total int64, unit Unit) {
	l.phase, l.total, l.unit, l.done, l.last = phase, total, unit, 0, l.now()
}

// Add counts.
func (l *lines) Add(n int64) {
	l.done += n
	if now := l.now(); now.Sub(l.last) >= l.every {
		l.last = now
		l.line()
	}
}

// End ends the phase.
func (l *lines) End() { l.line() }

func (l *lines) line() {
	amount, unit := humanize.Comma, " entries"
	if l.unit == Bytes {
		amount, unit = func(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }, ""
	}
	of := ""
	if l.total >= 0 {
		of = " of " + amount(l.total)
	}
	fmt.Fprintf(l.w, "%s: %s%s%s\n", l.phase, amount(l.done), of, unit)
}
