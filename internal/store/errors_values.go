package store

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// withoutValues is an error whose text has no value of somebody's data in it, since errors are logged. Names of tables,
// columns and constraints, and PostgreSQL's codes, stay.
func withoutValues(err error) error {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		clean := cleaned(pgErr)
		if *clean == *pgErr {
			return err
		}
		return &valueless{text: strings.ReplaceAll(err.Error(), pgErr.Error(), clean.Error()), cause: clean}
	}
	// SQLite names nothing but tables, columns and constraints, unless a function is given something that it cannot read.
	if liteErr, ok := errors.AsType[*sqlite.Error](err); ok && liteErr.Code() == sqlite3.SQLITE_ERROR {
		quoted := regexp.MustCompile(`(?s)'.*'|".*"`)
		if clean := quoted.ReplaceAllString(liteErr.Error(), "…"); clean != liteErr.Error() {
			return errors.New(strings.ReplaceAll(err.Error(), liteErr.Error(), clean))
		}
	}
	// A driver that cannot read or write a value shows it. That is a defect of ours, and of no known kind.
	shown := regexp.MustCompile(`(Scan error on column index \d+, name "[^"]*"|can't scan into dest\[\d+\]( \(col: [^)]*\))?|` +
		`failed to encode args\[\d+\]): `)
	text := err.Error()
	if at := shown.FindStringSubmatchIndex(text); at != nil {
		return errors.New(text[:at[3]] + ": the value is of the wrong type")
	}
	return err
}

// valueless is an error in other words.
type valueless struct {
	text  string
	cause *pgconn.PgError
}

// Error is the text.
func (e *valueless) Error() string { return e.text }

// Unwrap returns the server's error, in other words as well.
func (e *valueless) Unwrap() error { return e.cause }

// cleaned is PostgreSQL's error without what may be a value: details, hints and the places in functions always, the message
// unless it is one of those that are known to speak of names alone.
func cleaned(e *pgconn.PgError) *pgconn.PgError {
	clean := *e
	clean.Detail, clean.Hint, clean.Where, clean.InternalQuery, clean.InternalPosition = "", "", "", "", 0
	// The classes of https://www.postgresql.org/docs/current/errcodes-appendix.html, and our own triggers' sentences.
	const restrictViolation = "23001"
	speakOfNames := []string{
		"08", "0A", "25", "26", "28", "3D", "3F", "40", "42", "53", "54", "55", "57", "58", "F0", "XX",
	}
	ours := e.Code == restrictViolation && strings.HasPrefix(e.Message, "samjournal: ")
	if ours || (len(e.Code) > 1 && slices.Contains(speakOfNames, e.Code[:2])) {
		return &clean
	}
	words := []string{"data was refused"}
	for _, name := range [][2]string{
		{"constraint", e.ConstraintName}, {"table", e.TableName}, {"column", e.ColumnName}, {"type", e.DataTypeName},
	} {
		if name[1] != "" {
			words = append(words, name[0]+" "+name[1])
		}
	}
	clean.Message = strings.Join(words, ", ")
	return &clean
}

// translated is Ent's driver whose errors are ours: Ent hands them on in texts of its own, where nothing can be taken out
// any more.
type translated struct{ *entsql.Driver }

// entDriver is what Ent reads through.
func entDriver(d *entsql.Driver) dialect.Driver { return translated{d} }

// Query runs a query.
func (d translated) Query(ctx context.Context, query string, args, v any) error {
	return translate(d.Driver.Query(ctx, query, args, v))
}

// Exec runs a statement.
func (d translated) Exec(ctx context.Context, query string, args, v any) error {
	return translate(d.Driver.Exec(ctx, query, args, v))
}
