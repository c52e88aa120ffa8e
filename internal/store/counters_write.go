package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"samjournal/internal/model"
)

// Counters come to be where they are missing. Nobody else writes those of the account meanwhile: its head is locked.
const (
	postgresCounts = `INSERT INTO entry_counts AS c (account_id, cut, span, start, thing, command, status_code, user_id, n)
		SELECT $1, * FROM unnest($2::smallint[], $3::integer[], $4::timestamptz[], $5::text[], $6::text[], $7::smallint[],
			$8::bigint[], $9::bigint[])
		ON CONFLICT (account_id, cut, span, start, thing, command, status_code, user_id) DO UPDATE SET n = `
	sqliteCounts = `INSERT INTO entry_counts AS c (account_id, cut, span, start, thing, command, status_code, user_id, n)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (account_id, cut, span, start, thing, command, status_code, user_id) DO UPDATE SET n = `

	added, set = "c.n + excluded.n", "excluded.n"

	// The order is that of an index, so that no plan reads more than it has to.
	postgresSince = `SELECT created_at, thing, command, status_code, user_id FROM entries
		WHERE account_id = $1 AND position >= $2 AND created_at >= $3 AND created_at < $4 ORDER BY position`
	sqliteSince = `SELECT created_at, thing, command, status_code, user_id FROM entries
		WHERE account_id = ? AND position >= ? AND created_at >= ? AND created_at < ? ORDER BY position`
)

func (t *postgresTx) setCounts(_ context.Context, c counters) error {
	t.writeCounts(c, set)
	return nil
}

func (t *postgresTx) tally(ctx context.Context, position int64, p period) (tally, error) {
	var (
		since     = tally{}
		createdAt time.Time
		thing     string
		command   string
		status    int
		userID    *int64
		b         pgx.Batch
	)
	b.Queue(postgresSince, t.accountID, position, *p.from, *p.to).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&createdAt, &thing, &command, &status, &userID}, func() error {
			since.add(createdAt, model.Thing(thing), model.Command(command), status, userID)
			return nil
		})
		return err
	})
	return since, t.ask(ctx, &b)
}

// writeCounts adds to counters, or sets them, with one statement.
func (t *postgresTx) writeCounts(c counters, how string) {
	keys := c.sorted()
	n := len(keys)
	var (
		cuts, spans, starts     = make([]int16, n), make([]int32, n), make([]time.Time, n)
		things, commands        = make([]string, n), make([]string, n)
		statuses, users, counts = make([]int16, n), make([]int64, n), make([]int64, n)
	)
	for i, k := range keys {
		cuts[i], spans[i], starts[i] = k.cut, k.span, time.UnixMicro(k.start).UTC()
		things[i], commands[i], statuses[i], users[i], counts[i] = string(k.thing), string(k.command), k.statusCode, k.userID, c[k]
	}
	t.queued.Queue(postgresCounts+how, t.accountID, cuts, spans, starts, things, commands, statuses, users, counts)
}

// addCounts adds to counters with one prepared statement, run for each.
func (t *sqliteTx) addCounts(ctx context.Context, c counters) error {
	return t.writeCounts(ctx, c, sqliteCounts+added)
}

func (t *sqliteTx) setCounts(ctx context.Context, c counters) error {
	return t.writeCounts(ctx, c, sqliteCounts+set)
}

func (t *sqliteTx) tally(ctx context.Context, position int64, p period) (tally, error) {
	rows, err := t.tx.QueryContext(ctx, sqliteSince, t.accountID, position, *p.from, *p.to)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	since := tally{}
	for rows.Next() {
		var (
			createdAt time.Time
			thing     model.Thing
			command   model.Command
			status    int
			userID    *int64
		)
		if err := rows.Scan(&createdAt, &thing, &command, &status, &userID); err != nil {
			return nil, err
		}
		since.add(createdAt, thing, command, status, userID)
	}
	return since, rows.Err()
}

func (t *sqliteTx) writeCounts(ctx context.Context, c counters, statement string) error {
	upsert, err := t.tx.PrepareContext(ctx, statement)
	if err != nil {
		return err
	}
	defer upsert.Close()
	for _, k := range c.sorted() {
		_, err := upsert.ExecContext(ctx, t.accountID, k.cut, k.span, k.start, string(k.thing), string(k.command), k.statusCode,
			k.userID, c[k])
		if err != nil {
			return err
		}
	}
	return nil
}
