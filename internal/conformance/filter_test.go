package conformance_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"samjournal/ent"
	"samjournal/ent/entry"
	"samjournal/ent/user"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// operand is a value of a filter in its three forms.
type operand struct {
	sent  any // as a variable in JSON
	typed any // as gqlgen hands it to the resolver
	plain any // to compare with: string, int64 or time.Time
}

// column is a filter field as the documentation describes it, over what the test knows of a row.
type column[T any] struct {
	name  string
	ops   []string
	value func(T) any // nil for null
	draw  *rapid.Generator[operand]
}

// filter is a where input and what it means.
type filter[T any] struct {
	sent, typed map[string]any
	matches     func(T) bool
}

// equality and ordered are the operations that a field can have, by the ends of their names.
func equality() []string { return []string{"", "NEQ", "In", "NotIn"} }
func ordered() []string  { return append(equality(), "GT", "GTE", "LT", "LTE") }

// drawFilter draws a where input with and, or and not, at most three levels deep.
func drawFilter[T any](rt *rapid.T, columns []column[T]) filter[T] {
	return drawPart(rt, columns, 0, new(60))
}

// drawPart draws a filter below the outermost. The room left keeps all of it within the 100 conditions that a filter may have.
func drawPart[T any](rt *rapid.T, columns []column[T], level int, room *int) filter[T] {
	*room -= 3
	f := filter[T]{sent: map[string]any{}, typed: map[string]any{}}
	var all []func(T) bool
	for range rapid.IntRange(0, 2).Draw(rt, "conditions") {
		c := rapid.SampledFrom(columns).Draw(rt, "field")
		name, sent, typed, matches := drawCondition(rt, c)
		if _, twice := f.sent[name]; twice {
			continue
		}
		f.sent[name], f.typed[name] = sent, typed
		all = append(all, matches)
	}
	for _, name := range []string{"and", "or", "not"} {
		if level < 3 && *room > 0 && rapid.IntRange(0, 3).Draw(rt, name) == 3 {
			all = append(all, f.drawNested(rt, columns, level+1, room, name))
		}
	}
	f.matches = func(row T) bool {
		return !slices.ContainsFunc(all, func(matches func(T) bool) bool { return !matches(row) })
	}
	return f
}

func (f *filter[T]) drawNested(rt *rapid.T, columns []column[T], level int, room *int, name string) func(T) bool {
	if name == "not" {
		inner := drawPart(rt, columns, level, room)
		f.sent[name], f.typed[name] = inner.sent, inner.typed
		return func(row T) bool { return !inner.matches(row) }
	}
	var (
		sent, typed []map[string]any
		inner       []filter[T]
	)
	for range rapid.IntRange(1, 3).Draw(rt, name+" parts") {
		part := drawPart(rt, columns, level, room)
		inner, sent, typed = append(inner, part), append(sent, part.sent), append(typed, part.typed)
	}
	f.sent[name], f.typed[name] = sent, typed
	if name == "and" {
		return func(row T) bool {
			return !slices.ContainsFunc(inner, func(part filter[T]) bool { return !part.matches(row) })
		}
	}
	return func(row T) bool {
		return slices.ContainsFunc(inner, func(part filter[T]) bool { return part.matches(row) })
	}
}

func drawCondition[T any](rt *rapid.T, c column[T]) (name string, sent, typed any, matches func(T) bool) {
	op := rapid.SampledFrom(c.ops).Draw(rt, "operation")
	name = c.name + op
	switch {
	case rapid.IntRange(0, 15).Draw(rt, "null") == 15:
		return name, nil, nil, func(T) bool { return true } // as if it were not there
	case op == "IsNil":
		isNil := rapid.Bool().Draw(rt, "isNil")
		return name, isNil, isNil, func(row T) bool { return (c.value(row) == nil) == isNil }
	case op == "In" || op == "NotIn":
		values := rapid.SliceOfN(c.draw, 1, 4).Draw(rt, "values")
		var sents, typeds []any
		for _, v := range values {
			sents, typeds = append(sents, v.sent), append(typeds, v.typed)
		}
		return name, sents, typeds, func(row T) bool {
			in := slices.ContainsFunc(values, func(v operand) bool { return holds("", c.value(row), v.plain) })
			return in == (op == "In")
		}
	}
	v := c.draw.Draw(rt, "value")
	if matches, ok := v.plain.(func(T) bool); ok {
		return name, v.sent, v.typed, matches
	}
	switch c.name {
	case "statusClass": // one stands for a list of one
		v.typed = []any{v.typed}
	case "since":
		op = "GTE"
	}
	return name, v.sent, v.typed, func(row T) bool { return holds(op, c.value(row), v.plain) }
}

// holds is what the documentation says of an operation: null equals nothing and differs from everything.
func holds(op string, value, than any) bool {
	if value == nil {
		return op == "NEQ"
	}
	var order int
	switch value := value.(type) {
	case string:
		order = strings.Compare(value, than.(string))
	case int64:
		order = cmp.Compare(value, than.(int64))
	case time.Time:
		order = value.Compare(than.(time.Time))
	default:
		panic(fmt.Sprintf("value of type %T", value))
	}
	return map[string]bool{
		"": order == 0, "NEQ": order != 0, "GT": order > 0, "GTE": order >= 0, "LT": order < 0, "LTE": order <= 0,
	}[op]
}

// texts draws one of the values, or another one.
func texts(values ...string) *rapid.Generator[operand] {
	return rapid.Map(rapid.SampledFrom(values), func(s string) operand { return operand{s, s, s} })
}

func numbers(least, most int64) *rapid.Generator[operand] {
	return rapid.Map(rapid.Int64Range(least, most), func(n int64) operand { return operand{n, n, n} })
}

// times draws a moment around the epoch of worlds, in any zone.
func times() *rapid.Generator[operand] {
	return rapid.Custom(func(rt *rapid.T) operand {
		at := time.UnixMicro(epoch + rapid.Int64Range(-4, 12).Draw(rt, "micros")).UTC()
		zone := time.FixedZone("", 3600*rapid.IntRange(-3, 3).Draw(rt, "zone"))
		return operand{at.In(zone).Format(time.RFC3339Nano), at, at}
	})
}

func nullable(name *string) any {
	if name == nil {
		return nil
	}
	return *name
}

// entryColumns are all filters of EntryWhereInput.
func (w *world) entryColumns() []column[fact] {
	keys := []string{keyOf(7)}
	for i := range w.facts {
		keys = append(keys, w.facts[i].key)
	}
	status := rapid.Map(rapid.SampledFrom(append(statuses(), 201)), func(n int) operand { return operand{n, n, int64(n)} })
	return []column[fact]{
		{"key", equality(), func(f fact) any { return f.key }, texts(keys...)},
		{"position", ordered(), func(f fact) any { return f.position }, numbers(-1, int64(len(w.facts)+1))},
		{"createdAt", ordered(), func(f fact) any { return f.createdAt }, times()},
		{"thing", equality(), func(f fact) any { return string(f.thing) }, rapid.Map(
			rapid.SampledFrom(append(things(), model.ThingProxy)),
			func(v model.Thing) operand { return operand{v.GraphQL(), v, string(v)} })},
		{"command", equality(), func(f fact) any { return string(f.command) }, rapid.Map(
			rapid.SampledFrom(append(commands(), model.CommandGet)),
			func(v model.Command) operand { return operand{v.GraphQL(), v, string(v)} })},
		{"statusCode", ordered(), func(f fact) any { return f.status }, status},
		{
			"statusClass", []string{"", "NotIn"}, func(f fact) any { return string(model.StatusClassOf(int(f.status))) }, rapid.Map(
				rapid.SampledFrom(model.StatusClasses()), func(v model.StatusClass) operand { return operand{v, v, string(v)} }),
		},
		{"since", []string{""}, func(f fact) any { return f.createdAt }, rapid.Map(
			rapid.SampledFrom([]string{"PT0S", "PT1S", "P1D"}), func(v string) operand {
				from, err := model.SubtractDuration(w.clock.now(), v)
				if err != nil {
					panic(err)
				}
				return operand{v, v, from}
			})},
		{"origin", equality(), func(f fact) any { return string(f.origin) }, rapid.Map(
			rapid.SampledFrom([]model.Origin{model.OriginAPI, model.OriginImport, model.OriginSeed}),
			func(v model.Origin) operand { return operand{v, v, string(v)} })},
		{
			"username", append(equality(), "IsNil"), func(f fact) any { return nullable(f.username) },
			texts(append(names(), "nobody", "BOB", "")...),
		},
		{"userID", equality(), w.userIDOf, texts(w.userIDs()...)},
	}
}

// lastingColumns are those whose filters say the same while time goes on.
func (w *world) lastingColumns() []column[fact] {
	return slices.DeleteFunc(w.entryColumns(), func(c column[fact]) bool { return c.name == "since" })
}

func (w *world) userIDOf(f fact) any {
	if f.username == nil {
		return nil
	}
	return w.userID(*f.username)
}

// userIDs are those of the users, one that nobody has, and one of another account.
func (w *world) userIDs() []string {
	ids := []string{model.UserID(w.account, 99), model.UserID(1, 1), model.UserID(w.account+1, 1)}
	for _, p := range w.people {
		ids = append(ids, model.UserID(w.account, p.id))
	}
	return ids
}

// userColumns are all filters of UserWhereInput.
func (w *world) userColumns() []column[person] {
	return []column[person]{
		{"id", equality(), func(p person) any { return model.UserID(w.account, p.id) }, texts(w.userIDs()...)},
		{"username", equality(), func(p person) any { return p.username }, texts(append(names(), "nobody", "BOB")...)},
		{"createdAt", []string{"", "GT", "GTE", "LT", "LTE"}, func(p person) any { return p.createdAt }, times()},
		{"disabledAt", []string{"IsNil"}, func(p person) any {
			if p.disabledAt == nil {
				return nil
			}
			return *p.disabledAt
		}, nil},
	}
}

func TestTheFiltersTriedHereAreAllThereAre(t *testing.T) {
	t.Parallel()
	var entries, users []string
	for _, c := range (&world{}).entryColumns() {
		for _, op := range c.ops {
			entries = append(entries, c.name+op)
		}
	}
	for _, c := range (&world{}).userColumns() {
		for _, op := range c.ops {
			users = append(users, c.name+op)
		}
	}
	require.ElementsMatch(t, journal.EntryFilterNames(), append(entries, searchFilters()...))
	require.ElementsMatch(t, journal.UserFilterNames(), users)
}

// A filter finds the same entries in SQL, in memory, through the API, and by what its documentation says.
func TestFiltersAgreeInSQLAndInMemory(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			create := worlds(t, databaseURL)
			rapid.Check(t, func(rt *rapid.T) {
				w := create(rt)
				rows, err := w.store.Ent().Entry.Query().Order(entry.ByPosition()).All(w.ctx)
				require.NoError(rt, err)
				require.Len(rt, rows, len(w.facts))
				for range 5 {
					f := drawFilter(rt, w.entryColumns())
					want := []int64{}
					for _, fact := range w.facts {
						if f.matches(fact) {
							want = append(want, fact.position)
						}
					}
					parsed, err := journal.ParseEntryFilter(w.account, w.clock.now(), f.typed)
					require.NoError(rt, err)
					found, err := w.store.Ent().Entry.Query().Where(parsed.Where).Order(entry.ByPosition()).All(w.ctx)
					require.NoError(rt, err)
					place := func(e *ent.Entry) int64 { return e.Position }
					require.Equal(rt, want, idsOf(found, place), "in SQL")
					require.Equal(rt, want, idsOf(matching(rows, parsed.Match), place), "in memory")
					require.Equal(rt, want, w.positionsOf(rt, f.sent), "through the API")
				}
			})
		})
	}
}

func TestUserFiltersAgreeInSQLAndInMemory(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			create := worlds(t, databaseURL)
			rapid.Check(t, func(rt *rapid.T) {
				w := create(rt)
				rows, err := w.store.Ent().User.Query().Order(user.ByID()).All(w.ctx)
				require.NoError(rt, err)
				for range 5 {
					f := drawFilter(rt, w.userColumns())
					want := []int64{}
					for _, p := range w.people {
						if f.matches(p) {
							want = append(want, p.id)
						}
					}
					parsed, err := journal.ParseUserFilter(w.account, f.typed)
					require.NoError(rt, err)
					found, err := w.store.Ent().User.Query().Where(parsed.Where).Order(user.ByID()).All(w.ctx)
					require.NoError(rt, err)
					id := func(u *ent.User) int64 { return u.ID }
					require.Equal(rt, want, idsOf(found, id), "in SQL")
					require.Equal(rt, want, idsOf(matching(rows, parsed.Match), id), "in memory")
				}
			})
		})
	}
}

func idsOf[T any](rows []T, id func(T) int64) []int64 {
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = id(row)
	}
	return ids
}

func matching[T any](rows []T, matches func(T) bool) (kept []T) {
	for _, row := range rows {
		if matches(row) {
			kept = append(kept, row)
		}
	}
	return kept
}

// positionsOf returns the positions of the entries that match, ascending.
func (w *world) positionsOf(rt *rapid.T, where map[string]any) []int64 {
	var answer struct{ Entries page }
	w.ask(w.ctx, rt, &answer, `query($where: EntryWhereInput) {
		entries(first: 500, orderBy: {direction: ASC}, where: $where) { edges { node { position } } totalCount }
	}`, vars{"where": where})
	ids := []int64{}
	for i := range answer.Entries.Edges {
		ids = append(ids, positionOf(i, answer.Entries))
	}
	require.EqualValues(rt, len(ids), answer.Entries.TotalCount)
	return ids
}
