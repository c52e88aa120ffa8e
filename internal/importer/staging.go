package importer

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	_ "modernc.org/sqlite" // the staging file is a SQLite database

	"samjournal/internal/model"
)

const stagingSchema = `
CREATE TABLE entries (
	place      INTEGER PRIMARY KEY, -- order in the file
	created_at INTEGER NOT NULL,    -- microseconds since 1970
	key        TEXT NOT NULL,
	user_pk    TEXT,
	username   TEXT,
	thing      TEXT NOT NULL,
	command    TEXT NOT NULL,
	status     INTEGER NOT NULL,
	request    TEXT NOT NULL,
	response   TEXT NOT NULL,
	truncated  INTEGER NOT NULL,
	redacted   TEXT NOT NULL -- JSON
);
CREATE TABLE users (
	place        INTEGER PRIMARY KEY,
	pk           TEXT UNIQUE,
	username     TEXT NOT NULL UNIQUE,
	email        TEXT NOT NULL,
	display_name TEXT NOT NULL,
	disabled     INTEGER NOT NULL
);`

const (
	insertEntry = `INSERT INTO entries (place, created_at, key, user_pk, username, thing, command, status, request, response,
			truncated, redacted)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	insertUser  = `INSERT INTO users (place, pk, username, email, display_name, disabled) VALUES (?, ?, ?, ?, ?, ?)`
	sameUser    = `SELECT count(*), coalesce(sum(pk IS ? AND username = ?), 0) FROM users WHERE pk = ? OR username = ?`
	selectUsers = `SELECT username, email, display_name, disabled FROM users ORDER BY place`
	// The last column is null when an entry names a user that is not in the file.
	selectEntries = `SELECT e.place, e.created_at, e.key, e.user_pk, e.username, e.thing, e.command, e.status,
			e.request, e.response, e.truncated, e.redacted, u.username
		FROM entries e LEFT JOIN users u ON u.pk = e.user_pk
		ORDER BY `
	byCreatedAt = `e.created_at, e.place`
	byPlace     = `e.place`
	byKey       = `e.key, ` // and then one of those
)

// errUserTaken says that a pk or a username of the file already belongs to another user of the file.
var errUserTaken = errors.New("another user of the file has this pk or username")

// staging holds the parsed rows of an export on disk until all of it has been read. One goroutine uses it.
type staging struct {
	path string // empty once the file has no name any more
	db   *sql.DB
	conn *sql.Conn // the only one: a second could not find the nameless file
	tx   *sql.Tx
	put  *sql.Stmt
}

// openStaging creates the file in dir, or in the system's directory for temporary files when dir is empty, readable by its
// owner alone. Where the system allows it the file loses its name at once, so that not even a kill -9 leaves it behind.
func openStaging(ctx context.Context, dir string) (_ *staging, err error) {
	f, err := os.CreateTemp(dir, "samjournal-import-*.staging") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("create the staging file: %w", err)
	}
	s := &staging{path: f.Name()}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open the staging file: %w", err), s.close())
		}
	}()
	if err := f.Close(); err != nil {
		return nil, err
	}
	if s.db, err = sql.Open("sqlite", s.path); err != nil {
		return nil, err
	}
	s.db.SetMaxOpenConns(1)
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return nil, err
	}
	// Nothing here needs to survive a crash. The cache is what bounds memory: 16 MiB.
	const pragmas = `PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;
		PRAGMA temp_store=FILE; PRAGMA cache_size=-16384;`
	if _, err = s.conn.ExecContext(ctx, pragmas+stagingSchema); err != nil {
		return nil, err
	}
	if os.Remove(s.path) == nil { // fails on Windows while the file is open; close tries again
		s.path = ""
	}
	// The statements run to their end even when ctx does not; between rows the importer looks at ctx itself.
	if s.tx, err = s.conn.BeginTx(context.WithoutCancel(ctx), nil); err != nil {
		return nil, err
	}
	s.put, err = s.tx.PrepareContext(ctx, insertEntry)
	return s, err
}

// close gives the disk space back. It may be called at any time, and twice.
func (s *staging) close() error {
	var errs []error
	if s.tx != nil {
		if err := s.tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
			errs = append(errs, err)
		}
		s.tx = nil
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
		s.conn = nil
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
		s.db = nil
	}
	if s.path != "" {
		if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
		s.path = ""
	}
	return errors.Join(errs...)
}

func (s *staging) putEntry(ctx context.Context, place int64, e *entryRow) error {
	redacted, err := json.Marshal(e.redacted)
	if err != nil {
		return fmt.Errorf("write the staging file: %w", err)
	}
	_, err = s.put.ExecContext(context.WithoutCancel(ctx), place, e.createdAt.UnixMicro(), e.key, e.userPK, e.username,
		string(e.thing), string(e.command), e.status, string(e.request), string(e.response), e.truncated, string(redacted))
	if err != nil {
		return fmt.Errorf("write the staging file: %w", err)
	}
	return nil
}

// putUser stores a user. The same user again is nothing new; a pk or name that means somebody else is errUserTaken.
func (s *staging) putUser(ctx context.Context, place int64, u *userRow) error {
	ctx = context.WithoutCancel(ctx)
	var known, same int
	err := s.tx.QueryRowContext(ctx, sameUser, u.pk, u.username, u.pk, u.username).Scan(&known, &same)
	switch {
	case err != nil:
		return fmt.Errorf("read the staging file: %w", err)
	case known != same:
		return errUserTaken
	case known > 0:
		return nil
	}
	if _, err := s.tx.ExecContext(ctx, insertUser, place, u.pk, u.username, u.email, u.displayName, u.disabled); err != nil {
		return fmt.Errorf("write the staging file: %w", err)
	}
	return nil
}

// finish ends the reading: from here on the rows can be had in order.
func (s *staging) finish(ctx context.Context) error {
	if err := s.tx.Commit(); err != nil {
		return fmt.Errorf("write the staging file: %w", err)
	}
	s.tx = nil
	if _, err := s.conn.ExecContext(ctx, `CREATE INDEX entries_order ON entries (created_at, place)`); err != nil {
		return fmt.Errorf("sort the staging file: %w", err)
	}
	return nil
}

// stagedUser is a user of the file.
type stagedUser struct {
	username, email, displayName string
	disabled                     bool
}

func (s *staging) users(ctx context.Context, yield func(stagedUser) error) error {
	rows, err := s.conn.QueryContext(ctx, selectUsers)
	if err != nil {
		return fmt.Errorf("read the staging file: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var u stagedUser
		if err := rows.Scan(&u.username, &u.email, &u.displayName, &u.disabled); err != nil {
			return fmt.Errorf("read the staging file: %w", err)
		}
		if err := yield(u); err != nil {
			return err
		}
	}
	return rows.Err()
}

// stagedEntry is an entry of the file with its author's name.
type stagedEntry struct {
	entryRow

	place       int64
	unknownUser bool // the name is made of the pk, for want of the user
}

// sortByKey prepares entries in the order of their keys.
func (s *staging) sortByKey(ctx context.Context) error {
	if _, err := s.conn.ExecContext(ctx, `CREATE INDEX entries_key ON entries (key, created_at, place)`); err != nil {
		return fmt.Errorf("sort the staging file: %w", err)
	}
	return nil
}

// entries yields all entries in an order, byCreatedAt or byPlace, perhaps behind byKey.
func (s *staging) entries(ctx context.Context, order string, yield func(*stagedEntry) error) error {
	rows, err := s.conn.QueryContext(context.WithoutCancel(ctx), selectEntries+order)
	if err != nil {
		return fmt.Errorf("read the staging file: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		e := &stagedEntry{}
		var micros int64
		var thing, command, request, response, redacted string
		var found *string
		err := rows.Scan(&e.place, &micros, &e.key, &e.userPK, &e.username, &thing, &command, &e.status,
			&request, &response, &e.truncated, &redacted, &found)
		if err == nil {
			err = json.Unmarshal([]byte(redacted), &e.redacted)
		}
		if err != nil {
			return fmt.Errorf("read the staging file: %w", err)
		}
		e.createdAt = time.UnixMicro(micros).UTC()
		e.thing, e.command = model.Thing(thing), model.Command(command)
		e.request, e.response = model.Payload(request), model.Payload(response)
		switch {
		case found != nil:
			e.username = found
		case e.userPK != nil:
			name := unknownUser + *e.userPK
			e.username, e.unknownUser = &name, true
		}
		if err := yield(e); err != nil {
			return err
		}
	}
	return rows.Err()
}
