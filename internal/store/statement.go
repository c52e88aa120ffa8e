package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"entgo.io/ent/dialect"
)

// bind writes a statement's parameters the way the database wants them: SQLite ?, PostgreSQL $1, $2 and so on.
func (s *Store) bind(query string) string {
	if s.dialect != dialect.Postgres {
		return query
	}
	var b strings.Builder
	for n, part := range strings.Split(query, "?") {
		if n > 0 {
			fmt.Fprintf(&b, "$%d", n)
		}
		b.WriteString(part)
	}
	return b.String()
}

// among is a condition that a column has one of the values of a slice, and its one argument, however many values there are.
func (s *Store) among(column string, values any) (condition string, arg any, err error) {
	if s.dialect == dialect.Postgres {
		return column + " = ANY(?)", values, nil
	}
	list, err := json.Marshal(values)
	return column + " IN (SELECT value FROM json_each(?))", string(list), err
}

// change runs one statement and reports whether it found any row.
func (s *Store) change(ctx context.Context, statement string, args ...any) (bool, error) {
	result, err := s.write.ExecContext(ctx, s.bind(statement), args...)
	if err != nil {
		return false, translate(err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// hasCharacters tells whether a text that both databases store has 1 to so many characters.
func hasCharacters(text string, most int) bool {
	n := utf8.RuneCountInString(text)
	return n >= 1 && n <= most && utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

// inUTC is a time of the database as everything else has it.
func inUTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	utc := t.UTC()
	return &utc
}
