package conformance_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// fact is what a test knows of an entry because it appended it.
type fact struct {
	position              int64
	key                   string
	createdAt, recordedAt time.Time
	origin                model.Origin
	thing                 model.Thing
	command               model.Command
	status                int64
	username              *string
	request               model.Payload
}

// person is what a test knows of a user.
type person struct {
	id         int64
	username   string
	createdAt  time.Time
	disabledAt *time.Time
}

// world is one account with what is in it. Each run of a property has its own, all in one database, so that what leaks from
// one account into another is seen.
type world struct {
	*node

	ctx     context.Context //nolint:containedctx // says on whose behalf everything is done
	account int64
	clock   *clock
	people  []person
	facts   []fact // by position
}

// clock shows what the test sets.
type clock struct{ micros atomic.Int64 }

func (c *clock) now() time.Time { return time.UnixMicro(c.micros.Load()).UTC() }

// startAtEpoch starts a node whose clock stands still.
func startAtEpoch(t *testing.T, databaseURL string) (*node, *clock) {
	t.Helper()
	c := &clock{}
	c.micros.Store(epoch)
	return start(t, databaseURL, settings{journal: journal.Config{Clock: c.now}}), c
}

// worlds returns a source of accounts in one database.
func worlds(t *testing.T, databaseURL string) func(rt *rapid.T) *world {
	t.Helper()
	n, c := startAtEpoch(t, databaseURL)
	made := 0
	return func(rt *rapid.T) *world {
		made++
		ctx := n.newAccount(rt, fmt.Sprintf("world-%d", made))
		c.micros.Store(epoch)
		w := &world{node: n, ctx: ctx, account: accountOf(ctx, rt), clock: c}
		w.addPeople(rt)
		w.add(rt, rapid.IntRange(0, 30).Draw(rt, "entries"))
		return w
	}
}

// epoch is when each world begins, in microseconds.
const epoch = 1_780_000_000_000_000

// names are usernames that sort otherwise by a language's rules than bytewise.
func names() []string { return []string{"bob", "Bob", "bób", "a_b", "a-b", "ab", "Ω", "zoe"} }

// addPeople creates some of the users, some at the same time.
func (w *world) addPeople(rt *rapid.T) {
	some := rapid.SliceOfNDistinct(rapid.SampledFrom(names()), 1, len(names()), rapid.ID[string]).Draw(rt, "users")
	for _, name := range some {
		w.clock.micros.Add(rapid.Int64Range(0, 1).Draw(rt, "tick"))
		p := person{id: int64(len(w.people)) + 1, username: name, createdAt: w.clock.now()}
		if rapid.Bool().Draw(rt, "disabled") {
			p.disabledAt = new(w.clock.now())
		}
		require.NoError(rt, w.journal.EnsureUsers(w.ctx, []journal.UserProfile{{Username: name, DisabledAt: p.disabledAt}}))
		w.people = append(w.people, p)
	}
}

// add appends entries in batches of any size. Many are equal in createdAt.
func (w *world) add(rt *rapid.T, entries int) {
	for entries > 0 {
		size := rapid.IntRange(1, entries).Draw(rt, "batch")
		entries -= size
		w.clock.micros.Add(rapid.Int64Range(0, 2).Draw(rt, "tick"))
		batch := make([]journal.Input, size)
		for i := range batch {
			batch[i] = w.drawInput(rt)
		}
		for i, r := range w.append(w.ctx, rt, batch...) {
			in := batch[i]
			require.Equal(rt, int64(len(w.facts)), r.Position)
			f := fact{
				position: r.Position, key: r.Key, createdAt: r.CreatedAt, recordedAt: w.clock.now(), origin: in.Origin,
				thing: in.Thing, command: in.Command, status: int64(in.StatusCode), username: in.Username, request: in.Request,
			}
			if in.CreatedAt != nil {
				f.createdAt = *in.CreatedAt
			}
			w.facts = append(w.facts, f)
		}
	}
}

func things() []model.Thing {
	return []model.Thing{model.ThingPlugin, model.ThingPrompt, model.ThingAPIPlugin}
}

func commands() []model.Command { return []model.Command{model.CommandApply, model.CommandChatConfig} }
func statuses() []int           { return []int{0, 200, 404, 32767} }

func (w *world) drawInput(rt *rapid.T) journal.Input {
	in := plain()
	in.Thing, in.Command = rapid.SampledFrom(things()).Draw(rt, "thing"), rapid.SampledFrom(commands()).Draw(rt, "command")
	in.StatusCode = rapid.SampledFrom(statuses()).Draw(rt, "status")
	in.Request = rapid.SampledFrom(requests()).Draw(rt, "request")
	if rapid.IntRange(0, 2).Draw(rt, "who") > 0 {
		in.Username = new(rapid.SampledFrom(w.people).Draw(rt, "user").username)
	}
	in.Origin = rapid.SampledFrom([]model.Origin{model.OriginAPI, model.OriginImport, model.OriginSeed}).Draw(rt, "origin")
	if in.Origin != model.OriginAPI {
		in.CreatedAt = new(time.UnixMicro(epoch + rapid.Int64Range(-2, 4).Draw(rt, "created")).UTC())
	}
	return in
}

// userID is the global ID of the user of this name, which the world has.
func (w *world) userID(name string) string {
	i := slices.IndexFunc(w.people, func(p person) bool { return p.username == name })
	return model.UserID(w.account, w.people[i].id)
}

// sorted returns the positions of all entries in an order.
func (w *world) sorted(createdAt, descending bool) []int64 {
	facts := slices.Clone(w.facts)
	slices.SortStableFunc(facts, func(a, b fact) int { // stable: position breaks ties
		if createdAt {
			return a.createdAt.Compare(b.createdAt)
		}
		return 0
	})
	ids := make([]int64, len(facts))
	for i := range facts {
		ids[i] = facts[i].position
	}
	if descending {
		slices.Reverse(ids)
	}
	return ids
}

// sortedPeople returns the ids of all users in an order.
func (w *world) sortedPeople(createdAt, descending bool) []int64 {
	people := slices.Clone(w.people)
	slices.SortStableFunc(people, func(a, b person) int {
		if createdAt {
			return a.createdAt.Compare(b.createdAt)
		}
		return strings.Compare(a.username, b.username)
	})
	ids := make([]int64, len(people))
	for i, p := range people {
		ids[i] = p.id
	}
	if descending {
		slices.Reverse(ids)
	}
	return ids
}
