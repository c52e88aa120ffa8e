package journal_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/journal"
	"samjournal/internal/journal/redaction"
	"samjournal/internal/model"
	"samjournal/internal/store"
)

// gate is a real store whose appends wait for leave, so that a test decides what arrives during a commit.
type gate struct {
	*store.Store

	began   chan int      // gets the number of entries of each commit when it begins
	leave   chan struct{} // lets one commit go on; closed: all
	commits atomic.Int64
}

func (g *gate) Append(ctx context.Context, accountID int64, now time.Time, batch []store.NewEntry) ([]store.Appended, error) {
	g.commits.Add(1)
	g.began <- len(batch)
	select {
	case <-g.leave:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return g.Store.Append(ctx, accountID, now, batch)
}

// gated returns a journal over a fresh SQLite database behind a gate, and a context that acts on the default account.
func gated(t *testing.T, limits journal.Limits, set ...func(*journal.Config)) (*journal.Journal, *gate, context.Context) {
	t.Helper()
	ctx := context.Background()
	s, err := store.Open(ctx, "file:"+filepath.Join(t.TempDir(), "journal.db"), store.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(ctx))
	redactor, err := redaction.New(redaction.Default())
	require.NoError(t, err)
	g := &gate{Store: s, began: make(chan int, 1000), leave: make(chan struct{})}
	cfg := journal.Config{Backend: g, Redactor: redactor, Limits: limits}
	for _, f := range set {
		f(&cfg)
	}
	j, err := journal.New(cfg)
	require.NoError(t, err)
	t.Cleanup(j.Close)
	account, _, err := s.AccountBySlug(ctx, "default")
	require.NoError(t, err)
	return j, g, model.WithViewer(ctx, model.Viewer{Account: account, Role: model.RoleOperator})
}

func input(username string) journal.Input {
	return journal.Input{
		Username: &username, Thing: model.ThingPrompt, Command: model.CommandPrompt, StatusCode: 200, Origin: model.OriginAPI,
		Request: `{"a":1}`, Response: `null`,
	}
}

// send appends n inputs from as many goroutines and returns their positions once all are answered.
func send(ctx context.Context, t *testing.T, j *journal.Journal, n int, answered *sync.WaitGroup) []int64 {
	t.Helper()
	positions := make([]int64, n)
	for i := range n {
		answered.Go(func() {
			results, err := j.Append(ctx, []journal.Input{input(fmt.Sprintf("user%d", i))})
			if err != nil || results[0].Err != nil {
				t.Errorf("append %d: %v %v", i, err, results)
				return
			}
			positions[i] = results[0].Position
		})
	}
	return positions
}

func TestAppendsThatArriveDuringACommitShareTheNext(t *testing.T) {
	t.Parallel()
	j, g, ctx := gated(t, journal.Limits{})
	var answered sync.WaitGroup
	first := send(ctx, t, j, 1, &answered)
	require.Equal(t, 1, <-g.began)
	const others = 50
	rest := send(ctx, t, j, others, &answered)
	require.Eventually(t, func() bool { return journal.Waiting(j) == others }, time.Minute, time.Millisecond)
	close(g.leave)
	answered.Wait()
	require.Equal(t, others, <-g.began)
	require.EqualValues(t, 2, g.commits.Load())
	require.ElementsMatch(t, dense(others+1), append(first, rest...))
}

func dense(n int) []int64 {
	positions := make([]int64, n)
	for i := range positions {
		positions[i] = int64(i)
	}
	return positions
}

func TestBatchesAreBounded(t *testing.T) {
	t.Parallel()
	j, g, ctx := gated(t, journal.Limits{BatchRows: 10})
	var answered sync.WaitGroup
	send(ctx, t, j, 1, &answered)
	require.Equal(t, 1, <-g.began)
	send(ctx, t, j, 25, &answered)
	require.Eventually(t, func() bool { return journal.Waiting(j) == 25 }, time.Minute, time.Millisecond)
	close(g.leave)
	answered.Wait()
	require.Equal(t, []int{10, 10, 5}, []int{<-g.began, <-g.began, <-g.began})
}

func TestAFullQueueAnswersAtOnceAndWhatWaitedIsStored(t *testing.T) {
	t.Parallel()
	j, g, ctx := gated(t, journal.Limits{QueueRows: 5})
	var answered sync.WaitGroup
	send(ctx, t, j, 1, &answered)
	require.Equal(t, 1, <-g.began)
	send(ctx, t, j, 5, &answered)
	require.Eventually(t, func() bool { return journal.Waiting(j) == 5 }, time.Minute, time.Millisecond)
	_, err := j.Append(ctx, []journal.Input{input("late")})
	require.ErrorIs(t, err, journal.ErrQueueFull)
	require.ErrorIs(t, err, journal.ErrUnavailable)
	close(g.leave)
	answered.Wait()
	head, err := g.Head(ctx, model.Scope{AccountID: 1})
	require.NoError(t, err)
	require.EqualValues(t, 6, head.Size)
}

func TestAQueueIsBoundedByBytesToo(t *testing.T) {
	t.Parallel()
	j, g, ctx := gated(t, journal.Limits{QueueBytes: 20})
	var answered sync.WaitGroup
	send(ctx, t, j, 1, &answered)
	require.Equal(t, 1, <-g.began)
	send(ctx, t, j, 1, &answered)
	require.Eventually(t, func() bool { return journal.Waiting(j) == 1 }, time.Minute, time.Millisecond)
	_, err := j.Append(ctx, []journal.Input{input("late")})
	require.ErrorIs(t, err, journal.ErrQueueFull)
	close(g.leave)
	answered.Wait()
}

func TestAnAppendThatIsNotDurableInTimeIsUnavailable(t *testing.T) {
	t.Parallel()
	j, g, ctx := gated(t, journal.Limits{Timeout: 20 * time.Millisecond})
	_, err := j.Append(ctx, []journal.Input{input("alice")})
	require.ErrorIs(t, err, journal.ErrTimeout)
	require.ErrorIs(t, err, journal.ErrUnavailable)
	close(g.leave)
}

func TestAnAppendWhoseCallerHasGoneIsDroppedAndStopsNobody(t *testing.T) {
	t.Parallel()
	j, g, ctx := gated(t, journal.Limits{})
	var answered sync.WaitGroup
	send(ctx, t, j, 1, &answered)
	require.Equal(t, 1, <-g.began)
	leaving, leave := context.WithCancel(ctx)
	answered.Go(func() {
		_, err := j.Append(leaving, []journal.Input{input("gone")})
		if err == nil {
			t.Error("an append whose caller has gone was answered")
		}
	})
	send(ctx, t, j, 1, &answered)
	require.Eventually(t, func() bool { return journal.Waiting(j) == 2 }, time.Minute, time.Millisecond)
	leave()
	close(g.leave)
	answered.Wait()
	head, err := g.Head(ctx, model.Scope{AccountID: 1})
	require.NoError(t, err)
	require.EqualValues(t, 2, head.Size)
}

func TestABadEntryThatOnlyTheDatabaseSeesFailsAlone(t *testing.T) {
	t.Parallel()
	j, g, ctx := gated(t, journal.Limits{})
	close(g.leave)
	inputs := make([]journal.Input, 9)
	for i := range inputs {
		inputs[i] = input("alice")
	}
	// The core lets an origin pass that no caller of ours gives; the database does not.
	inputs[5].Origin = "ELSEWHERE"
	results, err := j.Append(ctx, inputs)
	require.NoError(t, err)
	var positions []int64
	for i, r := range results {
		if i == 5 {
			require.ErrorIs(t, r.Err, store.ErrRefused)
			continue
		}
		require.NoError(t, r.Err)
		positions = append(positions, r.Position)
	}
	require.Equal(t, dense(8), positions)
}

func TestAClosedJournalRefusesAndHasAnsweredAll(t *testing.T) {
	t.Parallel()
	j, g, ctx := gated(t, journal.Limits{})
	var answered sync.WaitGroup
	send(ctx, t, j, 20, &answered)
	<-g.began
	close(g.leave)
	answered.Wait()
	j.Close()
	_, err := j.Append(ctx, []journal.Input{input("late")})
	require.ErrorIs(t, err, journal.ErrClosed)
}
