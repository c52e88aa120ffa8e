package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"samjournal/internal/importer"
	"samjournal/internal/journal"
	"samjournal/internal/model"
	"samjournal/internal/progress"
	"samjournal/internal/store"
)

type importCmd struct {
	writing `embed:""`

	File             string `arg:"" help:"Export of 'manage.py dumpdata journal.samjournal auth.user' (JSON array or JSON Lines); - for standard input."`
	Account          string `default:"default" env:"SAMJOURNAL_ACCOUNT" placeholder:"SLUG" help:"Account whose journal gets the entries. Default: ${default}"`
	CreateAccount    bool   `env:"SAMJOURNAL_CREATE_ACCOUNT" help:"Create the account if there is none of this name."`
	DryRun           bool   `env:"SAMJOURNAL_DRY_RUN" help:"Read and check everything, write nothing."`
	MissingCreatedAt string `env:"SAMJOURNAL_MISSING_CREATED_AT" placeholder:"TIME" help:"Time (RFC 3339) of rows without created_at, which are rejected otherwise."`
	Truncate         int    `env:"SAMJOURNAL_TRUNCATE" placeholder:"BYTES" help:"Truncate longer requests and responses, 1024 bytes and more. Default: never, whatever the limit of the server"`
	Rejects          string `env:"SAMJOURNAL_REJECTS" placeholder:"FILE" help:"Write one JSON line for each rejected row to this file."`
	UserModel        string `env:"SAMJOURNAL_USER_MODEL" placeholder:"APP.MODEL" help:"Model of the users, where it is not auth.user or another called user."`
	StagingDir       string `env:"SAMJOURNAL_STAGING_DIR" placeholder:"DIR" help:"Directory for the temporary staging file, as large as the export. Default: that of the system"`
	BatchRows        int    `env:"SAMJOURNAL_BATCH_ROWS" default:"500" placeholder:"N" help:"Entries in one transaction, 1 to 10000. Default: ${default}"`
}

// Help teaches the command.
func (*importCmd) Help() string {
	return `Keys and times are kept, names of older versions become today's, secrets are masked. Rows that cannot be imported are
named on stderr and stop nothing; the exit status is then 3. Run it again and it adds nothing; interrupt it, run it again,
and it completes.

  python manage.py dumpdata journal.samjournal auth.user > export.json
  samjournal import export.json --dry-run                        what would happen
  samjournal import export.json --rejects=rejects.jsonl`
}

func (c *importCmd) validate() (missing *time.Time, err error) {
	if err := c.writing.validate(); err != nil {
		return nil, err
	}
	const minTruncate, maxBatch = 1024, 10_000
	if c.Truncate != 0 && c.Truncate < minTruncate {
		return nil, fmt.Errorf("--truncate: must be at least %d bytes, is %d", minTruncate, c.Truncate)
	}
	if c.BatchRows < 1 || c.BatchRows > maxBatch {
		return nil, fmt.Errorf("--batch-rows: must be from 1 to %d, is %d", maxBatch, c.BatchRows)
	}
	if c.MissingCreatedAt == "" {
		return nil, nil //nolint:nilnil // no time is a valid answer
	}
	t, err := model.UnmarshalTime(c.MissingCreatedAt)
	if err != nil {
		return nil, fmt.Errorf("--missing-created-at: %w", err)
	}
	return &t, nil
}

// Run imports and prints the summary, also of an import that was cut short.
func (c *importCmd) Run(ctx context.Context, io *streams) (err error) {
	missing, err := c.validate()
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
	if ctx, err = c.account(ctx, s, io); err != nil {
		return err
	}
	sum, err := importer.RunFile(ctx, c.File, c.Rejects, j, importer.Options{
		DryRun: c.DryRun, Check: j.Check, UserModel: c.UserModel, MissingCreatedAt: missing, Truncate: c.Truncate,
		BatchRows: c.BatchRows, Stderr: io.err, Progress: progress.For(io.err), StagingDir: c.StagingDir,
	})
	if _, printErr := fmt.Fprintln(io.out, sum); printErr != nil {
		err = errors.Join(err, printErr)
	}
	if err == nil && sum.ExitStatus() != 0 {
		return exitError(sum.ExitStatus())
	}
	return err
}

// account returns a context that acts on the account. A dry run creates none.
func (c *importCmd) account(ctx context.Context, s *store.Store, io *streams) (context.Context, error) {
	acting, err := operator(ctx, s, c.Account)
	if !errors.Is(err, store.ErrNoAccount) {
		return acting, err
	}
	switch {
	case !c.CreateAccount:
		return nil, fmt.Errorf("%w; give --create-account to create it", err)
	case c.DryRun:
		fmt.Fprintf(io.err, "account %s: would be created\n", c.Account)
		return ctx, nil
	}
	key, err := journal.NewDigestKey()
	if err != nil {
		return nil, err
	}
	if _, err := s.CreateAccount(ctx, c.Account, c.Account, key); err != nil {
		return nil, err
	}
	fmt.Fprintf(io.err, "account %s: created\n", c.Account)
	return operator(ctx, s, c.Account)
}
