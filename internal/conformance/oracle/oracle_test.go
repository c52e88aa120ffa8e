package oracle_test

import (
	"database/sql"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/conformance/oracle"
	"samjournal/internal/journal"
	"samjournal/internal/journal/redaction"
	"samjournal/internal/model"
	"samjournal/internal/store"
)

func TestTheOracleSharesNoCodeWithTheProduct(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, imported := range f.Imports {
			path, err := strconv.Unquote(imported.Path.Value)
			require.NoError(t, err)
			require.False(t, strings.HasPrefix(path, "samjournal"), "%s imports %s", name, path)
		}
	}
}

// sound makes a journal of six entries, one of them truncated and one masked, and returns the path of its file.
func sound(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	s, err := store.Open(t.Context(), "file:"+path, store.Options{})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	redactor, err := redaction.New(redaction.Default())
	require.NoError(t, err)
	j, err := journal.New(journal.Config{Backend: s, Redactor: redactor})
	require.NoError(t, err)
	account, _, err := s.AccountBySlug(t.Context(), "default")
	require.NoError(t, err)
	ctx := model.WithViewer(t.Context(), model.Viewer{Account: account, Role: model.RoleOperator})
	name := "alice"
	for i := range 6 {
		in := journal.Input{
			Key: fmt.Sprintf("%064x", i), Username: &name, Thing: model.ThingPlugin, Command: model.CommandApply, StatusCode: 200,
			Request: `{"a":[{"password":"secret"}]}`, Response: `null`, Origin: model.OriginAPI,
		}
		if i == 3 {
			in.Response, in.Truncate = model.Payload(`"`+strings.Repeat("x", 1000)+`"`), 300
		}
		results, err := j.Append(ctx, []journal.Input{in})
		require.NoError(t, err)
		require.NoError(t, results[0].Err)
	}
	j.Close()
	require.NoError(t, s.Close())
	return path
}

// A journal that was tampered with, in each way that the oracle looks for.
func TestTheOracleFindsEachFault(t *testing.T) {
	t.Parallel()
	original, err := os.ReadFile(sound(t))
	require.NoError(t, err)
	for _, c := range []struct{ statement, fault string }{
		{`SELECT 1`, ""},
		{`DELETE FROM entries WHERE position = 2`, "is number"},
		{`DELETE FROM entries WHERE position = 5`, "head says 6 entries"},
		{`UPDATE entries SET position = 9 WHERE position = 5`, "is number 5"},
		{`UPDATE heads SET size = 7`, "head says 7"},
		{`UPDATE heads SET last_key = 'x'`, "another last key"},
		{`UPDATE heads SET last_recorded_at = last_recorded_at + 1`, "another last recorded_at"},
		{`DELETE FROM heads`, "has no head"},
		{`UPDATE entries SET recorded_at = recorded_at - 60000000 WHERE position = 4`, "is before that"},
		{`UPDATE entries SET created_at = created_at + 1 WHERE position = 1`, "is not recorded_at"},
		{`UPDATE entries SET key = upper('a') WHERE position = 1`, `key "A"`},
		{`UPDATE entries SET request = request || ' ' WHERE position = 1`, "digest of the request"},
		{`UPDATE entries SET response = '{}' WHERE position = 1`, "digest of the response"},
		{`UPDATE entries SET response = '{' WHERE position = 1`, "response is not JSON"},
		{`UPDATE entries SET response = 'null null' WHERE position = 1`, "response is not JSON"},
		{`UPDATE entries SET payload_salt = zeroblob(32) WHERE position = 1`, "digest of the request"},
		{`UPDATE entries SET payload_salt = NULL WHERE position = 1`, "only a part"},
		{`UPDATE entries SET request = NULL, response = NULL, payload_salt = NULL WHERE position = 1`, "no erasure says why"},
		{`UPDATE entries SET payload_state = 'TRUNCATED' WHERE position = 1`, "truncated: false"},
		{`UPDATE entries SET payload_state = 'STORED' WHERE position = 3`, ""},
		{`UPDATE entries SET payload_state = 'LOST' WHERE position = 1`, "payload state"},
		{`UPDATE entries SET redacted_paths = '["/request/b"]' WHERE position = 1`, "leads to no masked value"},
		{`UPDATE entries SET redacted_paths = '["/request/a"]' WHERE position = 1`, "leads to no masked value"},
		{`UPDATE entries SET redacted_paths = '["/a/0/password"]' WHERE position = 1`, "in neither payload"},
		{`UPDATE entries SET redacted_paths = '["/response"]' WHERE position = 1`, "is not masked"},
		{`UPDATE entries SET redacted_paths = 'null' WHERE position = 1`, "no array of strings"},
		{`UPDATE entries SET username = 'bob' WHERE position = 1`, `but user 1 is "alice"`},
		{`UPDATE entries SET user_id = 2 WHERE position = 1`, "but user 2"},
		{`UPDATE entries SET user_id = NULL WHERE position = 1`, "not there together"},
		{`UPDATE users SET username = 'bob'`, `but user 1 is "bob"`},
		{`UPDATE users SET id = 2`, "ids are not dense"},
		{`UPDATE entries SET account_id = 2 WHERE position = 5`, "belong to an account"},
		{`UPDATE entries SET origin = 'MAGIC' WHERE position = 1`, `origin "MAGIC"`},
		{`UPDATE entries SET status_code = 40000 WHERE position = 1`, "status 40000"},
		{`UPDATE entries SET format_version = 2 WHERE position = 1`, "format version"},
		{`UPDATE entries SET sent_digest = x'00' WHERE position = 1`, "digests of"},
		{`INSERT INTO users (account_id, id, username, created_at) VALUES (9, 1, 'x', 0)`, "users without account"},
		{`UPDATE entry_counts SET n = n + 1 WHERE cut = 2 AND span = 900`, "is 7, but there are 6 such entries"},
		{`DELETE FROM entry_counts WHERE cut = 4 AND span = 86400`, "is 0, but there are 6 such entries"},
		{`INSERT INTO entry_counts VALUES (1, 3, 2764800, 0, 'Secret', '', 200, 0, 1)`, "is 1, but there are no such entries"},
		{`INSERT INTO entry_counts VALUES (1, 3, 2764800, 0, 'Secret', '', 200, 0, 0)`, ""},
		{`UPDATE entries SET status_code = 404 WHERE position = 1`, "such entries"},
		{`UPDATE heads SET counted = 5`, "and 5 that are counted"},
	} {
		path := filepath.Join(t.TempDir(), "journal.db")
		require.NoError(t, os.WriteFile(path, original, 0o600))
		tamper(t, path, c.statement)
		d, err := oracle.Open("file:" + path)
		require.NoError(t, err)
		err = d.Verify(t.Context())
		if c.fault == "" {
			require.NoError(t, err, c.statement)
		} else {
			require.ErrorContains(t, err, c.fault, c.statement)
		}
		require.NoError(t, d.Close())
	}
}

// tamper runs a statement as nothing but the file's owner can: past triggers, checks and foreign keys.
func tamper(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=ignore_check_constraints(1)&_pragma=foreign_keys(0)")
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	for {
		var name string
		err := db.QueryRow(`SELECT name FROM sqlite_schema WHERE type = 'trigger'`).Scan(&name)
		if errors.Is(err, sql.ErrNoRows) {
			break
		}
		require.NoError(t, err)
		_, err = db.Exec(`DROP TRIGGER ` + name)
		require.NoError(t, err)
	}
	_, err = db.Exec(statement)
	require.NoError(t, err, statement)
	require.NoError(t, db.Close())
}
