package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"samjournal/ent/entry"
	"samjournal/internal/model"
)

// ErrTooManyCounts says that an answer would have more counts than CountQuery.Limit.
var ErrTooManyCounts = errors.New("more counts than may be asked for at once")

// Dimension is what entries can be counted by, beside their time.
type Dimension string

// The dimensions.
const (
	ByThing      Dimension = entry.FieldThing
	ByCommand    Dimension = entry.FieldCommand
	ByStatusCode Dimension = entry.FieldStatusCode
	ByUser       Dimension = entry.FieldUserID
)

// dimensions are all of them, in the order of the columns of an answer.
func dimensions() []Dimension { return []Dimension{ByThing, ByCommand, ByStatusCode, ByUser} }

// CountQuery says which entries to count, and by what. The zero value counts all that the scope may see.
type CountQuery struct {
	// From and To limit created_at, half-open; nil is open.
	From, To *time.Time
	// Dimensions lists what Match looks at. Those of By need not be repeated.
	Dimensions []Dimension
	// By is what to group by.
	By []Dimension
	// Grain is the length of the times to group by: 1 s, 1 min, 15 min, 1 h or 24 h, each beginning at a multiple of it in UTC.
	// 0 does not group by time.
	Grain time.Duration
	// Match adds a condition to a selector with the columns thing, command, status_code, user_id (NULL for no user) and
	// created_at of entries; nil counts all. What it says of created_at must hold for all times from From to To, and that it
	// is told again there must not matter: counters stand for all entries of their span.
	Match func(*entsql.Selector)
	// RowsOnly says that Match looks at columns that only entries have, or at created_at in another way.
	RowsOnly bool
	// Limit is the most counts, one more is ErrTooManyCounts; 0 is no limit.
	Limit int
}

// Count is a number of entries, at least 1, and what they have in common. What was not grouped by is the zero value.
type Count struct {
	Start      time.Time // of the time of the query's grain, UTC
	Thing      model.Thing
	Command    model.Command
	StatusCode int
	UserID     *int64 // nil also for entries without user
	N          int64
}

// HeadAndCounts reads the head of the scope's account and counts the entries that match and that the scope may see, all in one
// statement and so of one moment. Counts come in no particular order. Errors: ErrTooManyCounts, ErrNoAccount.
func (s *Store) HeadAndCounts(ctx context.Context, scope model.Scope, q CountQuery) (Head, []Count, error) {
	head, counts, err := s.headAndCounts(ctx, s.read, scope, q)
	if err != nil {
		return Head{}, nil, fmt.Errorf("count entries: %w", translate(err))
	}
	return head, counts, nil
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func (s *Store) headAndCounts(ctx context.Context, db querier, scope model.Scope, q CountQuery) (Head, []Count, error) {
	if err := q.check(); err != nil {
		return Head{}, nil, err
	}
	text, args := s.countStatement(scope, q).Query()
	rows, err := db.QueryContext(ctx, text, args...)
	if err != nil {
		return Head{}, nil, err
	}
	defer rows.Close()
	var (
		head   Head
		counts []Count
		found  bool
	)
	for rows.Next() {
		count, h, err := scanCount(rows)
		if err != nil {
			return Head{}, nil, err
		}
		if h != nil {
			head, found = *h, true
			continue
		}
		if counts = append(counts, count); q.Limit > 0 && len(counts) > q.Limit {
			return Head{}, nil, fmt.Errorf("%w: more than %d", ErrTooManyCounts, q.Limit)
		}
	}
	if err := rows.Err(); err != nil {
		return Head{}, nil, err
	}
	if !found {
		return Head{}, nil, fmt.Errorf("%w: number %d", ErrNoAccount, scope.AccountID)
	}
	return head, counts, nil
}

// check finds what only a defect of ours can ask for.
func (q CountQuery) check() error {
	if slices.Contains([]time.Duration{0, time.Second, time.Minute, quarter, time.Hour, day}, q.Grain) {
		return nil
	}
	return fmt.Errorf("counts cannot be grouped by times of %s", q.Grain)
}

// scanCount reads a row of countStatement: a count, or the head.
func scanCount(rows *sql.Rows) (Count, *Head, error) {
	var (
		lastKey, thing, command sql.NullString
		start                   any
		size, status, user, n   sql.NullInt64
	)
	if err := rows.Scan(&size, &lastKey, &start, &thing, &command, &status, &user, &n); err != nil {
		return Count{}, nil, err
	}
	if size.Valid {
		return Count{}, &Head{Size: size.Int64, LastKey: lastKey.String}, nil
	}
	c := Count{
		Thing: model.Thing(thing.String), Command: model.Command(command.String), StatusCode: int(status.Int64), N: n.Int64,
	}
	if user.Valid {
		c.UserID = &user.Int64
	}
	c.Start = timeOf(start)
	return c, nil, nil
}

// timeOf is a time that was scanned from an expression: of SQLite, which does not know that it is one, in microseconds. NULL is
// the zero time.
func timeOf(scanned any) time.Time {
	switch t := scanned.(type) {
	case time.Time:
		return t.UTC()
	case int64:
		return time.UnixMicro(t).UTC()
	}
	return time.Time{}
}
