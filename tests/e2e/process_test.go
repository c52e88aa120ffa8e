package e2e

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// output collects what a process writes. It is safe for concurrent use.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// process is a running samjournal.
type process struct {
	cmd    *exec.Cmd
	stdout output
	stderr output
	ended  chan struct{} // closed when the process has ended and all its output was read
}

// where says in what a process runs: its directory, and environment variables beside the few that every process needs.
type where struct {
	dir string
	env []string
}

// start starts samjournal. It is killed at the end of the test, should it still run.
func start(t testing.TB, at where, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(binary, args...), ended: make(chan struct{})}
	p.cmd.Dir = at.dir
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + at.dir, "TMPDIR=" + at.dir}, at.env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // the state tells
	}()
	t.Cleanup(func() {
		p.signal(syscall.SIGKILL)
		<-p.ended
		if t.Failed() {
			t.Logf("samjournal %s\nstdout:\n%s\nstderr:\n%s", strings.Join(args, " "), tail(p.stdout.String()), tail(p.stderr.String()))
		}
	})
	return p
}

func tail(s string) string {
	const most = 4000
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}

// signal sends a signal; a process that has ended does not mind.
func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// wait returns the exit status; -1 is for a process that a signal ended.
func (p *process) wait(t testing.TB) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		require.FailNow(t, "samjournal does not end", "stderr:\n%s", p.stderr.String())
	}
	return p.cmd.ProcessState.ExitCode()
}

// result is what a command that has ended left.
type result struct {
	code           int
	stdout, stderr string
}

// run runs samjournal to its end.
func run(t testing.TB, at where, args ...string) result {
	t.Helper()
	p := start(t, at, args...)
	code := p.wait(t)
	return result{code: code, stdout: p.stdout.String(), stderr: p.stderr.String()}
}

// must runs samjournal to its end and fails unless it succeeds.
func must(t testing.TB, at where, args ...string) result {
	t.Helper()
	r := run(t, at, args...)
	require.Zero(t, r.code, "samjournal %v: %s%s", args, r.stdout, r.stderr)
	return r
}

// server is a samjournal serve that is ready.
type server struct {
	*process

	url   string // http://127.0.0.1:PORT
	token string // sent with every request of this file's helpers, when there is one
}

// serve starts a server on a free port and waits until it is ready.
func serve(t testing.TB, at where, args ...string) *server {
	t.Helper()
	s := launch(t, at, args...)
	eventually(t, "the server is ready", func() bool { return s.status(t, "/readyz") == http.StatusOK })
	return s
}

// launch starts a server on a free port and waits until it has told its address.
func launch(t testing.TB, at where, args ...string) *server {
	t.Helper()
	listen := "--listen=127.0.0.1:0"
	if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--listen") }) {
		listen = "--log-format=auto"
	}
	s := &server{process: start(t, at, append([]string{"serve", listen}, args...)...)}
	address := regexp.MustCompile(`GraphQL: +(http://\S+)/graphql\n`)
	eventually(t, "the server tells its address", func() bool {
		select {
		case <-s.ended:
			require.FailNow(t, "the server ended", "%s", s.stderr.String())
		default:
		}
		found := address.FindStringSubmatch(s.stdout.String() + s.stderr.String())
		if found != nil {
			s.url = found[1]
		}
		return found != nil
	})
	return s
}

// status is the status of a GET; 0 when there is no answer.
func (s *server) status(t testing.TB, path string) int {
	t.Helper()
	resp, err := client(t).Get(s.url + path)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// stop ends the server as an operator does and fails unless it ends well.
func (s *server) stop(t testing.TB) {
	t.Helper()
	s.signal(syscall.SIGTERM)
	require.Zero(t, s.wait(t), s.stderr.String())
}

// kill ends the server as a crash of its machine does.
func (s *server) kill(t testing.TB) {
	t.Helper()
	s.signal(syscall.SIGKILL)
	s.wait(t)
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			require.FailNow(t, "waited in vain", "%s", what)
		}
	}
}
