package importer

import (
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/journal"
	"samjournal/internal/journal/redaction"
	"samjournal/internal/model"
	"samjournal/internal/store"
)

// testJournal is a real journal over a SQLite file of its own, on behalf of the local operator. It is read with plain SQL.
type testJournal struct {
	journal *journal.Journal
	viewer  model.Viewer
	path    string
}

func newJournal(t testing.TB) *testJournal {
	t.Helper()
	j := &testJournal{path: filepath.Join(t.TempDir(), "journal.db")}
	s, err := store.Open(t.Context(), "file:"+j.path, store.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context()))
	redactor, err := redaction.New(redaction.Default())
	require.NoError(t, err)
	j.journal, err = journal.New(journal.Config{Backend: s, Redactor: redactor})
	require.NoError(t, err)
	t.Cleanup(j.journal.Close)
	account, _, err := s.AccountBySlug(t.Context(), "default")
	require.NoError(t, err)
	j.viewer = model.Viewer{Account: account, Role: model.RoleOperator}
	return j
}

func (j *testJournal) Append(ctx context.Context, inputs []journal.Input) ([]journal.Result, error) {
	return j.journal.Append(model.WithViewer(ctx, j.viewer), inputs)
}

func (j *testJournal) EnsureUsers(ctx context.Context, users []journal.UserProfile) error {
	return j.journal.EnsureUsers(model.WithViewer(ctx, j.viewer), users)
}

func (j *testJournal) Check(input journal.Input) (journal.Checked, error) {
	return j.journal.Check(input)
}

// storedEntry is a row of the table, in the order of positions.
type storedEntry struct {
	Key, Thing, Command, CreatedAt, Request, Response, Origin string
	Username                                                  *string
	Status                                                    int
	Redacted                                                  []string
}

func (j *testJournal) query(t testing.TB, query string, scan func(*sql.Rows) error) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+j.path)
	require.NoError(t, err)
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		require.NoError(t, scan(rows))
	}
	require.NoError(t, rows.Err())
}

func (j *testJournal) stored(t testing.TB) []storedEntry {
	t.Helper()
	var entries []storedEntry
	j.query(t, `SELECT position, key, thing, command, CAST(created_at AS INTEGER), request, response, origin, username,
		status_code, redacted_paths FROM entries ORDER BY position`, func(rows *sql.Rows) error {
		var (
			e                storedEntry
			position, micros int64
			redacted         string
		)
		err := rows.Scan(&position, &e.Key, &e.Thing, &e.Command, &micros, &e.Request, &e.Response, &e.Origin, &e.Username,
			&e.Status, &redacted)
		require.EqualValues(t, len(entries), position)
		require.NoError(t, json.Unmarshal([]byte(redacted), &e.Redacted))
		e.CreatedAt = time.UnixMicro(micros).UTC().Format(model.TimeLayout)
		entries = append(entries, e)
		return err
	})
	return entries
}

func (j *testJournal) usernames(t testing.TB) []string {
	t.Helper()
	var names []string
	j.query(t, `SELECT username FROM users ORDER BY username`, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	})
	return names
}

// bytes returns all that the database has on disk: the file and its write-ahead log.
func (j *testJournal) bytes(t testing.TB) []byte {
	t.Helper()
	var all []byte
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(j.path + suffix)
		if suffix == "" || !os.IsNotExist(err) {
			require.NoError(t, err)
		}
		all = append(all, data...)
	}
	return all
}
