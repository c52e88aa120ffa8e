package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"

	"samjournal/internal/config"
	"samjournal/internal/journal"
	"samjournal/internal/model"
	"samjournal/internal/progress"
	"samjournal/internal/store"
)

type searchCmd struct {
	Rebuild searchRebuildCmd `cmd:"" help:"Make the index of searches anew from the entries."`
}

type searchRebuildCmd struct {
	Database config.Database `embed:"" group:"Database"`
	Log      config.Log      `embed:"" group:"Log"`
}

// Help teaches the command.
func (*searchRebuildCmd) Help() string {
	return `Servers keep the index by themselves, some seconds behind the journal, so there should be no need. They may go on
meanwhile; until it is done, searches without a time may be refused. It may be interrupted and run
again; servers go on with it, too.

  samjournal search rebuild`
}

// Run prints a line when all is done.
func (c *searchRebuildCmd) Run(ctx context.Context, io *streams) (err error) {
	if err := c.Database.Validate(); err != nil {
		return err
	}
	log := logger(c.Log, io.err)
	s, err := openStore(ctx, c.Database, log, io.err)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	accounts, err := s.Accounts(ctx)
	if err != nil {
		return err
	}
	indexed, err := rebuildSearch(ctx, s, accounts, progress.For(io.err))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.out, "%s entries of %d accounts indexed\n", humanize.Comma(indexed), len(accounts))
	return err
}

func rebuildSearch(ctx context.Context, s *store.Store, accounts []model.Account, report progress.Reporter) (int64, error) {
	var all, indexed int64
	for _, account := range accounts {
		head, err := s.Head(ctx, model.Scope{AccountID: account.ID})
		if err != nil {
			return 0, err
		}
		all += head.Size
		if err := s.ResetSearch(ctx, account.ID); err != nil {
			return 0, err
		}
	}
	report.Begin("indexing", all, progress.Entries)
	defer report.End()
	err := (&journal.Indexer{Ent: s.Ent(), Terms: s}).CatchUp(ctx, func(_ model.Account, entries int64) {
		indexed += entries
		report.Add(entries)
	})
	return indexed, err
}
