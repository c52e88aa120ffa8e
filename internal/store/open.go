package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"samjournal/ent"
	_ "samjournal/ent/runtime" // the schema's policies
)

// Options of a store. The zero value is good.
type Options struct {
	// Logger hears of migrations; nil discards.
	Logger *slog.Logger
	// MaxConns is the most connections held to PostgreSQL, or the most that read from SQLite, which has one more that
	// writes. 0 takes pool_max_conns of the URL, else four or the number of processors, whichever is more.
	MaxConns int
	// FeedURL is where notifications of commits are heard, when that is not the database's URL: a direct way to the same
	// PostgreSQL database where a pooler is in between. It is refused with SQLite.
	FeedURL string
	// MigrateURL (SAMJOURNAL_MIGRATE_DATABASE_URL) names the same PostgreSQL database as the owner of its tables, when that is
	// not the role of the database's URL, the serving role. Migrate uses it, and then gives the serving role exactly the
	// grants of GrantStatements. Nothing else uses it. It is refused with SQLite.
	MigrateURL string
	// StatementTimeout is how long a statement may take on PostgreSQL until the server ends it, which is ErrTimeout; 0 leaves
	// the server's own limit. Migrations and notifications have none. On SQLite the contexts of the callers alone limit
	// statements.
	StatementTimeout time.Duration
	// SQLLog hears every statement before it runs, Ent's and the migrations' too, on whichever goroutine runs it. nil is
	// off. It is for tests: statements carry payloads.
	SQLLog func(query string, args []any)
}

// Store is an open database. Its methods may be called from many goroutines at once. All fields are set by Open and never
// change.
type Store struct {
	dialect string // Ent's name: dialect.SQLite or dialect.Postgres
	shown   string // the URL without password
	log     *slog.Logger
	ent     *ent.Client
	pool    *pgxpool.Pool   // PostgreSQL only
	feed    *pgx.ConnConfig // PostgreSQL only: where notifications are heard
	silence time.Duration   // PostgreSQL only: how long no notification is no reason to doubt that any would arrive
	hidden  []string        // what of the URLs must not be shown
	read    *sql.DB         // SQLite: connections that cannot write
	write   *sql.DB         // SQLite: one connection, whose transactions begin IMMEDIATE; PostgreSQL: the same as read
	// migrating opens the database for a migration. The caller closes it.
	migrating func() (*sql.DB, error)
	// owner is as whom migrating opens a PostgreSQL database, when that is not the serving role.
	owner *pgx.ConnConfig
	// watching opens a SQLite database for one connection that only looks. The caller closes it.
	watching func() (*sql.DB, error)
	// inPlace tells whether the path of a SQLite database still leads to the file that was opened.
	inPlace func() error
}

// Open opens the database that databaseURL (DATABASE_URL) names:
//
//	file:samjournal.db                   SQLite, a file in the current directory, created when missing
//	file:/var/lib/samjournal/journal.db  SQLite, an absolute path; ?mode=rw insists that the file exists
//	postgres://user:password@host:5432/database?sslmode=verify-full
//
// It does not migrate. Errors name what is wrong with DATABASE_URL and never show a password; they match ErrUnavailable
// when the database cannot be reached now. Close the store when it is no longer needed.
func Open(ctx context.Context, databaseURL string, opts Options) (*Store, error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	var (
		s   *Store
		err error
	)
	switch scheme, _, _ := strings.Cut(databaseURL, ":"); strings.ToLower(scheme) {
	case "file":
		s, err = openSQLite(ctx, databaseURL, opts)
	case "postgres", "postgresql":
		s, err = openPostgres(ctx, databaseURL, opts)
	default:
		err = errScheme(databaseURL)
	}
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	if opts.FeedURL != "" {
		if err := s.hearAt(opts.FeedURL); err != nil {
			return nil, errors.Join(fmt.Errorf("SAMJOURNAL_FEED_DATABASE_URL: %w", err), s.Close())
		}
	}
	if opts.MigrateURL != "" {
		if err := s.migrateAs(opts); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", migrateSetting, err), s.Close())
		}
	}
	s.log = opts.Logger
	s.intercept()
	return s, nil
}

// hearAt sets where notifications are heard.
func (s *Store) hearAt(feedURL string) error {
	cfg, err := s.anotherWay(feedURL)
	if err != nil {
		return err
	}
	s.feed = cfg
	s.feed.RuntimeParams["application_name"] = applicationName
	return nil
}

// migrateAs sets who migrates.
func (s *Store) migrateAs(opts Options) error {
	cfg, err := s.anotherWay(opts.MigrateURL)
	if err != nil {
		return err
	}
	setParameters(cfg)
	if opts.SQLLog != nil {
		cfg.Tracer = tracer(opts.SQLLog)
	}
	s.owner = cfg
	s.migrating = func() (*sql.DB, error) { return openMigrating(cfg), nil }
	return nil
}

// anotherWay reads a second URL of the same PostgreSQL database. It does not connect.
func (s *Store) anotherWay(databaseURL string) (*pgx.ConnConfig, error) {
	if s.dialect != dialect.Postgres {
		return nil, errors.New("is for PostgreSQL only, and DATABASE_URL names a SQLite file; leave it out")
	}
	switch scheme, _, _ := strings.Cut(databaseURL, ":"); strings.ToLower(scheme) {
	case "postgres", "postgresql":
	default:
		return nil, errors.New("must be a URL of the same PostgreSQL database, postgres://USER:PASSWORD@HOST:PORT/DATABASE")
	}
	u, err := parsePostgresURL(databaseURL)
	if err != nil {
		return nil, err
	}
	hidden := secrets(u)
	cfg, err := pgxpool.ParseConfig(databaseURL) // for DATABASE_URL with another port may have parameters of a pool
	if err != nil {
		return nil, parseError(err, hidden)
	}
	s.hidden = append(s.hidden, hidden...)
	return cfg.ConnConfig, nil
}

// errScheme shows of the URL no more than its scheme: the rest may be a password.
func errScheme(databaseURL string) error {
	const allowed = "write file:PATH for SQLite, or postgres://USER:PASSWORD@HOST:PORT/DATABASE (also postgresql://) for PostgreSQL"
	if databaseURL == "" {
		return errors.New("is empty; " + allowed)
	}
	if databaseURL == ":memory:" {
		return errInMemory()
	}
	if u, err := url.Parse(databaseURL); err == nil && u.Scheme != "" && strings.HasPrefix(databaseURL[len(u.Scheme):], "://") {
		return fmt.Errorf("scheme %q is not supported; %s", u.Scheme, allowed)
	}
	return errors.New("does not begin with a known scheme; " + allowed)
}

// Dialect is Ent's name of the database: dialect.SQLite or dialect.Postgres.
func (s *Store) Dialect() string { return s.dialect }

// Ent is the client to read with; every query needs a viewer in its context and sees what that viewer may see.
func (s *Store) Ent() *ent.Client { return s.ent }

// String is the database's URL without password, for people.
func (s *Store) String() string { return s.shown }

// Close closes all connections. Statements that run are waited for.
func (s *Store) Close() error {
	err := s.read.Close()
	if s.write != s.read {
		err = errors.Join(s.write.Close(), err)
	}
	if s.pool != nil {
		s.pool.Close()
	}
	return err
}

// ping reports whether the database can be reached.
func (s *Store) ping(ctx context.Context) error {
	err := s.read.PingContext(ctx)
	if err == nil && s.dialect == dialect.SQLite {
		err = s.write.PingContext(ctx)
	}
	return translate(err)
}
