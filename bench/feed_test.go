package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

const feedPayload = `{"data":{"entryCreated":{"cursor":"AQ","node":{"key":"%s","position":41,"statusCode":200}}}}`

// startTestBare returns the bare server, and what a load client needs to know of it.
func startTestBare(t *testing.T, transport, key string) loadSpec {
	t.Helper()
	server := httptest.NewServer(newBare(t.Context()))
	t.Cleanup(server.Close)
	return loadSpec{
		Address: strings.TrimPrefix(server.URL, "http://"), Bare: true, Transport: transport, Subscribers: 20,
		Payload: fmt.Appendf(nil, feedPayload, key), First: 10_000,
	}
}

func listen(t *testing.T, spec loadSpec) (*audience, loadReady) {
	t.Helper()
	a := newAudience(spec)
	t.Cleanup(a.close)
	ready, err := a.connect(t.Context())
	require.NoError(t, err)
	return a, ready
}

func TestEverySubscriberOfTheBareServerGetsEveryEntry(t *testing.T) {
	t.Parallel()
	for transport, envelope := range map[string]int{
		overWebSocket: len(`{"id":"00000000-0000-4000-8000-000000000000","type":"next","payload":}`), overSSE: 0,
	} {
		for name, key := range map[string]string{"short": "k", "longer than the buffer": strings.Repeat("k", 2*wireBuffer)} {
			t.Run(transport+", "+name, func(t *testing.T) {
				t.Parallel()
				spec := startTestBare(t, transport, key)
				a, ready := listen(t, spec)
				want := bytes.Replace(spec.Payload, []byte("41"), []byte("10000"), 1)
				require.Equal(t, string(want), string(ready.Payload))
				require.Equal(t, 10_001, ready.Next)

				result, err := a.run(t.Context(), loadTask{For: 300 * time.Millisecond, Rate: 50})
				require.NoError(t, err)
				require.Equal(t, 15, result.Entries)
				require.EqualValues(t, 15*20, result.Messages)
				require.EqualValues(t, 15*20*(len(want)+envelope), result.Bytes)
				require.Positive(t, result.Asked.P50)
				require.GreaterOrEqual(t, result.Asked.P99, result.Asked.P50)
				require.GreaterOrEqual(t, result.Asked.Max, result.Asked.P99)
				require.Less(t, result.Answered.P50, result.Asked.P50, "the answer comes after the question")

				for _, joined := range []bool{false, true, false} {
					result, err = a.run(t.Context(), loadTask{For: 50 * time.Millisecond, Burst: 30, Joined: joined})
					require.NoError(t, err)
					require.Positive(t, result.Entries)
					require.Zero(t, result.Entries%30)
					require.EqualValues(t, result.Entries*20, result.Messages)
				}
			})
		}
	}
}

func TestTheLoadClientNoticesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		positions []int // broadcast when 10,001 to 10,003 are due
		want      string
	}{
		"twice":        {[]int{10_001, 10_002, 10_002}, "the entry at position 10002 came when 10003 was due"},
		"out of order": {[]int{10_002, 10_001, 10_003}, "the entry at position 10002 came when 10001 was due"},
		"left out":     {[]int{10_001, 10_003}, "the entry at position 10003 came when 10002 was due"},
		"never":        {[]int{10_001, 10_002}, "20 messages are missing, none came for 10ms"},
		"too many":     {[]int{10_001, 10_002, 10_003, 10_003}, "the entry at position 10003 came when 10004 was due"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := startTestBare(t, overWebSocket, "k")
			a, _ := listen(t, spec)
			a.longest = 10 * time.Millisecond
			a.append = func(ctx context.Context, count int) (int, error) {
				first := a.next
				if count == 3 {
					var body []byte
					for _, position := range c.positions {
						body = append(body, `{"position":`+strconv.Itoa(position)+"}\n"...)
					}
					_, _, err := question{server: at(spec.Address), path: "/broadcast", body: body}.ask(ctx)
					return first, err
				}
				return first, nil
			}
			_, err := a.run(t.Context(), loadTask{For: time.Nanosecond, Burst: 3})
			if err == nil { // the message that is too many is on its way
				select {
				case err = <-a.failed:
				case <-time.After(patience):
				}
			}
			require.EqualError(t, err, c.want)
		})
	}
}

// countingConn counts writes.
type countingConn struct {
	net.Conn

	writes []string
}

func (c *countingConn) Write(text []byte) (int, error) {
	c.writes = append(c.writes, string(text))
	return len(text), nil
}

func TestWhatIsHeldIsOneWrite(t *testing.T) {
	t.Parallel()
	counting := &countingConn{}
	held := &heldConn{Conn: counting}
	say := func(text string) {
		_, err := io.WriteString(held, text)
		require.NoError(t, err)
	}
	say("a")
	held.hold([]byte("what was there before"))
	say("b")
	say("c")
	require.Equal(t, []string{"a"}, counting.writes)
	_, err := held.release()
	require.NoError(t, err)
	say("d")
	require.Equal(t, []string{"a", "bc", "d"}, counting.writes)
}

func TestASecondWriterIsNoticed(t *testing.T) {
	t.Parallel()
	a, _ := listen(t, startTestBare(t, overSSE, "k"))
	a.append = func(context.Context, int) (int, error) { return a.next + 1, nil }
	_, err := a.run(t.Context(), loadTask{For: time.Second, Burst: 3})
	require.ErrorContains(t, err, "somebody else writes")
	_, err = positionsOf([]byte(`[{"position":7},{"position":9}]`), 2)
	require.ErrorContains(t, err, "somebody else writes")
	_, err = positionsOf([]byte(`[{"position":7},{"message":"no"}]`), 2)
	require.ErrorContains(t, err, "appended 1 of 2")
	first, err := positionsOf([]byte(`[{"position":7},{"position":8}]`), 2)
	require.NoError(t, err)
	require.Equal(t, 7, first)
}

func TestTheLoadClientSpeaksOverItsStreams(t *testing.T) {
	t.Parallel()
	spec, err := json.Marshal(startTestBare(t, overWebSocket, "k"))
	require.NoError(t, err)
	var out bytes.Buffer
	tasks := strings.NewReader(`{"for":1,"burst":2}{"for":100000000,"rate":20}`)
	require.NoError(t, serveLoad(t.Context(), string(spec), tasks, &out))
	answers := json.NewDecoder(&out)
	var ready loadReady
	require.NoError(t, answers.Decode(&ready))
	require.Equal(t, 10_001, ready.Next)
	for range 2 {
		var result loadResult
		require.NoError(t, answers.Decode(&result))
		require.EqualValues(t, 2*20, result.Messages)
	}
	require.ErrorIs(t, answers.Decode(&ready), io.EOF)
}

// Whoever does not answer a ping, of either kind, would be cut off in the middle of a measurement.
func TestTheLoadClientAnswersPings(t *testing.T) {
	t.Parallel()
	answered := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"graphql-transport-ws"}})
		if err != nil {
			answered <- err
			return
		}
		defer func() { _ = conn.CloseNow() }()
		answered <- pingClient(r.Context(), conn)
	}))
	t.Cleanup(server.Close)
	w, err := dialSocket(t.Context(), strings.TrimPrefix(server.URL, "http://"), "1", subscribeRequest{})
	require.NoError(t, err)
	t.Cleanup(w.close)
	message, err := w.next()
	require.NoError(t, err)
	require.JSONEq(t, `{"position":1}`, string(message))
	require.NoError(t, <-answered)
}

func pingClient(ctx context.Context, conn *websocket.Conn) error {
	say := func(text string) error { return conn.Write(ctx, websocket.MessageText, []byte(text)) }
	expect := func(want string) error {
		_, text, err := conn.Read(ctx)
		if err == nil && !strings.Contains(string(text), want) {
			err = fmt.Errorf("no %s in %s", want, text)
		}
		return err
	}
	steps := []func() error{
		func() error { return expect("connection_init") },
		func() error { return say(`{"type":"ping"}`) },
		func() error { return say(`{"type":"connection_ack"}`) },
		func() error { return expect(`"subscribe"`) },
		func() error { return expect(`"ping"`) },
		func() error { return say(`{"type":"pong"}`) },
		func() error { return say(`{"type":"ping"}`) },
		func() error { return expect(`"pong"`) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	pong := make(chan error, 1)
	go func() { pong <- conn.Ping(ctx) }()
	reading := conn.CloseRead(ctx) // a pong is read like any other frame
	select {
	case err := <-pong:
		if err != nil {
			return err
		}
	case <-reading.Done():
		return reading.Err()
	}
	return say(`{"position":1}`)
}

func TestARefusalIsAnError(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	for _, transport := range []string{overWebSocket, overSSE} {
		a := newAudience(loadSpec{Address: strings.TrimPrefix(server.URL, "http://"), Bare: true, Transport: transport, Subscribers: 3})
		_, err := a.connect(t.Context())
		require.ErrorContains(t, err, "404 Not Found")
		a.close()
	}
}

func TestPositionsAreCutOutOfMessages(t *testing.T) {
	t.Parallel()
	position, behind, err := cutPosition([]byte(`{"position":10203,"x":1}`))
	require.NoError(t, err)
	require.Equal(t, 10_203, position)
	require.Equal(t, `,"x":1}`, string(behind))
	for _, text := range []string{`{"type":"complete"}`, `{"position":null}`, ``} {
		_, _, err := cutPosition([]byte(text))
		require.ErrorContains(t, err, "no position")
	}
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	values := make([]int64, 1000)
	for i := range values {
		values[i] = int64(1000 - i)
	}
	require.Equal(t, quantiles{P50: 500, P99: 990, Max: 1000}, quantilesOf(values))
	require.Equal(t, quantiles{P50: -3, P99: -3, Max: -3}, quantilesOf([]int64{-3}))
}

func TestNeighboursHaveDifferentFilters(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for i := range 30 {
		text, err := json.Marshal(feedSubscription("c", i, 10))
		require.NoError(t, err)
		seen[string(text)]++
	}
	require.Len(t, seen, 10)
	require.Equal(t, feedSubscription("c", 1, 1), feedSubscription("c", 2, 1))
}

func TestSectionsAreWrittenByThemselves(t *testing.T) {
	t.Parallel()
	results := "# What it costs\n\n## SQLite\n\npages\n"
	require.Empty(t, ownSections(results))
	results = withSection(results, feedHeading, feedHeading+"\nfirst\n")
	results = withSection(results, callersHeading, callersHeading+"\ncallers\n")
	results = withSection(results, feedHeading, feedHeading+"\nsecond\n")
	own := "\n" + callersHeading + "\ncallers\n\n" + feedHeading + "\nsecond\n"
	require.Equal(t, "# What it costs\n\n## SQLite\n\npages\n"+own, results)
	require.Equal(t, own, ownSections(results))
}

func TestFiguresOfAProcess(t *testing.T) {
	t.Parallel()
	before, err := processorTime(os.Getpid())
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		now, err := processorTime(os.Getpid())
		return err == nil && now > before
	}, time.Minute, time.Millisecond, "asking takes time, too")
}

func TestTooManySubscribersForTheSystemAreRefused(t *testing.T) {
	t.Parallel()
	require.NoError(t, checkSystem(10))
	require.ErrorContains(t, checkSystem(1<<40), "set SAMJOURNAL_BENCH_SUBSCRIBERS to fewer")
}
