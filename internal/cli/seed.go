package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"samjournal/internal/model"
	"samjournal/internal/progress"
	"samjournal/internal/seed"
)

type seedCmd struct {
	writing `embed:""`

	Entries int    `short:"n" default:"10000" env:"SAMJOURNAL_SEED_ENTRIES" placeholder:"N" help:"How many entries, 1 to 100000000. Default: ${default}"`
	Seed    uint64 `env:"SAMJOURNAL_SEED" placeholder:"N" help:"Where all randomness comes from: the same seed, number and end give the same entries. Default: 1 more than the journal has entries"`
	End     string `env:"SAMJOURNAL_SEED_END" placeholder:"TIME" help:"Time (RFC 3339) of the last entries, which reach 90 days back from it. Default: the last midnight, UTC"`
	Append  bool   `env:"SAMJOURNAL_SEED_APPEND" help:"Add to a journal that is not empty, too."`
	Account string `default:"default" env:"SAMJOURNAL_ACCOUNT" placeholder:"SLUG" help:"Account whose journal gets the entries. Default: ${default}"`
}

// Help teaches the command.
func (*seedCmd) Help() string {
	return `Generated entries look like those of a real journal. They can never be taken out again: use a database for trying.

  samjournal seed                                                10,000 entries
  DATABASE_URL=file:large.db samjournal seed --entries=1000000   a large journal of its own
  samjournal seed --append                                       further ones`
}

func (c *seedCmd) options(now time.Time) (seed.Options, error) {
	const most = 100_000_000
	opts := seed.Options{Entries: c.Entries, Seed: c.Seed, End: now.UTC().Truncate(24 * time.Hour)}
	if c.Entries < 1 || c.Entries > most {
		return opts, fmt.Errorf("--entries: must be from 1 to %d, is %d", most, c.Entries)
	}
	if c.End == "" {
		return opts, nil
	}
	var err error
	if opts.End, err = model.UnmarshalTime(c.End); err != nil {
		return opts, fmt.Errorf("--end: %w", err)
	}
	return opts, nil
}

// Run seeds and prints how many entries were written.
func (c *seedCmd) Run(ctx context.Context, io *streams) (err error) {
	if err := c.validate(); err != nil {
		return err
	}
	opts, err := c.options(time.Now())
	if err != nil {
		return err
	}
	log := logger(c.Log, io.err)
	s, err := openStore(ctx, c.Database, log, io.err)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	j, err := openJournal(s, c.Redaction, c.Digest, log, nil)
	if err != nil {
		return err
	}
	defer j.Close()
	if ctx, err = operator(ctx, s, c.Account); err != nil {
		return err
	}
	scope, err := model.ScopeFrom(ctx)
	if err != nil {
		return err
	}
	head, err := s.Head(ctx, scope)
	if err != nil {
		return err
	}
	if head.Size > 0 && !c.Append {
		return fmt.Errorf("the journal of account %s has %d entries already, and generated entries can never be taken out again; "+
			"give --append to add them all the same", c.Account, head.Size)
	}
	if opts.Seed == 0 {
		opts.Seed = uint64(head.Size) + 1 //nolint:gosec // sizes are not negative
	}
	sum, err := seed.Run(ctx, j, opts, progress.For(io.err))
	if _, printErr := fmt.Fprintln(io.out, sum); printErr != nil {
		err = errors.Join(err, printErr)
	}
	return err
}
