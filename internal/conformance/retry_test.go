package conformance_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"samjournal/internal/journal"
	"samjournal/internal/journal/redaction"
	"samjournal/internal/model"
)

// Invariant 4 in its cases: what was stored, what is sent under the same key, and what comes of it.
func TestTheSameKeyAgain(t *testing.T) {
	t.Parallel()
	original := numbered(1)
	original.Username = new("alice")
	original.Request = `{"password":"hunter2","list":[1,2.50],"text":"` + model.Payload(strings.Repeat("x", 400)) + `"}`
	cases := []struct {
		name   string
		change func(*journal.Input)
		same   bool
	}{
		{"nothing changed", func(*journal.Input) {}, true},
		{"members in another order", func(in *journal.Input) {
			in.Request = `{"text":"` + model.Payload(strings.Repeat("x", 400)) + `","list":[1,2.50],"password":"hunter2"}`
		}, true},
		{"truncated harder", func(in *journal.Input) { in.Truncate = 300 }, true},
		{"another secret in the place of the masked one", func(in *journal.Input) {
			in.Request = model.Payload(strings.Replace(string(in.Request), "hunter2", "hunter3", 1))
		}, false},
		{"the masked form in the place of the secret", func(in *journal.Input) {
			in.Request = model.Payload(strings.Replace(string(in.Request), "hunter2", redaction.Marker, 1))
		}, false},
		{"another spelling of a number", func(in *journal.Input) {
			in.Request = model.Payload(strings.Replace(string(in.Request), "2.50", "2.5", 1))
		}, false},
		{"another response", func(in *journal.Input) { in.Response = `{}` }, false},
		{"request and response exchanged", func(in *journal.Input) { in.Request, in.Response = in.Response, in.Request }, false},
		{"another thing", func(in *journal.Input) { in.Thing = model.ThingAccount }, false},
		{"another command", func(in *journal.Input) { in.Command = model.CommandDelete }, false},
		{"another status", func(in *journal.Input) { in.StatusCode = 201 }, false},
		{"another user", func(in *journal.Input) { in.Username = new("bob") }, false},
		{"no user", func(in *journal.Input) { in.Username = nil }, false},
		{"the same user by number", func(in *journal.Input) { in.Username, in.UserID = nil, new(int64(1)) }, true},
	}
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			first := n.append(ctx, t, original)[0]
			require.True(t, first.Created)
			for _, c := range cases {
				again := original
				c.change(&again)
				results, err := n.journal.Append(ctx, []journal.Input{again})
				require.NoError(t, err, c.name)
				if !c.same {
					require.ErrorIs(t, results[0].Err, journal.ErrConflict, c.name)
					continue
				}
				want := first
				want.Created = false
				require.Equal(t, want, results[0], c.name)
			}
		})
	}
}

func TestARetryIsRecognisedUnderOtherRulesAndLimits(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			masking := start(t, databaseURL, settings{})
			lax := start(t, databaseURL, settings{rules: &redaction.Rules{}, payloadLimit: model.MinTruncateLimit})
			ctx := masking.as(t, "default")
			secret := numbered(1)
			secret.Request = `{"password":"hunter2","text":"` + model.Payload(strings.Repeat("y", 1000)) + `"}`
			require.True(t, masking.append(ctx, t, secret)[0].Created)
			require.False(t, lax.append(ctx, t, secret)[0].Created)

			short := secret
			short.Key, short.Truncate = keyOf(2), model.MinTruncateLimit
			require.True(t, lax.append(ctx, t, short)[0].Created)
			short.Truncate = 0
			require.False(t, masking.append(ctx, t, short)[0].Created, "what was stored truncated is recognised by what was sent")
			short.Request = model.Payload(strings.Replace(string(short.Request), "yy", "yz", 1))
			results, err := masking.journal.Append(ctx, []journal.Input{short})
			require.NoError(t, err)
			require.ErrorIs(t, results[0].Err, journal.ErrConflict)
		})
	}
}

// Nodes with other limits, as during a change of the configuration, answer a retry by the entry that is there.
func TestARetryAfterTruncationThroughTheAPI(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			long := strings.Repeat("x", 5000)
			input := func(i int, request string) vars {
				return vars{"key": keyOf(i), "request": request, "response": vars{"token": "abc", "text": request}}
			}
			inputs := []vars{input(0, "short"), input(1, long), input(2, "short"), input(3, long), input(1, long)}
			type entry struct {
				Key               string
				Request, Response rawValue
				PayloadState      string
			}
			type answers struct {
				CreateEntries struct {
					Results []struct {
						Position int64
						Created  bool
						Entry    entry
					}
				}
			}
			var first answers
			for round, limit := range []int{1024, 300, 0, 1024} {
				n := start(t, databaseURL, settings{payloadLimit: limit})
				ctx := n.as(t, "default")
				var got answers
				n.ask(ctx, t, &got, `mutation($inputs: [CreateEntryInput!]!) { createEntries(inputs: $inputs) { results {
					... on CreateEntryPayload { position created entry { key request response payloadState } }
				} } }`, vars{"inputs": inputs})
				for i := range got.CreateEntries.Results {
					r := &got.CreateEntries.Results[i]
					require.Equal(t, round == 0 && i < 4, r.Created)
					r.Created = false
				}
				if round == 0 {
					first = got
				}
				require.Equal(t, first, got)
				require.Equal(t, "CONFLICT", n.refused(ctx, t, createOne, vars{"input": input(1, long+"y")}))
			}
			for i, state := range []string{"STORED", "TRUNCATED", "STORED", "TRUNCATED", "TRUNCATED"} {
				require.Equal(t, state, first.CreateEntries.Results[i].Entry.PayloadState)
			}
			require.Equal(t, first.CreateEntries.Results[1].Entry, first.CreateEntries.Results[4].Entry)
		})
	}
}

func TestTheSameKeyTwiceInOneBatch(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			other := numbered(1)
			other.StatusCode = 404
			results, err := n.journal.Append(n.as(t, "default"), []journal.Input{
				numbered(0), numbered(1), numbered(1), other, numbered(2),
			})
			require.NoError(t, err)
			require.True(t, results[1].Created)
			require.False(t, results[2].Created)
			require.Equal(t, results[1].Position, results[2].Position)
			require.ErrorIs(t, results[3].Err, journal.ErrConflict)
			require.EqualValues(t, 2, results[4].Position)
		})
	}
}

// 16 goroutines on two nodes send the same entries: each is created once, and everybody hears of the same place.
func TestOfConcurrentRetriesOneCreates(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			const senders = 16
			nodes := []*node{start(t, databaseURL, settings{}), start(t, databaseURL, settings{})}
			ctx := nodes[0].as(t, "default")
			var (
				group   errgroup.Group
				mu      sync.Mutex
				created = map[string]int{}
				places  = map[string]int64{}
			)
			entries := rounds(5, 20, 200)
			for g := range senders {
				group.Go(func() error {
					for i := range entries {
						results, err := nodes[g%2].journal.Append(ctx, []journal.Input{numbered(i), numbered(entries + i)})
						if err != nil {
							return err
						}
						mu.Lock()
						for _, r := range results {
							place, known := places[r.Key]
							if r.Err != nil || known && place != r.Position {
								mu.Unlock()
								return fmt.Errorf("key %s: position %d, then %d: %w", r.Key, place, r.Position, r.Err)
							}
							places[r.Key] = r.Position
							if r.Created {
								created[r.Key]++
							}
						}
						mu.Unlock()
					}
					return nil
				})
			}
			require.NoError(t, group.Wait())
			require.Len(t, created, 2*entries)
			for key, times := range created {
				require.Equal(t, 1, times, key)
			}
		})
	}
}

func TestRetriesAndConflictsThroughTheAPI(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			type payload struct {
				Key       string
				Position  int64
				CreatedAt string
				Created   bool
				Edge      struct{ Cursor string }
			}
			send := func(status int) payload {
				var answer struct{ CreateEntry payload }
				n.ask(ctx, t, &answer, createOne, vars{"input": vars{
					"key": keyOf(1), "username": "alice", "request": vars{"a": 1}, "response": nil, "statusCode": status,
				}})
				return answer.CreateEntry
			}
			n.append(ctx, t, numbered(0))
			first := send(200)
			require.True(t, first.Created)
			require.EqualValues(t, 1, first.Position)
			again := send(200)
			require.False(t, again.Created)
			again.Created = true
			require.Equal(t, first, again)
			require.Equal(t, "CONFLICT", n.refused(ctx, t, createOne, vars{"input": vars{
				"key": keyOf(1), "username": "alice", "request": vars{"a": 2}, "response": nil,
			}}))
		})
	}
}

const createOne = `mutation($input: CreateEntryInput!) {
	createEntry(input: $input) { key position createdAt created edge { cursor } }
}`
