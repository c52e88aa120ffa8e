package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"samjournal/internal/model"
)

const formatVersion = model.FormatVersion

// sqliteTx is an append on SQLite: the write connection begins IMMEDIATE, so the whole database is locked for writers.
type sqliteTx struct {
	tx        *sql.Tx
	accountID int64
}

func (s *Store) inSQLiteTx(ctx context.Context, accountID int64, f func(appendTx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return translate(err)
	}
	if err := f(&sqliteTx{tx: tx, accountID: accountID}); err != nil {
		return errors.Join(translate(err), ignoreDone(tx.Rollback()))
	}
	return translate(tx.Commit())
}

// ignoreDone drops the error of rolling back what a cancelled context has rolled back already.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

func (t *sqliteTx) open(ctx context.Context, keys, usernames []string) (found opened, err error) {
	if found.head, err = t.lockHead(ctx); err != nil {
		return found, err
	}
	if found.entries, err = t.existing(ctx, keys); err != nil {
		return found, err
	}
	found.users, err = t.users(ctx, usernames)
	return found, err
}

func (t *sqliteTx) write(ctx context.Context, a addition) error {
	if err := t.insertUsers(ctx, a.users); err != nil || len(a.rows) == 0 {
		return err
	}
	if err := t.insertEntries(ctx, a.rows); err != nil {
		return err
	}
	if err := t.addCounts(ctx, countersOf(a.rows)); err != nil {
		return err
	}
	return t.moveHead(ctx, a.size, a.lastKey, a.lastRecordedAt)
}

func (t *sqliteTx) lockHead(ctx context.Context) (lockedHead, error) {
	var (
		h    lockedHead
		last sql.NullTime
	)
	err := t.tx.QueryRowContext(ctx, `SELECT size, last_recorded_at FROM heads WHERE account_id = ?`, t.accountID).
		Scan(&h.size, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return h, fmt.Errorf("%w: number %d", ErrNoAccount, t.accountID)
	}
	if last.Valid {
		utc := last.Time.UTC()
		h.lastRecordedAt = &utc
	}
	return h, err
}

func (t *sqliteTx) existing(ctx context.Context, keys []string) (map[string]stored, error) {
	found := map[string]stored{}
	err := t.inChunks(keys, func(marks string, args []any) error {
		query := "SELECT key, position, created_at, recorded_at, sent_digest FROM entries " + //nolint:gosec // question marks
			"WHERE account_id = ? AND key IN (" + marks + ")"
		rows, err := t.tx.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var (
				key    string
				e      stored
				digest []byte
			)
			if err := rows.Scan(&key, &e.position, &e.createdAt, &e.recordedAt, &digest); err != nil {
				return err
			}
			e.sentDigest = [32]byte(digest)
			e.createdAt, e.recordedAt = e.createdAt.UTC(), e.recordedAt.UTC()
			found[key] = e
		}
		return rows.Err()
	})
	return found, err
}

func (t *sqliteTx) users(ctx context.Context, usernames []string) (map[string]int64, error) {
	ids := map[string]int64{}
	err := t.inChunks(usernames, func(marks string, args []any) error {
		query := "SELECT username, id FROM users WHERE account_id = ? AND username IN (" + marks + ")" //nolint:gosec // question marks
		rows, err := t.tx.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var (
				name string
				id   int64
			)
			if err := rows.Scan(&name, &id); err != nil {
				return err
			}
			ids[name] = id
		}
		return rows.Err()
	})
	return ids, err
}

// inChunks calls f with as many values as a statement may carry parameters, the account first.
func (t *sqliteTx) inChunks(values []string, f func(marks string, args []any) error) error {
	const most = 500
	for len(values) > 0 {
		n := min(most, len(values))
		args := make([]any, 1, n+1)
		args[0] = t.accountID
		for _, v := range values[:n] {
			args = append(args, v)
		}
		if err := f(strings.TrimSuffix(strings.Repeat("?,", n), ","), args); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

func (t *sqliteTx) exec(ctx context.Context, statement string, args ...any) error {
	_, err := t.tx.ExecContext(ctx, statement, args...)
	return err
}

func (t *sqliteTx) lastUserID(ctx context.Context) (int64, error) {
	var id int64
	err := t.tx.QueryRowContext(ctx, `SELECT coalesce(max(id), 0) FROM users WHERE account_id = ?`, t.accountID).Scan(&id)
	return id, err
}

func (t *sqliteTx) insertUsers(ctx context.Context, users []newUser) error {
	for _, u := range users {
		_, err := t.tx.ExecContext(ctx, `INSERT INTO users
			(account_id, id, username, email, display_name, created_at, disabled_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			t.accountID, u.id, u.username, u.email, u.displayName, u.createdAt, u.disabledAt)
		if err != nil {
			return err
		}
	}
	return nil
}

// insertEntries runs one prepared statement a row: SQLite is in this process, a round trip costs nothing.
func (t *sqliteTx) insertEntries(ctx context.Context, rows []row) error {
	insert, err := t.tx.PrepareContext(ctx, `INSERT INTO entries (account_id, format_version,
			key, position, created_at, recorded_at, origin, recorded_by, user_id, username, thing, command, status_code,
			request, response, payload_salt, request_digest, response_digest, sent_digest, redacted_paths, payload_state)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for i := range rows {
		r := &rows[i]
		masked, err := pathsText(r.RedactedPaths)
		if err != nil {
			return err
		}
		_, err = insert.ExecContext(ctx, t.accountID, formatVersion,
			r.Key, r.position, r.createdAt, r.recordedAt, string(r.Origin), r.RecordedBy, r.userID, r.Username,
			string(r.Thing), string(r.Command), r.StatusCode, string(r.Request), string(r.Response), r.Salt,
			r.RequestDigest[:], r.ResponseDig[:], r.SentDigest[:], masked, string(r.PayloadState))
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *sqliteTx) moveHead(ctx context.Context, size int64, lastKey string, lastRecordedAt time.Time) error {
	_, err := t.tx.ExecContext(ctx,
		`UPDATE heads SET size = ?, counted = ?, last_key = ?, last_recorded_at = ? WHERE account_id = ?`,
		size, size, lastKey, lastRecordedAt, t.accountID)
	return err
}
