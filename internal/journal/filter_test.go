package journal_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/stretchr/testify/require"

	"samjournal/ent"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// where is a filter as GraphQL gives it.
type where = map[string]any

func parsed(t *testing.T, w where) *journal.EntryFilter {
	t.Helper()
	f, err := journal.ParseEntryFilter(1, noon(), w)
	require.NoError(t, err, "%v", w)
	return f
}

func nested(levels int, inner where) where {
	for range levels {
		inner = where{"not": inner}
	}
	return inner
}

func TestFiltersThatAreRefusedSayWhere(t *testing.T) {
	t.Parallel()
	many := make([]any, 101)
	for i := range many {
		many[i] = where{"position": i}
	}
	for _, c := range []struct {
		where  where
		path   []any
		reason string
	}{
		{where{"colour": "red"}, []any{"colour"}, "is not a filter"},
		{where{"keyGT": "a"}, []any{"keyGT"}, "is not a filter"},
		{where{"usernameContains": "a"}, []any{"usernameContains"}, "is not a filter"},
		{where{"hasUserWith": []any{}}, []any{"hasUserWith"}, "is not a filter"},
		{where{"": 1}, []any{""}, "is not a filter"},
		{where{"or": []any{where{"colour": 1}}}, []any{"or", 0, "colour"}, "is not a filter"},
		{where{"and": []any{where{}, where{"not": where{"colour": 1}}}}, []any{"and", 1, "not", "colour"}, "is not a filter"},
		{where{"keyIn": []string{}}, []any{"keyIn"}, "must hold 1 to 500 values, has 0"},
		{where{"positionNotIn": make([]int, 501)}, []any{"positionNotIn"}, "must hold 1 to 500 values, has 501"},
		{where{"keyIn": "a"}, []any{"keyIn"}, "must hold 1 to 500 values, has 0"},
		{where{"keyIn": []any{"a", nil}}, []any{"keyIn", 1}, "cannot be compared here"},
		{where{"and": []any{}}, []any{"and"}, "must hold at least one filter"},
		{where{"or": []where{}}, []any{"or"}, "must hold at least one filter"},
		{where{"and": []any{nil}}, []any{"and"}, "cannot be compared here"},
		{where{"or": "a"}, []any{"or"}, "cannot be compared here"},
		{where{"not": []any{}}, []any{"not"}, "cannot be compared here"},
		{where{"position": "5"}, []any{"position"}, "cannot be compared here"},
		{where{"username": 5}, []any{"username"}, "cannot be compared here"},
		{where{"createdAtGT": "2026-06-19T16:11:03Z"}, []any{"createdAtGT"}, "cannot be compared here"},
		{where{"userID": "7"}, []any{"userID"}, "is not an ID of this API"},
		{where{"userIDIn": []string{model.UserID(1, 7), model.AccountID(1)}}, []any{"userIDIn", 1}, "of an Account, not of a User"},
		{nested(4, where{"position": 1}), []any{"not", "not", "not", "not"}, "and, or and not nest at most 3 levels"},
		{where{"or": []any{nested(3, where{})}}, []any{"or", 0, "not", "not", "not"}, "nest at most 3 levels"},
		{where{"or": many}, []any{"or", 50}, "a filter has at most 100 conditions"},
	} {
		_, err := journal.ParseEntryFilter(1, noon(), c.where)
		var input *model.InputError
		require.ErrorAs(t, err, &input, "%v", c.where)
		require.Equal(t, c.path, input.Path, "%v", c.where)
		require.Contains(t, input.Reason, c.reason)
	}
}

func TestOfSeveralMistakesItIsAlwaysTheSameOneThatIsTold(t *testing.T) {
	t.Parallel()
	for range 50 {
		_, err := journal.ParseEntryFilter(1, noon(), where{"zebra": 1, "mouse": 1, "ape": 1, "or": []any{}, "thing": 5})
		require.EqualError(t, err, "ape: is not a filter")
	}
}

func TestFiltersOfTheLargestSize(t *testing.T) {
	t.Parallel()
	parsed(t, nested(3, where{"position": 1}))
	parsed(t, where{"positionIn": make([]int, 500)})
	fifty := make([]any, 50) // each with a condition: 100
	for i := range fifty {
		fifty[i] = where{"position": i}
	}
	parsed(t, where{"or": fifty})
}

func TestNullsInAFilterAreAsIfTheyWereNotThere(t *testing.T) {
	t.Parallel()
	var (
		noString *string
		noList   []string
		noTime   *time.Time
		noWhere  where
	)
	f := parsed(t, where{
		"key": nil, "username": noString, "keyIn": noList, "createdAtGT": noTime, "not": noWhere, "and": nil, "or": nil,
		"usernameIsNil": nil,
	})
	require.True(t, f.MatchesAll())
	require.True(t, f.Match(&ent.Entry{}))
	require.True(t, parsed(t, nil).MatchesAll())
	require.True(t, (*journal.EntryFilter)(nil).MatchesAll())
	require.True(t, (*journal.EntryFilter)(nil).Match(&ent.Entry{}))
	require.False(t, parsed(t, where{"position": 0}).MatchesAll())
}

// journaled are entries that differ in what filters look at; the test below names those that match by their letters.
func journaled() map[string]*ent.Entry {
	alice, bob, aliceID, bobID := "alice", "Zo\u00eb", int64(7), int64(8)
	at := func(second int) time.Time { return time.Date(2026, 6, 19, 16, 11, second, 0, time.UTC) }
	return map[string]*ent.Entry{
		"a": {
			ID: strings.Repeat("a", 64), Position: 0, CreatedAt: at(1), Thing: model.ThingPlugin, Command: model.CommandApply,
			StatusCode: 200, Origin: model.OriginAPI, Username: &alice, UserID: &aliceID,
		},
		"b": {
			ID: strings.Repeat("b", 64), Position: 1, CreatedAt: at(2), Thing: model.ThingSecret, Command: model.CommandDelete,
			StatusCode: 404, Origin: model.OriginImport, Username: &bob, UserID: &bobID,
		},
		"c": {
			ID: strings.Repeat("c", 64), Position: 2, CreatedAt: at(3), Thing: model.ThingPlugin, Command: model.CommandGet,
			StatusCode: 500, Origin: model.OriginSeed,
		},
	}
}

func TestFiltersMatch(t *testing.T) {
	t.Parallel()
	second := time.Date(2026, 6, 19, 16, 11, 2, 0, time.UTC)
	key := strings.Repeat("b", 64)
	for _, c := range []struct {
		where where
		want  string
	}{
		{where{}, "abc"},
		{where{"key": key}, "b"},
		{where{"keyNEQ": key}, "ac"},
		{where{"keyIn": []string{key, "x"}}, "b"},
		{where{"keyNotIn": []string{key, "x"}}, "ac"},
		{where{"key": strings.ToUpper(key)}, ""}, // bytewise
		{where{"position": 1}, "b"},
		{where{"positionGT": 1}, "c"},
		{where{"positionGTE": int64(1)}, "bc"},
		{where{"positionLT": 1}, "a"},
		{where{"positionLTE": 1}, "ab"},
		{where{"positionGT": 0, "positionLT": 2}, "b"},
		{where{"positionGT": 2, "positionLT": 0}, ""},
		{where{"createdAt": second.In(time.FixedZone("", 3600))}, "b"},
		{where{"createdAtGT": second}, "c"},
		{where{"createdAtLTE": &second}, "ab"},
		{where{"createdAtNEQ": second}, "ac"},
		{where{"createdAtIn": []time.Time{second}}, "b"},
		{where{"thing": model.ThingPlugin}, "ac"},
		{where{"thingNotIn": []model.Thing{model.ThingPlugin, model.ThingProxy}}, "b"},
		{where{"commandIn": []model.Command{model.CommandGet, model.CommandApply}}, "ac"},
		{where{"statusCodeGTE": 400}, "bc"},
		{where{"statusCodeIn": []int{200, 500}}, "ac"},
		{where{"originNEQ": model.OriginAPI}, "bc"},
		{where{"username": "alice"}, "a"},
		{where{"username": "Alice"}, ""},
		{where{"username": "Zoe\u0308"}, "b"}, // in the form in which names are stored
		{where{"usernameIn": []string{"alice", "Zoe\u0308"}}, "ab"},
		{where{"usernameNEQ": "alice"}, "bc"}, // nobody is not alice
		{where{"usernameNotIn": []string{"alice"}}, "bc"},
		{where{"usernameIsNil": true}, "c"},
		{where{"usernameIsNil": false}, "ab"},
		{where{"not": where{"username": "alice"}}, "bc"},
		{where{"not": where{"usernameNEQ": "alice"}}, "a"},
		{where{"userID": model.UserID(1, 7)}, "a"},
		{where{"userIDNEQ": model.UserID(1, 7)}, "bc"},
		{where{"userID": model.UserID(2, 7)}, ""}, // a user of another account
		{where{"userIDNEQ": model.UserID(2, 7)}, "abc"},
		{where{"userIDIn": []string{model.UserID(2, 7), model.UserID(1, 8)}}, "b"},
		{where{"and": []any{where{"thing": model.ThingPlugin}, where{"positionGT": 0}}}, "c"},
		{where{"or": []any{where{"position": 0}, where{"position": 2}}}, "ac"},
		{where{"or": []any{where{"position": 0}, where{}}}, "abc"},
		{where{"or": []any{where{"position": 0}, where{"position": 1}}, "statusCode": 404}, "b"},
		{where{"not": where{}}, ""},
		{where{"not": where{"not": where{"position": 1}}}, "b"},
		{where{"not": where{"or": []where{{"position": 0}, {"position": 1}}}}, "c"},
		{where{"not": where{"position": 1, "thing": model.ThingSecret}}, "ac"},
	} {
		f := parsed(t, c.where)
		var got []string
		for name, e := range journaled() {
			if f.Match(e) {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		require.Equal(t, c.want, strings.Join(got, ""), "%v", c.where)
	}
}

func TestUserFiltersMatch(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 6, 19, 16, 11, 3, 0, time.UTC)
	u := &ent.User{ID: 7, Username: "alice", CreatedAt: at}
	for _, c := range []struct {
		where where
		want  bool
	}{
		{where{"username": "alice"}, true},
		{where{"usernameNEQ": "alice"}, false},
		{where{"id": model.UserID(1, 7)}, true},
		{where{"id": model.UserID(2, 7)}, false},
		{where{"createdAtGTE": at}, true},
		{where{"createdAtLT": at}, false},
		{where{"disabledAtIsNil": true}, true},
		{where{"disabledAtIsNil": false}, false},
	} {
		f, err := journal.ParseUserFilter(1, c.where)
		require.NoError(t, err)
		require.Equal(t, c.want, f.Match(u), "%v", c.where)
	}
	_, err := journal.ParseUserFilter(1, where{"email": "a@example.org"})
	require.EqualError(t, err, "email: is not a filter")
}

// The contract names the filters; clients have them in their queries.
func TestTheFiltersOfEntries(t *testing.T) {
	t.Parallel()
	var want []string
	for _, f := range []struct{ name, ops string }{
		{"key", " NEQ In NotIn"},
		{"position", " NEQ In NotIn GT GTE LT LTE"},
		{"createdAt", " NEQ In NotIn GT GTE LT LTE"},
		{"thing", " NEQ In NotIn"},
		{"command", " NEQ In NotIn"},
		{"statusCode", " NEQ In NotIn GT GTE LT LTE"},
		{"statusClass", " NotIn"},
		{"since", ""},
		{"origin", " NEQ In NotIn"},
		{"username", " NEQ In NotIn IsNil"},
		{"userID", " NEQ In NotIn"},
		{"search", ""},
		{"requestPath", ""},
		{"responsePath", ""},
	} {
		for op := range strings.SplitSeq(f.ops, " ") {
			want = append(want, fmt.Sprint(f.name, op))
		}
	}
	require.ElementsMatch(t, want, journal.EntryFilterNames())
}

func TestAWideRangeUsesNoIndexOnSQLiteAlone(t *testing.T) {
	t.Parallel()
	filter := parsed(t, where{"statusCodeLT": 300})
	for name, want := range map[string]string{
		dialect.SQLite:   "SELECT * FROM `entries` WHERE +`entries`.`status_code` < ?",
		dialect.Postgres: `SELECT * FROM "entries" WHERE "entries"."status_code" < $1`,
	} {
		b := entsql.Dialect(name)
		s := b.Select().From(b.Table("entries"))
		filter.Where(s)
		text, args := s.Query()
		require.Equal(t, want, text)
		require.Equal(t, []any{int64(300)}, args)
	}
}

// noon is when the filters of these tests are read.
func noon() time.Time { return time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC) }

func TestWrongDurationsAndClassesAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		where where
		says  string
	}{
		{where{"since": "24h"}, `since: "24h" is not an ISO 8601 duration in whole numbers, such as P90D or PT12H`},
		{where{"since": "-P1D"}, "since: "},
		{where{"since": "P3000Y"}, "since: leads beyond the years 0001 to 9999"},
		{where{"statusClass": []any{}}, "statusClass: must hold 1 to 500 values, has 0"},
		{where{"or": []any{where{"statusClassNotIn": []any{"4xx"}}}}, "or[0].statusClassNotIn[0]: "},
	} {
		_, err := journal.ParseEntryFilter(1, noon(), c.where)
		require.ErrorContains(t, err, c.says)
	}
}

// A month back is one of the calendar.
func TestSinceCountsBackFromNow(t *testing.T) {
	t.Parallel()
	for since, from := range map[string]string{
		"PT24H": "2026-03-28T12:00:00Z", "P1M": "2026-03-01T12:00:00Z", "P1W": "2026-03-22T12:00:00Z", "PT0S": "2026-03-29T12:00:00Z",
	} {
		f := parsed(t, where{"since": since})
		at, err := time.Parse(time.RFC3339, from)
		require.NoError(t, err)
		require.True(t, f.Match(&ent.Entry{CreatedAt: at}), since)
		require.False(t, f.Match(&ent.Entry{CreatedAt: at.Add(-time.Microsecond)}), since)
	}
}
