package store_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"samjournal/internal/model"
	"samjournal/internal/store"
)

// entriesOf are imported entries of two users and nobody, one at each instant.
func entriesOf(prefix int, instants []time.Time) []store.NewEntry {
	batch := make([]store.NewEntry, len(instants))
	for i := range batch {
		batch[i] = store.NewEntry{
			Key: fmt.Sprintf("%04x%060x", prefix, i), Thing: model.ThingSecret, Command: model.CommandGet, StatusCode: 200 + i%3,
			Origin: model.OriginImport, CreatedAt: &instants[i], Request: "1", Response: "2", Salt: make([]byte, 32),
			PayloadState: model.PayloadStored,
		}
		if i%3 > 0 {
			batch[i].Username = new(fmt.Sprintf("user %d", i%3))
		}
	}
	return batch
}

// spoil makes counters wrong in each way there is.
func (r raw) spoil(t *testing.T) {
	t.Helper()
	r.exec(t, `UPDATE entry_counts SET n = n + 3 WHERE cut = 1`)
	r.exec(t, `UPDATE entry_counts SET n = 0 WHERE cut = 2 AND span = 900`)
	at := r.micros(time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)) // no quarter, day or era of anything
	r.exec(t, `INSERT INTO entry_counts (account_id, cut, span, start, thing, command, status_code, user_id, n)
		VALUES (1, 3, 900, `+at+`, 'Plugin', '', 1, 0, 7), (1, 3, 86400, `+at+`, 'Plugin', 'get', 1, 0, 7)`)
}

func TestRebuildingSetsEveryCounterThatIsWrong(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s, r := migrated(t, databaseURL), rawOf(t, databaseURL)
			_, err := s.Append(t.Context(), 1, time.Now(), entriesOf(1, instants()))
			require.NoError(t, err)
			n := len(instants())
			right, err := s.RebuildCounts(t.Context(), 1, nil)
			require.NoError(t, err)
			require.Zero(t, right.Wrong)
			require.EqualValues(t, n, right.Entries)
			r.spoil(t)

			var heard int64
			rebuilt, err := s.RebuildCounts(t.Context(), 1, func(n int64) { heard += n })

			require.NoError(t, err)
			require.Positive(t, rebuilt.Wrong)
			require.EqualValues(t, n, rebuilt.Entries)
			require.EqualValues(t, n, heard)
			require.Equal(t, right.Counters, rebuilt.Counters)
			requireCounted(t, databaseURL, n)
			again, err := s.RebuildCounts(t.Context(), 1, nil)
			require.NoError(t, err)
			require.Equal(t, right, again)
		})
	}
}

func TestRebuildingLeavesOtherAccountsAlone(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s, collected := logged(t, databaseURL)
			r := rawOf(t, databaseURL)
			r.exec(t, `UPDATE entry_counts SET n = n + 1`)
			before := r.rows(t, `SELECT * FROM entry_counts WHERE account_id = 7 ORDER BY 1, 2, 3, 4`)
			collected.take()
			rebuilt, err := s.RebuildCounts(t.Context(), 1, nil)
			require.NoError(t, err)
			require.EqualValues(t, 10, rebuilt.Wrong)
			require.Equal(t, before, r.rows(t, `SELECT * FROM entry_counts WHERE account_id = 7 ORDER BY 1, 2, 3, 4`))
			for _, statement := range collected.take() {
				require.Empty(t, unscoped(statement), statement)
			}
			_, err = s.RebuildCounts(t.Context(), 99, nil)
			require.NoError(t, err, "an account without anything")
		})
	}
}

// Two rebuild at once, as somebody may who does not know of the other, while entries come in.
func TestRebuildingWhileEntriesAreAppended(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s, r := migrated(t, databaseURL), rawOf(t, databaseURL)
			if r.dialect == dialect.SQLite {
				r.exec(t, `PRAGMA busy_timeout = 10000`)
			}
			var rebuilds atomic.Int64
			add := func(ctx context.Context, prefix int) error {
				batch := entriesOf(prefix, instants())
				_, err := s.Append(ctx, 1, time.Now(), batch)
				return err
			}
			require.NoError(t, add(t.Context(), 0))
			const rounds, most = 4, 200
			for round := range rounds {
				r.exec(t, `UPDATE entry_counts SET n = n + 3 WHERE n > 0`)
				before := rebuilds.Load()
				work, ctx := errgroup.WithContext(t.Context())
				for range 2 {
					work.Go(func() error {
						defer rebuilds.Add(1)
						_, err := s.RebuildCounts(ctx, 1, nil)
						return err
					})
				}
				work.Go(func() error {
					for i := 0; i < most && rebuilds.Load() < before+2; i++ {
						if err := add(ctx, 1+round*most+i); err != nil {
							return err
						}
					}
					return nil
				})
				require.NoError(t, work.Wait())
			}
			head, err := s.Head(t.Context(), allOf(1))
			require.NoError(t, err)
			requireCounted(t, databaseURL, int(head.Size))
		})
	}
}
