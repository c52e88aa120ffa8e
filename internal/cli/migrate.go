package cli

import (
	"context"
	"errors"
	"fmt"

	"samjournal/internal/config"
	"samjournal/internal/store"
)

type migrateCmd struct {
	Status migrateStatusCmd `cmd:"" help:"Show the schema's version and that of this binary."`
	Up     migrateUpCmd     `cmd:"" help:"Bring the schema up to date."`
}

// migrating opens a database as it is.
type migrating struct {
	Database config.Database `embed:"" group:"Database"`
	Log      config.Log      `embed:"" group:"Log"`
}

func (m migrating) with(ctx context.Context, io *streams, f func(*store.Store) error) (err error) {
	if err := m.Database.Validate(); err != nil {
		return err
	}
	s, err := store.Open(ctx, m.Database.URL, store.Options{Logger: logger(m.Log, io.err), MaxConns: m.Database.MaxConns})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	fmt.Fprintf(io.err, "database: %s\n", s)
	return f(s)
}

type migrateStatusCmd struct{ migrating }

// Help teaches the command.
func (*migrateStatusCmd) Help() string {
	return `Writes nothing. The other commands migrate by themselves, unless they are given --migrate=off.`
}

// Run prints the status.
func (c *migrateStatusCmd) Run(ctx context.Context, io *streams) error {
	return c.with(ctx, io, func(s *store.Store) error {
		status, err := s.MigrationStatus(ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(io.out, status)
		return err
	})
}

type migrateUpCmd struct{ migrating }

// Help teaches the command.
func (*migrateUpCmd) Help() string {
	return `Safe to run by several at once: one does the work, the others wait. It does nothing when the schema is up to date, and a
schema of a newer samjournal is refused. The other commands migrate by themselves, unless they are given --migrate=off.`
}

// Run migrates and prints the status.
func (c *migrateUpCmd) Run(ctx context.Context, io *streams) error {
	return c.with(ctx, io, func(s *store.Store) error {
		if err := s.Migrate(ctx); err != nil {
			return err
		}
		status, err := s.MigrationStatus(ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(io.out, status)
		return err
	})
}
