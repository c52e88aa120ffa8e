package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"

	"samjournal/internal/config"
	"samjournal/internal/model"
	"samjournal/internal/progress"
	"samjournal/internal/store"
)

type statsCmd struct {
	Rebuild statsRebuildCmd `cmd:"" help:"Count all entries again and correct the counters of the statistics."`
}

type statsRebuildCmd struct {
	Database config.Database `embed:"" group:"Database"`
	Log      config.Log      `embed:"" group:"Log"`

	Account string `env:"SAMJOURNAL_ACCOUNT" placeholder:"SLUG" help:"Account whose counters to correct. Default: all accounts"`
}

// Help teaches the command.
func (*statsRebuildCmd) Help() string {
	return `Counters are written together with the entries they count, so there should be nothing to correct, and this is the way to
see that. Servers may go on appending meanwhile. It may be interrupted and run again.

  samjournal stats rebuild --account=acme`
}

// Run prints a line for each account.
func (c *statsRebuildCmd) Run(ctx context.Context, io *streams) (err error) {
	if err := c.Database.Validate(); err != nil {
		return err
	}
	s, err := openStore(ctx, c.Database, logger(c.Log, io.err), io.err)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	accounts, err := c.accounts(ctx, s)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		rebuilt, err := rebuildCounts(ctx, s, account, progress.For(io.err))
		if err != nil {
			return err
		}
		found := "none of them wrong"
		if rebuilt.Wrong > 0 {
			found = humanize.Comma(rebuilt.Wrong) + " wrong ones corrected"
		}
		_, err = fmt.Fprintf(io.out, "account %s: %s entries, %s counters, %s\n", account.Slug, humanize.Comma(rebuilt.Entries),
			humanize.Comma(rebuilt.Counters), found)
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *statsRebuildCmd) accounts(ctx context.Context, s *store.Store) ([]model.Account, error) {
	if c.Account == "" {
		return s.Accounts(ctx)
	}
	account, _, err := s.AccountBySlug(ctx, c.Account)
	if errors.Is(err, store.ErrNoAccount) {
		err = fmt.Errorf("%w; samjournal account list shows those that there are", err)
	}
	return []model.Account{account}, err
}

func rebuildCounts(ctx context.Context, s *store.Store, account model.Account, report progress.Reporter) (store.Rebuilt, error) {
	head, err := s.Head(ctx, model.Scope{AccountID: account.ID})
	if err != nil {
		return store.Rebuilt{}, err
	}
	report.Begin("counting account "+account.Slug, head.Size, progress.Entries)
	defer report.End()
	return s.RebuildCounts(ctx, account.ID, report.Add)
}
