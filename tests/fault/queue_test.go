//go:build fault

package fault

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/testpostgres"
)

const (
	queueBytes = 1 << 20 // --append-queue-bytes
	callers    = 256
	payload    = 48 << 10  // bytes of one entry
	most       = 128 << 20 // bytes of memory that the server may take on
)

// caller appends under keys of its own and is refused again and again. Only its own goroutine touches it; when that has
// ended, the test.
type caller struct {
	stored   []acknowledged
	refused  []time.Duration // how long each refusal took
	failures []error
}

func TestAFullQueueRefusesAtOnceAndStaysSmall(t *testing.T) {
	database := testpostgres.Start(t).NewDatabase(t)
	db := open(t, "pgx", database.SuperuserURL)
	n := &node{
		name: "server", dir: t.TempDir(), env: []string{"DATABASE_URL=" + database.OwnerURL},
		args: []string{"--append-queue-bytes=1048576", "--append-timeout=2m"},
	}
	n.start(t)
	n.appendEntries(t, 10)
	idle := n.memory(t, "VmRSS")

	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.ExecContext(t.Context(), "BEGIN; SELECT * FROM heads FOR UPDATE")
	require.NoError(t, err)

	stop := make(chan struct{})
	all := make([]caller, callers)
	var calling sync.WaitGroup
	for i := range all {
		calling.Go(func() { all[i].run(t.Context(), n.url(), stop) })
	}
	pause(t.Context(), time.Duration(times(6, 30))*time.Second)
	full := n.memory(t, "VmHWM")
	_, err = conn.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	close(stop)
	calling.Wait()
	n.appendEntries(t, 1)
	n.stop(t)

	truth := readTruth(t, db)
	stored, refused := 0, []time.Duration(nil)
	for _, c := range all {
		require.Empty(t, c.failures)
		for _, a := range c.stored {
			require.Contains(t, truth.positions, a.key)
			require.Equal(t, a.position, truth.positions[a.key])
		}
		stored, refused = stored+len(c.stored), append(refused, c.refused...)
	}
	require.Greater(t, len(refused), 5*callers, "the queue was full for most")
	slices.Sort(refused)
	median, slowest := refused[len(refused)/2], refused[len(refused)-1]
	t.Logf("%d refused, half of them within %s, all within %s; %d acknowledged after the release; memory %d MiB, at most %d MiB",
		len(refused), median.Round(time.Millisecond), slowest.Round(time.Millisecond), stored, idle>>20, full>>20)
	require.Len(t, truth.positions, stored+11)
	require.GreaterOrEqual(t, stored*payload, queueBytes-payload, "what the queue held is stored")
	require.Less(t, slowest, 30*time.Second, "at once, as far as a busy machine lets it: an append may take two minutes")
	require.Less(t, full-idle, int64(most), "memory while the queue is full")
}

// run appends until stop is closed. Whoever waits in the queue then is still answered.
func (c *caller) run(ctx context.Context, url string, stop <-chan struct{}) {
	client := newClient()
	defer client.CloseIdleConnections()
	for {
		input := map[string]any{"key": newKey(), "request": strings.Repeat("x", payload), "response": nil}
		began := time.Now()
		var answer created
		err := ask(ctx, client, url, createEntry, map[string]any{"input": input}, &answer)
		wait := time.Duration(0)
		var full *refusal
		switch {
		case err == nil:
			c.stored = append(c.stored, acknowledged{key: answer.CreateEntry.Key, position: answer.CreateEntry.Position})
		case errors.As(err, &full) && full.Extensions.Code == "UNAVAILABLE" && full.Extensions.RetryAfterMs > 0:
			c.refused = append(c.refused, time.Since(began))
			wait = time.Duration(full.Extensions.RetryAfterMs) * time.Millisecond
		default:
			c.failures = append(c.failures, err)
			return
		}
		select {
		case <-stop:
			return
		case <-time.After(wait / 4): // less patient than it was asked to be
		}
	}
}
