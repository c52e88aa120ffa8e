package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/dustin/go-humanize"

	"samjournal/internal/config"
	"samjournal/internal/journal"
	"samjournal/internal/progress"
	"samjournal/internal/search"
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
	indexed, err := rebuildSearch(ctx, s, log, progress.For(io.err))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.out, "%s entries indexed\n", humanize.Comma(indexed))
	return err
}

// rebuildSearch returns when everything that was there is in the index, by its own work or that of servers.
func rebuildSearch(ctx context.Context, s *store.Store, log *slog.Logger, report progress.Reporter) (indexed int64, err error) {
	if err := s.ResetSearch(ctx); err != nil {
		return 0, err
	}
	gaps, err := s.SearchGaps(ctx, search.Version)
	if err != nil {
		return 0, err
	}
	ends := make(map[int64]int64, len(gaps))
	for _, gap := range gaps {
		ends[gap.AccountID] = gap.To
		indexed += gap.To - gap.From
	}
	report.Begin("indexing", indexed, progress.Entries)
	defer report.End()
	indexer := journal.Indexer{Ent: s.Ent(), Terms: s, Log: log}
	left := func(gap store.SearchGap) bool { return gap.From < ends[gap.AccountID] }
	for slices.ContainsFunc(gaps, left) {
		moved, err := indexer.Turn(ctx, func(added journal.Indexed) { report.Add(added.Entries) })
		if err != nil {
			return 0, err
		}
		if gaps, err = s.SearchGaps(ctx, search.Version); err != nil {
			return 0, err
		}
		if moved {
			continue
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(rebuildPause): // a server is at it
		}
	}
	return indexed, nil
}

// rebuildPause is how long to wait for others that index the same entries.
const rebuildPause = 50 * time.Millisecond
