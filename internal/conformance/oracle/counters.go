package oracle

import (
	"context"
	"fmt"
	"maps"
)

// Counter is a row of entry_counts without its number.
type Counter struct {
	AccountID, Cut, Span, Start int64
	Thing, Command              string
	StatusCode, UserID          int64
}

// Counters returns all counters that count anything.
func (d *Database) Counters(ctx context.Context) (map[Counter]int64, error) {
	type row struct {
		Counter

		n int64
	}
	rows, err := each(ctx, d.db, `SELECT account_id, cut, span, `+d.micros("start")+`, thing, command, status_code, user_id, n
		FROM entry_counts WHERE n <> 0`, func(r *row) []any {
		return []any{&r.AccountID, &r.Cut, &r.Span, &r.Start, &r.Thing, &r.Command, &r.StatusCode, &r.UserID, &r.n}
	})
	counters := make(map[Counter]int64, len(rows))
	for _, r := range rows {
		counters[r.Counter] = r.n
	}
	return counters, err
}

// CountersOf returns what the counters of these entries have to be.
func CountersOf(entries []Entry) map[Counter]int64 {
	const quarter, day, era = 15 * 60, 24 * 60 * 60, 32 * 24 * 60 * 60
	const yearOne = -62_135_596_800_000_000
	counters := map[Counter]int64{}
	for i := range entries {
		e := &entries[i]
		add := func(cut int64, c Counter, spans ...int64) {
			for _, span := range spans {
				c.AccountID, c.Cut, c.Span, c.StatusCode = e.AccountID, cut, span, e.StatusCode
				c.Start = e.CreatedAt - (e.CreatedAt-yearOne)%(span*1_000_000)
				counters[c]++
			}
		}
		user := int64(0)
		if e.UserID != nil {
			user = *e.UserID
		}
		add(1, Counter{}, quarter, day)
		add(2, Counter{Command: e.Command}, quarter, day, era)
		add(3, Counter{Thing: e.Thing}, quarter, day, era)
		add(4, Counter{UserID: user}, day, era)
	}
	return counters
}

// counters checks that the counters say of entries what there is, and that heads say they do.
func (c *check) counters(ctx context.Context, d *Database) error {
	found, err := d.Counters(ctx)
	if err != nil {
		return err
	}
	for counter, n := range c.counts {
		c.thatf(found[counter] == n, "counter %+v is %d, but there are %d such entries", counter, found[counter], n)
	}
	for counter, n := range found {
		c.thatf(c.counts[counter] != 0, "counter %+v is %d, but there are no such entries", counter, n)
	}
	heads, err := each(ctx, d.db, `SELECT account_id, size, counted FROM heads`,
		func(h *[3]int64) []any { return []any{&h[0], &h[1], &h[2]} })
	for _, h := range heads {
		c.thatf(h[1] == h[2], "account %d: head says %d entries, and %d that are counted", h[0], h[1], h[2])
	}
	if err != nil {
		return fmt.Errorf("counted: %w", err)
	}
	return nil
}

// count adds what the counters of an account's entries have to be.
func (c *check) count(entries []Entry) { maps.Copy(c.counts, CountersOf(entries)) }
