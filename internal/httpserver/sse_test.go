package httpserver_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/httpserver"
)

const eventStream = "text/event-stream"

// listen opens an event stream and returns its lines as they come. Leaving cancels it.
func (s *site) listen(t *testing.T, query string) (lines *bufio.Scanner, leave func()) {
	t.Helper()

	// No time limit: it would release what a test wants the server to release.
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)

	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url("/graphql?query="+url.QueryEscape(query)), http.NoBody)
	require.NoError(t, err)
	r.Header.Set("Accept", eventStream)

	resp, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })

	return bufio.NewScanner(resp.Body), cancel
}

// openEvents is listen without assertions, for goroutines: read gives the data of each event.
func (s *site) openEvents(ctx context.Context, query string) (read func() (string, error), end func(), err error) {
	ctx, cancel := context.WithCancel(ctx)

	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url("/graphql?query="+url.QueryEscape(query)), http.NoBody)
	if err != nil {
		cancel()

		return nil, nil, err
	}

	r.Header.Set("Accept", eventStream)

	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		cancel()

		return nil, nil, err
	}

	lines := bufio.NewScanner(resp.Body)

	return func() (string, error) {
			for lines.Scan() {
				if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
					return data, nil
				}
			}

			return "", errors.Join(io.ErrUnexpectedEOF, lines.Err())
		}, func() {
			cancel()
			_ = resp.Body.Close()
		}, nil
}

func TestEventStreamCarriesEveryKindOfOperation(t *testing.T) {
	t.Parallel()

	s := start(t, nil)

	a := s.ask(t, `subscription { count(to: 2) }`, "Accept", eventStream)
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, "text/event-stream; charset=utf-8", a.header.Get("Content-Type"))
	require.Equal(t, "no", a.header.Get("X-Accel-Buffering"))
	require.Contains(t, a.header.Get("Cache-Control"), "no-cache")
	require.Equal(t, ":\n\n"+
		"event: next\ndata: {\"data\":{\"count\":0}}\n\n"+
		"event: next\ndata: {\"data\":{\"count\":1}}\n\n"+
		"event: complete\ndata:\n\n", a.text)

	for _, query := range []string{`{ hello }`, `mutation { bump }`} {
		a = s.ask(t, query, "Accept", eventStream)
		require.Equal(t, 1, strings.Count(a.text, "event: next"))
		require.True(t, strings.HasSuffix(a.text, "event: complete\ndata:\n\n"), a.text)
	}

	a = s.do(t, http.MethodGet, "/graphql?query="+url.QueryEscape(`subscription { count(to: 1) }`), "", "Accept", eventStream)
	require.Contains(t, a.text, `{"data":{"count":0}}`)
}

func TestEventStreamIsChosenForASubscriptionThatAllowsIt(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	accept := "application/graphql-response+json, application/json, text/event-stream"
	require.Contains(t, s.ask(t, `subscription { count(to: 1) }`, "Accept", accept).text, "event: next")
	require.JSONEq(t, `{"data":{"hello":"hello world"}}`, s.ask(t, `{ hello }`, "Accept", accept).text)
}

func TestEventStreamErrorsAreEvents(t *testing.T) {
	t.Parallel()

	s := start(t, nil)

	for query, code := range map[string]string{
		`{ nope }`: "BAD_USER_INPUT",
		`subscription { refused(code: "CURSOR_INVALID") }`: "CURSOR_INVALID",
		`subscription { breaks(code: "UNAVAILABLE") }`:     "UNAVAILABLE",
		`subscription { boom }`:                            "INTERNAL",
	} {
		a := s.ask(t, query, "Accept", eventStream)
		require.Equal(t, http.StatusOK, a.status)
		require.Contains(t, a.text, `"code":"`+code+`"`)
		require.True(t, strings.HasSuffix(a.text, "event: complete\ndata:\n\n"), a.text)
	}

	// What is not a GraphQL request at all is no stream either.
	require.Equal(t, http.StatusBadRequest, s.post(t, `{`, "Accept", eventStream).status)
}

func TestEventStreamIsKeptAlive(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.PingInterval = 10 * time.Millisecond })
	lines, _ := s.listen(t, `subscription { forever }`)

	for comments := 0; comments < 4; {
		require.True(t, lines.Scan())

		if lines.Text() == ":" {
			comments++
		}
	}
}

func TestEventStreamEndsWithItsClient(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	lines, leave := s.listen(t, `subscription { forever }`)
	require.True(t, lines.Scan())
	leave()
	receive(t, s.resolver.Left, "the source to end")
	eventually(t, func() bool { return len(s.log.lines(t, "operation")) == 1 }, "a log line")
	require.Equal(t, "sse", s.log.lines(t, "operation")[0]["transport"])
	require.Equal(t, "OK", s.log.lines(t, "operation")[0]["code"])
}

func TestEventStreamOfAClientThatStopsReadingIsReleased(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.WriteTimeout = 100 * time.Millisecond })
	s.listen(t, `subscription { flood(size: 1000000) }`) // and nobody scans
	receive(t, s.resolver.Left, "the source to end")
}

func TestConnectionServesOnAfterAnEventStream(t *testing.T) {
	t.Parallel()

	const limit = 20 * time.Millisecond

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.WriteTimeout = limit })
	client := &http.Transport{MaxConnsPerHost: 1}

	defer client.CloseIdleConnections()

	reused := false
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused },
	})

	for _, path := range []string{"/graphql?query=" + url.QueryEscape(`subscription { count(to: 1) }`), "/healthz"} {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url(path), http.NoBody)
		require.NoError(t, err)
		r.Header.Set("Accept", eventStream)

		resp, err := client.RoundTrip(r)
		require.NoError(t, err, path)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())

		<-time.After(3 * limit) // the stream's last write deadline is over; it must not have stayed on the connection
	}

	require.True(t, reused)
}

func TestAStreamOutlivesTheReadTimeout(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) {
		c.ReadTimeout, c.PingInterval = 30*time.Millisecond, 10*time.Millisecond
	})

	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url("/graphql"),
		strings.NewReader(`{"query":"subscription { forever }"}`))
	require.NoError(t, err)
	r.Header.Set("Accept", eventStream)
	r.Header.Set("Content-Type", "application/json")

	resp, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)

	defer resp.Body.Close()

	lines := bufio.NewScanner(resp.Body)
	for range 20 { // of which each keep-alive has two, 10 ms apart
		require.True(t, lines.Scan(), "the stream has ended: %v", lines.Err())
	}
}

func TestASlowBodyIsCutOff(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.ReadTimeout = 30 * time.Millisecond })
	body, writer := io.Pipe()

	defer writer.Close()

	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url("/graphql"), body)
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")

	resp, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusBadRequest, resp.StatusCode)
}
