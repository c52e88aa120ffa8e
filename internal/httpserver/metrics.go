package httpserver

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// labelTransport is the label that tells WebSockets, event streams and plain HTTP apart.
const labelTransport = "transport"

// metrics are the server's own numbers, and the handler that shows them.
type metrics struct {
	handler    http.Handler
	operations *prometheus.CounterVec
	durations  *prometheus.HistogramVec
	streams    *prometheus.GaugeVec

	subscribers *prometheus.GaugeVec
	deliveries  *prometheus.CounterVec
	fallbacks   prometheus.Counter
	refused     *prometheus.CounterVec
}

// The reasons for which requests, operations and connections are refused, as metrics call them.
const (
	refusedOrigin             = "origin"
	refusedAddressRate        = "address_rate"
	refusedViewerRate         = "viewer_rate"
	refusedViewerCost         = "viewer_cost"
	refusedFailedLogins       = "failed_logins"
	refusedConnections        = "connections"
	refusedAddressConnections = "address_connections"
	refusedStreams            = "streams"
	refusedAddressStreams     = "address_streams"
	refusedOperations         = "operations"
	refusedViewerOperations   = "viewer_operations"
	refusedMemory             = "memory"
)

func newMetrics(registry *prometheus.Registry) (*metrics, error) {
	if registry == nil {
		registry = prometheus.NewRegistry()
	}

	m := &metrics{
		handler: promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}),
		operations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "samjournal_graphql_operations_total",
			Help: "GraphQL operations that have ended, by type, transport and code (OK or the first error's extensions.code).",
		}, []string{"type", labelTransport, "code"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "samjournal_graphql_operation_duration_seconds",
			Help:    "Duration of GraphQL queries and mutations. Subscriptions last as long as their clients want and are left out.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"type", labelTransport}),
		streams: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "samjournal_streams",
			Help: "Open WebSocket connections and event streams.",
		}, []string{labelTransport}),
		subscribers: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "samjournal_subscribers",
			Help: "Running subscriptions.",
		}, []string{labelTransport}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "samjournal_deliveries_total",
			Help: "Entries sent to subscribers, each counted once for each subscriber.",
		}, []string{labelTransport}),
		fallbacks: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "samjournal_subscriber_fallbacks_total",
			Help: "How often a subscriber was too slow for the shared feed and went on reading the database at its own pace.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "samjournal_refused_total",
			Help: "Connections, requests, messages and operations that were refused to keep the server up, by reason.",
		}, []string{"reason"}),
	}

	for _, reason := range []string{
		refusedOrigin, refusedAddressRate, refusedViewerRate, refusedViewerCost, refusedFailedLogins, refusedConnections,
		refusedAddressConnections, refusedStreams, refusedAddressStreams, refusedOperations, refusedViewerOperations, refusedMemory,
	} {
		m.refused.WithLabelValues(reason) // it is shown from the beginning
	}

	for _, collector := range []prometheus.Collector{
		m.operations, m.durations, m.streams, m.subscribers, m.deliveries, m.fallbacks, m.refused,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		err := registry.Register(collector)

		// The caller may have registered Go's and the process's own collectors already.
		var already prometheus.AlreadyRegisteredError
		if err != nil && !errors.As(err, &already) {
			return nil, fmt.Errorf("httpserver: register metrics: %w", err)
		}
	}

	return m, nil
}

func (m *metrics) refuse(reason string) { m.refused.WithLabelValues(reason).Inc() }

func (m *metrics) observe(op *operation, took time.Duration) {
	kind := string(op.kind)
	if kind == "" {
		kind = "invalid"
	}

	m.operations.WithLabelValues(kind, op.transport, knownCode(op.code)).Inc()

	if kind != "subscription" {
		m.durations.WithLabelValues(kind, op.transport).Observe(took.Seconds())
	}
}

// knownCode keeps the label's values few, whatever a resolver makes up.
func knownCode(code string) string {
	switch code {
	case codeOK, codeCanceled, codeUnauthenticated, codeForbidden, codeNotFound, codeBadUserInput, codePayloadTooLarge,
		codeQueryTooComplex, codeRateLimited, codeUnavailable, codeInternal, "CONFLICT", "CURSOR_INVALID":
		return code
	default:
		return "OTHER"
	}
}
