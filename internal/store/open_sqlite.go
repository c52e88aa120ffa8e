package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/cenkalti/backoff/v5"
	"modernc.org/sqlite"

	"samjournal/ent"
)

// busyTimeout is how long a statement waits for another process's lock, unless the URL says otherwise.
const busyTimeout = 5 * time.Second

func errInMemory() error {
	return errors.New("a database in memory is not supported: readers and the writer have a connection each and would see " +
		"different databases; name a file, for example file:samjournal.db")
}

// sqliteURL is a file: URL, taken apart.
type sqliteURL struct {
	path string // absolute
	mode string // rw or rwc
	busy time.Duration
}

// parseSQLiteURL accepts what SQLite's own URIs do (https://www.sqlite.org/uri.html), but only the parameters that make
// sense here: a mistyped one must not be ignored in silence.
func parseSQLiteURL(s string) (sqliteURL, error) {
	rest := s[len("file:"):]
	rest, query, _ := strings.Cut(rest, "?")
	if strings.Contains(rest, "#") || strings.Contains(query, "#") {
		return sqliteURL{}, errors.New("a # must be written %23")
	}
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		host, path, _ := strings.Cut(after, "/")
		if host != "" && host != "localhost" {
			return sqliteURL{}, fmt.Errorf("file://%s… names a host; write file:PATH or file:///ABSOLUTE/PATH", host)
		}
		rest = "/" + path
	}
	path, err := url.PathUnescape(rest)
	if err != nil {
		return sqliteURL{}, fmt.Errorf("the path %s has a %% without two hex digits after it; write %%25 for a percent sign", rest)
	}
	u, err := parseSQLiteQuery(query)
	if err != nil {
		return sqliteURL{}, err
	}
	switch {
	case path == ":memory:":
		return sqliteURL{}, errInMemory()
	case path == "" || path == "/":
		return sqliteURL{}, errors.New("names no file; write for example file:samjournal.db")
	case strings.ContainsRune(path, 0):
		return sqliteURL{}, errors.New("the path has a NUL character in it")
	}
	if u.path, err = filepath.Abs(path); err != nil {
		return sqliteURL{}, fmt.Errorf("find the current directory: %w", err)
	}
	return u, nil
}

// parseSQLiteQuery reads the part after the question mark.
func parseSQLiteQuery(query string) (sqliteURL, error) {
	u := sqliteURL{mode: "rwc", busy: busyTimeout}
	const allowed = "allowed are mode=rw (the file must exist), mode=rwc (it is created when missing) and " +
		"_busy_timeout=MILLISECONDS (how long to wait for other processes)"
	values, err := url.ParseQuery(query)
	if err != nil {
		return u, errors.New("the part after ? is not a list of name=value; " + allowed)
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		value := values[name][len(values[name])-1]
		switch {
		case name == "mode" && value == "memory":
			return u, errInMemory()
		case name == "mode" && value == "ro":
			return u, errors.New("mode=ro: samjournal needs to write to its database; " + allowed)
		case name == "mode" && (value == "rw" || value == "rwc"):
			u.mode = value
		case name == "_busy_timeout":
			const most = 600_000
			ms, err := strconv.Atoi(value)
			if err != nil || ms < 0 || ms > most {
				return u, fmt.Errorf("_busy_timeout must be a number of milliseconds from 0 to %d", most)
			}
			u.busy = time.Duration(ms) * time.Millisecond
		default:
			return u, fmt.Errorf("parameter %s=%s is not supported; %s", name, value, allowed)
		}
	}
	return u, nil
}

// dsn is what the driver opens. Every connection has these settings; a connection without them could break promises:
// foreign_keys and recursive_triggers are off by default, and without recursive_triggers REPLACE deletes without asking the
// triggers on DELETE. Times are integers, since a text that is no time makes every later read of its row fail.
func (u sqliteURL) dsn(readOnly bool) string {
	q := url.Values{
		"mode":                 {u.mode},
		"_busy_timeout":        {strconv.FormatInt(u.busy.Milliseconds(), 10)},
		"_foreign_keys":        {"on"},
		"_synchronous":         {"FULL"},
		"_pragma":              {"recursive_triggers(1)"},
		"_time_integer_format": {"unix_micro"},
		"_inttotime":           {"1"},
		"_timezone":            {"UTC"},
		"_defensive":           {"1"},
		"_dqs":                 {"0"},
		"_error_rc":            {"1"},
	}
	if readOnly {
		q.Set("mode", "rw")
		q.Set("_query_only", "on")
	} else {
		q.Set("_journal_mode", "WAL")
		q.Set("_txlock", "immediate")
	}
	return (&url.URL{Scheme: "file", Path: u.path, RawQuery: q.Encode()}).String()
}

// prepare finds what would make SQLite fail with a message that does not help, and creates the file if it is missing.
func (u sqliteURL) prepare() error {
	dir := filepath.Dir(u.path)
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the directory %s does not exist; create it or name another file", dir)
	} else if err != nil {
		return fmt.Errorf("look at the database's directory: %w", err)
	} else if !info.IsDir() {
		return fmt.Errorf("%s is not a directory", dir)
	}
	info, err := os.Stat(u.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && u.mode == "rw":
		return fmt.Errorf("the file %s does not exist, and mode=rw does not create it", u.path)
	case errors.Is(err, fs.ErrNotExist):
		return u.create()
	case err != nil:
		return fmt.Errorf("look at the database file: %w", err)
	case info.IsDir():
		return fmt.Errorf("%s is a directory; name a file in it", u.path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file", u.path)
	case info.Mode().Perm()&0o222 == 0: // also for root, whom the next check would not stop
		return fmt.Errorf("the file %s is read-only; samjournal needs to write to it", u.path)
	}
	return checkHeader(u.path)
}

// create makes an empty file that only this user can read, as SQLite would not; its companions (-wal, -shm) follow it.
func (u sqliteURL) create() error {
	f, err := os.OpenFile(u.path, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("this user cannot create files in the directory %s", filepath.Dir(u.path))
	} else if err != nil {
		return fmt.Errorf("create the database file: %w", err)
	}
	return f.Close()
}

func checkHeader(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // the operator's own choice of file
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("the file %s cannot be read and written by this user", path)
	} else if err != nil {
		return fmt.Errorf("open the database file: %w", err)
	}
	const magic = "SQLite format 3\x00" // https://www.sqlite.org/fileformat.html#the_database_header
	header := make([]byte, len(magic))
	n, err := io.ReadFull(f, header)
	if closeErr := f.Close(); closeErr != nil {
		return fmt.Errorf("close the database file: %w", closeErr)
	}
	if n == 0 && errors.Is(err, io.EOF) {
		return nil // empty: SQLite makes it a database
	}
	if !bytes.Equal(header, []byte(magic)) {
		return fmt.Errorf("the file %s is not a SQLite database; name another file", path)
	}
	return nil
}

func openSQLite(ctx context.Context, databaseURL string, opts Options) (*Store, error) {
	u, err := parseSQLiteURL(databaseURL)
	if err != nil {
		return nil, err
	}
	if err := u.prepare(); err != nil {
		return nil, err
	}
	s := &Store{dialect: dialect.SQLite, shown: "file:" + u.path}
	if s.write, err = sqlitePool(u.dsn(false), 1, opts.SQLLog, false); err != nil {
		return nil, err
	}
	readers := opts.MaxConns
	if readers <= 0 {
		const fewest = 4
		readers = max(fewest, runtime.GOMAXPROCS(0))
	}
	if s.read, err = sqlitePool(u.dsn(true), readers, opts.SQLLog, false); err != nil {
		return nil, errors.Join(err, s.write.Close())
	}
	s.migrating = func() (*sql.DB, error) { return sqlitePool(u.dsn(false), 1, opts.SQLLog, true) }
	s.watching = func() (*sql.DB, error) { return sqlitePool(u.dsn(true), 1, nil, false) }
	// The writer goes first: it creates the file and turns WAL on, which readers cannot.
	if err := errors.Join(reach(ctx, s.write, u.busy), reach(ctx, s.read, u.busy)); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", u.path, translate(err)), s.Close())
	}
	if s.inPlace, err = remember(u.path); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.ent = ent.NewClient(ent.Driver(entDriver(entsql.OpenDB(dialect.SQLite, s.read))))
	return s, nil
}

// remember returns a function that tells whether a path still leads to the file it leads to now. Where it does not, open
// connections go on with the file they have, and what they write is in it alone.
func remember(path string) (inPlace func() error, err error) {
	opened, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look at the database file: %w", err)
	}
	return func() error {
		found, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("the database file %s was deleted or moved while in use, and entries still go into that file: put it "+
				"back, or start samjournal again", path)
		case err != nil:
			return fmt.Errorf("look at the database file: %w", err)
		case !os.SameFile(opened, found):
			return fmt.Errorf("the database file %s was replaced while in use, and entries still go into the one that was there: "+
				"start samjournal again", path)
		}
		return nil
	}, nil
}

// reach opens a connection. The change to WAL does not wait for other processes as statements do, so this waits.
func reach(ctx context.Context, db *sql.DB, wait time.Duration) error {
	const first, most = 5 * time.Millisecond, 200 * time.Millisecond
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = first, most
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := db.PingContext(ctx)
		var liteErr *sqlite.Error
		if err != nil && (!errors.As(err, &liteErr) || !unavailable(err)) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(wait))
	return err
}

func sqlitePool(dsn string, conns int, log func(string, []any), nested bool) (*sql.DB, error) {
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, fmt.Errorf("prepare SQLite: %w", err)
	}
	if log != nil || nested {
		connector = &wrappedConnector{Connector: connector, log: log, nested: nested}
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}
