package store_test

import (
	"fmt"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
)

// A value that the Go code has and a CHECK lacks would fail every append of it.
func TestEveryEnumValueIsAccepted(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			r := filled(t, databaseURL)
			position := 10
			for column, values := range map[string][]string{
				"thing":         model.Thing("").Values(),
				"command":       model.Command("").Values(),
				"origin":        model.Origin("").Values(),
				"payload_state": model.PayloadState("").Values(),
			} {
				require.NotEmpty(t, values)
				for _, value := range values {
					position++
					r.exec(t, fmt.Sprintf(`INSERT INTO entries (%s) VALUES (%s)`, columns,
						r.rowOf(1, fmt.Sprintf("%064x", position), position, map[string]string{column: "'" + value + "'"})))
				}
				var listed int
				require.NoError(t, r.QueryRowContext(t.Context(),
					`SELECT count(DISTINCT `+column+`) FROM entries`).Scan(&listed))
				require.Len(t, values, listed)
			}
		})
	}
}

func TestImpossibleEntriesAreRefused(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			r := filled(t, databaseURL)
			if r.dialect == dialect.SQLite {
				r.exec(t, `PRAGMA foreign_keys = ON`)
			}
			before := r.content(t)
			for name, change := range map[string]map[string]string{
				"key too short":            {"key": "'abc'"},
				"key in upper case":        {"key": "'" + strings.ToUpper(keyC) + "'"},
				"key with a newline":       {"key": "'" + keyC[1:] + "\n'"},
				"key longer":               {"key": "'" + keyC + "c'"},
				"no key":                   {"key": "NULL"},
				"position below 0":         {"position": "-1"},
				"no position":              {"position": "NULL"},
				"origin unknown":           {"origin": "'api'"},
				"origin empty":             {"origin": "''"},
				"API with its own time":    {"created_at": r.time(0)},
				"thing unknown":            {"thing": "'Chat'"},
				"thing in GraphQL's words": {"thing": "'API_PLUGIN'"},
				"thing empty":              {"thing": "''"},
				"command unknown":          {"command": "'chat'"},
				"status below 0":           {"status_code": "-1"},
				"status above 32767":       {"status_code": "32768"},
				"user without name":        {"username": "NULL"},
				"name without user":        {"user_id": "NULL"},
				"user unknown":             {"user_id": "99"},
				"username empty":           {"username": "''"},
				"username too long":        {"username": "'" + strings.Repeat("é", 151) + "'"},
				"recorded_by empty":        {"recorded_by": "''"},
				"recorded_by too long":     {"recorded_by": "'" + strings.Repeat("x", 201) + "'"},
				"no request":               {"request": "NULL"},
				"no response":              {"response": "NULL"},
				"no salt":                  {"payload_salt": "NULL"},
				"salt too short":           {"payload_salt": r.blob("01", 31)},
				"request digest":           {"request_digest": r.blob("01", 31)},
				"response digest":          {"response_digest": r.blob("01", 33)},
				"sent digest":              {"sent_digest": r.blob("01", 0)},
				"no sent digest":           {"sent_digest": "NULL"},
				"redacted paths":           {"redacted_paths": "'/a'"},
				"payload state":            {"payload_state": "'HIDDEN'"},
				"format version 0":         {"format_version": "0"},
			} {
				_, err := r.ExecContext(t.Context(), r.insertEntry(r.rowOf(1, keyC, 2, change)))
				require.Error(t, err, name)
				require.Equal(t, before, r.content(t), name)
			}
			r.exec(t, fmt.Sprintf(`INSERT INTO entries (%s) VALUES (%s)`, columns, r.rowOf(1, keyC, 2, map[string]string{
				"status_code": "32767", "username": "'" + strings.Repeat("é", 150) + "'",
			})))
		})
	}
}

func TestImpossibleAccountsUsersHeadsAndErasuresAreRefused(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			r := filled(t, databaseURL)
			if r.dialect == dialect.SQLite {
				r.exec(t, `PRAGMA foreign_keys = ON`)
			}
			before := r.content(t)
			var statements []string
			account := func(slug, name string, keySize int) string {
				return fmt.Sprintf(`INSERT INTO accounts (slug, name, digest_key, created_at) VALUES ('%s', '%s', %s, %s)`,
					slug, name, r.blob("05", keySize), r.time(0))
			}
			for _, slug := range []string{"", "-a", "a-", "Upper", "two words", "é", strings.Repeat("a", 64)} {
				statements = append(statements, account(slug, "x", 32))
			}
			user := `INSERT INTO users (account_id, id, username, email, display_name, created_at) VALUES `
			statements = append(statements,
				account("x", "", 32),
				account("x", "x", 16),
				user+`(1, 0, 'x', NULL, NULL, `+r.time(0)+`)`,
				user+`(1, 9, '', NULL, NULL, `+r.time(0)+`)`,
				user+`(1, 9, '`+strings.Repeat("x", 151)+`', NULL, NULL, `+r.time(0)+`)`,
				user+`(1, 9, 'x', '`+strings.Repeat("x", 255)+`', NULL, `+r.time(0)+`)`,
				user+`(1, 9, 'x', NULL, '`+strings.Repeat("x", 201)+`', `+r.time(0)+`)`,
				user+`(99, 1, 'x', NULL, NULL, `+r.time(0)+`)`,
				`UPDATE heads SET size = -1`,
				`INSERT INTO heads (account_id, size) VALUES (99, 0)`,
				`INSERT INTO erasures (account_id, position, reason, erased_by, erased_at) VALUES (1, 9, 'x', 'x', `+r.time(0)+`)`,
				`INSERT INTO erasures (account_id, position, reason, erased_by, erased_at) VALUES (1, 0, '', 'x', `+r.time(0)+`)`,
				`INSERT INTO erasures (account_id, position, reason, erased_by, erased_at) VALUES (1, 0, 'x', '', `+r.time(0)+`)`,
			)
			for _, statement := range statements {
				_, err := r.ExecContext(t.Context(), statement)
				require.Error(t, err, statement)
				require.Equal(t, before, r.content(t), statement)
			}
		})
	}
}

// SQLite takes a value of any type in any column, and a text among the times makes its row unreadable.
func TestSQLiteRefusesValuesOfAnotherType(t *testing.T) {
	t.Parallel()
	r := filled(t, fresh(t, dialect.SQLite))
	for column, value := range map[string]string{
		"created_at": `'2026-01-02T03:04:05Z'`, "recorded_at": `'2026-01-02T03:04:05Z'`, "key": r.blob("61", 64),
		"position": "'two'", "status_code": "'OK'", "request": r.blob("31", 1), "response": r.blob("31", 1),
		"request_digest": "'" + strings.Repeat("x", 32) + "'", "payload_salt": "'" + strings.Repeat("x", 32) + "'",
		"user_id": "'alice'", "username": r.blob("61", 5), "account_id": "'default'", "format_version": "'one'",
	} {
		_, err := r.ExecContext(t.Context(), fmt.Sprintf(`INSERT INTO entries (%s) VALUES (%s)`, columns,
			r.rowOf(1, keyC, 2, map[string]string{"origin": "'SEED'", column: value})))
		require.ErrorContains(t, err, "CHECK", column)
	}
}

func TestANewAccountHasAnEmptyHead(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s := migrated(t, databaseURL)
			r := rawOf(t, databaseURL)
			var size int
			require.NoError(t, r.QueryRowContext(t.Context(), `SELECT size FROM heads WHERE account_id = 1`).Scan(&size))
			require.Zero(t, size)
			account, err := s.CreateAccount(t.Context(), "acme", "Acme", []byte(strings.Repeat("k", 32)))
			require.NoError(t, err)
			require.NoError(t, r.QueryRowContext(t.Context(),
				fmt.Sprintf(`SELECT size FROM heads WHERE account_id = %d`, account.ID)).Scan(&size))
			require.Zero(t, size)
		})
	}
}
