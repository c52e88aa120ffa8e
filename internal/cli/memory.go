package cli

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// limitMemory has the collector keep the process below nine tenths of what its container may use, where there is such a limit.
// GOMEMLIMIT in the environment has precedence.
func limitMemory(ctx context.Context, log *slog.Logger, container memlimit.Provider) {
	const share = 0.9
	limit, err := memlimit.SetGoMemLimitWithOpts(memlimit.WithRatio(share), memlimit.WithProvider(container))
	switch {
	case errors.Is(err, memlimit.ErrNoCgroup), errors.Is(err, memlimit.ErrCgroupsNotSupported):
	case err != nil:
		log.WarnContext(ctx, "the container's limit of memory cannot be read; GOMEMLIMIT sets one by hand", "error", err)
	case limit > 0:
		log.InfoContext(ctx, "memory is limited by the container", "bytes", limit)
	}
}

// roomForGarbage is how much of what is not needed any more may be there before it is collected, in bytes. Without it a server
// whose heap is small would spend a fifth of its time on collecting.
const roomForGarbage = 48 << 20

// makeRoomForGarbage has the collector wait until there are so many bytes to collect, or as many as are in use, whichever is
// more. A limit of memory has precedence, and so has GOGC in the environment. stop leaves the collector as it is then.
func makeRoomForGarbage(room uint64) (stop func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var afterEach func(percent int)
	afterEach = func(percent int) {
		if ctx.Err() != nil {
			return
		}
		if next := percentFor(room, liveBytes()); next != percent {
			percent = next
			debug.SetGCPercent(percent)
		}
		// Nobody holds this: it goes with the next collection.
		runtime.AddCleanup(new(collected), afterEach, percent)
	}
	afterEach(0)
	return cancel
}

// collected is unreachable at once. It has a pointer, since the runtime may keep what has none together with other things.
type collected struct{ _ *collected }

// percentFor is the value of GOGC with which there is so much room.
func percentFor(room, live uint64) int {
	const ordinary, most = 100, 10_000
	return int(min(max(room*100/max(live, 1), ordinary), most))
}

// liveBytes is what the last collection found in use.
func liveBytes() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
