//go:build fault

package fault

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
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

// node is a place where one server runs after the other. Only the test's goroutine starts and ends them; url is for all.
type node struct {
	name string
	dir  string
	env  []string
	args []string

	cmd   *exec.Cmd
	out   *output
	ended chan struct{} // closed when the process has ended and all its output was read

	mu      sync.Mutex
	address string // http://127.0.0.1:PORT of the present server, or of the last; guarded by mu
}

func (n *node) url() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.address
}

// start starts a server on a free port and returns when it is ready. It is killed at the end of the test, should it run.
func (n *node) start(t testing.TB, env ...string) {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"serve", "--listen=127.0.0.1:0"}, n.args...)...)
	out, ended := &output{}, make(chan struct{})
	cmd.Dir, cmd.Stdout, cmd.Stderr = n.dir, out, out
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + n.dir, "TMPDIR=" + n.dir}, append(n.env, env...)...)
	require.NoError(t, cmd.Start())
	go func() {
		defer close(ended)
		_ = cmd.Wait() // the state tells
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			causes := regexp.MustCompile(`(?m)^.*"level":"ERROR".*$`).FindAllString(out.String(), 5)
			t.Logf("the end of the log of %s, process %d:\n%s\n%s",
				n.name, cmd.Process.Pid, tail(out.String()), strings.Join(causes, "\n"))
		}
	})
	n.cmd, n.out, n.ended = cmd, out, ended
	told := regexp.MustCompile(`GraphQL: +(http://\S+)/graphql\n`)
	eventually(t, n.name+" is ready", func() bool {
		found := told.FindStringSubmatch(out.String())
		if n.gone() || found == nil || status(found[1]+"/readyz") != http.StatusOK {
			require.False(t, n.gone(), "%s ended at once: %s", n.name, tail(out.String()))
			return false
		}
		n.mu.Lock()
		n.address = found[1]
		n.mu.Unlock()
		return true
	})
}

// tail is the end of a log, without the operations that went well.
func tail(s string) string {
	const most = 3000
	s = regexp.MustCompile(`(?m)^.*"msg":"operation".*"code":"OK".*\n`).ReplaceAllString(s, "")
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}

func (n *node) gone() bool {
	select {
	case <-n.ended:
		return true
	default:
		return false
	}
}

func (n *node) wait(t testing.TB) *os.ProcessState {
	t.Helper()
	select {
	case <-n.ended:
	case <-time.After(patience):
		require.FailNow(t, n.name+" does not end", tail(n.out.String()))
	}
	return n.cmd.ProcessState
}

// kill ends the server as a crash of its machine does.
func (n *node) kill(t testing.TB) {
	t.Helper()
	require.False(t, n.gone(), "%s ended by itself: %s", n.name, tail(n.out.String()))
	_ = n.cmd.Process.Kill()
	n.wait(t)
}

// stop ends the server as an operator does and fails unless it ends well.
func (n *node) stop(t testing.TB) {
	t.Helper()
	require.False(t, n.gone(), "%s ended by itself: %s", n.name, tail(n.out.String()))
	_ = n.cmd.Process.Signal(syscall.SIGTERM)
	require.Zero(t, n.wait(t).ExitCode(), tail(n.out.String()))
}

// crash runs a server that dies at a visit of a crash point, and returns when it has: it is the point that killed it.
func (n *node) crash(t testing.TB, point string) {
	t.Helper()
	n.start(t, fmt.Sprintf("SAMJOURNAL_CRASH_AT=%s:%d", point, 1+rand.IntN(60)))
	state := n.wait(t)
	ended, ok := state.Sys().(syscall.WaitStatus)
	require.True(t, ok && ended.Signaled() && ended.Signal() == syscall.SIGKILL, "%s at %s: %s", n.name, point, state)
	require.Contains(t, n.out.String(), "crashpoint "+point+"\n")
}

// memory is a figure of /proc/PID/status such as VmRSS or VmHWM, in bytes.
func (n *node) memory(t testing.TB, figure string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.cmd.Process.Pid))
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(text), figure+":")
	fields := strings.Fields(rest)
	require.NotEmpty(t, fields)
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	require.NoError(t, err)
	return kib << 10
}

// goroutines is how many the server says it has, −1 when it does not answer.
func (n *node) goroutines() int {
	text, err := get(n.url() + "/metrics")
	if err != nil {
		return -1
	}
	_, rest, _ := strings.Cut(text, "\ngo_goroutines ")
	number, _, _ := strings.Cut(rest, "\n")
	count, err := strconv.Atoi(number)
	if err != nil {
		return -1
	}
	return count
}
