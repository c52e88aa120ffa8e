package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"samjournal/internal/config"
	"samjournal/internal/journal"
	"samjournal/internal/journal/redaction"
	"samjournal/internal/model"
	"samjournal/internal/store"
)

// DefaultAccount is the account that every database has.
const DefaultAccount = "default"

// writing is what the commands that append need.
type writing struct {
	Database  config.Database  `embed:"" group:"Database"`
	Redaction config.Redaction `embed:"" group:"Redaction"`
	Digest    config.Digest    `embed:"" group:"Redaction"`
	Log       config.Log       `embed:"" group:"Log"`
}

func (w writing) validate() error {
	return errors.Join(w.Database.Validate(), w.Redaction.Validate(), w.Digest.Validate())
}

// openStore opens the database, says to a reader which one it is, and brings its schema up to date unless told not to.
func openStore(
	ctx context.Context, cfg config.Database, log *slog.Logger, say io.Writer, set ...func(*store.Options),
) (*store.Store, error) {
	options := store.Options{Logger: log, MaxConns: cfg.MaxConns, MigrateURL: cfg.MigrateURL}
	for _, f := range set {
		f(&options)
	}
	s, err := store.Open(ctx, cfg.URL, options)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(say, "database: %s\n", s)
	if cfg.Migrate == "auto" {
		err = s.Migrate(ctx)
	} else if err = s.Ready(ctx); errors.Is(err, store.ErrNotMigrated) {
		err = fmt.Errorf("%w, or give --migrate=auto", err)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// openJournal makes a journal over a store.
func openJournal(
	s *store.Store, red config.Redaction, digest config.Digest, log *slog.Logger, set func(*journal.Config),
) (*journal.Journal, error) {
	redactor, err := newRedactor(red)
	if err != nil {
		return nil, err
	}
	cfg := journal.Config{
		Backend: s, Redactor: redactor, Logger: log, DigestKey: digest.Bytes(), Entries: journal.ReadEntries(s.Ent()),
	}
	if set != nil {
		set(&cfg)
	}
	return journal.New(cfg)
}

func newRedactor(cfg config.Redaction) (*redaction.Redactor, error) {
	things, err := cfg.WholeBodies()
	if err != nil {
		return nil, err
	}
	rules := redaction.Default().With(cfg.Names, cfg.Except)
	rules.WholeBodyThings = things
	return redaction.New(rules)
}

// operator returns a context in which the local operator acts on an account.
func operator(ctx context.Context, s *store.Store, slug string) (context.Context, error) {
	account, _, err := s.AccountBySlug(ctx, slug)
	if err != nil {
		return nil, err
	}
	return model.WithViewer(ctx, model.Viewer{Account: account, Role: model.RoleOperator}), nil
}
