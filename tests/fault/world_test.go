//go:build fault

package fault

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/conformance/oracle"
)

const (
	writers     = 32
	subscribers = 8
)

// points are the crash points of internal/crashpoint, by name: nothing of the product is imported.
func points() []string {
	return []string{"before-insert", "after-insert", "after-commit", "before-answer"}
}

// world is a journal under load: nodes on one database, writers, subscribers, and a record of what was broken.
type world struct {
	nodes []*node
	url   string // DATABASE_URL, of the database's owner
	db    *sql.DB

	writers     []*writer
	subscribers []*subscriber
	faults      map[string]int
	quiet       int // goroutines of a server before there was load

	stopWriting chan struct{}
	writing     sync.WaitGroup
	stopAll     context.CancelFunc
	following   sync.WaitGroup
}

// newWorld starts servers and, at the journal's beginning, the load.
func newWorld(t *testing.T, databaseURL string, db *sql.DB, servers int, args ...string) *world {
	t.Helper()
	w := &world{url: databaseURL, db: db, faults: map[string]int{}, stopWriting: make(chan struct{})}
	for i := range servers {
		n := &node{
			name: fmt.Sprintf("server %d", i+1), dir: t.TempDir(), args: args, env: []string{"DATABASE_URL=" + databaseURL},
		}
		n.start(t)
		w.nodes = append(w.nodes, n)
	}
	w.quiet = w.nodes[0].goroutines()
	require.Positive(t, w.quiet)
	ctx, cancel := context.WithCancel(context.Background())
	w.stopAll = cancel
	t.Cleanup(func() { // also when the test has failed on its way
		cancel()
		w.writing.Wait()
		w.following.Wait()
	})
	start := w.nodes[0].head(t)
	for i := range subscribers {
		s := &subscriber{filter: filters()[i%len(filters())], urls: w.random, drops: i%4 != 3, codes: map[string]int{}}
		s.after.Store(&start)
		w.subscribers = append(w.subscribers, s)
		w.following.Go(func() { s.run(ctx) })
	}
	for i := range writers {
		one := &writer{number: i, client: newClient(), urls: w.random}
		w.writers = append(w.writers, one)
		w.writing.Go(func() { one.run(ctx, w.stopWriting) })
	}
	return w
}

// random is the address of a random node, which may be down.
func (w *world) random() string { return w.nodes[rand.IntN(len(w.nodes))].url() }

// breakThings carries out faults in random order, with some time of peace after each.
func (w *world) breakThings(t *testing.T, faults []string, carryOut func(fault string)) {
	t.Helper()
	rand.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
	for _, fault := range faults {
		before := w.size(t)
		carryOut(fault)
		w.faults[fault]++
		eventually(t, "the journal grows after "+fault, func() bool { return w.size(t) >= before+50 })
		pause(t.Context(), time.Duration(rand.IntN(300))*time.Millisecond)
	}
}

// server carries out those faults that concern one server; false when it is none of them.
func (w *world) server(t *testing.T, fault string) bool {
	t.Helper()
	n := w.nodes[rand.IntN(len(w.nodes))]
	switch {
	case fault == "kill -9":
		n.kill(t)
		n.start(t)
	case slices.Contains(points(), fault):
		n.stop(t)
		n.crash(t, fault)
		n.start(t)
	case fault == "rolling restart":
		for _, n := range w.nodes {
			n.stop(t)
			n.start(t)
		}
	default:
		return false
	}
	return true
}

// repeat is a list of n times each of what.
func repeat(n int, what ...string) []string { return slices.Repeat(what, n) }

// size is the number of entries, by plain SQL.
func (w *world) size(t testing.TB) int64 {
	t.Helper()
	var n int64
	require.NoError(t, w.db.QueryRowContext(t.Context(), "SELECT count(*) FROM entries").Scan(&n))
	return n
}

// settle ends the load: every writer is answered and every subscriber has seen what it can, or the test fails. It returns
// what the tables hold.
func (w *world) settle(t *testing.T) *truth {
	t.Helper()
	close(w.stopWriting)
	w.writing.Wait()
	truth := readTruth(t, w.db)
	for _, s := range w.subscribers {
		matching := truth.matching(t, s.filter)
		require.NotEmpty(t, matching, s.filter.sql)
		eventually(t, fmt.Sprintf("subscriber %v has seen all", s.filter.where), func() bool {
			return s.last() >= matching[len(matching)-1].position
		})
	}
	pause(t.Context(), 500*time.Millisecond) // for what must not come: nothing can be awaited
	w.stopAll()
	w.following.Wait()
	for _, n := range w.nodes {
		eventually(t, n.name+" lets go of its goroutines", func() bool { return n.goroutines() <= w.quiet+servants })
	}
	for _, n := range w.nodes {
		n.stop(t)
	}
	return truth
}

// servants is how many goroutines a server may have more than before its first request: it has met its database, and
// answers the question itself.
const servants = 12

// check compares the tables with what writers and subscribers were told.
func (w *world) check(t *testing.T, truth *truth) {
	t.Helper()
	tables, err := oracle.Open(w.url)
	require.NoError(t, err)
	defer tables.Close()
	require.NoError(t, tables.Verify(t.Context()))
	told := map[string]int64{}
	for _, one := range w.writers {
		require.Empty(t, one.failures)
		for _, a := range one.log {
			require.NotContains(t, told, a.key)
			told[a.key] = a.position
			require.Equal(t, a.position, truth.positions[a.key], "key %s, acknowledged to writer %d", a.key, one.number)
			require.Contains(t, truth.positions, a.key)
		}
	}
	// Writers insist until they are answered, so there is nothing that nobody was told of.
	require.Len(t, truth.positions, len(told))
	for _, s := range w.subscribers {
		require.Empty(t, s.failures)
		require.Equal(t, truth.matching(t, s.filter), s.log, "subscriber %v", s.filter.where)
	}
}

// report logs what the run counted.
func (w *world) report(t *testing.T, truth *truth) {
	t.Helper()
	attempts, found, repeated, resumed, delivered := 0, 0, 0, 0, 0
	codes := map[string]int{}
	for _, one := range w.writers {
		attempts, found, repeated = attempts+one.attempts, found+one.found, repeated+one.repeated
	}
	for _, s := range w.subscribers {
		resumed, delivered = resumed+s.resumed, delivered+len(s.log)
		for reason, n := range s.codes {
			codes[reason] += n
		}
	}
	t.Logf("%d entries acknowledged in %d requests: %d were stored by a request that was never answered, %d were sent again",
		len(truth.positions), attempts, found, repeated)
	t.Logf("%d edges delivered in %d subscriptions, which ended thus: %v", delivered, resumed, codes)
	for _, fault := range slices.Sorted(maps.Keys(w.faults)) {
		t.Logf("%-28s %d", fault, w.faults[fault])
	}
	for _, point := range points() {
		require.Positive(t, w.faults[point], "crash point %s was never hit", point)
	}
}

// truth is the journal as plain SQL finds it.
type truth struct {
	db        *sql.DB
	positions map[string]int64 // by key
}

func readTruth(t testing.TB, db *sql.DB) *truth {
	t.Helper()
	found := &truth{db: db, positions: map[string]int64{}}
	for _, e := range found.matching(t, filter{sql: "1 = 1"}) {
		found.positions[e.key] = e.position
	}
	return found
}

// matching are the entries that a filter lets through, in order.
func (truth *truth) matching(t testing.TB, f filter) []acknowledged {
	t.Helper()
	rows, err := truth.db.QueryContext(t.Context(), "SELECT key, position FROM entries WHERE "+f.sql+" ORDER BY position")
	require.NoError(t, err)
	defer rows.Close()
	var all []acknowledged
	for rows.Next() {
		var a acknowledged
		require.NoError(t, rows.Scan(&a.key, &a.position))
		all = append(all, a)
	}
	require.NoError(t, rows.Err())
	return all
}
