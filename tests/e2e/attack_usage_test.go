package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// mostMemory is what a server under any attack stays below, in bytes of resident memory at its peak.
const mostMemory = 512 << 20

// processor is the processor time that the server has used since it began. The kernel counts it in nanoseconds, whatever else
// the machine does meanwhile.
func (p *process) processor(t testing.TB) time.Duration {
	t.Helper()
	const schedulerClock = 2 // CPUCLOCK_SCHED of linux/posix-timers.h
	var used unix.Timespec
	require.NoError(t, unix.ClockGettime(int32(^p.cmd.Process.Pid<<3|schedulerClock), &used))
	return time.Duration(used.Nano())
}

// peakMemory is the most resident memory that the server has had, in bytes.
func (p *process) peakMemory(t testing.TB) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	require.NoError(t, err)
	_, after, found := strings.Cut(string(status), "VmHWM:")
	require.True(t, found)
	kib, err := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
	require.NoError(t, err)
	return kib << 10
}

// sockets counts the open sockets of the server.
func (p *process) sockets(t testing.TB) int {
	t.Helper()
	descriptors, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.cmd.Process.Pid))
	require.NoError(t, err)
	n := 0
	for _, d := range descriptors {
		if target, err := os.Readlink(d); err == nil && strings.HasPrefix(target, "socket:") {
			n++
		}
	}
	return n
}

// cheapest is the least processor time that one of several rounds took the server, for one call: what else happens in the
// server, a collection above all, can only add to it.
func (p *process) cheapest(t testing.TB, rounds, calls int, call func()) time.Duration {
	t.Helper()
	least := time.Duration(1 << 62)
	for range rounds {
		before := p.processor(t)
		for range calls {
			call()
		}
		least = min(least, (p.processor(t)-before)/time.Duration(calls))
	}
	return least
}
