package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"samjournal/internal/model"
	"samjournal/internal/store"
)

// countedJournal is a journal of an account of its own, and what is known to be in it.
type countedJournal struct {
	store     *store.Store
	accountID int64
	entries   []known
	sent      []store.NewEntry
}

// known is an entry as counts see it.
type known struct {
	createdAt time.Time
	thing     model.Thing
	command   model.Command
	status    int
	userID    *int64
}

func newCounted(ctx context.Context, t require.TestingT, s *store.Store) *countedJournal {
	slug := fmt.Sprintf("a%016x", rand.Uint64())
	account, err := s.CreateAccount(ctx, slug, slug, make([]byte, 32))
	require.NoError(t, err)
	return &countedJournal{store: s, accountID: account.ID}
}

// append appends a batch and notes what was created.
func (c *countedJournal) append(ctx context.Context, t require.TestingT, now time.Time, batch []store.NewEntry) {
	results, err := c.store.Append(ctx, c.accountID, now, batch)
	require.NoError(t, err)
	for i, result := range results {
		if !result.Created {
			continue
		}
		e := known{createdAt: result.CreatedAt, thing: batch[i].Thing, command: batch[i].Command, status: batch[i].StatusCode}
		if batch[i].Username != nil {
			user, ok, err := c.store.UserByName(ctx, c.accountID, *batch[i].Username)
			require.NoError(t, err)
			require.True(t, ok)
			e.userID = &user.ID
		}
		c.entries = append(c.entries, e)
	}
	c.sent = append(c.sent, batch...)
}

// condition is one that Match may have, and what it means.
type condition struct {
	dimensions []store.Dimension
	where      func(*entsql.Selector)
	holds      func(known) bool
}

func conditions() []condition {
	one := int64(1)
	return []condition{
		{nil, nil, func(known) bool { return true }},
		{
			[]store.Dimension{store.ByThing},
			func(s *entsql.Selector) { s.Where(entsql.EQ(s.C("thing"), "Prompt")) },
			func(e known) bool { return e.thing == model.ThingPrompt },
		},
		{
			[]store.Dimension{store.ByStatusCode},
			func(s *entsql.Selector) { s.Where(entsql.GTE(s.C("status_code"), 400)) },
			func(e known) bool { return e.status >= 400 },
		},
		{
			[]store.Dimension{store.ByThing, store.ByStatusCode},
			func(s *entsql.Selector) {
				s.Where(entsql.Or(entsql.In(s.C("thing"), "Prompt", "Proxy"), entsql.LT(s.C("status_code"), 300)))
			},
			func(e known) bool {
				return e.thing == model.ThingPrompt || e.thing == model.ThingProxy || e.status < 300
			},
		},
		{
			[]store.Dimension{store.ByCommand},
			func(s *entsql.Selector) { s.Where(entsql.Not(entsql.EQ(s.C("command"), "get"))) },
			func(e known) bool { return e.command != model.CommandGet },
		},
		{
			[]store.Dimension{store.ByUser},
			func(s *entsql.Selector) { s.Where(entsql.EQ(s.C("user_id"), one)) },
			func(e known) bool { return e.userID != nil && *e.userID == 1 },
		},
		{
			[]store.Dimension{store.ByUser},
			func(s *entsql.Selector) { s.Where(entsql.IsNull(s.C("user_id"))) },
			func(e known) bool { return e.userID == nil },
		},
		{
			[]store.Dimension{store.ByUser, store.ByCommand},
			func(s *entsql.Selector) {
				s.Where(entsql.Or(entsql.IsNull(s.C("user_id")), entsql.NEQ(s.C("user_id"), 2)))
				s.Where(entsql.NEQ(s.C("command"), "apply"))
			},
			func(e known) bool { return (e.userID == nil || *e.userID != 2) && e.command != model.CommandApply },
		},
	}
}

// count counts in memory what a query asks for.
func (c *countedJournal) count(q store.CountQuery, only *int64, holds func(known) bool) map[string]int64 {
	counts := map[string]int64{}
	for _, e := range c.entries {
		if q.From != nil && e.createdAt.Before(*q.From) || q.To != nil && !e.createdAt.Before(*q.To) || !holds(e) ||
			only != nil && (e.userID == nil || *e.userID != *only) {
			continue
		}
		group := store.Count{}
		if q.Grain > 0 {
			group.Start = e.createdAt.Truncate(q.Grain)
		}
		for _, d := range q.By {
			switch d {
			case store.ByThing:
				group.Thing = e.thing
			case store.ByCommand:
				group.Command = e.command
			case store.ByStatusCode:
				group.StatusCode = e.status
			case store.ByUser:
				group.UserID = e.userID
			}
		}
		counts[name(group)]++
	}
	return counts
}

// name is what a count has in common.
func name(c store.Count) string {
	user := "-"
	if c.UserID != nil {
		user = fmt.Sprint(*c.UserID)
	}
	return fmt.Sprintf("%s %s %s %d %s", c.Start.Format(time.RFC3339Nano), c.Thing, c.Command, c.StatusCode, user)
}

// instants are moments at which something begins, and those beside them.
func instants() []time.Time {
	var list []time.Time
	for _, at := range []string{
		"0001-01-01T00:00:00Z", "0001-02-02T00:00:00Z", "1969-12-31T23:45:00Z", "1970-01-01T00:00:00Z", "1999-12-31T00:00:00Z",
		"2026-01-02T00:00:00Z", "2026-01-02T03:00:00Z", "2026-01-02T03:15:00Z", "2026-01-02T03:20:30Z", "2026-01-03T00:00:00Z",
		"2026-01-31T12:00:00Z", "2026-03-01T00:00:00Z", "9999-12-31T00:00:00Z",
	} {
		t, err := time.Parse(time.RFC3339, at)
		if err != nil {
			panic(err)
		}
		list = append(list, t, t.Add(time.Microsecond))
		if t.Year() > 1 {
			list = append(list, t.Add(-time.Microsecond))
		}
	}
	return append(list, time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC))
}

func drawBatch(t *rapid.T, c *countedJournal) []store.NewEntry {
	var batch []store.NewEntry
	for range rapid.IntRange(1, 12).Draw(t, "entries") {
		if len(c.sent) > 0 && rapid.IntRange(0, 5).Draw(t, "again") == 0 {
			e := rapid.SampledFrom(c.sent).Draw(t, "sent")
			if rapid.Bool().Draw(t, "other content") {
				e.SentDigest[0]++
			}
			batch = append(batch, e)
			continue
		}
		e := store.NewEntry{
			Key:          fmt.Sprintf("%064x", rand.Uint64()),
			Thing:        rapid.SampledFrom([]model.Thing{model.ThingPrompt, model.ThingProxy, model.ThingSecret}).Draw(t, "thing"),
			Command:      rapid.SampledFrom([]model.Command{model.CommandGet, model.CommandApply}).Draw(t, "command"),
			StatusCode:   rapid.SampledFrom([]int{0, 200, 299, 399, 400, 500, 32767}).Draw(t, "status"),
			Origin:       model.OriginAPI,
			Request:      "1",
			Response:     "2",
			Salt:         make([]byte, 32),
			PayloadState: model.PayloadStored,
		}
		if rapid.Bool().Draw(t, "imported") {
			at := rapid.SampledFrom(instants()).Draw(t, "created at")
			e.Origin, e.CreatedAt = model.OriginImport, &at
		}
		if user := rapid.SampledFrom([]string{"", "alice", "bob", "carol"}).Draw(t, "user"); user != "" {
			e.Username = &user
		}
		batch = append(batch, e)
	}
	return batch
}

func drawQuery(t *rapid.T) (q store.CountQuery, holds func(known) bool) {
	bound := func(name string) *time.Time {
		if rapid.IntRange(0, 2).Draw(t, name+" open") == 0 {
			return nil
		}
		at := rapid.SampledFrom(instants()).Draw(t, name).Add(time.Duration(rapid.SampledFrom([]int{0, 0, 1, 999}).Draw(t, "ns")))
		return &at
	}
	c := rapid.SampledFrom(conditions()).Draw(t, "condition")
	q = store.CountQuery{
		From: bound("from"), To: bound("to"), Dimensions: c.dimensions, Match: c.where,
		By:       rapid.SliceOfDistinct(rapid.SampledFrom(everyDimension()), rapid.ID[store.Dimension]).Draw(t, "by"),
		RowsOnly: rapid.IntRange(0, 9).Draw(t, "rows only") == 0,
		Grain: rapid.SampledFrom([]time.Duration{
			0, 0, 0, time.Second, time.Minute, 15 * time.Minute, time.Hour, 24 * time.Hour, 24 * time.Hour,
		}).Draw(t, "grain"),
	}
	if rapid.Bool().Draw(t, "the bounds again") { // as a filter has them
		q.Match = func(s *entsql.Selector) {
			if c.where != nil {
				c.where(s)
			}
			if q.From != nil {
				s.Where(entsql.GTE(s.C("created_at"), q.From.Truncate(time.Microsecond)))
			}
			if q.To != nil {
				s.Where(entsql.LTE(s.C("created_at"), *q.To))
			}
		}
	}
	return q, c.holds
}

func (c *countedJournal) check(ctx context.Context, t *rapid.T) {
	q, holds := drawQuery(t)
	scope := allOf(c.accountID)
	if rapid.IntRange(0, 3).Draw(t, "limited to a user") == 0 {
		id := rapid.Int64Range(0, 3).Draw(t, "user id") // nobody has 0
		scope.OnlyUserID = &id
	}
	head, counts, err := c.store.HeadAndCounts(ctx, scope, q)
	require.NoError(t, err)
	require.EqualValues(t, len(c.entries), head.Size)
	found := map[string]int64{}
	for _, count := range counts {
		require.Positive(t, count.N)
		require.NotContains(t, found, name(count))
		found[name(count)] = count.N
	}
	require.Equal(t, c.count(q, scope.OnlyUserID, holds), found, "%+v", q)
}

func TestCountersAreEqualToCountingRows(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s, ctx := migrated(t, databaseURL), t.Context()
			rapid.Check(t, func(rt *rapid.T) {
				journals := []*countedJournal{newCounted(ctx, rt, s), newCounted(ctx, rt, s)}
				for range rapid.IntRange(1, 6).Draw(rt, "batches") {
					c := rapid.SampledFrom(journals).Draw(rt, "account")
					now := rapid.SampledFrom(slices.DeleteFunc(instants(), func(at time.Time) bool { return at.Year() > 9000 })).Draw(rt, "now")
					c.append(ctx, rt, now, drawBatch(rt, c))
				}
				for _, c := range journals {
					for range 6 {
						c.check(ctx, rt)
					}
					if rapid.IntRange(0, 3).Draw(rt, "rebuild") > 0 {
						continue
					}
					rebuilt, err := s.RebuildCounts(ctx, c.accountID, nil)
					require.NoError(rt, err)
					require.Zero(rt, rebuilt.Wrong)
					require.EqualValues(rt, len(c.entries), rebuilt.Entries)
				}
			})
		})
	}
}
