package conformance_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"samjournal/internal/journal"
)

const follow = `subscription($after: Cursor, $where: EntryWhereInput) {
	entryCreated(after: $after, where: $where) { cursor node { key position statusCode user { username } } }
}`

// patience is how long a test waits for an event that must come.
const patience = 20 * time.Second

// waiting returns a context that ends when a test has waited too long.
func waiting(ctx context.Context, t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 3*patience)
	t.Cleanup(cancel)
	return ctx
}

// Invariant 5: several nodes append, the subscriber of another one is cut off again and again and resumes after the last
// edge that it handled. It sees each matching entry exactly once, in order.
func TestASubscriberThatResumesSeesEachEntryOnce(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			appends := rounds(15, 60, 1000)
			const writers = 3
			reader := start(t, databaseURL, settings{})
			ctx := waiting(reader.as(t, "default"), t)
			reader.append(ctx, t, numbered(0))
			var group errgroup.Group
			for w := range writers {
				n := start(t, databaseURL, settings{})
				group.Go(func() error {
					random := rand.New(rand.NewPCG(3, uint64(w)))
					for range appends {
						batch := make([]journal.Input, 1+random.IntN(5))
						for i := range batch {
							batch[i] = plain()
							batch[i].StatusCode = []int{200, 404}[random.IntN(2)]
						}
						if _, err := n.journal.Append(ctx, batch); err != nil {
							return err
						}
					}
					last := plain()
					last.StatusCode = 599
					_, err := n.journal.Append(ctx, []journal.Input{last})
					return err
				})
			}
			for name, where := range map[string]any{"all": nil, "some": map[string]any{"statusCodeNEQ": 200}} {
				group.Go(func() error {
					return resume(ctx, t, reader, where, writers, fmt.Sprintf("%s of %s", name, databaseURL[:4]))
				})
			}
			require.NoError(t, group.Wait())
		})
	}
}

// resume reads, in many subscriptions, all entries that match until every writer's last one, and compares them with a page.
func resume(ctx context.Context, t require.TestingT, n *node, where any, writers int, name string) error {
	var (
		first  struct{ Page page }
		seen   []edge
		random = rand.New(rand.NewPCG(5, 5))
	)
	n.ask(ctx, t, &first, entriesPage, vars{"last": 1})
	after := first.Page.Edges[0].Cursor // of the first entry of all
	for writers > 0 {
		s := n.subscribe(ctx, t, follow, vars{"after": after, "where": where})
		for range 1 + random.IntN(40) {
			var event struct{ EntryCreated edge }
			if code := s.read(t, &event); code != "" {
				return fmt.Errorf("%s: the subscription ended with %s after %d entries", name, code, len(seen))
			}
			seen, after = append(seen, event.EntryCreated), event.EntryCreated.Cursor
			if event.EntryCreated.Node.StatusCode == 599 {
				writers--
			}
			if writers == 0 {
				break
			}
		}
		s.stop()
	}
	at := 0
	for cursor := first.Page.Edges[0].Cursor; ; {
		var answer struct{ Page page }
		n.ask(ctx, t, &answer, entriesPage,
			vars{"after": cursor, "first": 100, "where": where, "orderBy": ordering{"POSITION", "ASC"}})
		for i := range answer.Page.Edges {
			e := &answer.Page.Edges[i]
			if at >= len(seen) || seen[at].Node.Position != e.Node.Position || seen[at].Cursor != e.Cursor {
				return fmt.Errorf("%s: event %d of %d is not the entry at position %d", name, at, len(seen), e.Node.Position)
			}
			at++
		}
		if !answer.Page.PageInfo.HasNextPage {
			break
		}
		cursor = *answer.Page.PageInfo.EndCursor
	}
	if at != len(seen) {
		return fmt.Errorf("%s: %d events, %d entries", name, len(seen), at)
	}
	return nil
}

func TestASubscriptionWithoutCursorBeginsAtTheEnd(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n, other := start(t, databaseURL, settings{}), start(t, databaseURL, settings{})
			ctx := waiting(n.as(t, "default"), t)
			n.append(ctx, t, numbered(0), numbered(1))
			s := n.subscribe(ctx, t, follow, nil)
			defer s.stop()
			for i := 2; i < 5; i++ {
				other.append(ctx, t, numbered(i))
				var event struct{ EntryCreated edge }
				require.Empty(t, s.read(t, &event))
				require.EqualValues(t, i, event.EntryCreated.Node.Position)
				var answer struct{ Page page }
				n.ask(ctx, t, &answer, entriesPage, vars{"first": 1})
				require.Equal(t, answer.Page.Edges[0].Cursor, event.EntryCreated.Cursor)
			}
		})
	}
}

func TestASubscriberSeesOnlyItsAccount(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			mine, theirs := waiting(n.newAccount(t, "mine"), t), n.newAccount(t, "theirs")
			s := n.subscribe(mine, t, follow, nil)
			defer s.stop()
			n.append(theirs, t, numbered(1), numbered(2))
			n.append(mine, t, numbered(3))
			var event struct{ EntryCreated edge }
			require.Empty(t, s.read(t, &event))
			require.Equal(t, keyOf(3), event.EntryCreated.Node.Key)
			require.Zero(t, event.EntryCreated.Node.Position)
		})
	}
}

// A backup was restored and others have appended since: cursors from before fit it only as far as it is the same journal.
func TestACursorThatDoesNotFitARestoredJournalIsInvalid(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			cursors := func(ctx context.Context, n *node) (list []string) {
				var answer struct{ Page page }
				n.ask(ctx, t, &answer, entriesPage, vars{"orderBy": ordering{"POSITION", "ASC"}})
				for i := range answer.Page.Edges {
					list = append(list, answer.Page.Edges[i].Cursor)
				}
				return append(list, answer.Page.HeadCursor)
			}
			lost := start(t, newSQLite(t), settings{})
			whole := lost.as(t, "default")
			lost.append(whole, t, numbered(0), numbered(1), numbered(2), numbered(3))
			before := cursors(whole, lost)

			n := start(t, databaseURL, settings{})
			ctx := waiting(n.as(t, "default"), t)
			n.append(ctx, t, numbered(0), numbered(1))
			other := plain()
			other.Key = "ff" + keyOf(2)[2:]
			n.append(ctx, t, other)
			for i, want := range []string{"", "", "CURSOR_INVALID", "CURSOR_INVALID", "CURSOR_INVALID"} {
				s := n.subscribe(ctx, t, follow, vars{"after": before[i]})
				var event struct{ EntryCreated edge }
				require.Equal(t, want, s.read(t, &event), "cursor of position %d", i)
				if want == "" {
					require.EqualValues(t, i+1, event.EntryCreated.Node.Position)
				}
				s.stop()
			}
			for _, after := range []string{"", "nonsense", before[0][1:]} {
				s := n.subscribe(ctx, t, follow, vars{"after": after})
				require.Equal(t, "BAD_USER_INPUT", s.read(t, nil), after)
				s.stop()
			}
		})
	}
}

// Its client knows that there is more to come, and connects again.
func TestASubscriptionOfANodeThatStopsSaysSo(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := waiting(n.as(t, "default"), t)
			s := n.subscribe(ctx, t, follow, nil)
			n.append(ctx, t, numbered(0))
			var event struct{ EntryCreated edge }
			require.Empty(t, s.read(t, &event))
			n.journal.Close()
			require.Equal(t, "UNAVAILABLE", s.read(t, &event))
			s.stop()
		})
	}
}
