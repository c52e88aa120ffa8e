package seed_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"samjournal/internal/journal"
	"samjournal/internal/journal/redaction"
	"samjournal/internal/model"
	"samjournal/internal/progress"
	"samjournal/internal/seed"
	"samjournal/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newJournal is a real journal over a SQLite file of its own, and a context of the local operator.
func newJournal(t testing.TB) (context.Context, *journal.Journal) {
	t.Helper()
	s, err := store.Open(t.Context(), "file:"+filepath.Join(t.TempDir(), "journal.db"), store.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context()))
	redactor, err := redaction.New(redaction.Default())
	require.NoError(t, err)
	j, err := journal.New(journal.Config{Backend: s, Redactor: redactor})
	require.NoError(t, err)
	t.Cleanup(j.Close)
	account, _, err := s.AccountBySlug(t.Context(), "default")
	require.NoError(t, err)
	return model.WithViewer(t.Context(), model.Viewer{Account: account, Role: model.RoleOperator}), j
}

func TestSeedingAJournalTwiceAddsNothing(t *testing.T) {
	t.Parallel()
	ctx, j := newJournal(t)
	opts := seed.Options{Entries: 250, Seed: 3, End: end(), BatchRows: 100}
	sum, err := seed.Run(ctx, j, opts, progress.Silent())
	require.NoError(t, err)
	require.Equal(t, seed.Summary{Written: 250}, sum)

	sum, err = seed.Run(ctx, j, opts, progress.Silent())
	require.NoError(t, err)
	require.Equal(t, seed.Summary{AlreadyThere: 250}, sum)
	require.Equal(t, "0 entries written, 250 were already there", sum.String())
}

func TestAnInterruptedSeedingIsCompletedByTheNext(t *testing.T) {
	t.Parallel()
	ctx, j := newJournal(t)
	opts := seed.Options{Entries: 250, Seed: 3, End: end(), BatchRows: 100}
	stopped, cancel := context.WithCancel(ctx)
	sum, err := seed.Run(stopped, canceller{j, cancel}, opts, progress.Silent())
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, seed.Summary{Written: 100}, sum)

	sum, err = seed.Run(ctx, j, opts, progress.Silent())
	require.NoError(t, err)
	require.Equal(t, seed.Summary{Written: 150, AlreadyThere: 100}, sum)
}

// canceller ends the context after the first append.
type canceller struct {
	*journal.Journal

	cancel func()
}

func (c canceller) Append(ctx context.Context, inputs []journal.Input) ([]journal.Result, error) {
	defer c.cancel()
	return c.Journal.Append(ctx, inputs)
}

func TestTheSameSeedWithOtherTimesIsAConflictThatNamesTheFlag(t *testing.T) {
	t.Parallel()
	ctx, j := newJournal(t)
	opts := seed.Options{Entries: 10, Seed: 3, End: end()}
	_, err := seed.Run(ctx, j, opts, progress.Silent())
	require.NoError(t, err)
	opts.End = opts.End.Add(time.Hour)
	_, err = seed.Run(ctx, j, opts, progress.Silent())
	require.ErrorIs(t, err, journal.ErrConflict)
	require.ErrorContains(t, err, "choose another --seed")
}
