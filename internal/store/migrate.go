package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	"github.com/pressly/goose/v3"
)

// migrations holds one directory per dialect, with the same versions in each.
//
//go:embed migrations/sqlite/*.sql migrations/postgres/*.sql
var migrations embed.FS

var (
	// ErrNewerSchema says that a newer samjournal has migrated the database.
	ErrNewerSchema = errors.New("the database's schema is newer than this samjournal")
	// ErrNotMigrated says that migrations are pending.
	ErrNotMigrated = errors.New("the database's schema is not up to date")
)

// Migration is one step of the schema.
type Migration struct {
	Version int64
	Name    string // its file's name
}

// Status compares the database's schema with this binary's.
type Status struct {
	Current int64       // version of the database's schema; 0 when it has none
	Target  int64       // version that this binary needs
	Pending []Migration // what is yet to be applied, in order
}

// Err is nil when the database is migrated to exactly this binary's version, else ErrNewerSchema or ErrNotMigrated with both
// versions and what to do.
func (s Status) Err() error {
	switch {
	case s.Current > s.Target:
		return fmt.Errorf("%w: the database has version %d, this samjournal knows versions up to %d; start the newer "+
			"samjournal that migrated it, or restore a backup from before", ErrNewerSchema, s.Current, s.Target)
	case len(s.Pending) > 0:
		return fmt.Errorf("%w: the database has version %d, this samjournal needs version %d; run samjournal migrate up",
			ErrNotMigrated, s.Current, s.Target)
	}
	return nil
}

// String is the status for people, one line and then one a pending migration.
func (s Status) String() string {
	if err := s.Err(); errors.Is(err, ErrNewerSchema) {
		return err.Error()
	}
	if len(s.Pending) == 0 {
		return fmt.Sprintf("schema version %d, up to date", s.Current)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "schema version %d of %d, pending:", s.Current, s.Target)
	for _, m := range s.Pending {
		b.WriteString("\n  " + m.Name)
	}
	return b.String()
}

// MigrationStatus reads the schema's version. It takes no lock and writes nothing.
func (s *Store) MigrationStatus(ctx context.Context) (Status, error) { return s.status(ctx, s.read) }

func (s *Store) status(ctx context.Context, db *sql.DB) (Status, error) {
	known, err := s.known()
	if err != nil {
		return Status{}, err
	}
	applied, err := s.applied(ctx, db)
	if err != nil {
		return Status{}, fmt.Errorf("read schema version: %w", translate(err))
	}
	status := Status{Target: known[len(known)-1].Version}
	for version := range applied {
		status.Current = max(status.Current, version)
	}
	for _, m := range known {
		if !applied[m.Version] {
			status.Pending = append(status.Pending, m)
		}
	}
	return status, nil
}

// Ready returns nil when the database is reachable and migrated to exactly this binary's version, else ErrUnavailable,
// ErrNotMigrated, ErrNewerSchema, or what has become of a SQLite file that is not where it was opened.
func (s *Store) Ready(ctx context.Context) error {
	if s.inPlace != nil {
		if err := s.inPlace(); err != nil {
			return err
		}
	}
	status, err := s.MigrationStatus(ctx)
	if err != nil {
		return err
	}
	return status.Err()
}

// Migrate applies what is pending, each migration in one transaction. Several processes may do so at once: one does the
// work, the others wait for it. Nothing is locked or written when the schema is up to date. A newer schema is ErrNewerSchema.
// With Options.MigrateURL the serving role has exactly the grants it needs afterwards.
func (s *Store) Migrate(ctx context.Context) error {
	if s.owner != nil {
		return s.migrateAsOwner(ctx)
	}
	pending, err := s.apply(ctx, s.read)
	if err != nil || !pending {
		return err
	}
	return s.Ready(ctx) // a newer samjournal may have come in between
}

// apply applies what is pending by the status that it reads from a connection, and tells whether anything was.
func (s *Store) apply(ctx context.Context, looking *sql.DB) (pending bool, err error) {
	status, err := s.status(ctx, looking)
	if err != nil {
		return false, err
	}
	if err := status.Err(); err == nil || errors.Is(err, ErrNewerSchema) {
		return false, err
	}
	db, err := s.migrating()
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	provider, err := s.provider(db)
	if err != nil {
		return false, err
	}
	for _, m := range status.Pending {
		start := time.Now()
		_, err := provider.ApplyVersion(ctx, m.Version, true)
		if errors.Is(err, goose.ErrAlreadyApplied) {
			continue // by another process, while this one waited for the lock
		}
		if err != nil {
			return false, fmt.Errorf("apply migration %s: %w", m.Name, translate(err))
		}
		s.log.InfoContext(ctx, "migration applied", slog.String("migration", m.Name),
			slog.Int64("ms", time.Since(start).Milliseconds()))
	}
	return true, nil
}

// applied reads the versions that the database has, none when it has no table of versions yet.
func (s *Store) applied(ctx context.Context, db *sql.DB) (map[int64]bool, error) {
	exists := `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'goose_db_version'`
	if s.dialect == dialect.Postgres {
		exists = `SELECT count(*) FROM pg_class WHERE oid = to_regclass('goose_db_version')`
	}
	var n int
	if err := db.QueryRowContext(ctx, exists).Scan(&n); err != nil || n == 0 {
		return nil, err
	}
	rows, err := db.QueryContext(ctx, `SELECT version_id FROM goose_db_version WHERE is_applied`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	versions := map[int64]bool{}
	for rows.Next() {
		var v int64
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		versions[v] = true
	}
	return versions, rows.Err()
}

// known lists the migrations of this binary, in order.
func (s *Store) known() ([]Migration, error) {
	files, err := fs.ReadDir(s.files(), ".")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	known := make([]Migration, len(files))
	for i, f := range files { // sorted by name, and so by version
		version, err := goose.NumericComponent(f.Name())
		if err != nil {
			return nil, fmt.Errorf("migration %s: %w", f.Name(), err)
		}
		known[i] = Migration{Version: version, Name: strings.TrimSuffix(f.Name(), path.Ext(f.Name()))}
	}
	return known, nil
}

func (s *Store) files() fs.FS {
	dir := "migrations/sqlite"
	if s.dialect == dialect.Postgres {
		dir = "migrations/postgres"
	}
	sub, err := fs.Sub(migrations, dir)
	if err != nil {
		panic(err) // the path is a constant and valid
	}
	return sub
}

func (s *Store) provider(db *sql.DB) (*goose.Provider, error) {
	d := goose.DialectSQLite3
	if s.dialect == dialect.Postgres {
		d = goose.DialectPostgres
	}
	options := []goose.ProviderOption{
		goose.WithDisableGlobalRegistry(true),
		goose.WithSlog(slog.New(slog.DiscardHandler)), // Migrate logs for itself
		goose.WithSessionLocker(s.locker()),
	}
	p, err := goose.NewProvider(d, db, s.files(), options...)
	if err != nil {
		return nil, fmt.Errorf("prepare migrations: %w", err)
	}
	return p, nil
}
