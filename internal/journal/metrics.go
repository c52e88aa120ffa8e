package journal

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"samjournal/internal/store"
)

// metrics are the numbers of the append path and the feed.
type metrics struct {
	batch   prometheus.Histogram
	commit  *prometheus.HistogramVec // by outcome
	refused *prometheus.CounterVec   // by reason
	lag     prometheus.Histogram
}

// newMetrics registers the metrics of a committer and the feeds; a nil registry keeps them to themselves.
func newMetrics(registry prometheus.Registerer, c *committer) (*metrics, error) {
	seconds := []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	m := &metrics{
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "samjournal_append_batch_entries", Help: "Entries of a commit.",
			Buckets: []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000},
		}),
		commit: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "samjournal_append_commit_seconds", Buckets: seconds,
			Help: "Duration of an append's transaction, by outcome: committed or failed.",
		}, []string{"outcome"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "samjournal_append_refused_total",
			Help: "Appends that were answered UNAVAILABLE, by reason: queue_full, timeout or database.",
		}, []string{"reason"}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "samjournal_feed_lag_seconds", Buckets: seconds,
			Help: "Age of the newest entry, by the server's clock at its append, when the feed reads it for subscribers.",
		}),
	}
	if registry == nil {
		return m, nil
	}
	waiting := func(name, help string, value func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			c.mu.Lock()
			defer c.mu.Unlock()
			return float64(value())
		})
	}
	for _, collector := range []prometheus.Collector{
		m.batch, m.commit, m.refused, m.lag,
		waiting("samjournal_append_queue_entries", "Entries that wait for a commit.", func() int { return c.rows }),
		waiting("samjournal_append_queue_bytes", "Payload bytes that wait for a commit.", func() int { return c.bytes }),
	} {
		if err := registry.Register(collector); err != nil {
			return nil, fmt.Errorf("journal: register metrics: %w", err)
		}
	}
	return m, nil
}

// committed counts a transaction.
func (m *metrics) committed(entries int, took time.Duration, err error) {
	outcome := "committed"
	if err != nil {
		outcome = "failed"
	} else {
		m.batch.Observe(float64(entries))
	}
	m.commit.WithLabelValues(outcome).Observe(took.Seconds())
}

// answered counts an append that is not stored for sure.
func (m *metrics) answered(err error) {
	switch {
	case errors.Is(err, ErrQueueFull):
		m.refused.WithLabelValues("queue_full").Inc()
	case errors.Is(err, ErrTimeout):
		m.refused.WithLabelValues("timeout").Inc()
	case errors.Is(err, store.ErrUnavailable):
		m.refused.WithLabelValues("database").Inc()
	}
}
