package httpserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.uber.org/goleak"

	"samjournal/internal/httpserver"
	"samjournal/internal/httpserver/internal/testschema"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// site is a running server with what a test looks at.
type site struct {
	*httpserver.Server

	address  string // host:port
	resolver *testschema.Resolver
	log      *logBuffer
	served   chan error
}

func (s *site) url(path string) string { return "http://" + s.address + path }

// start serves the test schema on a port of its own. Everything has ended when the test has.
func start(t *testing.T, change func(*httpserver.Config, *httpserver.Deps)) *site {
	t.Helper()

	s := &site{resolver: testschema.New(), log: &logBuffer{}, served: make(chan error, 1)}
	cfg := httpserver.DefaultConfig()
	deps := httpserver.Deps{Present: present, Logger: s.logger(), Operator: everybody}

	if change != nil {
		change(&cfg, &deps)
	}

	schema := testschema.NewExecutableSchema(testschema.Config{Resolvers: s.resolver})

	var err error
	s.Server, err = httpserver.New(cfg, schema, deps)
	require.NoError(t, err)

	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)

	s.address = listener.Addr().String()

	go func() { s.served <- s.Serve(listener) }()

	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()

		require.NoError(t, s.Shutdown(ctx))
		require.NoError(t, <-s.served)
		http.DefaultClient.CloseIdleConnections()
	})

	return s
}

// logger writes what the test can look at.
func (s *site) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(s.log, nil)) }

// metric is what /metrics shows.
func (s *site) metric(t *testing.T, headers ...string) string {
	t.Helper()

	return s.do(t, http.MethodGet, "/metrics", "", headers...).text
}

// present is the shape of the product's presenter: what it does not know is INTERNAL.
func present(ctx context.Context, err error) *gqlerror.Error {
	out := graphql.DefaultErrorPresenter(ctx, err)

	code := "INTERNAL"
	if errors.Is(err, errNoToken) {
		code = "UNAUTHENTICATED"
	}

	out.Extensions = map[string]any{"code": code}

	return out
}

// everybody is an operator.
func everybody(context.Context) bool { return true }

var errNoToken = errors.New("no token")

// logBuffer collects log lines.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()

	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()

	return b.text.String()
}

// lines returns the log lines with this message.
func (b *logBuffer) lines(t *testing.T, msg string) []map[string]any {
	t.Helper()

	var out []map[string]any

	for line := range bytes.Lines([]byte(b.String())) {
		var entry map[string]any
		require.NoError(t, json.Unmarshal(line, &entry))

		if entry["msg"] == msg {
			out = append(out, entry)
		}
	}

	return out
}

// answer is a complete HTTP response.
type answer struct {
	status int
	header http.Header
	text   string
	Data   map[string]any `json:"data"`
	Errors []fault        `json:"errors"`
}

type fault struct {
	Message    string         `json:"message"`
	Extensions map[string]any `json:"extensions"`
}

// code is the code of the only error.
func (a answer) code(t *testing.T) string {
	t.Helper()
	require.Len(t, a.Errors, 1, a.text)

	code, _ := a.Errors[0].Extensions["code"].(string)

	return code
}

// do sends a request; headers come in pairs, and Host among them sets the request's host.
func (s *site) do(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()

	var reader io.Reader
	if body != "" {
		reader = bytes.NewReader([]byte(body))
	}

	r, err := http.NewRequestWithContext(ctx, method, s.url(path), reader)
	require.NoError(t, err)

	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}

	// The client must show a redirect, not follow it.
	resp, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)

	defer resp.Body.Close()

	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)

	out := answer{status: resp.StatusCode, header: resp.Header, text: string(text)}
	_ = json.Unmarshal(text, &out) // pages are not JSON

	return out
}

// text is a GET without assertions, for goroutines: the body, or the error's text.
func (s *site) text(path string) string {
	resp, err := http.Get(s.url(path))
	if err != nil {
		return err.Error()
	}

	defer resp.Body.Close()

	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}

	return string(body)
}

// post sends a body as JSON.
func (s *site) post(t *testing.T, body string, headers ...string) answer {
	t.Helper()

	return s.do(t, http.MethodPost, "/graphql", body, append([]string{"Content-Type", "application/json"}, headers...)...)
}

// ask posts a document.
func (s *site) ask(t *testing.T, query string, headers ...string) answer {
	t.Helper()

	body, err := json.Marshal(map[string]any{"query": query})
	require.NoError(t, err)

	return s.post(t, string(body), headers...)
}

// eventually waits for a condition.
func eventually(t *testing.T, condition func() bool, what string) {
	t.Helper()
	require.Eventually(t, condition, patience, 2*time.Millisecond, what)
}

// receive takes one value from a channel.
func receive[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()

	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		require.FailNow(t, "waited in vain", what)
		panic("unreachable")
	}
}
