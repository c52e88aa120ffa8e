package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgresTx is an append on PostgreSQL: row lock on the head, one statement for all rows.
type postgresTx struct {
	tx        pgx.Tx
	accountID int64
}

func (s *Store) inPostgresTx(ctx context.Context, accountID int64, f func(appendTx) error) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		return f(&postgresTx{tx: tx, accountID: accountID})
	})
	return translate(err)
}

func (t *postgresTx) lockHead(ctx context.Context) (lockedHead, error) {
	var h lockedHead
	err := t.tx.QueryRow(ctx, `SELECT size, last_recorded_at FROM heads WHERE account_id = $1 FOR UPDATE`, t.accountID).
		Scan(&h.size, &h.lastRecordedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return h, fmt.Errorf("%w: number %d", ErrNoAccount, t.accountID)
	}
	if h.lastRecordedAt != nil {
		utc := h.lastRecordedAt.UTC()
		h.lastRecordedAt = &utc
	}
	return h, err
}

func (t *postgresTx) existing(ctx context.Context, keys []string) (map[string]stored, error) {
	rows, err := t.tx.Query(ctx, `SELECT key, position, created_at, recorded_at, sent_digest FROM entries
		WHERE account_id = $1 AND key = ANY($2)`, t.accountID, keys)
	if err != nil {
		return nil, err
	}
	found := map[string]stored{}
	var (
		key    string
		e      stored
		digest []byte
	)
	_, err = pgx.ForEachRow(rows, []any{&key, &e.position, &e.createdAt, &e.recordedAt, &digest}, func() error {
		e.sentDigest = [32]byte(digest)
		e.createdAt, e.recordedAt = e.createdAt.UTC(), e.recordedAt.UTC()
		found[key] = e
		return nil
	})
	return found, err
}

func (t *postgresTx) users(ctx context.Context, usernames []string) (map[string]int64, error) {
	rows, err := t.tx.Query(ctx, `SELECT username, id FROM users WHERE account_id = $1 AND username = ANY($2)`,
		t.accountID, usernames)
	if err != nil {
		return nil, err
	}
	ids := map[string]int64{}
	var (
		name string
		id   int64
	)
	_, err = pgx.ForEachRow(rows, []any{&name, &id}, func() error {
		ids[name] = id
		return nil
	})
	return ids, err
}

func (t *postgresTx) lastUserID(ctx context.Context) (int64, error) {
	var id int64
	err := t.tx.QueryRow(ctx, `SELECT coalesce(max(id), 0) FROM users WHERE account_id = $1`, t.accountID).Scan(&id)
	return id, err
}

func (t *postgresTx) insertUsers(ctx context.Context, users []newUser) error {
	n := len(users)
	ids, names := make([]int64, n), make([]string, n)
	emails, displayNames := make([]*string, n), make([]*string, n)
	created, disabled := make([]time.Time, n), make([]*time.Time, n)
	for i, u := range users {
		ids[i], names[i], emails[i], displayNames[i] = u.id, u.username, u.email, u.displayName
		created[i], disabled[i] = u.createdAt, u.disabledAt
	}
	_, err := t.tx.Exec(ctx, `INSERT INTO users (account_id, id, username, email, display_name, created_at, disabled_at)
		SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[])`,
		t.accountID, ids, names, emails, displayNames, created, disabled)
	return err
}

// insertEntries sends the rows as arrays, one per column: one statement whatever their number, prepared once.
func (t *postgresTx) insertEntries(ctx context.Context, rows []row) error {
	n := len(rows)
	var (
		keys, things, commands, origins    = make([]string, n), make([]string, n), make([]string, n), make([]string, n)
		requests, responses, paths, states = make([]string, n), make([]string, n), make([]string, n), make([]string, n)
		recordedBy, usernames              = make([]*string, n), make([]*string, n)
		positions, userIDs, statuses       = make([]int64, n), make([]*int64, n), make([]int16, n)
		created, recorded                  = make([]time.Time, n), make([]time.Time, n)
		salts, reqDigests, respDigests     = make([][]byte, n), make([][]byte, n), make([][]byte, n)
		sentDigests                        = make([][]byte, n)
	)
	for i := range rows {
		r := &rows[i]
		masked, err := pathsText(r.RedactedPaths)
		if err != nil {
			return err
		}
		keys[i], things[i], commands[i], origins[i] = r.Key, string(r.Thing), string(r.Command), string(r.Origin)
		requests[i], responses[i], paths[i], states[i] = string(r.Request), string(r.Response), masked, string(r.PayloadState)
		recordedBy[i], usernames[i] = r.RecordedBy, r.Username
		positions[i], userIDs[i], statuses[i] = r.position, r.userID, int16(r.StatusCode) //nolint:gosec // 0 to 32767
		created[i], recorded[i] = r.createdAt, r.recordedAt
		salts[i], reqDigests[i], respDigests[i], sentDigests[i] = r.Salt, r.RequestDigest[:], r.ResponseDig[:], r.SentDigest[:]
	}
	_, err := t.tx.Exec(ctx, `INSERT INTO entries (account_id, format_version,
			key, position, created_at, recorded_at, origin, recorded_by, user_id, username, thing, command, status_code,
			request, response, payload_salt, request_digest, response_digest, sent_digest, redacted_paths, payload_state)
		SELECT $1, $2, * FROM unnest($3::text[], $4::bigint[], $5::timestamptz[], $6::timestamptz[], $7::text[], $8::text[],
			$9::bigint[], $10::text[], $11::text[], $12::text[], $13::smallint[], $14::text[], $15::text[], $16::bytea[],
			$17::bytea[], $18::bytea[], $19::bytea[], $20::text[], $21::text[])`,
		t.accountID, formatVersion, keys, positions, created, recorded, origins, recordedBy, userIDs, usernames, things, commands,
		statuses, requests, responses, salts, reqDigests, respDigests, sentDigests, paths, states)
	return err
}

func (t *postgresTx) moveHead(ctx context.Context, size int64, lastKey string, lastRecordedAt time.Time) error {
	// PostgreSQL sends the notification with the commit, and never without it: see Listen.
	_, err := t.tx.Exec(ctx, `WITH moved AS (
			UPDATE heads SET size = $2, last_key = $3, last_recorded_at = $4 WHERE account_id = $1 RETURNING account_id, size)
		SELECT pg_notify($5, account_id || ' ' || size) FROM moved`, t.accountID, size, lastKey, lastRecordedAt, commitChannel)
	return err
}

// pathsText is the JSON array that the column redacted_paths holds.
func pathsText(paths []string) (string, error) {
	if len(paths) == 0 {
		return "[]", nil
	}
	b, err := json.Marshal(paths)
	return string(b), err
}
