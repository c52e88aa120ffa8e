package store_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"
)

// tokenValues are those of a token that is neither used nor revoked, by column.
func (r raw) tokenValues(account, id int) map[string]string {
	return map[string]string{
		"account_id": fmt.Sprint(account), "id": fmt.Sprint(id), "name": "'ci'", "role": "'WRITER'", "user_id": "1",
		"secret_digest": r.blob("06", 32), "created_at": r.time(1), "created_by": "'token:9'", "expires_at": r.time(9),
		"last_used_at": "NULL", "revoked_at": "NULL", "revoked_by": "NULL",
	}
}

// insertToken is the statement that adds a token; change replaces some of its values by column.
func (r raw) insertToken(account, id int, change map[string]string) string {
	values := r.tokenValues(account, id)
	maps.Copy(values, change)
	columns := slices.Sorted(maps.Keys(values))
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = values[c]
	}
	return fmt.Sprintf(`INSERT INTO tokens (%s) VALUES (%s)`, strings.Join(columns, ", "), strings.Join(list, ", "))
}

func TestATokenIsNeverChangedButForItsUseAndOneRevocation(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			r := filled(t, databaseURL)
			other := map[string]string{
				"account_id": "account_id + 6", "id": "12", "name": "'x'", "role": "'ADMIN'", "user_id": "2",
				"secret_digest": r.blob("07", 32), "created_at": r.time(5), "created_by": "NULL", "expires_at": "NULL",
				"last_used_at": r.time(1), "revoked_at": r.time(4), "revoked_by": "'x'",
			}
			var statements []string
			for _, column := range r.columnsOf(t, "tokens") {
				require.Contains(t, other, column, "say here what to try")
				statements = append(statements, fmt.Sprintf(`UPDATE tokens SET %s = %s WHERE account_id = 7`, column, other[column]))
				if !slices.Contains([]string{"last_used_at", "revoked_at", "revoked_by"}, column) {
					statements = append(statements, fmt.Sprintf(`UPDATE tokens SET %s = %s WHERE account_id = 1`, column, other[column]))
				}
			}
			statements = append(statements,
				`UPDATE tokens SET last_used_at = NULL WHERE account_id = 7`,
				`UPDATE tokens SET revoked_at = NULL, revoked_by = NULL WHERE account_id = 7`,
				`UPDATE tokens SET revoked_by = NULL WHERE account_id = 7`,
				`DELETE FROM tokens`,
				`DELETE FROM tokens WHERE account_id = 7`,
			)
			r.refuses(t, statements)
			_, err := r.ExecContext(t.Context(), `UPDATE tokens SET revoked_by = 'x' WHERE account_id = 1`)
			require.Error(t, err, "without a time it is not revoked")

			r.exec(t, `UPDATE tokens SET last_used_at = `+r.time(2)+` WHERE account_id = 7`) // as it is
			r.exec(t, `UPDATE tokens SET last_used_at = `+r.time(4)+` WHERE account_id = 7`)
			r.exec(t, `UPDATE tokens SET last_used_at = `+r.time(4)+` WHERE account_id = 1`)
			r.exec(t, `UPDATE tokens SET revoked_at = `+r.time(4)+` WHERE account_id = 1`)
		})
	}
}

func TestATokenIsNeverReplaced(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			r := filled(t, databaseURL)
			again := r.insertToken(1, 11, map[string]string{"secret_digest": r.blob("07", 32)})
			statements := []string{again + ` ON CONFLICT (account_id, id) DO UPDATE SET secret_digest = excluded.secret_digest`}
			if r.dialect == dialect.SQLite {
				ofRow := r.insertToken(1, 12, map[string]string{"rowid": "1"})
				for _, verb := range []string{"REPLACE", "INSERT OR REPLACE", "INSERT OR IGNORE"} {
					statements = append(statements, verb+strings.TrimPrefix(again, "INSERT"), verb+strings.TrimPrefix(ofRow, "INSERT"))
				}
				statements = append(statements, `UPDATE OR REPLACE tokens SET rowid = 1 WHERE account_id = 7`)
			}
			r.refuses(t, statements)
			before := r.content(t)
			_, err := r.ExecContext(t.Context(), again)
			require.Error(t, err)
			require.Equal(t, before, r.content(t))
		})
	}
}

func TestImpossibleTokensAreRefused(t *testing.T) {
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
				"no account":             {"account_id": "99", "user_id": "NULL"},
				"id 0":                   {"id": "0"},
				"negative id":            {"id": "-1"},
				"no name":                {"name": "NULL"},
				"name empty":             {"name": "''"},
				"name too long":          {"name": "'" + strings.Repeat("é", 101) + "'"},
				"no role":                {"role": "NULL"},
				"role unknown":           {"role": "'writer'"},
				"reader without user":    {"role": "'READER'", "user_id": "NULL"},
				"user unknown":           {"user_id": "99"},
				"digest too short":       {"secret_digest": r.blob("06", 31)},
				"digest too long":        {"secret_digest": r.blob("06", 33)},
				"no digest":              {"secret_digest": "NULL"},
				"no time":                {"created_at": "NULL"},
				"creator empty":          {"created_by": "''"},
				"creator too long":       {"created_by": "'" + strings.Repeat("x", 201) + "'"},
				"revoker without time":   {"revoked_by": "'x'"},
				"revoker empty":          {"revoked_at": r.time(3), "revoked_by": "''"},
				"revoker too long":       {"revoked_at": r.time(3), "revoked_by": "'" + strings.Repeat("x", 201) + "'"},
				"an id of another token": {"id": "11"},
			} {
				_, err := r.ExecContext(t.Context(), r.insertToken(1, 12, change))
				require.Error(t, err, name)
				require.Equal(t, before, r.content(t), name)
			}
			for i, role := range []string{"WRITER", "READER", "AUDITOR", "ADMIN", "OPERATOR"} {
				r.exec(t, r.insertToken(1, 20+i, map[string]string{"role": "'" + role + "'", "name": "'" + strings.Repeat("é", 100) + "'"}))
			}
			r.exec(t, r.insertToken(1, 30, map[string]string{"user_id": "NULL"}))
		})
	}
}
