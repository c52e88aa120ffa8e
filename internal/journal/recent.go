package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"samjournal/ent"
	"samjournal/internal/model"
	"samjournal/internal/store"
)

const (
	recentEntries = 1000    // that a feed keeps for readers that are behind
	recentBytes   = 8 << 20 // of payloads among them

	plainPage   = 200 // entries read at a time, at most
	payloadPage = 16  // the same with payloads, each of which may be as large as the payload limit

	ownPage  = 4         // entries that a reader reads first when it reads alone
	ownBytes = 256 << 10 // of payloads that it then reads at a time, or one entry

	readTimeout = 10 * time.Second // how long reading one page may take
)

// errMoved says that a page was not what the head had promised; the next look at the head finds out why.
var errMoved = errors.New("the journal changed while it was read")

// run is some entries that follow each other without gap.
type run struct {
	entries []*ent.Entry // never empty; shared by all readers, so nobody changes them
	has     extras
	bytes   int
}

func (r run) from() int64 { return r.entries[0].Position }
func (r run) to() int64   { return r.entries[len(r.entries)-1].Position + 1 }

// recent is what a feed has read and not all its readers have: the newest runs of the journal.
type recent struct {
	readers map[*Reader]struct{}
	runs    []run // without gap between them
	entries int
	bytes   int
}

func (c *recent) clear() { c.runs, c.entries, c.bytes = nil, 0, 0 }

// add adds the next run, and drops those that all have read, and the oldest where there are too many.
func (c *recent) add(r run) {
	c.runs = append(c.runs, r)
	c.entries += len(r.entries)
	c.bytes += r.bytes
	read := r.from()
	for reader := range c.readers {
		read = min(read, reader.at.Load())
	}
	for len(c.runs) > 1 && (c.runs[0].to() <= read || c.entries > recentEntries || c.bytes > recentBytes) {
		c.entries -= len(c.runs[0].entries)
		c.bytes -= c.runs[0].bytes
		c.runs[0] = run{}
		c.runs = c.runs[1:]
	}
}

// after returns the entries of one run from a position on, when they are kept with what a reader needs of them.
func (c *recent) after(position int64, needs extras) []*ent.Entry {
	for _, r := range c.runs {
		if r.from() <= position && position < r.to() && r.has.covers(needs) {
			return r.entries[position-r.from():]
		}
	}
	return nil
}

// wanted is what the readers need of entries together.
func (c *recent) wanted() extras {
	var x extras
	for r := range c.readers {
		x = x.with(r.needs)
	}
	return x
}

// reads tells whether there is anybody to read entries for.
func (f *feed) reads() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.recent.readers) > 0
}

// readNew reads what the journal has grown by and gives it to the readers page by page.
func (fs *feeds) readNew(ctx context.Context, f *feed, from int64, head store.Head, asked uint64) error {
	ctx = model.WithViewer(ctx, model.Viewer{Account: model.Account{ID: f.scope.AccountID}, Role: model.RoleAuditor})
	for from < head.Size {
		r, err := fs.readRun(ctx, f, from, head.Size)
		if err != nil {
			return err
		}
		last := r.entries[len(r.entries)-1]
		fs.metrics.lag.Observe(fs.clock().Sub(last.RecordedAt).Seconds())
		from = r.to()
		f.mu.Lock()
		f.recent.add(r)
		found := store.Head{Size: from, LastKey: last.ID}
		if from == head.Size {
			f.found(found, asked)
		} else {
			f.found(found, f.served)
		}
		f.mu.Unlock()
	}
	return nil
}

// readRun reads the next entries of a feed with all that its readers need.
func (fs *feeds) readRun(ctx context.Context, f *feed, from, to int64) (run, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	f.mu.Lock()
	r := run{has: f.recent.wanted()}
	f.mu.Unlock()
	rows, err := fs.entries(ctx, Page{Selection: r.has.selection(), From: from, To: to, Limit: r.has.page()})
	if err != nil {
		return r, err
	}
	if len(rows) == 0 || rows[0].Position != from || rows[len(rows)-1].Position != from+int64(len(rows))-1 {
		return r, fmt.Errorf("read entries from %d: %w", from, errMoved)
	}
	r.entries, r.bytes = rows, payloadBytes(rows)
	return r, nil
}

func payloadBytes(rows []*ent.Entry) (n int) {
	for _, e := range rows {
		n += length(e.Request) + length(e.Response)
	}
	return n
}

func length(p *model.Payload) int {
	if p == nil {
		return 0
	}
	return len(*p)
}

// page is how many entries are read at a time.
func (x extras) page() int {
	if x.payloads() {
		return payloadPage
	}
	return plainPage
}
