package oracle

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// Database is an open database. It only reads.
type Database struct {
	db *sql.DB
	// micros turns a column of the tables into microseconds since the Unix epoch.
	micros func(column string) string
}

// Account is a row of accounts. Times are microseconds since the Unix epoch, here and below.
type Account struct {
	ID   int64
	Slug string
}

// User is a row of users.
type User struct {
	AccountID, ID int64
	Username      string
	Email         *string
	DisplayName   *string
	CreatedAt     int64
	DisabledAt    *int64
}

// Entry is a row of entries, every column of it.
type Entry struct {
	AccountID      int64
	Key            string
	Position       int64
	CreatedAt      int64
	RecordedAt     int64
	Origin         string
	RecordedBy     *string
	UserID         *int64
	Username       *string
	Thing          string
	Command        string
	StatusCode     int64
	Request        *string
	Response       *string
	Salt           []byte
	RequestDigest  []byte
	ResponseDigest []byte
	SentDigest     []byte
	RedactedPaths  string
	PayloadState   string
	FormatVersion  int64
}

// Head is a row of heads.
type Head struct {
	AccountID, Size int64
	LastKey         *string
	LastRecordedAt  *int64
}

// Open opens what a DATABASE_URL names. Close it.
func Open(databaseURL string) (*Database, error) {
	if path, ok := strings.CutPrefix(databaseURL, "file:"); ok {
		dsn := (&url.URL{Scheme: "file", Opaque: path, RawQuery: "mode=ro&_pragma=busy_timeout(10000)"}).String()
		db, err := sql.Open("sqlite", dsn)
		return &Database{db: db, micros: func(column string) string { return column + " + 0" }}, err
	}
	db, err := sql.Open("pgx", databaseURL)
	return &Database{db: db, micros: func(column string) string {
		return "(extract(epoch FROM " + column + ") * 1000000)::bigint"
	}}, err
}

// Close closes all connections.
func (d *Database) Close() error { return d.db.Close() }

// Accounts returns all accounts by id.
func (d *Database) Accounts(ctx context.Context) ([]Account, error) {
	return each(ctx, d.db, `SELECT id, slug FROM accounts ORDER BY id`, func(a *Account) []any { return []any{&a.ID, &a.Slug} })
}

// Users returns all users by account and id.
func (d *Database) Users(ctx context.Context) ([]User, error) {
	return each(ctx, d.db, `SELECT account_id, id, username, email, display_name, `+d.micros("created_at")+`, `+
		d.micros("disabled_at")+` FROM users ORDER BY account_id, id`, func(u *User) []any {
		return []any{&u.AccountID, &u.ID, &u.Username, &u.Email, &u.DisplayName, &u.CreatedAt, &u.DisabledAt}
	})
}

// Heads returns all heads by account.
func (d *Database) Heads(ctx context.Context) ([]Head, error) {
	return each(ctx, d.db, `SELECT account_id, size, last_key, `+d.micros("last_recorded_at")+` FROM heads ORDER BY account_id`,
		func(h *Head) []any { return []any{&h.AccountID, &h.Size, &h.LastKey, &h.LastRecordedAt} })
}

// Entries returns the entries of an account from a position on.
func (d *Database) Entries(ctx context.Context, accountID, from int64) ([]Entry, error) {
	return each(ctx, d.db, d.selectEntries()+fmt.Sprintf(` WHERE account_id = %d AND position >= %d ORDER BY position`,
		accountID, from), scanEntry)
}

func (d *Database) selectEntries() string {
	return `SELECT account_id, key, position, ` + d.micros("created_at") + `, ` + d.micros("recorded_at") + `, origin, recorded_by,
		user_id, username, thing, command, status_code, request, response, payload_salt, request_digest, response_digest,
		sent_digest, redacted_paths, payload_state, format_version FROM entries`
}

func scanEntry(e *Entry) []any {
	return []any{
		&e.AccountID, &e.Key, &e.Position, &e.CreatedAt, &e.RecordedAt, &e.Origin, &e.RecordedBy, &e.UserID, &e.Username,
		&e.Thing, &e.Command, &e.StatusCode, &e.Request, &e.Response, &e.Salt, &e.RequestDigest, &e.ResponseDigest,
		&e.SentDigest, &e.RedactedPaths, &e.PayloadState, &e.FormatVersion,
	}
}

// Reach is how far a journal goes, as one statement saw it.
type Reach struct {
	Count int64 // entries
	Last  int64 // the highest position, −1 when there is none
	Size  int64 // of the head
}

// Reach returns how far an account's journal goes now.
func (d *Database) Reach(ctx context.Context, accountID int64) (Reach, error) {
	found, err := each(ctx, d.db, fmt.Sprintf(`SELECT count(*), coalesce(max(position), -1),
		(SELECT size FROM heads WHERE account_id = %[1]d) FROM entries WHERE account_id = %[1]d`, accountID),
		func(r *Reach) []any { return []any{&r.Count, &r.Last, &r.Size} })
	if err != nil {
		return Reach{}, err
	}
	return found[0], nil
}

// each reads all rows of a query.
func each[T any](ctx context.Context, db *sql.DB, query string, columns func(*T) []any) (all []T, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("oracle: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var row T
		if err := rows.Scan(columns(&row)...); err != nil {
			return nil, fmt.Errorf("oracle: %w", err)
		}
		all = append(all, row)
	}
	return all, rows.Err()
}
