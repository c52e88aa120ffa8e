package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresTx is an append on PostgreSQL: row lock on the head, one statement for all rows. It takes two round trips: BEGIN goes
// with the first question, and what is written with COMMIT. While both processors are busy, a round trip is mostly waiting for
// a turn on one of them, with the head locked.
type postgresTx struct {
	conn      *pgxpool.Conn
	accountID int64
	begun     bool
	queued    pgx.Batch // what is written: it is sent before the next question, or with the commit
}

// Statements are planned once for a connection, perhaps while the journal is small and nothing is known of it: every plan
// then seems as good as another, and a bad one would stay as the journal grows. So the settings of an append leave one plan
// to findEntries, that by the primary key: only its order needs no sorting.
const (
	beginAppend  = "begin isolation level read committed"
	settleAppend = `SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
		set_config('enable_sort', 'off', true)`

	findEntries = `SELECT e.key, e.position, e.created_at, e.recorded_at, e.sent_digest FROM unnest($2::text[]) AS k (key)
		CROSS JOIN LATERAL (SELECT key, position, created_at, recorded_at, sent_digest FROM entries
			WHERE account_id = $1 AND key >= k.key AND key <= k.key ORDER BY key LIMIT 1) AS e`
)

func (s *Store) inPostgresTx(ctx context.Context, accountID int64, f func(appendTx) error) error {
	err := s.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		t := &postgresTx{conn: conn, accountID: accountID}
		err := f(t)
		if err == nil {
			err = t.commit(ctx)
		}
		if err != nil && conn.Conn().PgConn().TxStatus() != idle {
			// A connection that cannot be rolled back is not used again.
			_, rollbackErr := conn.Exec(ctx, "rollback")
			err = errors.Join(err, rollbackErr)
		}
		return err
	})
	return translate(err)
}

// idle is the status of a connection outside of any transaction.
const idle = 'I'

// ask sends a batch, after what goes before it, and reads its answers.
func (t *postgresTx) ask(ctx context.Context, questions *pgx.Batch) error {
	var b pgx.Batch
	if !t.begun {
		b.Queue(beginAppend)
		b.Queue(settleAppend)
		t.begun = true
	}
	b.QueuedQueries = slices.Concat(b.QueuedQueries, t.queued.QueuedQueries, questions.QueuedQueries)
	t.queued = pgx.Batch{}
	return t.conn.SendBatch(ctx, &b).Close()
}

// commit sends what is written. When one of its statements fails, PostgreSQL does not look at those after it, COMMIT included.
func (t *postgresTx) commit(ctx context.Context) error {
	if !t.begun && t.queued.Len() == 0 {
		return nil
	}
	var b pgx.Batch
	b.Queue("commit").Exec(func(done pgconn.CommandTag) error {
		if done.String() != "COMMIT" {
			return pgx.ErrTxCommitRollback
		}
		return nil
	})
	return t.ask(ctx, &b)
}

// open asks everything at once: each statement sees what was committed before it began, and those after the first begin when
// the head is locked.
func (t *postgresTx) open(ctx context.Context, keys, usernames []string) (opened, error) {
	found := opened{entries: map[string]stored{}, users: map[string]int64{}}
	var b pgx.Batch
	b.Queue(`SELECT size, last_recorded_at FROM heads WHERE account_id = $1 FOR UPDATE`, t.accountID).QueryRow(
		func(row pgx.Row) error { return t.scanHead(row, &found.head) })
	if len(keys) > 0 {
		b.Queue(findEntries, t.accountID, keys).Query(
			func(rows pgx.Rows) error { return scanExisting(rows, found.entries) })
	}
	if len(usernames) > 0 {
		b.Queue(`SELECT username, id FROM users WHERE account_id = $1 AND username = ANY($2)`, t.accountID, usernames).Query(
			func(rows pgx.Rows) error { return scanUsers(rows, found.users) })
	}
	return found, t.ask(ctx, &b)
}

func (t *postgresTx) scanHead(row pgx.Row, h *lockedHead) error {
	err := row.Scan(&h.size, &h.lastRecordedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("%w: number %d", ErrNoAccount, t.accountID)
	}
	if h.lastRecordedAt != nil {
		utc := h.lastRecordedAt.UTC()
		h.lastRecordedAt = &utc
	}
	return err
}

func scanExisting(rows pgx.Rows, found map[string]stored) error {
	var (
		key    string
		e      stored
		digest []byte
	)
	_, err := pgx.ForEachRow(rows, []any{&key, &e.position, &e.createdAt, &e.recordedAt, &digest}, func() error {
		e.sentDigest = [32]byte(digest)
		e.createdAt, e.recordedAt = e.createdAt.UTC(), e.recordedAt.UTC()
		found[key] = e
		return nil
	})
	return err
}

func scanUsers(rows pgx.Rows, ids map[string]int64) error {
	var (
		name string
		id   int64
	)
	_, err := pgx.ForEachRow(rows, []any{&name, &id}, func() error {
		ids[name] = id
		return nil
	})
	return err
}

func (t *postgresTx) write(_ context.Context, a addition) error {
	if len(a.users) > 0 {
		t.insertUsers(a.users)
	}
	if len(a.rows) == 0 {
		return nil
	}
	if err := t.insertEntries(a.rows); err != nil {
		return err
	}
	t.writeCounts(countersOf(a.rows), added)
	t.moveHead(a.size, a.lastKey, a.lastRecordedAt)
	return nil
}

func (t *postgresTx) exec(_ context.Context, statement string, args ...any) error {
	t.queued.Queue(statement, args...)
	return nil
}

func (t *postgresTx) lastUserID(ctx context.Context) (id int64, err error) {
	var b pgx.Batch
	b.Queue(`SELECT coalesce(max(id), 0) FROM users WHERE account_id = $1`, t.accountID).QueryRow(
		func(row pgx.Row) error { return row.Scan(&id) })
	return id, t.ask(ctx, &b)
}

func (t *postgresTx) insertUsers(users []newUser) {
	n := len(users)
	ids, names := make([]int64, n), make([]string, n)
	emails, displayNames := make([]*string, n), make([]*string, n)
	created, disabled := make([]time.Time, n), make([]*time.Time, n)
	for i, u := range users {
		ids[i], names[i], emails[i], displayNames[i] = u.id, u.username, u.email, u.displayName
		created[i], disabled[i] = u.createdAt, u.disabledAt
	}
	t.queued.Queue(`INSERT INTO users (account_id, id, username, email, display_name, created_at, disabled_at)
		SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[])`,
		t.accountID, ids, names, emails, displayNames, created, disabled)
}

// insertEntries sends the rows as arrays, one per column: one statement whatever their number, prepared once.
func (t *postgresTx) insertEntries(rows []row) error {
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
	t.queued.Queue(`INSERT INTO entries (account_id, format_version,
			key, position, created_at, recorded_at, origin, recorded_by, user_id, username, thing, command, status_code,
			request, response, payload_salt, request_digest, response_digest, sent_digest, redacted_paths, payload_state)
		SELECT $1, $2, * FROM unnest($3::text[], $4::bigint[], $5::timestamptz[], $6::timestamptz[], $7::text[], $8::text[],
			$9::bigint[], $10::text[], $11::text[], $12::text[], $13::smallint[], $14::text[], $15::text[], $16::bytea[],
			$17::bytea[], $18::bytea[], $19::bytea[], $20::text[], $21::text[])`,
		t.accountID, formatVersion, keys, positions, created, recorded, origins, recordedBy, userIDs, usernames, things, commands,
		statuses, requests, responses, salts, reqDigests, respDigests, sentDigests, paths, states)
	return nil
}

func (t *postgresTx) moveHead(size int64, lastKey string, lastRecordedAt time.Time) {
	// PostgreSQL sends the notification with the commit, and never without it: see Listen.
	t.queued.Queue(`WITH moved AS (
			UPDATE heads SET size = $2, counted = $2, last_key = $3, last_recorded_at = $4 WHERE account_id = $1
			RETURNING account_id, size)
		SELECT pg_notify($5, account_id || ' ' || size) FROM moved`, t.accountID, size, lastKey, lastRecordedAt, commitChannel)
}

// pathsText is the JSON array that the column redacted_paths holds.
func pathsText(paths []string) (string, error) {
	if len(paths) == 0 {
		return "[]", nil
	}
	b, err := json.Marshal(paths)
	return string(b), err
}
