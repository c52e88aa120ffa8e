package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"entgo.io/ent/dialect"

	"samjournal/internal/model"
)

// Rebuilt is what RebuildCounts found.
type Rebuilt struct {
	Entries  int64 // that were counted
	Counters int64 // that these have
	Wrong    int64 // that said something else, and do not any more
}

// RebuildCounts counts the entries of an account again and sets the counters that are wrong, while entries are appended. It
// takes the head's lock for moments only. done, which may be nil, hears how many more entries were counted.
//
// An append adds to the counters what it adds to the entries, so a counter that is right stays right, and one that is wrong
// stays as wrong as it is. It is enough to compare all of them in snapshots, one after the other, and then to look at those
// that were wrong, and at the entries since, under the lock. What was set is durable at once: a rebuild that is interrupted
// may be run again.
func (s *Store) RebuildCounts(ctx context.Context, accountID int64, done func(entries int64)) (Rebuilt, error) {
	var sum Rebuilt
	for next := (time.Time{}); ; {
		first, found, err := s.firstCounted(ctx, accountID, next)
		if err != nil {
			return sum, fmt.Errorf("rebuild counters of account %d: %w", accountID, translate(err))
		}
		if !found {
			return sum, nil
		}
		begin := first.Truncate(era)
		next = begin.Add(era)
		for i, c := range cuts() {
			found, err := s.rebuild(ctx, accountID, c, period{from: &begin, to: &next})
			if err != nil {
				return sum, fmt.Errorf("rebuild counters of account %d from %s: %w", accountID, begin.Format(time.DateOnly), translate(err))
			}
			sum.Counters, sum.Wrong = sum.Counters+found.Counters, sum.Wrong+found.Wrong
			if i > 0 {
				continue // the same entries again
			}
			if sum.Entries += found.Entries; done != nil {
				done(found.Entries)
			}
		}
	}
}

// firstCounted returns the earliest time at or after another that an entry or a counter has; found tells that there is one.
func (s *Store) firstCounted(ctx context.Context, accountID int64, after time.Time) (first time.Time, found bool, err error) {
	look := func(query string, args ...any) error {
		var earliest any
		if err := s.read.QueryRowContext(ctx, s.bind(query), args...).Scan(&earliest); err != nil || earliest == nil {
			return err
		}
		if at := timeOf(earliest); !found || at.Before(first) {
			first, found = at, true
		}
		return nil
	}
	err = look(`SELECT min(created_at) FROM entries WHERE account_id = ? AND created_at >= ?`, accountID, after)
	for _, c := range cuts() {
		for _, span := range c.spans {
			err = errors.Join(err, look(`SELECT min(start) FROM entry_counts
				WHERE account_id = ? AND cut = ? AND span = ? AND start >= ?`, accountID, c.number, int32(span.Seconds()), after))
		}
	}
	return first, found, err
}

// rebuild is RebuildCounts for one cut and one era.
func (s *Store) rebuild(ctx context.Context, accountID int64, c cut, p period) (Rebuilt, error) {
	snap, err := s.countSnapshot(ctx, accountID, c, p)
	if err != nil {
		return Rebuilt{}, err
	}
	wrong := snap.wrong()
	const most = 2_000 // counters that are set while the head is locked: some ten milliseconds
	for some := range slices.Chunk(wrong, most) {
		err := s.inAppendTx(ctx, accountID, func(tx appendTx) error {
			if _, err := tx.open(ctx, nil, nil); err != nil {
				return err
			}
			since, err := tx.tally(ctx, snap.size, p)
			if err != nil {
				return err
			}
			added, right := since.counters(c), make(counters, len(some))
			for _, key := range some {
				right[key] = snap.want[key] + added[key]
			}
			return tx.setCounts(ctx, right)
		})
		if err != nil {
			return Rebuilt{}, err
		}
	}
	return Rebuilt{Entries: snap.entries, Counters: int64(len(snap.want)), Wrong: int64(len(wrong))}, nil
}

// countSnapshot is the counters of a cut in a period as they have to be and as they are, at one moment.
type countSnapshot struct {
	size    int64 // of the head
	entries int64 // in the period
	want    counters
	found   counters
}

// wrong lists the counters that are not what they have to be, in order.
func (c countSnapshot) wrong() []counterKey {
	differ := counters{}
	for key, n := range c.want {
		if c.found[key] != n {
			differ[key] = n
		}
	}
	for key, n := range c.found {
		if c.want[key] != n {
			differ[key] = 0
		}
	}
	return differ.sorted()
}

func (s *Store) countSnapshot(ctx context.Context, accountID int64, c cut, p period) (snap countSnapshot, err error) {
	opts := &sql.TxOptions{ReadOnly: true}
	if s.dialect == dialect.Postgres { // on SQLite every transaction is one
		opts.Isolation = sql.LevelRepeatableRead
	}
	tx, err := s.read.BeginTx(ctx, opts)
	if err != nil {
		return snap, err
	}
	defer func() { err = errors.Join(err, ignoreDone(tx.Rollback())) }()
	head, counts, err := s.headAndCounts(ctx, tx, model.Scope{AccountID: accountID, Entries: true}, CountQuery{
		From: p.from, To: p.to, By: c.dimensions, Grain: c.spans[len(c.spans)-1], RowsOnly: true,
	})
	if err != nil {
		return snap, err
	}
	all := make(tally, len(counts))
	for _, n := range counts {
		key := counterKey{
			start: n.Start.UnixMicro(), thing: n.Thing, command: n.Command, statusCode: int16(n.StatusCode), //nolint:gosec // 0 to 32767
		}
		if n.UserID != nil {
			key.userID = *n.UserID
		}
		all[key] += n.N
		snap.entries += n.N
	}
	snap.size, snap.want = head.Size, all.counters(c)
	snap.found, err = s.readCounters(ctx, tx, accountID, c, p)
	return snap, err
}

func (s *Store) readCounters(ctx context.Context, db querier, accountID int64, c cut, p period) (counters, error) {
	found := counters{}
	for _, span := range c.spans {
		rows, err := db.QueryContext(ctx, s.bind(`SELECT start, thing, command, status_code, user_id, n FROM entry_counts
			WHERE account_id = ? AND cut = ? AND span = ? AND start >= ? AND start < ?`),
			accountID, c.number, int32(span.Seconds()), *p.from, *p.to)
		if err != nil {
			return nil, err
		}
		if err := found.scan(rows, counterKey{cut: c.number, span: int32(span.Seconds())}); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// scan adds the counters of a cut and a span, and closes the rows.
func (c counters) scan(rows *sql.Rows, key counterKey) error {
	defer rows.Close()
	for rows.Next() {
		var (
			start any
			n     int64
		)
		if err := rows.Scan(&start, &key.thing, &key.command, &key.statusCode, &key.userID, &n); err != nil {
			return err
		}
		key.start = timeOf(start).UnixMicro()
		c[key] = n
	}
	return rows.Err()
}
