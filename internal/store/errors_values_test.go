package store_test

import (
	"errors"
	"fmt"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
	"samjournal/internal/store"
)

// secret stands for a value of somebody's data. Errors are logged, and so must not have it in them.
const secret = "hunter2"

// requireNoSecret asserts that neither an error nor what it wraps, printed in any way, has the secret in it.
func requireNoSecret(t *testing.T, err error, message string) {
	t.Helper()
	require.Error(t, err, message)
	for e := range tree(err) {
		require.NotContains(t, fmt.Sprintf("%s %+v %#v", e, e, e), secret, message)
	}
}

func TestErrorsOfPostgresHoldNoValues(t *testing.T) {
	t.Parallel()
	r := filled(t, fresh(t, dialect.Postgres))
	r.exec(t, `CREATE FUNCTION shouts() RETURNS void LANGUAGE plpgsql AS
		'BEGIN RAISE EXCEPTION ''hunter2'' USING DETAIL = ''hunter2'', HINT = ''hunter2''; END'`)
	for statement, want := range map[string]string{
		`SELECT $1::text::uuid`:                                                     "22P02",
		`SELECT ($1::text || '2026')::timestamptz`:                                  "22007",
		`SELECT $1::text::json`:                                                     "22P02",
		`SELECT shouts() WHERE $1 <> ''`:                                            "P0001",
		`UPDATE users SET email = repeat($1::text, 99) WHERE id = 1`:                "users_email_check",
		`INSERT INTO users SELECT 1, 1, $1::text, $1::text, $1::text, now()`:        "users_pkey",
		`INSERT INTO users SELECT 99, 1, $1::text, $1::text, $1::text, now()`:       "users_account_id_fkey",
		`INSERT INTO users SELECT 1, NULL, $1::text, $1::text, $1::text, now()`:     "column id",
		`INSERT INTO users SELECT 1, 9, username, $1::text FROM users WHERE id = 1`: "created_at",
	} {
		_, raw := r.ExecContext(t.Context(), statement, secret)
		err := store.Translate(fmt.Errorf("outer: %w", raw))
		requireNoSecret(t, err, statement)
		require.ErrorContains(t, err, want, statement)
		require.ErrorContains(t, err, "outer: ", statement)
		server, ok := errors.AsType[*pgconn.PgError](err)
		require.True(t, ok)
		require.ErrorContains(t, err, "(SQLSTATE "+server.Code+")", statement)
		require.ErrorContains(t, err, "ERROR: ", statement)
		if server.Code != "P0001" {
			require.ErrorIs(t, err, store.ErrRefused, statement)
		}
	}
}

func TestWhatIsKnownToHoldNamesOnlyIsKept(t *testing.T) {
	t.Parallel()
	r := filled(t, fresh(t, dialect.Postgres))
	for statement, want := range map[string]string{
		`DELETE FROM entries`:                           "samjournal: rows of entries are never deleted",
		`SELECT * FROM nowhere`:                         `relation "nowhere" does not exist`,
		`SELECT pg_terminate_backend(pg_backend_pid())`: "terminating connection due to administrator command",
	} {
		_, err := r.ExecContext(t.Context(), statement)
		require.ErrorContains(t, store.Translate(err), want, statement)
	}
}

func TestErrorsOfSQLiteHoldNoValues(t *testing.T) {
	t.Parallel()
	r := filled(t, fresh(t, dialect.SQLite))
	for statement, want := range map[string]string{
		`UPDATE users SET email = hex(zeroblob(200)) || ? WHERE id = 1`:                                         "users_email_check",
		`INSERT INTO accounts (id, slug, name, digest_key, created_at) VALUES (?, 'x', 'x', randomblob(32), 0)`: "mismatch",
		`INSERT INTO heads (account_id, size, last_key) VALUES (99, ?1, ?1)`:                                    "heads_",
		`INSERT INTO users (account_id, id, username, created_at) VALUES (1, 3, ?, NULL)`:                       "users.created_at",
		`INSERT INTO users (account_id, id, username, created_at) SELECT 1, 1, ?, 0`:                            "exists already",
		`SELECT json(?)`:               "malformed JSON",
		`SELECT json_extract('{}', ?)`: "JSON path: …",
	} {
		_, raw := r.ExecContext(t.Context(), statement, secret)
		err := store.Translate(raw)
		requireNoSecret(t, err, statement)
		require.ErrorContains(t, err, want, statement)
	}
}

// What Ent reports has gone through its own texts before anybody can translate it.
func TestErrorsThroughEntHoldNoValues(t *testing.T) {
	t.Parallel()
	databaseURL := fresh(t, dialect.Postgres)
	s := migrated(t, databaseURL)
	_, err := s.Ent().Entry.Query().Modify(func(q *entsql.Selector) {
		q.Where(entsql.P(func(b *entsql.Builder) {
			b.WriteString("CAST(CAST(").Arg(secret).WriteString(" AS text) AS uuid) IS NULL")
		}))
	}).All(as(t, 1, model.RoleAuditor, nil))
	requireNoSecret(t, err, "query")
	require.ErrorContains(t, err, "22P02")
}

func TestErrorsOfConversionsHoldNoValues(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s := migrated(t, databaseURL)
			read, _ := s.Pools()
			err := read.QueryRowContext(t.Context(), `SELECT 'hunter2' AS word`).Scan(new(int64))
			require.ErrorContains(t, err, secret, "or there would be nothing to test")
			err = store.Translate(fmt.Errorf("outer: %w", err))
			requireNoSecret(t, err, "scan")
			require.ErrorContains(t, err, `outer: sql: Scan error on column index 0, name "word"`)
			if d == dialect.Postgres {
				_, err = read.ExecContext(t.Context(), `SELECT $1::bigint`, secret)
				require.ErrorContains(t, err, secret, "or there would be nothing to test")
				requireNoSecret(t, store.Translate(err), "argument")
			}
		})
	}
}
