package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// metric reads one line of /metrics.
func (s *server) metric(t testing.TB, line string) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(line) + ` (\S+)$`).FindStringSubmatch(s.get(t, "/metrics").body)
	if found == nil {
		return ""
	}
	return found[1]
}

func TestMetricsTellOfAppendsAndSubscribers(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			s := serve(t, fresh(t).where)
			first, second := s.follow(t), s.follow(t)
			s.append(t, nil) // when it has come to both, both are followed
			first.next(t)
			second.next(t)
			s.query(t, `mutation ($inputs: [CreateEntryInput!]!) { createEntries(inputs: $inputs) { results { __typename } } }`,
				map[string]any{"inputs": repeated(map[string]any{"request": 1, "response": 2}, 3)})
			for range 3 {
				first.next(t)
				second.next(t)
			}
			for line, want := range map[string]string{
				`samjournal_append_batch_entries_sum`:                         "4",
				`samjournal_append_commit_seconds_count{outcome="committed"}`: "2",
				`samjournal_append_queue_entries`:                             "0",
				`samjournal_append_queue_bytes`:                               "0",
				`samjournal_streams{transport="websocket"}`:                   "2",
				`samjournal_subscribers{transport="websocket"}`:               "2",
				`samjournal_deliveries_total{transport="websocket"}`:          "8",
				`samjournal_subscriber_fallbacks_total`:                       "0",
				`samjournal_feed_lag_seconds_count`:                           "[12]",
			} {
				eventually(t, line+" "+want, func() bool {
					return regexp.MustCompile("^" + want + "$").MatchString(s.metric(t, line))
				})
			}
			_ = first.conn.CloseNow()
			eventually(t, "one is gone", func() bool { return s.metric(t, `samjournal_subscribers{transport="websocket"}`) == "1" })
		})
	}
}

func TestTheMetricsAreThoseOfTheDocs(t *testing.T) {
	t.Parallel()
	db := newSQLite(t)
	s := serve(t, db.where, "--append-timeout=50ms")
	_ = s.follow(t)
	s.append(t, nil)
	unlock := db.lockHead(t)
	s.ask(t, `mutation { createEntry(input: {request: 1, response: 2}) { key } }`, nil) // is refused
	unlock()
	names := func(pattern, text string) (found []string) {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			found = append(found, m[1])
		}
		slices.Sort(found)
		return slices.Compact(found)
	}
	docs, err := os.ReadFile(filepath.Join("..", "..", "docs", "transports.md"))
	require.NoError(t, err)
	eventually(t, "all metrics are there", func() bool {
		served := names(`(?m)^# HELP (samjournal_\w+)`, s.get(t, "/metrics").body)
		return slices.Equal(names("(?m)^\\| `(samjournal_\\w+)` \\|", string(docs)), served)
	})
}
