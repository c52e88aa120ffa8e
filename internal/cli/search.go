package cli

import (
	"context"
	"errors"
	"fmt"

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
	indexed, err := rebuildSearch(ctx, s, progress.For(io.err))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.out, "%s entries indexed\n", humanize.Comma(indexed.Entries))
	if err == nil && indexed.Unlisted > 0 {
		_, err = fmt.Fprintf(io.out, "%s of them have too many words and values for the index; every search looks at them\n",
			humanize.Comma(indexed.Unlisted))
	}
	return err
}

func rebuildSearch(ctx context.Context, s *store.Store, report progress.Reporter) (indexed journal.Indexed, err error) {
	if err := s.ResetSearch(ctx); err != nil {
		return indexed, err
	}
	gaps, err := s.SearchGaps(ctx, search.Version)
	if err != nil {
		return indexed, err
	}
	var all int64
	for _, gap := range gaps {
		all += gap.To - gap.From
	}
	report.Begin("indexing", all, progress.Entries)
	defer report.End()
	err = (&journal.Indexer{Ent: s.Ent(), Terms: s}).CatchUp(ctx, func(added journal.Indexed) {
		indexed.Entries += added.Entries
		indexed.Unlisted += added.Unlisted
		report.Add(added.Entries)
	})
	return indexed, err
}
