package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"samjournal/ent"
	"samjournal/ent/entry"
	"samjournal/internal/model"
	"samjournal/internal/search"
	"samjournal/internal/store"
)

const (
	// indexBatch is how many entries are indexed in one transaction. On SQLite appends wait for it.
	indexBatch = 100
	// indexPause is how long the indexer waits when there is nothing to do.
	indexPause = time.Second
)

// TermStore keeps the index of searches. *store.Store is one.
type TermStore interface {
	SearchIndex
	Accounts(ctx context.Context) ([]model.Account, error)
	IndexTerms(ctx context.Context, accountID int64, version int, from int64, entries []store.EntryTerms) error
}

// Indexer fills the index of searches behind the heads. Several may run, also in several processes: what one has indexed the
// others leave. It holds nothing that is not in the database, so it may be stopped at any time.
type Indexer struct {
	Ent   *ent.Client
	Terms TermStore
	Log   *slog.Logger
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
		select {
		case <-ctx.Done():
		case <-time.After(indexPause):
		}
	}
}

// CatchUp indexes the entries of all accounts that are not indexed yet. done, which may be nil, hears how many more were.
func (x *Indexer) CatchUp(ctx context.Context, done func(account model.Account, entries int64)) error {
	accounts, err := x.Terms.Accounts(ctx)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		for {
			n, err := x.step(ctx, account)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
			if done != nil {
				done(account, n)
			}
		}
	}
	return nil
}

// step indexes the next entries of an account and returns how many.
func (x *Indexer) step(ctx context.Context, account model.Account) (int64, error) {
	from, err := x.Terms.SearchIndexed(ctx, account.ID, search.Version)
	if err != nil {
		return 0, err
	}
	// It reads all there is, on nobody's behalf.
	ctx = model.WithViewer(ctx, model.Viewer{Account: account, Role: model.RoleOperator})
	head, err := x.Terms.Head(ctx, model.Scope{AccountID: account.ID})
	if err != nil || head.Size <= from {
		return 0, err
	}
	selection := extras{request: true, response: true}.selection()
	rows, err := x.read(ctx, selection, from, min(head.Size, from+indexBatch))
	if err != nil {
		return 0, err
	}
	terms := make([]store.EntryTerms, len(rows))
	for i, e := range rows {
		if leftOut(e) {
			if err := selection.ReadLong(ctx, x.Ent.Entry.Query(), []*ent.Entry{e}); err != nil {
				return 0, err
			}
		}
		terms[i].Position = e.Position
		terms[i].Terms, terms[i].Unlisted = search.Terms(searched(e))
		rows[i] = nil // a long payload is not held until the batch is through
	}
	err = x.Terms.IndexTerms(ctx, account.ID, search.Version, from, terms)
	if errors.Is(err, store.ErrIndexMoved) {
		return 0, nil // by another process, which goes on
	}
	return int64(len(terms)), err
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
