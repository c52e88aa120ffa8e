package graph

import (
	"fmt"

	"samjournal/internal/model"
)

const (
	defaultPage = 50
	maxPage     = 500
)

// page is which part of a list is asked for.
type page struct {
	after, before *model.Cursor
	limit         int
	backward      bool // the last edges rather than the first
}

// parsePage reads the arguments of a connection over a list in the given order.
func parsePage(accountID int64, order model.Order, after *string, first *int, before *string, last *int) (page, error) {
	p := page{limit: defaultPage}
	if first != nil && last != nil {
		return p, &model.InputError{Path: []any{"last"}, Reason: "give first or last, not both"}
	}
	var err error
	switch {
	case first != nil:
		p.limit, err = pageSize("first", *first)
	case last != nil:
		p.backward = true
		p.limit, err = pageSize("last", *last)
	}
	if err != nil {
		return p, err
	}
	if p.after, err = parseCursor(accountID, order, "after", after); err != nil {
		return p, err
	}
	p.before, err = parseCursor(accountID, order, "before", before)
	return p, err
}

func pageSize(name string, n int) (int, error) {
	if n < 0 || n > maxPage {
		return 0, &model.InputError{Path: []any{name}, Reason: fmt.Sprintf("must be from 0 to %d, is %d", maxPage, n)}
	}
	return n, nil
}

// parseCursor reads a cursor that must belong to the given order.
func parseCursor(accountID int64, order model.Order, name string, text *string) (*model.Cursor, error) {
	if text == nil {
		return nil, nil //nolint:nilnil // no cursor is a valid answer
	}
	c, err := model.ParseCursor(accountID, *text)
	if err != nil {
		return nil, model.InputUnder(err, name)
	}
	if c.Order != order {
		return nil, &model.InputError{Path: []any{name}, Reason: fmt.Sprintf(
			"is a cursor of %s; this list needs one of %s, as its own edges have", describe(c.Order), describe(order))}
	}
	return &c, nil
}

func describe(o model.Order) string {
	kind := "entries"
	switch o {
	case model.OrderPosition, model.OrderCreatedAt:
	case model.OrderUsername, model.OrderUserCreatedAt:
		kind = "users"
	case model.OrderTokenCreatedAt:
		kind = "tokens"
	}
	return fmt.Sprintf("%s by %s", kind, o)
}

// cut takes the row read beyond the limit away, brings the rows of a backward page into the list's order and tells where the
// page lies.
func cut[T any](p page, rows []T) ([]T, *PageInfo) {
	more := len(rows) > p.limit
	if more {
		rows = rows[:p.limit]
	}
	info := &PageInfo{HasNextPage: more, HasPreviousPage: p.after != nil}
	if p.backward {
		for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
			rows[i], rows[j] = rows[j], rows[i]
		}
		info.HasPreviousPage, info.HasNextPage = more, p.before != nil
	}
	return rows, info
}
