package conformance_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"samjournal/ent/entry"
	"samjournal/graph"
	"samjournal/internal/conformance/oracle"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// Invariant 2: 16 writers, each with batches of its own size, on several accounts and several nodes at once.
func TestPositionsAreDenseInCommitOrderWhoeverAppends(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			const writers, accounts = 16, 3
			batches := rounds(2, 8, 100)
			nodes := []*node{start(t, databaseURL, settings{}), start(t, databaseURL, settings{}), start(t, databaseURL, settings{})}
			var contexts []context.Context
			for i := range accounts {
				contexts = append(contexts, nodes[0].newAccount(t, fmt.Sprintf("account-%d", i)))
			}
			watching, stop := context.WithCancel(t.Context())
			var watchers errgroup.Group
			for _, ctx := range contexts {
				id := accountOf(ctx, t)
				watchers.Go(func() error { return watch(watching, look(t, databaseURL), id) })
			}
			var (
				group errgroup.Group
				seen  positions
			)
			for w := range writers {
				group.Go(func() error {
					random := rand.New(rand.NewPCG(7, uint64(w)))
					n, account := nodes[w%len(nodes)], w/len(nodes)%accounts // every node writes to every account
					for range batches {
						batch := make([]journal.Input, 1+random.IntN(12))
						for i := range batch {
							batch[i] = plain()
							batch[i].Username = new(fmt.Sprintf("user-%d", random.IntN(9)))
						}
						results, err := n.journal.Append(contexts[account], batch)
						if err != nil {
							return err
						}
						if err := seen.add(account, results); err != nil {
							return err
						}
					}
					return nil
				})
			}
			require.NoError(t, group.Wait())
			stop()
			require.NoError(t, watchers.Wait())
			for account, ctx := range contexts {
				reach, err := look(t, databaseURL).Reach(t.Context(), accountOf(ctx, t))
				require.NoError(t, err)
				n := int64(seen.count(account))
				require.Equal(t, oracle.Reach{Count: n, Last: n - 1, Size: n}, reach, "every answered entry is there, and no other")
			}
		})
	}
}

// positions collects what writers were answered.
type positions struct {
	mu   sync.Mutex
	seen map[[2]int64]bool // by account and position
}

// add notes the answers to a batch: each entry created, each at a position of its own, in the batch's order.
func (p *positions) add(account int, results []journal.Result) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil {
		p.seen = map[[2]int64]bool{}
	}
	for i, r := range results {
		at := [2]int64{int64(account), r.Position}
		switch {
		case r.Err != nil:
			return r.Err
		case !r.Created || p.seen[at]:
			return fmt.Errorf("position %v was answered twice, or was not created: %t", at, r.Created)
		case i > 0 && r.Position != results[i-1].Position+1:
			return fmt.Errorf("a batch has position %d after %d", r.Position, results[i-1].Position)
		}
		p.seen[at] = true
	}
	return nil
}

func (p *positions) count(account int) (n int) {
	for at := range p.seen {
		if at[0] == int64(account) {
			n++
		}
	}
	return n
}

// watch reads an account's journal while others append to it and fails when there ever is a hole, the head and the entries
// disagree, or an entry appears at a position where the journal had been read already. It ends with ctx.
func watch(ctx context.Context, d *oracle.Database, accountID int64) error {
	var keys []string
	for ctx.Err() == nil {
		reach, err := d.Reach(context.Background(), accountID)
		if err != nil {
			return err
		}
		if reach.Count != reach.Last+1 || reach.Size != reach.Count {
			return fmt.Errorf("account %d: a reader saw %d entries up to position %d under a head of %d",
				accountID, reach.Count, reach.Last, reach.Size)
		}
		added, err := d.Entries(context.Background(), accountID, int64(len(keys)))
		if err != nil {
			return err
		}
		for i := range added {
			if added[i].Position != int64(len(keys)) {
				return fmt.Errorf("account %d: a reader saw position %d after %d", accountID, added[i].Position, len(keys)-1)
			}
			keys = append(keys, added[i].Key)
		}
	}
	all, err := d.Entries(context.Background(), accountID, 0)
	if err != nil {
		return err
	}
	for i, key := range keys {
		if all[i].Key != key {
			return fmt.Errorf("account %d: position %d was read as %s and is %s now", accountID, i, key, all[i].Key)
		}
	}
	return nil
}

func TestTheSameKeyInTwoAccountsIsTwoEntries(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			alice, bob := n.newAccount(t, "alice"), n.newAccount(t, "bob")
			first, other := numbered(1), numbered(1)
			other.Request, other.Username = `"quite another"`, new("bob")
			n.append(alice, t, numbered(0))
			require.True(t, n.append(alice, t, first)[0].Created)
			created := n.append(bob, t, other)[0]
			require.True(t, created.Created)
			require.Zero(t, created.Position)

			for ctx, want := range map[context.Context]string{alice: `{"number":1}`, bob: `"quite another"`} {
				var answer struct{ Entry row }
				n.ask(ctx, t, &answer, `query($key: String!) { entry(key: $key) { request } }`, vars{"key": keyOf(1)})
				require.Equal(t, want, string(answer.Entry.Request))
			}
			require.Equal(t, "null", string(entryByKey(bob, t, n, keyOf(0))), "an account does not see another's entries")
		})
	}
}

func entryByKey(ctx context.Context, t *testing.T, n *node, key string) []byte {
	t.Helper()
	var answer struct{ Entry rawValue }
	n.ask(ctx, t, &answer, `query($key: String!) { entry(key: $key) { id position } }`, vars{"key": key})
	return answer.Entry
}

func TestABadInputFailsAloneAndTakesNoPosition(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			n.append(ctx, t, numbered(0))
			conflict, badStatus, badUser := numbered(0), numbered(2), numbered(3)
			conflict.StatusCode, badStatus.StatusCode, badUser.UserID = 500, 40000, new(int64(77))
			results, err := n.journal.Append(ctx, []journal.Input{numbered(1), conflict, badStatus, badUser, numbered(4)})
			require.NoError(t, err)
			require.ErrorIs(t, results[1].Err, journal.ErrConflict)
			for i, path := range map[int]string{2: "statusCode", 3: "userID"} {
				var input *model.InputError
				require.ErrorAs(t, results[i].Err, &input)
				require.Equal(t, []any{path}, input.Path)
			}
			require.EqualValues(t, 1, results[0].Position)
			require.EqualValues(t, 2, results[4].Position)
		})
	}
}

// Invariant 1, as far as the product goes; internal/store tries every statement against the database itself.
func TestNothingInTheProductChangesAnEntry(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			first := numbered(0)
			first.Username = new("alice")
			n.append(ctx, t, first, numbered(1))
			d := look(t, databaseURL)
			before, err := d.Entries(t.Context(), accountOf(ctx, t), 0)
			require.NoError(t, err)

			client := n.store.Ent()
			_, err = client.Entry.Delete().Exec(ctx)
			require.Error(t, err)
			require.Error(t, client.Entry.DeleteOneID(keyOf(0)).Exec(ctx))
			_, err = client.Entry.Update().Where(entry.ID(keyOf(0))).Save(ctx)
			require.Error(t, err)
			require.Error(t, client.Entry.UpdateOneID(keyOf(0)).Exec(ctx))
			require.Error(t, client.Entry.Create().SetID(keyOf(9)).Exec(ctx))
			_, err = client.Head.Update().SetSize(0).Save(ctx)
			require.Error(t, err)
			_, err = client.User.Delete().Exec(ctx)
			require.Error(t, err)

			changed := first
			changed.Response = `"changed"`
			results, err := n.journal.Append(ctx, []journal.Input{changed, first})
			require.NoError(t, err)
			require.ErrorIs(t, results[0].Err, journal.ErrConflict)
			require.False(t, results[1].Created)

			after, err := d.Entries(t.Context(), accountOf(ctx, t), 0)
			require.NoError(t, err)
			require.Equal(t, before, after)
		})
	}
}

func TestTheOnlyMutationsAppend(t *testing.T) {
	t.Parallel()
	var names []string
	for _, field := range graph.NewSchema(&graph.Resolver{}).Schema().Mutation.Fields {
		names = append(names, field.Name)
	}
	others := []string{"createToken", "revokeToken", "updateUser", "updateAccount", "createAccount"} // nothing of the journal
	require.ElementsMatch(t, append(others, "createEntry", "createEntries"), names)
}
