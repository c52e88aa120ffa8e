package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"samjournal/internal/model"
	"samjournal/internal/seed"
)

// keyMark is where each request has a key of its own. Keys of a journal are hexadecimal.
func keyMark() []byte { return []byte(strings.Repeat("f", model.KeyLength)) }

// caller appends over HTTP: each of its callers has a connection, and waits for the answer before it asks again. It is as
// light as can be, since it shares the cores with the servers.
type caller struct {
	address string
	before  []byte // of a request up to its key
	after   []byte
	want    []byte // in every answer

	mu        sync.Mutex
	keys      uint64          // given out; guarded by mu
	total     int             // answered; guarded by mu
	latencies []time.Duration // since lately; guarded by mu
}

func newCaller(s *server, path string, body any, want string) (*caller, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	host := strings.TrimPrefix(s.address, "http://")
	request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"+
		"Accept: application/graphql-response+json\r\nContent-Length: %d\r\n\r\n%s", path, host, len(text), text)
	before, after, found := bytes.Cut(request, keyMark())
	if !found {
		return nil, errors.New("the request has no key")
	}
	return &caller{address: host, before: before, after: after, want: []byte(want)}, nil
}

// sampleEntry is the entry that everybody appends again and again, with a generated one's payloads.
func sampleEntry() newEntry {
	for in := range seed.Generate(seed.Options{Entries: 1, Seed: 3, End: time.Unix(1_700_000_000, 0)}) {
		return newEntry{
			Key: string(keyMark()), Username: "alice", Thing: string(in.Thing), Command: string(in.Command), StatusCode: in.StatusCode,
			Request: json.RawMessage(in.Request), Response: json.RawMessage(in.Response),
		}
	}
	return newEntry{}
}

func newCreateCaller(product *server) (*caller, error) {
	e := sampleEntry()
	e.Thing, e.Command = model.Thing(e.Thing).GraphQL(), model.Command(e.Command).GraphQL()
	body := map[string]any{"query": createEntry, "variables": map[string]any{"input": e}}
	return newCaller(product, "/graphql", body, `"created":true`)
}

func newDirectCaller(limit *server) (*caller, error) {
	return newCaller(limit, "/entry", sampleEntry(), `"position":`)
}

// appendFor lets the callers append for some time.
func (c *caller) appendFor(ctx context.Context, callers int, d time.Duration) (entries int, took time.Duration, err error) {
	conns := make([]net.Conn, callers)
	defer func() {
		for _, conn := range conns {
			if conn != nil {
				_ = conn.Close()
			}
		}
	}()
	for i := range conns {
		if conns[i], err = new(net.Dialer).DialContext(ctx, "tcp", c.address); err != nil {
			return 0, 0, err
		}
	}
	began := time.Now()
	running, ctx := errgroup.WithContext(ctx)
	counts := make([]int, callers)
	for i, conn := range conns {
		running.Go(func() (err error) {
			counts[i], err = c.call(ctx, conn, began.Add(d))
			return err
		})
	}
	err = running.Wait()
	for _, n := range counts {
		entries += n
	}
	return entries, time.Since(began), err
}

// call asks at least once.
func (c *caller) call(ctx context.Context, conn net.Conn, until time.Time) (entries int, err error) {
	reader := bufio.NewReader(conn)
	var latencies []time.Duration
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.total += entries
		c.latencies = append(c.latencies, latencies...)
	}()
	request := slices.Concat(c.before, keyMark(), c.after)
	for began := time.Now(); ; {
		copy(request[len(c.before):], c.nextKey())
		if err := conn.SetDeadline(began.Add(patience)); err != nil {
			return entries, err
		}
		if _, err := conn.Write(request); err != nil {
			return entries, err
		}
		if err := readAnswer(reader, c.want); err != nil {
			return entries, err
		}
		entries++
		now := time.Now()
		latencies = append(latencies, now.Sub(began))
		if now.After(until) || ctx.Err() != nil {
			return entries, ctx.Err()
		}
		began = now
	}
}

func (c *caller) nextKey() []byte {
	c.mu.Lock()
	c.keys++
	n := c.keys
	c.mu.Unlock()
	return keyOf(n)
}

// keyOf is the n-th key. What is before the number spreads them over the index, as random keys are.
func keyOf(n uint64) []byte {
	return fmt.Appendf(nil, "%0*x%0*x", keyNumber, n*0x9e3779b97f4a7c15, model.KeyLength-keyNumber, n)
}

// appended is how many entries were answered for.
func (c *caller) appended() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}

// lately returns how long the answers took since it was called last.
func (c *caller) lately() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	latencies := c.latencies
	c.latencies = nil
	return latencies
}

// readAnswer reads a response and insists on what must be in it.
func readAnswer(r *bufio.Reader, want []byte) error {
	length := -1
	var status string
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		if status == "" {
			status = line
		}
		if name, value, found := strings.Cut(strings.TrimSpace(line), ":"); found && strings.EqualFold(name, "content-length") {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return err
			}
		}
		if line == "\r\n" {
			break
		}
	}
	if length < 0 {
		return fmt.Errorf("an answer without a length: %s", status)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return err
	}
	if !strings.Contains(status, " 200 ") || !bytes.Contains(body, want) {
		return fmt.Errorf("answered %s %s", status, body)
	}
	return nil
}

// counters are what the product says of its commits, and the processor time that was used for them.
type counters struct {
	entries, commits, seconds float64

	busy busy
}

func appendCounters(ctx context.Context, product *server) (c counters, err error) {
	text, _, err := question{server: product, path: "/metrics"}.ask(ctx)
	if err != nil {
		return c, err
	}
	for name, into := range map[string]*float64{
		"samjournal_append_batch_entries_sum": &c.entries, "samjournal_append_batch_entries_count": &c.commits,
		`samjournal_append_commit_seconds_sum{outcome="committed"}`: &c.seconds,
	} {
		found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindSubmatch(text)
		if found == nil {
			return c, fmt.Errorf("/metrics has no %s", name)
		}
		if *into, err = strconv.ParseFloat(string(found[1]), 64); err != nil {
			return c, err
		}
	}
	c.busy, err = readBusy(product)
	return c, err
}
