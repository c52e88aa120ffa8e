package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
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
	AccountMap       string `env:"SAMJOURNAL_ACCOUNT_MAP" placeholder:"FILE" help:"JSON file of usernames and accounts, {\"alice\": \"acme\"}: the entries of these users go there, all others to --account."`
	CreateAccount    bool   `env:"SAMJOURNAL_CREATE_ACCOUNT" help:"Create accounts that are named and do not exist."`
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
  samjournal import export.json --rejects=rejects.jsonl
  samjournal import export.json --account-map=accounts.json --create-account`
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

// look finds what is wrong before the first account is created, since accounts are never deleted.
func (c *importCmd) look() error {
	if err := store.CheckSlug(c.Account); err != nil {
		return fmt.Errorf("--account: %w", err)
	}
	if c.File == "-" {
		return nil
	}
	if _, err := os.Stat(c.File); err != nil {
		return fmt.Errorf("open the export: %w", err)
	}
	return nil
}

// Run imports and prints the summary, also of an import that was cut short.
func (c *importCmd) Run(ctx context.Context, io *streams) (err error) {
	missing, err := c.validate()
	if err == nil {
		err = c.look()
	}
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
	to, shares, err := c.routed(ctx, s, j, io)
	if err != nil {
		return err
	}
	if ctx, err = c.account(ctx, s, io, c.Account); err != nil {
		return err
	}
	sum, err := importer.RunFile(ctx, c.File, c.Rejects, to, importer.Options{
		DryRun: c.DryRun, Check: j.Check, Heard: shares.Hear, UserModel: c.UserModel, MissingCreatedAt: missing,
		Truncate: c.Truncate, BatchRows: c.BatchRows, Stderr: io.err, Progress: progress.For(io.err), StagingDir: c.StagingDir,
	})
	if _, printErr := fmt.Fprintln(io.out, sum); printErr != nil {
		err = errors.Join(err, printErr)
	}
	fmt.Fprint(io.err, shares)
	if err == nil && sum.ExitStatus() != 0 {
		return exitError(sum.ExitStatus())
	}
	return err
}

// routed returns what appends each entry to the account that it belongs to, and what counts them.
func (c *importCmd) routed(
	ctx context.Context, s *store.Store, j *journal.Journal, io *streams,
) (importer.Appender, *importer.Shares, error) {
	if c.AccountMap == "" {
		return j, &importer.Shares{}, nil
	}
	file, err := os.Open(c.AccountMap)
	if err != nil {
		return nil, nil, fmt.Errorf("--account-map: %w", err)
	}
	defer file.Close()
	routed := importer.Routed{To: j, Viewers: map[string]model.Viewer{}}
	if routed.Accounts, err = importer.ReadAccountMap(file); err != nil {
		return nil, nil, fmt.Errorf("--account-map: %s: %w", c.AccountMap, err)
	}
	slugs := routed.Accounts.Slugs()
	for _, slug := range slugs { // all of them, before the first is created
		if err := store.CheckSlug(slug); err != nil {
			return nil, nil, fmt.Errorf("--account-map: %s: account %q: %w", c.AccountMap, slug, err)
		}
	}
	for _, slug := range slugs {
		acting, err := c.account(ctx, s, io, slug)
		if err != nil {
			return nil, nil, fmt.Errorf("--account-map: %w", err)
		}
		if routed.Viewers[slug], err = model.ViewerFrom(acting); err != nil && !c.DryRun {
			return nil, nil, err
		}
	}
	return routed, &importer.Shares{Accounts: routed.Accounts}, nil
}

// account returns a context that acts on the account. A dry run creates none.
func (c *importCmd) account(ctx context.Context, s *store.Store, io *streams, slug string) (context.Context, error) {
	acting, err := operator(ctx, s, slug)
	if !errors.Is(err, store.ErrNoAccount) {
		return acting, err
	}
	switch {
	case !c.CreateAccount:
		return nil, fmt.Errorf("%w; give --create-account to create it", err)
	case c.DryRun:
		fmt.Fprintf(io.err, "account %s: would be created\n", slug)
		return ctx, nil
	}
	key, err := journal.NewDigestKey()
	if err != nil {
		return nil, err
	}
	if _, err := s.CreateAccount(ctx, slug, slug, key); err != nil {
		return nil, err
	}
	fmt.Fprintf(io.err, "account %s: created\n", slug)
	return operator(ctx, s, slug)
}
