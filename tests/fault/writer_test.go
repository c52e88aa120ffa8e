//go:build fault

package fault

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// acknowledged is an entry that a writer was told is durable.
type acknowledged struct {
	key      string
	position int64
}

// writer appends entries under keys that it chose, and asks again with the same key until it is answered. Only its own
// goroutine touches it; when that has ended, the test.
type writer struct {
	number int
	client *http.Client
	urls   func() string // of a random node

	log      []acknowledged
	attempts int // requests that were sent
	found    int // acknowledged entries that an earlier, unanswered request had stored
	repeated int // acknowledged entries that were sent once more
	failures []string
}

const createEntry = `mutation ($input: CreateEntryInput!) { createEntry(input: $input) { key position created } }`

// created is what createEntry answers.
type created struct {
	CreateEntry struct {
		Key      string
		Position int64
		Created  bool
	}
}

// run writes until stop is closed; what is under way then is still brought to its end.
func (w *writer) run(ctx context.Context, stop <-chan struct{}) {
	defer w.client.CloseIdleConnections()
	for ctx.Err() == nil {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(5+rand.IntN(75)) * time.Millisecond):
			w.write(ctx)
		}
	}
}

// write appends one entry.
func (w *writer) write(ctx context.Context) {
	input := w.input()
	position, ok := w.insist(ctx, input, false)
	if !ok {
		return
	}
	key := input["key"].(string)
	w.log = append(w.log, acknowledged{key: key, position: position})
	if rand.IntN(20) > 0 {
		return
	}
	w.repeated++
	if again, ok := w.insist(ctx, input, true); ok && again != position {
		w.failf("key %s was acknowledged at %d and then at %d", key, position, again)
	}
}

// insist sends an input until it is acknowledged and returns its position. known says that the journal has it.
func (w *writer) insist(ctx context.Context, input map[string]any, known bool) (int64, bool) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	first := !known
	for {
		w.attempts++
		var answer created
		trying, cancel := context.WithTimeout(ctx, attempt)
		err := ask(trying, w.client, w.urls(), createEntry, map[string]any{"input": input}, &answer)
		cancel()
		got := answer.CreateEntry
		switch {
		case err == nil && got.Key != input["key"]:
			w.failf("asked for key %s, got %s", input["key"], got.Key)
			return 0, false
		case err == nil && (known && got.Created || first && !got.Created):
			w.failf("key %s: created is %t, first attempt %t, known %t", got.Key, got.Created, first, known)
			return 0, false
		case err == nil:
			if !known && !got.Created {
				w.found++
			}
			return got.Position, true
		case code(err) != "" && code(err) != "UNAVAILABLE":
			w.failf("key %s: %v", input["key"], err)
			return 0, false
		}
		first = false
		if !pause(ctx, time.Duration(20+rand.IntN(100))*time.Millisecond) {
			w.failf("key %s: not acknowledged within %s: %v", input["key"], patience, err)
			return 0, false
		}
	}
}

func (w *writer) input() map[string]any {
	input := map[string]any{
		"key":        newKey(),
		"thing":      []string{"PLUGIN", "PROMPT", "ACCOUNT", "PROVIDER"}[rand.IntN(4)],
		"command":    []string{"APPLY", "DELETE", "GET", "DEPLOY"}[rand.IntN(4)],
		"statusCode": []int{200, 201, 404, 500}[rand.IntN(4)],
		"request":    map[string]any{"writer": w.number, "entry": len(w.log)},
		"response":   map[string]any{"text": "an answer of some length, as it is with most"},
	}
	if user := rand.IntN(6); user > 0 {
		input["username"] = fmt.Sprintf("user-%d", user)
	}
	return input
}

func newKey() string {
	var b [32]byte
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return hex.EncodeToString(b[:])
}

func (w *writer) failf(format string, args ...any) {
	w.failures = append(w.failures, fmt.Sprintf("writer %d: ", w.number)+fmt.Sprintf(format, args...))
}
