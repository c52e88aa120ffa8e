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
	Grants migrateGrantsCmd `cmd:"" help:"Print the grants that a PostgreSQL role needs to serve. Reads no database."`
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
	s, err := store.Open(ctx, m.Database.URL, store.Options{
		Logger: logger(m.Log, io.err), MaxConns: m.Database.MaxConns, MigrateURL: m.Database.MigrateURL,
	})
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

type migrateGrantsCmd struct {
	Role string `arg:"" help:"Name of the role, as DATABASE_URL has it."`
}

// Help teaches the command.
func (*migrateGrantsCmd) Help() string {
	return `A server needs no more than these: it can append and read, and can neither change nor delete what is there. migrate up
gives them by itself to the user of DATABASE_URL, when --migrate-database-url names the owner of the tables.

  samjournal migrate grants journal_serve | psql postgres://journal_owner@db/journal`
}

// Run prints SQL.
func (c *migrateGrantsCmd) Run(io *streams) error {
	statements, err := store.GrantStatements(c.Role)
	if err != nil {
		return err
	}
	for _, statement := range statements {
		if _, err := fmt.Fprintln(io.out, statement+";"); err != nil {
			return err
		}
	}
	return nil
}
