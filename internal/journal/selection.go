package journal

import (
	"context"
	"fmt"
	"slices"

	"samjournal/ent"
	"samjournal/ent/entry"
	"samjournal/ent/user"
)

// Selection is what is read of entries: which columns beside account, key and position, and which of their user.
type Selection struct {
	Columns []string // a column is there as often as an answer shows it; it is read once
	User    []string // nil: no user
}

// Apply makes a query read what is selected and no more: in one statement, and one more for all users.
func (s Selection) Apply(q *ent.EntryQuery, also ...string) *ent.EntryQuery {
	columns := slices.Concat(also, s.Columns, []string{entry.FieldAccountID, entry.FieldPosition})
	q.Select(distinct(columns)...)
	if s.User != nil {
		q.WithUser(func(uq *ent.UserQuery) {
			uq.Select(distinct(append([]string{user.FieldID, user.FieldAccountID}, s.User...))...)
		})
	}
	return q
}

func distinct(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// extras are the parts of an entry that cost something to read: the feed reads them where somebody wants them.
type extras struct{ request, response, user bool }

func (s Selection) extras() extras {
	return extras{
		request:  slices.Contains(s.Columns, entry.FieldRequest),
		response: slices.Contains(s.Columns, entry.FieldResponse),
		user:     s.User != nil,
	}
}

func (x extras) with(other extras) extras {
	return extras{x.request || other.request, x.response || other.response, x.user || other.user}
}

func (x extras) payloads() bool { return x.request || x.response }

func (x extras) covers(other extras) bool { return x.with(other) == x }

// selection is everything that subscribers may select or filters may compare, with these extras.
func (x extras) selection() Selection {
	s := Selection{Columns: []string{
		entry.FieldCreatedAt, entry.FieldRecordedAt, entry.FieldOrigin, entry.FieldUserID, entry.FieldUsername,
		entry.FieldThing, entry.FieldCommand, entry.FieldStatusCode, entry.FieldPayloadState, entry.FieldPayloadSalt,
		entry.FieldRedactedPaths,
	}}
	if x.request {
		s.Columns = append(s.Columns, entry.FieldRequest)
	}
	if x.response {
		s.Columns = append(s.Columns, entry.FieldResponse)
	}
	if x.user {
		s.User = slices.Clone(user.Columns)
	}
	return s
}

// Page is a part of a journal to read.
type Page struct {
	Selection

	From, To int64        // positions: included, excluded
	Limit    int          // the most entries
	Filter   *EntryFilter // may be nil
}

// EntryReader reads a page of the journal of the viewer's account, in order of position.
type EntryReader func(ctx context.Context, p Page) ([]*ent.Entry, error)

// ReadEntries returns a reader over Ent, which keeps it to what the viewer may see.
func ReadEntries(client *ent.Client) EntryReader {
	return func(ctx context.Context, p Page) ([]*ent.Entry, error) {
		q := p.Apply(client.Entry.Query()).Where(entry.PositionGTE(p.From), entry.PositionLT(p.To))
		if p.Filter != nil {
			q.Where(p.Filter.Where)
		}
		rows, err := q.Order(entry.ByPosition()).Limit(p.Limit).All(ctx)
		if err != nil {
			return nil, fmt.Errorf("read entries %d to %d: %w", p.From, p.To, err)
		}
		return rows, nil
	}
}
