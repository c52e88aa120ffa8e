package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"samjournal/ent"
)

// applicationName is how PostgreSQL's own views show samjournal's connections.
const applicationName = "samjournal"

// errPostgresURL says nothing of what is in the URL: what stands in the wrong place there is often the password.
func errPostgresURL() error {
	return errors.New("is not a valid PostgreSQL URL; write postgres://USER:PASSWORD@HOST:PORT/DATABASE, and in user and " +
		"password write %40 for @, %3A for :, %2F for /, %3F for ?, %23 for # and %25 for %")
}

// parsePostgresURL is strict where the parsers below would take half a password for a host or a database.
func parsePostgresURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Opaque != "" || u.Fragment != "" || strings.HasSuffix(s, "#") || strings.ContainsFunc(s, isControl) {
		return nil, errPostgresURL()
	}
	// With one @ at most, which is not in path or query, all before it is user and password to every parser.
	if strings.Count(s, "@") > 1 || strings.Contains(u.EscapedPath(), "@") || strings.Contains(u.RawQuery, "@") {
		return nil, errPostgresURL()
	}
	if !strings.HasPrefix(s[len(u.Scheme):], "://") {
		return nil, errPostgresURL()
	}
	if _, err := url.ParseQuery(u.RawQuery); err != nil {
		return nil, errPostgresURL()
	}
	for parameter := range strings.SplitSeq(u.RawQuery, "&") {
		if parameter != "" && !strings.Contains(parameter, "=") { // perhaps the second half of password=a&b
			return nil, errPostgresURL()
		}
	}
	return u, nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// secrets lists what of the URL must not be shown, in each way it may be written.
func secrets(u *url.URL) []string {
	var found []string
	const shortest = 4 // a shorter one is found in any text, and replacing it there would give it away
	add := func(s string) {
		if len(s) >= shortest {
			found = append(found, s, url.QueryEscape(s), url.PathEscape(s), strconv.Quote(s), url.UserPassword("", s).String()[1:])
		}
	}
	if password, ok := u.User.Password(); ok {
		add(password)
		_, raw, _ := strings.Cut(u.User.String(), ":")
		add(raw)
	}
	for name, values := range u.Query() {
		if strings.Contains(strings.ToLower(name), "password") {
			for _, v := range values {
				add(v)
			}
		}
	}
	return found
}

// scrub is an error's text without secrets. The error itself is not wrapped: it may carry what its text must not show.
func scrub(err error, secrets []string) error {
	text := err.Error()
	for _, s := range secrets {
		text = strings.ReplaceAll(text, s, "xxxxx")
	}
	return errors.New(text)
}

func openPostgres(ctx context.Context, databaseURL string, opts Options) (*Store, error) {
	u, err := parsePostgresURL(databaseURL)
	if err != nil {
		return nil, err
	}
	hidden := secrets(u)
	cfg, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return nil, parseError(err, hidden)
	}
	if opts.MaxConns > 0 {
		cfg.MaxConns = int32(min(opts.MaxConns, 1<<15))
	}
	setSession(cfg, opts.StatementTimeout)
	if opts.SQLLog != nil {
		cfg.ConnConfig.Tracer = tracer(opts.SQLLog)
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, scrub(err, hidden)
	}
	db := stdlib.OpenDBFromPool(pool)
	s := &Store{dialect: dialect.Postgres, shown: showPostgres(cfg.ConnConfig), pool: pool, read: db, write: db}
	s.feed, s.silence, s.hidden = cfg.ConnConfig.Copy(), listenSilence, hidden
	s.migrating = func() (*sql.DB, error) { return openMigrating(cfg.ConnConfig), nil }
	if err := s.ping(ctx); err != nil {
		return nil, errors.Join(connectError(s.shown, err, hidden), s.Close())
	}
	s.ent = ent.NewClient(ent.Driver(entDriver(entsql.OpenDB(dialect.Postgres, db))))
	return s, nil
}

// parseError is what pgx has against a URL, without the URL.
func parseError(err error, hidden []string) error {
	text := scrub(err, hidden).Error()
	// "cannot parse `URL`: reason (cause)": only the reason is needed, and the URL is known to who set it.
	if _, reason, ok := strings.Cut(text, "`: "); ok {
		text = reason
	}
	return errors.New("is not usable: " + text)
}

// connectError keeps what errors.Is finds, but not the text of the driver's error, which is not ours to vouch for.
func connectError(shown string, err error, hidden []string) error {
	clean := scrub(err, hidden)
	for _, sentinel := range []error{ErrUnavailable, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, sentinel) {
			text := strings.TrimPrefix(clean.Error(), sentinel.Error()+": ")
			return fmt.Errorf("%w: connect to %s: %s", sentinel, shown, text)
		}
	}
	return fmt.Errorf("connect to %s: %w", shown, clean)
}

// setSession makes sessions behave the same whatever the server's defaults are.
func setSession(cfg *pgxpool.Config, statementTimeout time.Duration) {
	setParameters(cfg.ConnConfig)
	after := cfg.AfterConnect
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		err := prepareSession(ctx, conn)
		if err == nil && statementTimeout > 0 {
			err = limitStatements(ctx, conn, statementTimeout)
		}
		if err == nil && after != nil {
			err = after(ctx, conn)
		}
		return err
	}
}

func setParameters(cfg *pgx.ConnConfig) {
	cfg.RuntimeParams["timezone"] = "UTC"
	cfg.RuntimeParams["default_transaction_isolation"] = "read committed"
	cfg.RuntimeParams["application_name"] = applicationName
}

// prepareSession refuses a server that cannot hold a journal and sets what must not be less strict than it should.
func prepareSession(ctx context.Context, conn *pgx.Conn) error {
	if err := checkServer(conn.PgConn().ParameterStatus); err != nil {
		return err
	}
	// An answered entry must survive a crash; every other setting waits for at least the local disk.
	_, err := conn.Exec(ctx, `SELECT set_config('synchronous_commit', 'on', false)
		WHERE current_setting('synchronous_commit') = 'off'`)
	return err
}

// limitStatements makes PostgreSQL end a statement that takes longer, and a transaction in which nothing happens for as long:
// that of a process that is gone without the server's knowing it keeps the head of an account locked.
func limitStatements(ctx context.Context, conn *pgx.Conn, most time.Duration) error {
	const leastIdle = 10 * time.Second // a transaction of ours is never idle on purpose, but a busy machine may be slow
	_, err := conn.Exec(ctx, fmt.Sprintf("SET statement_timeout = %d; SET idle_in_transaction_session_timeout = %d",
		max(1, most.Milliseconds()), max(most, leastIdle).Milliseconds()))
	return err
}

// openMigrating opens one connection that no timeout ends: a migration may take long.
func openMigrating(cfg *pgx.ConnConfig) *sql.DB {
	db := stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		err := prepareSession(ctx, conn)
		if err == nil {
			_, err = conn.Exec(ctx, "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
		}
		return err
	}))
	db.SetMaxOpenConns(1)
	return db
}

// checkServer refuses a server that cannot hold a journal, by what it says of itself when a session begins.
func checkServer(parameter func(name string) string) error {
	const oldest = 14
	version := parameter("server_version") // "17.2 (Debian 17.2-1)", "18beta1"
	if major, err := strconv.Atoi(leadingDigits(version)); err == nil && major < oldest {
		return fmt.Errorf("PostgreSQL %s is too old; samjournal needs version %d or later", version, oldest)
	}
	if encoding := parameter("server_encoding"); encoding != "" && encoding != "UTF8" {
		return fmt.Errorf("the database's encoding is %s; samjournal needs one created with ENCODING 'UTF8'", encoding)
	}
	return nil
}

func leadingDigits(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
}

func showPostgres(cfg *pgx.ConnConfig) string {
	u := url.URL{Scheme: "postgres", Path: "/" + cfg.Database}
	if cfg.User != "" {
		u.User = url.User(cfg.User)
	}
	if strings.HasPrefix(cfg.Host, "/") { // a Unix socket's directory
		u.RawQuery = url.Values{"host": {cfg.Host}, "port": {strconv.Itoa(int(cfg.Port))}}.Encode()
	} else {
		u.Host = net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))
	}
	return u.String()
}

// tracer hands each statement to a function before it runs.
type tracer func(query string, args []any)

// TraceQueryStart is called before a statement.
func (t tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	t(q.SQL, q.Args)
	return ctx
}

// TraceQueryEnd is called after a statement.
func (tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart is called before a batch.
func (tracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

// TraceBatchQuery is called for each statement of a batch.
func (t tracer) TraceBatchQuery(_ context.Context, _ *pgx.Conn, q pgx.TraceBatchQueryData) {
	t(q.SQL, q.Args)
}

// TraceBatchEnd is called after a batch.
func (tracer) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// TraceCopyFromStart is called before a COPY.
func (t tracer) TraceCopyFromStart(ctx context.Context, _ *pgx.Conn, c pgx.TraceCopyFromStartData) context.Context {
	t("COPY "+c.TableName.Sanitize()+" ("+strings.Join(c.ColumnNames, ", ")+") FROM STDIN", nil)
	return ctx
}

// TraceCopyFromEnd is called after a COPY.
func (tracer) TraceCopyFromEnd(context.Context, *pgx.Conn, pgx.TraceCopyFromEndData) {}
