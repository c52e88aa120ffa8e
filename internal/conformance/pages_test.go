package conformance_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"samjournal/internal/journal"
)

const entriesPage = `query(
	$after: Cursor, $first: Int, $before: Cursor, $last: Int, $orderBy: EntryOrder, $where: EntryWhereInput
) {
	page: entries(after: $after, first: $first, before: $before, last: $last, orderBy: $orderBy, where: $where) {
		edges { cursor node { position key createdAt recordedAt origin thing command statusCode user { id username } } }
		pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
		totalCount headCursor
	}
}`

// ordering of a list, as a client asks for it.
type ordering struct {
	Field     string `json:"field"`
	Direction string `json:"direction"`
}

func (o ordering) createdAt() bool  { return o.Field == "CREATED_AT" }
func (o ordering) descending() bool { return o.Direction == "DESC" }

func drawOrdering(rt *rapid.T, fields ...string) ordering {
	return ordering{rapid.SampledFrom(fields).Draw(rt, "order"), rapid.SampledFrom([]string{"ASC", "DESC"}).Draw(rt, "direction")}
}

// request is a page asked for: cursors by the ids that they belong to.
type request struct{ after, before, first, last *int64 }

func drawRequest(rt *rapid.T, ids []int64) request {
	var r request
	for _, cursor := range []**int64{&r.after, &r.before} {
		if len(ids) > 0 && rapid.IntRange(0, 2).Draw(rt, "cursor") == 2 {
			*cursor = new(rapid.SampledFrom(ids).Draw(rt, "id"))
		}
	}
	size := new(rapid.SampledFrom([]int64{0, 1, 2, 3, 5, 8, 13, 49, 50, 500}).Draw(rt, "size"))
	switch rapid.IntRange(0, 4).Draw(rt, "way") {
	case 0, 1:
		r.first = size
	case 2, 3:
		r.last = size
	}
	return r
}

// expected is what a request must be answered with, by plain cutting of the list. ids is the whole list in its order, of
// which those that match are shown.
type expected struct {
	ids            []int64
	previous, next bool
	total          int64
}

func (r request) of(ids []int64, matches func(id int64) bool) expected {
	e := expected{ids: []int64{}}
	from, to := 0, len(ids)
	if r.after != nil {
		from = slices.Index(ids, *r.after) + 1
	}
	if r.before != nil {
		to = slices.Index(ids, *r.before)
	}
	for i, id := range ids {
		if matches(id) {
			e.total++
			if i >= from && i < to {
				e.ids = append(e.ids, id)
			}
		}
	}
	size := 50
	switch {
	case r.first != nil:
		size = int(*r.first)
	case r.last != nil:
		size = int(*r.last)
	}
	e.previous, e.next = r.after != nil, len(e.ids) > size
	if r.last != nil {
		e.previous, e.next = len(e.ids) > size, r.before != nil
		e.ids = e.ids[max(0, len(e.ids)-size):]
	}
	e.ids = e.ids[:min(size, len(e.ids))]
	return e
}

// list is a connection under test: how to ask for it, and the cursor of every id in one order.
type list struct {
	*world

	document string
	order    ordering
	cursors  map[int64]string
}

// ask asks for a page. Where the page's edges have cursors that were seen already, they must be the same.
func (l *list) ask(rt *rapid.T, r request, where map[string]any, id func(i int, p page) int64) page {
	v := vars{"orderBy": l.order, "where": where}
	for name, of := range map[string]*int64{"after": r.after, "before": r.before} {
		if of != nil {
			v[name] = l.cursors[*of]
		}
	}
	if r.first != nil {
		v["first"] = *r.first
	}
	if r.last != nil {
		v["last"] = *r.last
	}
	var answer struct{ Page page }
	l.world.ask(l.ctx, rt, &answer, l.document, v)
	p := answer.Page
	for i := range p.Edges {
		if known, ok := l.cursors[id(i, p)]; ok {
			require.Equal(rt, known, p.Edges[i].Cursor, "an edge has one cursor")
		}
		l.cursors[id(i, p)] = p.Edges[i].Cursor
	}
	return p
}

// check holds a page to what it must be.
func (l *list) check(rt *rapid.T, want expected, p page, id func(i int, p page) int64) {
	ids := []int64{}
	for i := range p.Edges {
		ids = append(ids, id(i, p))
	}
	require.Equal(rt, want.ids, ids)
	require.Equal(rt, want.total, p.TotalCount)
	require.Equal(rt, want.previous, p.PageInfo.HasPreviousPage, "hasPreviousPage")
	require.Equal(rt, want.next, p.PageInfo.HasNextPage, "hasNextPage")
	if len(ids) == 0 {
		require.Nil(rt, p.PageInfo.StartCursor)
		require.Nil(rt, p.PageInfo.EndCursor)
		return
	}
	require.Equal(rt, p.Edges[0].Cursor, *p.PageInfo.StartCursor)
	require.Equal(rt, p.Edges[len(ids)-1].Cursor, *p.PageInfo.EndCursor)
}

func positionOf(i int, p page) int64 { return p.Edges[i].Node.Position }

func (w *world) entriesBy(order ordering) *list {
	return &list{world: w, document: entriesPage, order: order, cursors: map[int64]string{}}
}

// checkRows holds every field of a page's entries to what was appended.
func (w *world) checkRows(rt *rapid.T, p page) {
	for i := range p.Edges {
		e := &p.Edges[i]
		f := w.facts[e.Node.Position]
		require.Equal(rt, f.key, e.Node.Key)
		require.WithinDuration(rt, f.createdAt, e.Node.CreatedAt, 0)
		require.WithinDuration(rt, f.recordedAt, e.Node.RecordedAt, 0)
		require.Equal(rt, []string{string(f.origin), f.thing.GraphQL(), f.command.GraphQL()},
			[]string{e.Node.Origin, e.Node.Thing, e.Node.Command})
		require.EqualValues(rt, f.status, e.Node.StatusCode)
		if f.username == nil {
			require.Nil(rt, e.Node.User)
			continue
		}
		require.Equal(rt, *f.username, e.Node.User.Username)
		require.Equal(rt, w.userID(*f.username), e.Node.User.ID)
	}
}

// Any page of any size, forward and backward, of any filter and order, with cursors from anywhere in the list, is what plain
// sorting, filtering and cutting gives.
func TestAnyPageIsWhatPlainSortingGives(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			create := worlds(t, databaseURL)
			rapid.Check(t, func(rt *rapid.T) {
				w := create(rt)
				w.comparePages(rt, drawFilter(rt, w.entryColumns()), 6)
			})
		})
	}
}

// comparePages asks for so many pages of one filter and order, and compares them with what looking at each entry gives.
func (w *world) comparePages(rt *rapid.T, f filter[fact], pages int) {
	l := w.entriesBy(drawOrdering(rt, "POSITION", "CREATED_AT"))
	ids := w.sorted(l.order.createdAt(), l.order.descending())
	l.ask(rt, request{first: new(int64(500))}, nil, positionOf) // learns all cursors
	for range pages {
		r := drawRequest(rt, ids)
		p := l.ask(rt, r, f.sent, positionOf)
		l.check(rt, r.of(ids, func(id int64) bool { return f.matches(w.facts[id]) }), p, positionOf)
		w.checkRows(rt, p)
	}
}

// Whoever turns pages while others append sees every entry that was there once, none twice, and each page is right.
func TestPagesNeitherRepeatNorMissWhileOthersAppend(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			create := worlds(t, databaseURL)
			rapid.Check(t, func(rt *rapid.T) {
				w := create(rt)
				l := w.entriesBy(drawOrdering(rt, "POSITION", "CREATED_AT"))
				backward := rapid.Bool().Draw(rt, "backward")
				f := drawFilter(rt, w.lastingColumns())
				matches := func(id int64) bool { return f.matches(w.facts[id]) }
				there := slices.DeleteFunc(w.sorted(l.order.createdAt(), l.order.descending()), func(id int64) bool { return !matches(id) })
				seen := map[int64]bool{}
				size := rapid.Int64Range(1, 7).Draw(rt, "size")
				r := request{first: &size}
				if backward {
					r = request{last: &size}
				}
				for more, appends := true, 3; more; {
					p := l.ask(rt, r, f.sent, positionOf)
					l.check(rt, r.of(w.sorted(l.order.createdAt(), l.order.descending()), matches), p, positionOf)
					for i := range p.Edges {
						require.False(rt, seen[positionOf(i, p)], "position %d twice", positionOf(i, p))
						seen[positionOf(i, p)] = true
					}
					if appends > 0 {
						appends--
						w.add(rt, rapid.IntRange(0, 5).Draw(rt, "appended"))
					}
					more = p.PageInfo.HasNextPage
					if backward {
						more = p.PageInfo.HasPreviousPage
					}
					if more && backward {
						r.before = new(positionOf(0, p))
					} else if more {
						r.after = new(positionOf(len(p.Edges)-1, p))
					}
				}
				for _, id := range there {
					require.True(rt, seen[id], "position %d was missed", id)
				}
			})
		})
	}
}

// headCursor, on full, empty and filtered pages of either order, is where a subscription takes over without gap.
func TestASubscriptionFollowsAPageWithoutGap(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			create := worlds(t, databaseURL)
			rapid.Check(t, func(rt *rapid.T) {
				w := create(rt)
				size := int64(len(w.facts))
				byPosition := w.entriesBy(ordering{"POSITION", "ASC"})
				byPosition.ask(rt, request{first: new(int64(500))}, nil, positionOf)
				f := drawFilter(rt, w.lastingColumns())
				p := w.entriesBy(drawOrdering(rt, "POSITION", "CREATED_AT")).ask(rt, drawRequest(rt, nil), f.sent, positionOf)
				if size > 0 {
					require.Equal(rt, byPosition.cursors[size-1], p.HeadCursor, "the cursor of the last entry")
				}
				w.add(rt, rapid.IntRange(1, 10).Draw(rt, "meanwhile"))
				ctx, cancel := context.WithTimeout(w.ctx, patience)
				defer cancel()
				s := w.subscribe(ctx, rt, `subscription($after: Cursor, $where: EntryWhereInput) {
				entryCreated(after: $after, where: $where) { cursor node { position } }
			}`, vars{"after": p.HeadCursor, "where": f.sent})
				defer s.stop()
				w.add(rt, rapid.IntRange(0, 3).Draw(rt, "later"))
				rest := byPosition.ask(rt, request{first: new(int64(500))}, nil, positionOf)
				for _, e := range rest.Edges[size:] {
					if !f.matches(w.facts[e.Node.Position]) {
						continue
					}
					var event struct{ EntryCreated edge }
					require.Empty(rt, s.read(rt, &event))
					require.Equal(rt, e.Node.Position, event.EntryCreated.Node.Position)
					require.Equal(rt, e.Cursor, event.EntryCreated.Cursor)
				}
			})
		})
	}
}

const usersPage = `query($after: Cursor, $first: Int, $before: Cursor, $last: Int, $orderBy: UserOrder, $where: UserWhereInput) {
	page: users(after: $after, first: $first, before: $before, last: $last, orderBy: $orderBy, where: $where) {
		edges { cursor node { id username createdAt } }
		pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
		totalCount
	}
}`

func TestAnyPageOfUsersIsWhatPlainSortingGives(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			create := worlds(t, databaseURL)
			rapid.Check(t, func(rt *rapid.T) {
				w := create(rt)
				l := &list{
					world: w, document: usersPage, order: drawOrdering(rt, "USERNAME", "CREATED_AT"), cursors: map[int64]string{},
				}
				id := func(i int, p page) int64 {
					at := slices.IndexFunc(w.people, func(q person) bool { return q.username == p.Edges[i].Node.Username })
					require.Equal(rt, w.userID(p.Edges[i].Node.Username), p.Edges[i].Node.ID)
					require.WithinDuration(rt, w.people[at].createdAt, p.Edges[i].Node.CreatedAt, 0)
					return w.people[at].id
				}
				ids := w.sortedPeople(l.order.createdAt(), l.order.descending())
				l.ask(rt, request{}, nil, id)
				f := drawFilter(rt, w.userColumns())
				for range 5 {
					r := drawRequest(rt, ids)
					p := l.ask(rt, r, f.sent, id)
					l.check(rt, r.of(ids, func(id int64) bool { return f.matches(w.people[id-1]) }), p, id)
				}
			})
		})
	}
}

// What cannot be a page is refused and said why, on both databases alike.
func TestPagesThatCannotBe(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx, other := n.as(t, "default"), n.newAccount(t, "other")
			n.append(ctx, t, numbered(0))
			n.append(other, t, numbered(0))
			cursor := func(document string, v vars) string {
				var answer struct{ Page page }
				n.ask(ctx, t, &answer, document, v)
				return *answer.Page.PageInfo.EndCursor
			}
			position := cursor(entriesPage, nil)
			created := cursor(entriesPage, vars{"orderBy": ordering{"CREATED_AT", "ASC"}})
			in := plain()
			in.Username = new("alice")
			n.append(ctx, t, in)
			username := cursor(usersPage, nil)
			for _, v := range []vars{
				{"first": -1},
				{"last": -1},
				{"first": 501},
				{"last": 501},
				{"first": 1, "last": 1},
				{"after": ""},
				{"after": "!"},
				{"after": position[1:]},
				{"before": position + "A"},
				{"after": strings.ToLower(position)},
				{"after": created},
				{"after": username},
				{"before": position, "orderBy": ordering{"CREATED_AT", "ASC"}},
				{"after": strings.Repeat("A", 10_000)},
				{"where": vars{"and": []any{}}},
				{"where": vars{"keyIn": []string{}}},
				{"where": vars{"userID": "alice"}},
				{"where": vars{"createdAt": "yesterday"}},
			} {
				require.Equal(t, "BAD_USER_INPUT", n.refused(ctx, t, entriesPage, v), fmt.Sprint(v))
			}
			require.Equal(t, "BAD_USER_INPUT", n.refused(other, t, entriesPage, vars{"after": position}), "a cursor of another account")
			require.Equal(t, "BAD_USER_INPUT", n.refused(ctx, t, usersPage, vars{"after": position}))
		})
	}
}

// While others append, what one answer says of page, count and head belongs together.
func TestPageCountAndHeadAreOfOneMoment(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n, writer := start(t, databaseURL, settings{}), start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			n.append(ctx, t, plain())
			writing, stop := context.WithCancel(ctx)
			var group errgroup.Group
			group.Go(func() error {
				for writing.Err() == nil {
					if _, err := writer.journal.Append(ctx, []journal.Input{plain(), plain()}); err != nil {
						return err
					}
				}
				return nil
			})
			for range rounds(30, 200, 5000) {
				var answer struct{ Entries, Matching page }
				n.ask(ctx, t, &answer, `{
					entries(first: 3) { edges { cursor node { position } } totalCount headCursor }
					matching: entries(first: 3, where: {statusCode: 200}) { edges { cursor node { position } } totalCount headCursor }
				}`, nil)
				for _, p := range []page{answer.Entries, answer.Matching} {
					require.Equal(t, p.HeadCursor, p.Edges[0].Cursor)
					require.Equal(t, p.TotalCount, positionOf(0, p)+1)
				}
			}
			stop()
			require.NoError(t, group.Wait())
		})
	}
}
