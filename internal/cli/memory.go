package cli

import (
	"context"
	"errors"
	"log/slog"

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
