package docstest_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/cli"
	"samjournal/internal/testpostgres"
)

// serveVariable makes the test binary the product: what runs is the command line itself, and Go's test cache knows on which
// packages the result depends.
const serveVariable = "SAMJOURNAL_DOCSTEST_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) != "" {
		os.Exit(cli.Main(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// databases returns the URLs of an empty database of each kind.
func databases(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{"sqlite": sqlite(t), "postgres": testpostgres.New(t)}
}

func sqlite(t *testing.T) string {
	t.Helper()
	return "file:" + filepath.Join(t.TempDir(), "journal.db")
}

// serve starts a server over a database and returns the address of its endpoint.
func serve(t *testing.T, databaseURL string) string {
	t.Helper()
	executable, err := os.Executable()
	require.NoError(t, err)
	command := exec.CommandContext(context.WithoutCancel(t.Context()), executable, "serve", "--listen", "127.0.0.1:0",
		"--database-url", databaseURL, "--log-format", "json")
	command.Env = []string{serveVariable + "=1"} // and nothing that configures the server otherwise
	command.Stderr = t.Output()                  // the log
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	var said strings.Builder
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if address, ok := strings.CutPrefix(lines.Text(), "GraphQL:"); ok {
			drained := make(chan struct{})
			go func() {
				defer close(drained)
				_, _ = io.Copy(io.Discard, output) // a full pipe would hold the server up
			}()
			t.Cleanup(func() {
				require.NoError(t, command.Process.Signal(syscall.SIGTERM))
				<-drained
				require.NoError(t, command.Wait())
			})
			return strings.TrimSpace(address)
		}
	}
	require.Fail(t, "the server did not start", said.String())
	return ""
}

// client bounds how long any answer may take.
func client() *http.Client { return &http.Client{Timeout: 30 * time.Second} }

// send posts a request and returns the response, its body open.
func send(t *testing.T, url, accept string, body []byte) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", accept)
	resp, err := client().Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// stream reads the results of an event stream.
type stream struct {
	lines *bufio.Scanner
	resp  *http.Response
}

func openStream(t *testing.T, url string, body []byte) *stream {
	t.Helper()
	resp := send(t, url, "text/event-stream", body)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	return &stream{lines: bufio.NewScanner(resp.Body), resp: resp}
}

// take returns the next n results.
func (s *stream) take(t *testing.T, n int) []json.RawMessage {
	t.Helper()
	var results []json.RawMessage
	for len(results) < n && s.lines.Scan() {
		if text, ok := strings.CutPrefix(s.lines.Text(), "data: "); ok {
			results = append(results, json.RawMessage(text))
		}
	}
	require.Len(t, results, n, "the stream ended early: %v", s.lines.Err())
	return results
}

func (s *stream) close() { _ = s.resp.Body.Close() }
