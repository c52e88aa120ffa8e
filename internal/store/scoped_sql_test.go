package store_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	literals   = regexp.MustCompile(`'(?:[^']|'')*'`)
	listed     = regexp.MustCompile(`, \w+\.`)
	innermost  = regexp.MustCompile(`\(([^()]*)\)`)
	references = regexp.MustCompile(`\b(from|join|into|update|,) ` +
		`(users|entries|entry_counts|entry_search_heads|heads|erasures|tokens)\b` + `(?: as (\w+)| (t\d+)\b)?`)
	equalities = regexp.MustCompile(`(?:(\w+)\.)?account_id = (?:\?|\$\d+|\d+|\w+\.account_id)`)
	inserted   = regexp.MustCompile(`insert into ` +
		`(users|entries|entry_counts|entry_search_heads|heads|erasures|tokens)(?: as \w+)? <([^>]*)>`)
)

// unscoped lists the tables of an account's data that a statement refers to without limiting them to an account by an
// equality that always holds.
func unscoped(statement string) []string {
	s := literals.ReplaceAllString(statement, "''")
	s = strings.ToLower(strings.NewReplacer("`", "", `"`, "", "\n", " ", "\t", " ").Replace(s))
	s = strings.Join(strings.Fields(s), " ")
	var found []string
	for {
		at := innermost.FindStringSubmatchIndex(s)
		if at == nil {
			return append(found, unscopedSelect(s)...)
		}
		inner := s[at[2]:at[3]]
		replacement := "<" + inner + ">" // a list or a condition: what is in it does not count, being perhaps under OR or NOT
		if strings.HasPrefix(inner, "select ") {
			found = append(found, unscopedSelect(inner)...)
			replacement = "<subquery>"
		} else if strings.Contains(inner, "=") {
			replacement = "<condition>"
		}
		s = s[:at[0]] + " " + replacement + " " + s[at[1]:]
		s = strings.Join(strings.Fields(s), " ")
	}
}

// unscopedSelect is unscoped for a statement without subqueries.
func unscopedSelect(s string) []string {
	var found []string
	for _, part := range regexp.MustCompile(` union (all )?| returning `).Split(s, -1) {
		if m := inserted.FindStringSubmatch(part); m != nil {
			if !slices.Contains(strings.Split(strings.ReplaceAll(m[2], " ", ""), ","), "account_id") {
				found = append(found, m[1])
			}
			continue
		}
		_, where, _ := strings.Cut(part, " where ")
		if i := strings.Index(part, " on "); i >= 0 { // join conditions always hold, too
			where += " and " + part[i:]
		}
		refs := references.FindAllStringSubmatch(listed.ReplaceAllString(part, ", ."), -1) // not the columns of a list
		for _, ref := range refs {
			names := []string{ref[2], ref[3], ref[4]}
			held := false
			for _, m := range equalities.FindAllStringSubmatch(where, -1) {
				held = held || (m[1] == "" && len(refs) == 1) || (m[1] != "" && slices.Contains(names, m[1]))
			}
			if !held || strings.Contains(where, " or ") {
				found = append(found, ref[2])
			}
		}
	}
	return found
}

func TestUnscopedFindsWhatHasNoAccount(t *testing.T) {
	t.Parallel()
	for statement, want := range map[string][]string{
		"SELECT `entries`.`key` FROM `entries` WHERE `entries`.`account_id` = ? AND `entries`.`thing` = ?": nil,
		`SELECT "entries"."key" FROM "entries" WHERE "entries"."account_id" = $1`:                          nil,
		`SELECT * FROM entries`:                                                                      {"entries"},
		`SELECT * FROM entries WHERE account_id > ?`:                                                 {"entries"},
		`SELECT * FROM entries WHERE thing = 'account_id = 1'`:                                       {"entries"},
		`SELECT * FROM entries WHERE account_id = ? OR 1`:                                            {"entries"},
		`SELECT * FROM entries WHERE (account_id = ? OR 1)`:                                          {"entries"},
		`SELECT * FROM entries WHERE NOT (account_id = ?)`:                                           {"entries"},
		`SELECT * FROM entries WHERE account_id = ? AND (thing = ? OR command = ?)`:                  nil,
		`SELECT * FROM entries WHERE account_id = ? AND key IN (?, ?)`:                               nil,
		`SELECT * FROM users JOIN entries AS t1 ON users.id = t1.user_id WHERE users.account_id = ?`: {"entries"},
		`SELECT * FROM users JOIN entries AS t1 ON users.id = t1.user_id AND t1.account_id = users.account_id
			WHERE users.account_id = ?`: nil,
		`SELECT * FROM users WHERE account_id = ? AND EXISTS (SELECT 1 FROM entries WHERE user_id = 1)`:              {"entries"},
		`SELECT size, (SELECT COUNT(*) FROM entries WHERE entries.account_id = $1) FROM heads WHERE account_id = $2`: nil,
		`SELECT size, (SELECT COUNT(*) FROM entries) FROM heads WHERE account_id = $2`:                               {"entries"},
		`SELECT users.id, entries.key FROM users, entries WHERE users.account_id = $1`:                               {"entries"},
		`SELECT * FROM (SELECT * FROM users) AS t1`:                                                                  {"users"},
		`INSERT INTO entries (account_id, key) VALUES (?, ?)`:                                                        nil,
		`INSERT INTO entries (key) VALUES (?)`:                                                                       {"entries"},
		`UPDATE heads SET size = ? WHERE account_id = ?`:                                                             nil,
		`UPDATE heads SET size = ?`:                                                                                  {"heads"},
		`SELECT slug FROM accounts`:                                                                                  nil,
	} {
		require.Equal(t, want, unscoped(statement), statement)
	}
}
