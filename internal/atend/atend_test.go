package atend_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/atend"
)

func TestWhatIsPutOffIsDoneAtTheEndLastFirst(t *testing.T) {
	t.Parallel()
	var done []int
	ctx, end := atend.With(t.Context())
	for i := range 3 {
		atend.Do(ctx, func() { done = append(done, i) })
	}
	require.Empty(t, done)
	end()
	require.Equal(t, []int{2, 1, 0}, done)
	end()
	require.Len(t, done, 3, "each is done once")
}

func TestAfterTheEndThingsAreDoneAtOnce(t *testing.T) {
	t.Parallel()
	ctx, end := atend.With(t.Context())
	end()
	done := false
	atend.Do(ctx, func() { done = true })
	require.True(t, done)
}

func TestWithoutTransportTheContextsEndIsTheEnd(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	atend.Do(ctx, func() { close(done) })
	cancel()
	<-done
}
