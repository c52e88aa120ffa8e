package journal

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"golang.org/x/text/unicode/norm"

	"samjournal/ent"
	"samjournal/ent/entry"
	"samjournal/ent/user"
	"samjournal/internal/model"
	"samjournal/internal/search"
)

// EntryFilter is a filter over entries.
type EntryFilter = Filter[*ent.Entry]

// UserFilter is a filter over users.
type UserFilter = Filter[*ent.User]

// ParseEntryFilter reads an EntryWhereInput; nil gives a filter that matches everything. now is what since counts back from.
// Errors are *model.InputError: also where it searches a time without beginning.
func ParseEntryFilter(accountID int64, now time.Time, where map[string]any) (*EntryFilter, error) {
	f, err := (&parser[*ent.Entry]{accountID: accountID, fields: entryFields(now)}).parse(where, 0)
	if err != nil {
		return nil, err
	}
	return f, checkSearch(f)
}

// ParseUserFilter reads a UserWhereInput; nil gives a filter that matches everything. Errors are *model.InputError.
func ParseUserFilter(accountID int64, where map[string]any) (*UserFilter, error) {
	return (&parser[*ent.User]{accountID: accountID, fields: userFields()}).parse(where, 0)
}

// EntryFilterNames lists the filters over entries by their GraphQL names; a test holds the schema to them.
func EntryFilterNames() []string { return filterNames(entryFields(time.Time{})) }

// UserFilterNames lists the filters over users.
func UserFilterNames() []string { return filterNames(userFields()) }

func filterNames[T any](fields []field[T]) []string {
	var names []string
	for _, f := range fields {
		for _, op := range f.ops {
			names = append(names, f.name+string(op))
		}
	}
	return names
}

// entryFields are the filters over entries. now is what since counts back from.
func entryFields(now time.Time) []field[*ent.Entry] {
	set := []Op{EQ, NEQ, In, NotIn}
	ordered := []Op{EQ, NEQ, In, NotIn, GT, GTE, LT, LTE}
	return []field[*ent.Entry]{
		{
			name: "key", ops: set, column: entry.FieldID, convert: text,
			value: func(e *ent.Entry) (any, bool) { return e.ID, true },
		},
		{
			name: "position", ops: ordered, column: entry.FieldPosition, convert: integer,
			value: func(e *ent.Entry) (any, bool) { return e.Position, true },
		},
		{
			name: "createdAt", ops: ordered, column: entry.FieldCreatedAt, convert: instant,
			value: func(e *ent.Entry) (any, bool) { return e.CreatedAt, true },
		},
		{
			name: "since", ops: []Op{EQ}, as: GTE, column: entry.FieldCreatedAt, convert: before(now),
			value: func(e *ent.Entry) (any, bool) { return e.CreatedAt, true },
		},
		{
			name: "thing", ops: set, column: entry.FieldThing, convert: text,
			value: func(e *ent.Entry) (any, bool) { return string(e.Thing), true },
		},
		{
			name: "command", ops: set, column: entry.FieldCommand, convert: text,
			value: func(e *ent.Entry) (any, bool) { return string(e.Command), true },
		},
		{
			name: "statusCode", ops: ordered, column: entry.FieldStatusCode, wide: true, convert: statusCode,
			value: func(e *ent.Entry) (any, bool) { return int64(e.StatusCode), true },
		},
		{
			name: "statusClass", ops: []Op{EQ, NotIn}, as: In, classes: true, column: entry.FieldStatusCode, convert: statusClass,
			value: func(e *ent.Entry) (any, bool) { return string(model.StatusClassOf(e.StatusCode)), true },
		},
		{
			name: "origin", ops: set, column: entry.FieldOrigin, convert: text,
			value: func(e *ent.Entry) (any, bool) { return string(e.Origin), true },
		},
		{
			// Usernames never change and are unique in their account, so the index on user_id serves them.
			name: "username", ops: []Op{EQ, NEQ, In, NotIn, IsNil}, column: entry.FieldUserID, nullable: true, convert: username,
			value:   func(e *ent.Entry) (any, bool) { return pointee(e.Username) },
			operand: usersNamed,
		},
		{
			name: "userID", ops: set, column: entry.FieldUserID, nullable: true, convert: userID,
			value: func(e *ent.Entry) (any, bool) { return pointee(e.UserID) },
		},
		{name: "search", ops: []Op{EQ}, searches: true, convert: searchText},
		{name: "requestPath", ops: []Op{EQ}, searches: true, convert: searchPath(search.Request)},
		{name: "responsePath", ops: []Op{EQ}, searches: true, convert: searchPath(search.Response)},
	}
}

func userFields() []field[*ent.User] {
	set := []Op{EQ, NEQ, In, NotIn}
	return []field[*ent.User]{
		{
			name: "id", ops: set, column: user.FieldID, convert: userID,
			value: func(u *ent.User) (any, bool) { return u.ID, true },
		},
		{
			name: "username", ops: set, column: user.FieldUsername, convert: username,
			value: func(u *ent.User) (any, bool) { return u.Username, true },
		},
		{
			name: "createdAt", ops: []Op{EQ, GT, GTE, LT, LTE}, column: user.FieldCreatedAt, convert: instant,
			value: func(u *ent.User) (any, bool) { return u.CreatedAt, true },
		},
		{
			name: "disabledAt", ops: []Op{IsNil}, column: user.FieldDisabledAt, nullable: true, convert: instant,
			value: func(u *ent.User) (any, bool) { return pointee(u.DisabledAt) },
		},
	}
}

// usersNamed selects the ids of the users with these names.
func usersNamed(s *entsql.Selector, accountID int64, values []any) *entsql.Selector {
	b := entsql.Dialect(s.Dialect())
	users := b.Table(user.Table)
	return b.Select(users.C(user.FieldID)).From(users).Where(entsql.And(
		entsql.EQ(users.C(user.FieldAccountID), accountID),
		entsql.In(users.C(user.FieldUsername), values...),
	))
}

func pointee[V any](p *V) (any, bool) {
	if p == nil {
		return nil, false
	}
	return *p, true
}

// text takes strings and the enums, whose value is their stored spelling.
func text(_ int64, v any) (any, error) {
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.String {
		return nil, unusable("", v)
	}
	return withoutNUL(rv.String())
}

// withoutNUL refuses what no stored text has and PostgreSQL cannot be asked for.
func withoutNUL(s string) (any, error) {
	if strings.ContainsRune(s, 0) {
		return nil, &model.InputError{Reason: "must not have NUL characters"}
	}
	return s, nil
}

// username takes a name in the form in which users are stored.
func username(_ int64, v any) (any, error) {
	s, ok := v.(string)
	if !ok {
		return nil, unusable("", v)
	}
	return withoutNUL(norm.NFC.String(s))
}

func integer(_ int64, v any) (any, error) {
	switch v := v.(type) {
	case int:
		return int64(v), nil
	case int64:
		return v, nil
	}
	return nil, unusable("", v)
}

// statusCode takes what a status can be: PostgreSQL cannot compare its column, a smallint, with more.
func statusCode(_ int64, v any) (any, error) {
	n, err := integer(0, v)
	if code, ok := n.(int64); ok && (code < 0 || code > maxStatusCode) {
		return nil, &model.InputError{Reason: fmt.Sprintf("must be from 0 to %d, is %d", maxStatusCode, code)}
	}
	return n, err
}

func statusClass(_ int64, v any) (any, error) {
	class, ok := v.(model.StatusClass)
	if !ok || class.Ranges() == nil {
		return nil, unusable("", v)
	}
	return string(class), nil
}

// before takes a duration and gives the time that lies so far before another.
func before(now time.Time) func(int64, any) (any, error) {
	return func(_ int64, v any) (any, error) {
		text, ok := v.(string)
		if !ok {
			return nil, unusable("", v)
		}
		return model.SubtractDuration(now, text)
	}
}

func instant(_ int64, v any) (any, error) {
	t, ok := v.(time.Time)
	if !ok {
		return nil, unusable("", v)
	}
	return t.UTC(), nil
}

// userID takes a user's global ID. One of another account matches nothing: numbers begin at 1.
func userID(accountID int64, v any) (any, error) {
	s, ok := v.(string)
	if !ok {
		return nil, unusable("", v)
	}
	id, err := model.ParseUserID(s)
	if err != nil {
		return nil, err
	}
	if id.AccountID != accountID {
		return int64(0), nil
	}
	return id.UserID, nil
}

func unusable(name string, v any) *model.InputError {
	e := &model.InputError{Reason: fmt.Sprintf("a value of type %T cannot be compared here", v)}
	if name != "" {
		e.Path = []any{name}
	}
	return e
}

// deref returns what a pointer points to, nil for a nil one.
func deref(v any) any {
	rv := reflect.ValueOf(v)
	if !rv.IsValid() {
		return nil
	}
	if k := rv.Kind(); (k == reflect.Pointer || k == reflect.Map || k == reflect.Slice) && rv.IsNil() {
		return nil
	}
	if rv.Kind() == reflect.Pointer {
		return rv.Elem().Interface()
	}
	return v
}

func asList(v any) []any {
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.Slice {
		return nil
	}
	list := make([]any, rv.Len())
	for i := range list {
		list[i] = rv.Index(i).Interface()
	}
	return list
}

func asMaps(v any) ([]map[string]any, bool) {
	switch v := v.(type) {
	case []map[string]any:
		return v, true
	case []any:
		maps := make([]map[string]any, len(v))
		for i, item := range v {
			m, ok := item.(map[string]any)
			if !ok {
				return nil, false
			}
			maps[i] = m
		}
		return maps, true
	}
	return nil, false
}
