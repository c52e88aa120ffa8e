package journal_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"samjournal/internal/journal"
	"samjournal/internal/store"
)

// numbers reads a registry as /metrics shows it: "name", or "name value-of-its-label". A histogram is its _count and its _sum.
func numbers(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	require.NoError(t, err)
	found := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			label := ""
			for _, pair := range m.GetLabel() {
				label += " " + pair.GetValue()
			}
			if h := m.GetHistogram(); h != nil {
				found[family.GetName()+"_count"+label] = float64(h.GetSampleCount())
				found[family.GetName()+"_sum"+label] = h.GetSampleSum()
				continue
			}
			found[family.GetName()+label] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return found
}

// measured makes a journal show its numbers in a registry.
func measured(registry *prometheus.Registry) func(*journal.Config) {
	return func(cfg *journal.Config) { cfg.Metrics = registry }
}

func TestMetricsTellWhatWaitsAndWhatWasCommitted(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	j, g, ctx := gated(t, journal.Limits{}, measured(registry))
	var answered sync.WaitGroup
	send(ctx, t, j, 1, &answered)
	require.Equal(t, 1, <-g.began)
	send(ctx, t, j, 3, &answered)
	require.Eventually(t, func() bool { return journal.Waiting(j) == 3 }, time.Minute, time.Millisecond)
	waiting := numbers(t, registry)
	close(g.leave) // before anything can fail: closing the journal waits for the commit
	answered.Wait()
	require.InDelta(t, 3, waiting["samjournal_append_queue_entries"], 0, "what is being committed does not wait")
	require.InDelta(t, 3*len(`{"a":1}null`), waiting["samjournal_append_queue_bytes"], 0)
	require.Zero(t, waiting["samjournal_append_batch_entries_count"], "nothing is committed yet")

	after := numbers(t, registry)
	require.Zero(t, after["samjournal_append_queue_entries"])
	require.Zero(t, after["samjournal_append_queue_bytes"])
	require.InDelta(t, 2, after["samjournal_append_batch_entries_count"], 0)
	require.InDelta(t, 4, after["samjournal_append_batch_entries_sum"], 0)
	require.InDelta(t, 2, after["samjournal_append_commit_seconds_count committed"], 0)
	require.Positive(t, after["samjournal_append_commit_seconds_sum committed"])
}

func TestARefusedTransactionIsNoBatch(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	j, g, ctx := gated(t, journal.Limits{}, measured(registry))
	close(g.leave)
	bad := input("bob")
	bad.Origin = "ELSEWHERE" // only the database refuses it
	results, err := j.Append(ctx, []journal.Input{input("alice"), bad})
	require.NoError(t, err)
	require.NoError(t, results[0].Err)
	require.ErrorIs(t, results[1].Err, store.ErrRefused)
	found := numbers(t, registry)
	require.InDelta(t, 1, found["samjournal_append_batch_entries_count"], 0)
	require.InDelta(t, 1, found["samjournal_append_batch_entries_sum"], 0)
	require.InDelta(t, 1, found["samjournal_append_commit_seconds_count committed"], 0)
	require.InDelta(t, 2, found["samjournal_append_commit_seconds_count failed"], 0, "both together, and the bad one alone")
}

// unreachable is a real store that cannot be reached for appends.
type unreachable struct{ *store.Store }

func (unreachable) Append(context.Context, int64, time.Time, []store.NewEntry) ([]store.Appended, error) {
	return nil, fmt.Errorf("append: %w", store.ErrUnavailable)
}

func TestUnavailableAppendsAreCountedByReason(t *testing.T) {
	t.Parallel()
	t.Run("queue_full", func(t *testing.T) {
		t.Parallel()
		registry := prometheus.NewRegistry()
		j, g, ctx := gated(t, journal.Limits{QueueRows: 1}, measured(registry))
		var answered sync.WaitGroup
		send(ctx, t, j, 1, &answered)
		require.Equal(t, 1, <-g.began)
		send(ctx, t, j, 1, &answered)
		require.Eventually(t, func() bool { return journal.Waiting(j) == 1 }, time.Minute, time.Millisecond)
		_, first := j.Append(ctx, []journal.Input{input("late")})
		_, second := j.Append(ctx, []journal.Input{input("later")})
		close(g.leave)
		answered.Wait()
		require.ErrorIs(t, first, journal.ErrQueueFull)
		require.ErrorIs(t, second, journal.ErrQueueFull)
		require.Equal(t, map[string]float64{"queue_full": 2}, refusals(t, registry))
	})
	t.Run("timeout", func(t *testing.T) {
		t.Parallel()
		registry := prometheus.NewRegistry()
		j, g, ctx := gated(t, journal.Limits{Timeout: 20 * time.Millisecond}, measured(registry))
		_, err := j.Append(ctx, []journal.Input{input("alice")})
		close(g.leave)
		require.ErrorIs(t, err, journal.ErrTimeout)
		require.Equal(t, map[string]float64{"timeout": 1}, refusals(t, registry))
	})
	t.Run("database", func(t *testing.T) {
		t.Parallel()
		registry := prometheus.NewRegistry()
		j, _, ctx := gated(t, journal.Limits{}, measured(registry), func(cfg *journal.Config) {
			g, _ := cfg.Backend.(*gate)
			cfg.Backend = unreachable{g.Store}
		})
		_, err := j.Append(ctx, []journal.Input{input("alice")})
		require.ErrorIs(t, err, journal.ErrUnavailable)
		require.Equal(t, map[string]float64{"database": 1}, refusals(t, registry))
	})
	t.Run("a conflict is an answer", func(t *testing.T) {
		t.Parallel()
		registry := prometheus.NewRegistry()
		j, g, ctx := gated(t, journal.Limits{}, measured(registry))
		close(g.leave)
		first, second := input("alice"), input("bob")
		first.Key = fmt.Sprintf("%064x", 1)
		second.Key = first.Key
		results, err := j.Append(ctx, []journal.Input{first, second})
		require.NoError(t, err)
		require.ErrorIs(t, results[1].Err, journal.ErrConflict)
		require.Empty(t, refusals(t, registry))
	})
}

// refusals are the appends that were answered UNAVAILABLE, by reason.
func refusals(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	found := map[string]float64{}
	for name, value := range numbers(t, registry) {
		if reason, is := strings.CutPrefix(name, "samjournal_append_refused_total "); is {
			found[reason] = value
		}
	}
	return found
}
