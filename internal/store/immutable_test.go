package store_test

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	"github.com/stretchr/testify/require"
)

// The tests of this file know nothing of the product but its tables. On SQLite they use a connection without any of the
// store's settings, as the sqlite3 shell has: the triggers alone must do.

const (
	keyA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	keyB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	keyC = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
)

// columns of entries in the order in which rowOf gives values.
const columns = `account_id, key, position, created_at, recorded_at, origin, recorded_by, user_id, username, thing, command,
	status_code, request, response, payload_salt, request_digest, response_digest, sent_digest, redacted_paths, payload_state,
	format_version`

// raw is a database in the words of its own SQL.
type raw struct {
	*sql.DB

	dialect string
}

func rawOf(t *testing.T, databaseURL string) raw {
	t.Helper()
	driver, d := "sqlite", dialect.SQLite
	if !strings.HasPrefix(databaseURL, "file:") {
		driver, d = "pgx", dialect.Postgres
	}
	db, err := sql.Open(driver, databaseURL)
	require.NoError(t, err)
	db.SetMaxOpenConns(1) // temporary tables are a connection's own
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return raw{DB: db, dialect: d}
}

func (r raw) exec(t *testing.T, statement string) {
	t.Helper()
	_, err := r.ExecContext(t.Context(), statement)
	require.NoError(t, err, statement)
}

func (r raw) blob(fill string, n int) string {
	if r.dialect == dialect.Postgres {
		return `'\x` + strings.Repeat(fill, n) + `'::bytea`
	}
	return `x'` + strings.Repeat(fill, n) + `'`
}

func (r raw) time(second int) string {
	if r.dialect == dialect.Postgres {
		return fmt.Sprintf("'2026-01-02 03:04:%02d.000005+00'::timestamptz", second)
	}
	return fmt.Sprintf("%d", 1767323040000005+second*1_000_000)
}

// rowOf is the values of an entry; change replaces some by column.
func (r raw) rowOf(account int, key string, position int, change map[string]string) string {
	values := map[string]string{
		"account_id": fmt.Sprint(account), "key": "'" + key + "'", "position": fmt.Sprint(position),
		"created_at": r.time(1), "recorded_at": r.time(1), "origin": "'API'", "recorded_by": "'token 1'", "user_id": "1",
		"username": "'alice'", "thing": "'Prompt'", "command": "'prompt'", "status_code": "200", "request": `'{"a":1}'`,
		"response": "'null'", "payload_salt": r.blob("01", 32), "request_digest": r.blob("02", 32),
		"response_digest": r.blob("03", 32), "sent_digest": r.blob("04", 32), "redacted_paths": "'[]'",
		"payload_state": "'STORED'", "format_version": "1",
	}
	maps.Copy(values, change)
	var list []string
	for column := range strings.SplitSeq(columns, ",") {
		list = append(list, values[strings.TrimSpace(column)])
	}
	return strings.Join(list, ", ")
}

func (raw) insertEntry(row string) string {
	return fmt.Sprintf(`INSERT INTO entries (%s) VALUES (%s)`, columns, row)
}

// fill puts two entries in the default account and one, of a key that the default account has too, in another.
func (r raw) fill(t *testing.T) {
	t.Helper()
	r.exec(t, fmt.Sprintf(`INSERT INTO accounts (id, slug, name, digest_key, created_at) VALUES (7, 'other', 'Other', %s, %s)`,
		r.blob("05", 32), r.time(0)))
	for _, account := range []int{1, 7} {
		r.exec(t, fmt.Sprintf(`INSERT INTO users (account_id, id, username, created_at)
			VALUES (%d, 1, 'alice', %s), (%d, 2, 'Bob', %s)`, account, r.time(0), account, r.time(0)))
		r.exec(t, r.insertEntry(r.rowOf(account, keyA, 0, nil)))
	}
	r.exec(t, r.insertEntry(r.rowOf(1, keyB, 1, nil)))
	const move = `UPDATE heads SET size = %[1]d, counted = %[1]d, last_key = '%[2]s', last_recorded_at = %[3]s
		WHERE account_id = %[4]d`
	r.exec(t, fmt.Sprintf(move, 2, keyB, r.time(1), 1))
	r.exec(t, fmt.Sprintf(move, 1, keyA, r.time(1), 7))
	r.count(t, 1, 2)
	r.count(t, 7, 1)
	r.exec(t, `INSERT INTO erasures (account_id, position, reason, erased_by, erased_at) VALUES (7, 0, 'asked', 'carol', `+
		r.time(2)+`)`)
	r.exec(t, r.insertToken(1, 11, nil))
	r.exec(t, r.insertToken(7, 11, map[string]string{"last_used_at": r.time(2), "revoked_at": r.time(3), "revoked_by": "'token:9'"}))
}

// count adds the counters of n entries as rowOf has them.
func (r raw) count(t *testing.T, account, n int) {
	t.Helper()
	at := time.Date(2026, 1, 2, 3, 4, 1, 5000, time.UTC)
	counter := func(cut int, thing, command string, user int, spans ...time.Duration) {
		for _, span := range spans {
			start := fmt.Sprint(at.Truncate(span).UnixMicro())
			if r.dialect == dialect.Postgres {
				start = "'" + at.Truncate(span).Format(time.RFC3339) + "'"
			}
			r.exec(t, fmt.Sprintf(`INSERT INTO entry_counts (account_id, cut, span, start, thing, command, status_code, user_id, n)
				VALUES (%d, %d, %d, %s, '%s', '%s', 200, %d, %d)`,
				account, cut, int(span.Seconds()), start, thing, command, user, n))
		}
	}
	const quarter, day = 15 * time.Minute, 24 * time.Hour
	counter(1, "", "", 0, quarter, day)
	counter(2, "", "prompt", 0, quarter, day, 32*day)
	counter(3, "Prompt", "", 0, quarter, day, 32*day)
	counter(4, "", "", 1, day, 32*day)
}

// content is all rows of all tables.
func (r raw) content(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, table := range []string{"accounts", "users", "entries", "erasures", "heads", "tokens", "entry_counts"} {
		for _, row := range r.rows(t, `SELECT * FROM `+table+` ORDER BY 1, 2`) {
			fmt.Fprintf(&b, "%s %v\n", table, row)
		}
	}
	return b.String()
}

// rows is what a query returns.
func (r raw) rows(t *testing.T, query string) [][]any {
	t.Helper()
	rows, err := r.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	names, err := rows.Columns()
	require.NoError(t, err)
	var all [][]any
	for rows.Next() {
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		require.NoError(t, rows.Scan(into...))
		all = append(all, values)
	}
	require.NoError(t, rows.Err())
	return all
}

func (r raw) columnsOf(t *testing.T, table string) []string {
	t.Helper()
	query := `SELECT name FROM pragma_table_info('` + table + `')`
	if r.dialect == dialect.Postgres {
		query = `SELECT column_name::text FROM information_schema.columns WHERE table_name = '` + table + `'`
	}
	var names []string
	for _, row := range r.rows(t, query) {
		names = append(names, fmt.Sprint(row[0]))
	}
	require.NotEmpty(t, names)
	return names
}

// filled returns a migrated database with the rows of fill.
func filled(t *testing.T, databaseURL string) raw {
	t.Helper()
	migrated(t, databaseURL)
	r := rawOf(t, databaseURL)
	r.fill(t)
	return r
}

// refuses asserts that each statement fails with a trigger's sentence and changes nothing.
func (r raw) refuses(t *testing.T, statements []string) {
	t.Helper()
	before := r.content(t)
	for _, statement := range statements {
		_, err := r.ExecContext(t.Context(), statement)
		require.ErrorContains(t, err, "samjournal: ", statement)
		require.Equal(t, before, r.content(t), statement)
	}
}

// otherValues are, for each column of entries, one that is valid and differs from that of rowOf. A new column needs one here.
func (r raw) otherValues() map[string]string {
	return map[string]string{
		"account_id": "account_id + 6", "key": "'" + keyC + "'", "position": "5", "created_at": r.time(3), "recorded_at": r.time(3),
		"origin": "'SEED'", "recorded_by": "NULL", "user_id": "2", "username": "'Bob'", "thing": "'User'",
		"command": "'get'", "status_code": "201", "request": "'2'", "response": "'3'", "payload_salt": r.blob("09", 32),
		"request_digest": r.blob("09", 32), "response_digest": r.blob("09", 32), "sent_digest": r.blob("09", 32),
		"redacted_paths": `'["/a"]'`, "payload_state": "'TRUNCATED'", "format_version": "2",
	}
}

func TestNoColumnOfAnEntryCanBeUpdated(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			r := filled(t, databaseURL)
			other := r.otherValues()
			const erase = "request = NULL, response = NULL, payload_salt = NULL"
			for _, column := range r.columnsOf(t, "entries") {
				require.Contains(t, other, column, "say in otherValues what to try")
				statements := []string{
					fmt.Sprintf(`UPDATE entries SET %s = %s`, column, other[column]),
					fmt.Sprintf(`UPDATE entries SET %s = %s WHERE key = '%s'`, column, other[column], keyB),
					fmt.Sprintf(`UPDATE entries SET %s = %s WHERE account_id = 7`, column, other[column]), // has an erasure
				}
				if !strings.Contains(erase, column) {
					statements = append(statements,
						fmt.Sprintf(`UPDATE entries SET %s, %s = %s WHERE account_id = 7`, erase, column, other[column]))
				}
				r.refuses(t, statements)
			}
			r.refuses(t, []string{
				`UPDATE entries SET position = position`,
				`UPDATE entries SET request = NULL WHERE account_id = 7`,
				`UPDATE entries SET request = NULL, response = NULL WHERE account_id = 7`,
				`UPDATE entries SET request = 'null', response = NULL, payload_salt = NULL WHERE account_id = 7`,
				`UPDATE entries SET ` + erase,                           // those of account 1 have no erasure
				`UPDATE entries SET ` + erase + ` WHERE account_id = 1`, // the erasure is the other account's
			})
		})
	}
}

func TestAnErasureMayTakeThePayloadsAwayAndNothingElse(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			r := filled(t, databaseURL)
			before := r.content(t)

			r.exec(t, `UPDATE entries SET request = NULL, response = NULL, payload_salt = NULL WHERE account_id = 7`)

			var gone, all int
			require.NoError(t, r.QueryRowContext(t.Context(), `SELECT count(*) FROM entries WHERE account_id = 7 AND position = 0
			AND request IS NULL AND response IS NULL AND payload_salt IS NULL AND thing = 'Prompt' AND username = 'alice'
			AND request_digest = `+r.blob("02", 32)).Scan(&gone))
			require.NoError(t, r.QueryRowContext(t.Context(), `SELECT count(*) FROM entries`).Scan(&all))
			require.Equal(t, 1, gone)
			require.Equal(t, 3, all)
			for line := range strings.Lines(before) {
				if !strings.HasPrefix(line, "entries [7 ") {
					require.Contains(t, r.content(t), line, "another row has changed")
				}
			}
			r.refuses(t, []string{
				`UPDATE entries SET request = '1', response = '1', payload_salt = ` + r.blob("01", 32) + ` WHERE account_id = 7`,
			})
		})
	}
}

func TestNothingIsDeletedAndNamesNeverChange(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			r := filled(t, databaseURL)
			var statements []string
			for _, table := range []string{"accounts", "users", "entries", "erasures", "heads", "tokens", "entry_counts"} {
				statements = append(statements, `DELETE FROM `+table)
			}
			statements = append(statements,
				`DELETE FROM entries WHERE position = 1`,
				`DELETE FROM users WHERE id = 2`,
				`UPDATE accounts SET id = 9 WHERE id = 7`,
				`UPDATE accounts SET slug = 'another' WHERE id = 7`,
				`UPDATE accounts SET digest_key = `+r.blob("06", 32),
				`UPDATE users SET id = 9 WHERE id = 2`,
				`UPDATE users SET account_id = 7 WHERE id = 2`,
				`UPDATE users SET username = 'bob' WHERE id = 2`,
				`UPDATE heads SET size = 1 WHERE account_id = 1`,
				`UPDATE heads SET size = 3 WHERE account_id = 1`,
				`UPDATE heads SET size = 0, last_key = NULL, last_recorded_at = NULL`,
				`UPDATE heads SET account_id = 9 WHERE account_id = 7`,
				`UPDATE heads SET last_key = '`+keyA+`' WHERE account_id = 1`,
				`UPDATE heads SET last_recorded_at = `+r.time(0),
				`UPDATE entry_counts SET status_code = 500`,
				`UPDATE entry_counts SET account_id = 9, n = n + 1`,
				`UPDATE erasures SET reason = 'another'`,
				`UPDATE erasures SET position = 1`,
			)
			r.refuses(t, statements)
			r.exec(t, `UPDATE users SET email = 'bob@example.org', display_name = 'Bob', disabled_at = created_at WHERE id = 2`)
			r.exec(t, `UPDATE accounts SET name = 'Another' WHERE id = 7`)
		})
	}
}

func TestNoKindOfInsertReplacesARow(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			r := filled(t, databaseURL)
			insert := func(verb, row string) string {
				return fmt.Sprintf(`%s INTO entries (%s) VALUES (%s)`, verb, columns, row)
			}
			sameKey := r.rowOf(1, keyB, 2, map[string]string{"status_code": "500"})
			samePosition := r.rowOf(1, keyC, 1, map[string]string{"status_code": "500"})
			r.refuses(t, []string{
				insert("INSERT", sameKey) + ` ON CONFLICT (account_id, key) DO UPDATE SET status_code = 500`,
				insert("INSERT", samePosition) + ` ON CONFLICT (account_id, position) DO UPDATE SET status_code = 500`,
				`INSERT INTO users (account_id, id, username, created_at) VALUES (1, 2, 'mallory', ` + r.time(0) +
					`) ON CONFLICT (account_id, id) DO UPDATE SET username = excluded.username`,
				`INSERT INTO heads (account_id, size) VALUES (1, 0) ON CONFLICT (account_id) DO UPDATE SET size = 0`,
				`INSERT INTO erasures (account_id, position, reason, erased_by, erased_at) VALUES (7, 0, 'x', 'y', ` + r.time(2) +
					`) ON CONFLICT (account_id, position) DO UPDATE SET reason = 'x'`,
			})
			before := r.content(t)
			for _, row := range []string{sameKey, samePosition} {
				_, err := r.ExecContext(t.Context(), insert("INSERT", row))
				require.Error(t, err)
				require.Equal(t, before, r.content(t))
			}
		})
	}
}

func TestSQLiteRefusesEveryFormOfReplace(t *testing.T) {
	t.Parallel()
	r := filled(t, fresh(t, dialect.SQLite))
	rows := []string{r.rowOf(1, keyB, 2, nil), r.rowOf(1, keyC, 1, nil), r.rowOf(1, keyA, 1, nil)}
	var statements []string
	for _, verb := range []string{"REPLACE", "INSERT OR REPLACE", "INSERT OR IGNORE", "INSERT OR ROLLBACK"} {
		for _, row := range rows {
			statements = append(statements, fmt.Sprintf(`%s INTO entries (%s) VALUES (%s)`, verb, columns, row))
		}
		statements = append(statements,
			fmt.Sprintf(`%s INTO entries (rowid, %s) VALUES (1, %s)`, verb, columns, r.rowOf(1, keyC, 2, nil)),
			fmt.Sprintf(`%s INTO users (account_id, id, username, created_at) VALUES (1, 2, 'x', 0)`, verb),
			fmt.Sprintf(`%s INTO users (account_id, id, username, created_at) VALUES (1, 3, 'Bob', 0)`, verb),
			fmt.Sprintf(`%s INTO users (rowid, account_id, id, username, created_at) VALUES (1, 1, 3, 'x', 0)`, verb),
			fmt.Sprintf(`%s INTO heads (account_id, size) VALUES (1, 0)`, verb),
			fmt.Sprintf(`%s INTO accounts (id, slug, name, digest_key, created_at) VALUES (1, 'x', 'x', randomblob(32), 0)`, verb),
			fmt.Sprintf(`%s INTO accounts (slug, name, digest_key, created_at) VALUES ('default', 'x', randomblob(32), 0)`, verb),
			fmt.Sprintf(`%s INTO erasures (account_id, position, reason, erased_by, erased_at) VALUES (7, 0, 'x', 'x', 0)`, verb),
			verb+` INTO erasures (rowid, account_id, position, reason, erased_by, erased_at) VALUES (1, 1, 0, 'x', 'x', 0)`,
		)
	}
	const erase = "request = NULL, response = NULL, payload_salt = NULL"
	statements = append(statements,
		`UPDATE OR REPLACE entries SET position = 0 WHERE position = 1`,
		`UPDATE OR REPLACE entries SET rowid = 1, `+erase+` WHERE account_id = 7`, // would take the place of the first
		`UPDATE OR REPLACE users SET rowid = 1 WHERE id = 2`,
		`UPDATE OR REPLACE heads SET account_id = 1 WHERE account_id = 7`,
		`UPDATE OR IGNORE entries SET status_code = 500`,
		`UPDATE heads SET size = 3, last_key = '`+keyC+`' WHERE account_id = 1`,
	)
	r.refuses(t, statements)

	r.exec(t, `CREATE TEMP TABLE erasures AS SELECT 1 AS account_id, 0 AS position`)
	_, err := r.ExecContext(t.Context(), `UPDATE main.entries SET `+erase+` WHERE account_id = 1 AND position = 0`)
	require.ErrorContains(t, err, "samjournal: ", "a temporary table does not stand in for erasures")
}

func TestPostgresRefusesTruncateMergeAndTemporaryErasures(t *testing.T) {
	t.Parallel()
	r := filled(t, fresh(t, dialect.Postgres))
	statements := []string{
		`TRUNCATE accounts, users, entries, erasures, heads, tokens`,
		`MERGE INTO entries e USING (SELECT 1) AS s ON e.position = 1 WHEN MATCHED THEN DELETE`,
		`MERGE INTO entries e USING (SELECT 1) AS s ON e.position = 1 WHEN MATCHED THEN UPDATE SET status_code = 500`,
		`WITH gone AS (DELETE FROM entries RETURNING 1) SELECT * FROM gone`,
	}
	r.refuses(t, statements)
	for _, table := range []string{"accounts", "users", "entries", "erasures", "heads", "tokens", "entry_counts"} {
		before := r.content(t)
		_, err := r.ExecContext(t.Context(), `TRUNCATE `+table+` CASCADE`)
		require.ErrorContains(t, err, "samjournal: rows of "+table+" are never deleted", "each table has a trigger of its own")
		require.Equal(t, before, r.content(t))
	}

	r.exec(t, `CREATE TEMP TABLE erasures AS SELECT 1::bigint AS account_id, 0::bigint AS position`)
	_, err := r.ExecContext(t.Context(),
		`UPDATE entries SET request = NULL, response = NULL, payload_salt = NULL WHERE account_id = 1 AND position = 0`)
	require.ErrorContains(t, err, "samjournal: ", "a temporary table does not stand in for erasures")
}

func TestUsersAndKeysOfAccountsAreApart(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			r := filled(t, databaseURL)
			var same int
			require.NoError(t, r.QueryRowContext(t.Context(), `SELECT count(*) FROM entries WHERE key = '`+keyA+`'`).Scan(&same))
			require.Equal(t, 2, same)
			// Names are compared bytewise.
			r.exec(t, `INSERT INTO users (account_id, id, username, created_at) VALUES (1, 3, 'ALICE', `+r.time(0)+`)`)
			var names []string
			for _, row := range r.rows(t, `SELECT username FROM users WHERE account_id = 1 ORDER BY username`) {
				names = append(names, fmt.Sprint(row[0]))
			}
			require.True(t, slices.IsSorted(names), names)
			require.Len(t, names, 3)
		})
	}
}
