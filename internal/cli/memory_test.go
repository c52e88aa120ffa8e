package cli

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/stretchr/testify/require"
)

// The collector's limit belongs to the process, so these take turns.
func TestTheContainersMemoryLimitsTheCollector(t *testing.T) { //nolint:paralleltest // sets the collector's limit
	const mib = 1 << 20
	of := func(limit uint64, err error) memlimit.Provider { return func() (uint64, error) { return limit, err } }
	for name, c := range map[string]struct {
		environment string
		container   memlimit.Provider
		want        int64
		log         string
	}{
		"a limit":                 {"", of(1000*mib, nil), 900 * mib, `"memory is limited by the container" bytes=943718400`},
		"no container":            {"", of(0, memlimit.ErrNoCgroup), math.MaxInt64, ""},
		"no such kernel":          {"", of(0, memlimit.ErrCgroupsNotSupported), math.MaxInt64, ""},
		"a container without one": {"", of(0, memlimit.ErrNoLimit), math.MaxInt64, ""},
		"one that cannot be read": {"", of(0, errors.New("no such file")), math.MaxInt64, "level=WARN"},
		"set by hand":             {"100MiB", of(1000*mib, nil), 100 * mib, ""},
	} {
		t.Run(name, func(t *testing.T) {
			start := int64(math.MaxInt64)
			if c.environment != "" {
				t.Setenv("GOMEMLIMIT", c.environment)
				start = c.want // as the runtime has set it at its start
			}
			before := debug.SetMemoryLimit(start)
			t.Cleanup(func() { debug.SetMemoryLimit(before) })
			var log bytes.Buffer
			limitMemory(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), c.container)
			require.Equal(t, c.want, debug.SetMemoryLimit(-1))
			if c.log == "" {
				require.Empty(t, log.String())
			} else {
				require.Contains(t, log.String(), c.log)
			}
		})
	}
}

func TestTheCollectorWaitsForTheRoom(t *testing.T) { //nolint:paralleltest // sets the collector's percentage
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	percent := func() uint64 {
		sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}

	stop := makeRoomForGarbage(1 << 30)
	t.Cleanup(stop)
	collects := func(small bool) func() bool {
		return func() bool {
			runtime.GC()
			return (percent() == uint64(percentFor(1<<30, liveBytes()))) && percent() > 1000 == small
		}
	}
	require.Eventually(t, collects(true), time.Minute, time.Millisecond, "little is in use")
	held := make([]byte, 200<<20)
	require.Eventually(t, collects(false), time.Minute, time.Millisecond, "more is in use")
	runtime.KeepAlive(held)
	require.Eventually(t, collects(true), time.Minute, time.Millisecond, "little is in use again")
}

func TestRoomForGarbageIsNeverLessThanWhatIsInUse(t *testing.T) {
	t.Parallel()
	require.Equal(t, 640, percentFor(64<<20, 10<<20))
	require.Equal(t, 100, percentFor(64<<20, 64<<20))
	require.Equal(t, 100, percentFor(64<<20, 1<<30))
	require.Equal(t, 10_000, percentFor(64<<20, 0))
}

func TestGOGCOfTheEnvironmentStays(t *testing.T) {
	t.Setenv("GOGC", "50")
	before := debug.SetGCPercent(50)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	makeRoomForGarbage(1 << 30)()
	require.Equal(t, 50, debug.SetGCPercent(50))
}
