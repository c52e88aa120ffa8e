package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"samjournal/ent"
	"samjournal/ent/entry"
	"samjournal/internal/model"
	"samjournal/internal/search"
	"samjournal/internal/store"
)

const (
	// indexBatch is how many entries are read at a time, and how many of them are indexed in one transaction at most.
	indexBatch = 100
	// indexMost is how many terms end a transaction. On SQLite appends wait for it.
	indexMost = 10_000
	// indexTurn is how many batches of an account are indexed before it is the next one's turn.
	indexTurn = 10
	// indexRest is how many times as long as it works a gentle indexer rests.
	indexRest = 2
	// indexPause is how long the indexer waits when there is nothing to do.
	indexPause = time.Second
)

// TermStore keeps the index of searches. *store.Store is one.
type TermStore interface {
	SearchGaps(ctx context.Context, version int) ([]store.SearchGap, error)
	IndexTerms(ctx context.Context, accountID int64, version int, from int64, entries []store.EntryTerms) error
}

// Indexer fills the index of searches behind the heads. Several may run, also in several processes: what one has indexed the
// others leave. It holds nothing that is not in the database, so it may be stopped at any time. In memory it has a batch of
// entries with the terms of some of them.
type Indexer struct {
	Ent   *ent.Client
	Terms TermStore
	Log   *slog.Logger
	// Behind, which may be nil, hears how many entries are not indexed.
	Behind prometheus.Gauge
	// Gentle rests after each transaction, so that appends have the processor for most of the time.
	Gentle bool
}

// Run indexes what is appended until the context ends. What fails is logged once, until it succeeds again, and tried again.
func (x *Indexer) Run(ctx context.Context) {
	failed := false
	for ctx.Err() == nil {
		err := x.CatchUp(ctx, nil)
		if err != nil && ctx.Err() == nil && !failed {
			x.Log.WarnContext(ctx, "entries could not be indexed for searches", "error", err)
		}
		failed = err != nil
		wait(ctx, indexPause)
	}
}

// Indexed is what was added to the index.
type Indexed struct {
	Entries int64
	// Unlisted of them have more terms than the index takes, and are looked at by every search.
	Unlisted int64
}

// CatchUp indexes the entries of all accounts that are not indexed yet. done, which may be nil, hears what was added each time.
func (x *Indexer) CatchUp(ctx context.Context, done func(Indexed)) error {
	for {
		indexed := int64(0)
		_, err := x.Turn(ctx, func(added Indexed) {
			indexed += added.Entries
			if done != nil {
				done(added)
			}
		})
		// What comes in little by little waits for the next time: a transaction for each entry would cost as much as its append.
		if err != nil || indexed < indexBatch {
			return err
		}
	}
}

// Turn indexes some entries of each account that has any which are not indexed yet, and tells whether there were. An account that
// cannot be indexed does not keep others from it.
func (x *Indexer) Turn(ctx context.Context, done func(Indexed)) (moved bool, err error) {
	gaps, err := x.Terms.SearchGaps(ctx, search.Version)
	if err != nil {
		return false, err
	}
	x.tell(gaps)
	var failed error
	for _, gap := range gaps {
		next, err := x.turn(ctx, gap, done)
		moved, failed = moved || next > gap.From, errors.Join(failed, err)
	}
	return moved, errors.Join(failed, ctx.Err())
}

// turn indexes some entries of one account and returns where they end.
func (x *Indexer) turn(ctx context.Context, gap store.SearchGap, done func(Indexed)) (int64, error) {
	for range indexTurn {
		if gap.From >= gap.To {
			break
		}
		next, err := x.step(ctx, gap, done)
		if gap.From = next; err != nil {
			return next, unlessMoved(err)
		}
	}
	return gap.From, nil
}

// unlessMoved drops the error that another process indexes these entries, which goes on.
func unlessMoved(err error) error {
	if errors.Is(err, store.ErrIndexMoved) {
		return nil
	}
	return err
}

func (x *Indexer) tell(gaps []store.SearchGap) {
	if x.Behind == nil {
		return
	}
	var behind int64
	for _, gap := range gaps {
		behind += gap.To - gap.From
	}
	x.Behind.Set(float64(behind))
}

// step indexes the next entries of an account and returns where they end.
func (x *Indexer) step(ctx context.Context, gap store.SearchGap, done func(Indexed)) (next int64, err error) {
	// It reads all there is, on nobody's behalf.
	ctx = model.WithViewer(ctx, model.Viewer{Account: model.Account{ID: gap.AccountID}, Role: model.RoleOperator})
	selection := extras{request: true, response: true}.selection()
	began := time.Now()
	rows, err := x.read(ctx, selection, gap.From, min(gap.To, gap.From+indexBatch))
	if err != nil {
		return gap.From, err
	}
	var batch []store.EntryTerms
	next = gap.From
	for i, terms := 0, 0; i < len(rows); i++ {
		e := rows[i]
		rows[i] = nil // a long payload is not held until the batch is through
		if leftOut(e) {
			if err := selection.ReadLong(ctx, x.Ent.Entry.Query(), []*ent.Entry{e}); err != nil {
				return next, err
			}
		}
		of := store.EntryTerms{Position: e.Position, Erased: e.Request == nil && e.Response == nil}
		of.Terms, of.Unlisted = search.Terms(searched(e))
		batch, terms = append(batch, of), terms+len(of.Terms)
		if terms < indexMost && i+1 < len(rows) {
			continue
		}
		if err := x.Terms.IndexTerms(ctx, gap.AccountID, search.Version, next, batch); err != nil {
			return next, err
		}
		next += int64(len(batch))
		x.added(ctx, gap.AccountID, batch, done)
		batch, terms = batch[:0], 0
		if x.Gentle {
			wait(ctx, indexRest*time.Since(began))
			began = time.Now()
		}
	}
	return next, nil
}

// added tells of a batch that is in the index.
func (x *Indexer) added(ctx context.Context, accountID int64, batch []store.EntryTerms, done func(Indexed)) {
	added := Indexed{Entries: int64(len(batch))}
	for i := range batch {
		if batch[i].Unlisted {
			added.Unlisted++
			if x.Log != nil {
				x.Log.InfoContext(ctx, "an entry has too many words and values for the index of searches; every search looks at it",
					"accountId", accountID, "position", batch[i].Position)
			}
		}
	}
	if done != nil {
		done(added)
	}
}

func (x *Indexer) read(ctx context.Context, s Selection, from, to int64) ([]*ent.Entry, error) {
	rows, err := s.ApplyShort(x.Ent.Entry.Query(), seekLongest).Where(
		entry.PositionGTE(from), entry.PositionLT(to)).Order(entry.ByPosition()).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read entries to index: %w", err)
	}
	if int64(len(rows)) != to-from {
		return nil, fmt.Errorf("read entries to index from position %d: %d, not %d", from, len(rows), to-from)
	}
	return rows, nil
}

// wait waits for so long, or until the context ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
