package importer

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/journal"
)

func TestTheStagingFileHasNoNameWhileItIsUsed(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Log("an open file keeps its name here; it is removed at the end, which the other tests see")
		return
	}
	dir := t.TempDir()
	s, err := openStaging(t.Context(), dir)
	require.NoError(t, err)
	requireEmptyDir(t, dir)
	require.NoError(t, s.putEntry(t.Context(), 1, &entryRow{key: key(1), createdAt: time.Unix(0, 0), request: "1", response: "2"}))
	require.NoError(t, s.finish(t.Context()))
	rows := 0
	require.NoError(t, s.entries(t.Context(), byCreatedAt, func(*stagedEntry) error { rows++; return nil }))
	require.Equal(t, 1, rows)
	requireEmptyDir(t, dir) // neither a journal nor a WAL beside it
	require.NoError(t, s.close())
	require.NoError(t, s.close())
}

func TestAStagingDirThatIsNotThereIsAnError(t *testing.T) {
	t.Parallel()
	_, err := Run(t.Context(), bytes.NewReader(nil), 0, newJournal(t), Options{StagingDir: t.TempDir() + "/none"})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestAnInterruptWhileReadingLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	in := bytes.NewReader(testdata(t, "dumpdata-small.json"))
	src := readerFunc(func(p []byte) (int, error) {
		if in.Len() < int(in.Size())/2 {
			cancel()
		}
		return in.Read(p[:min(len(p), 1000)])
	})
	j := newJournal(t)
	_, err := Run(ctx, src, -1, j, Options{StagingDir: dir})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, j.stored(t))
	requireEmptyDir(t, dir)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// forgetful takes everything and keeps nothing, so that only the importer's own memory is seen. Every so often it measures.
type forgetful struct {
	calls int
	peak  uint64
}

func (*forgetful) EnsureUsers(context.Context, []journal.UserProfile) error { return nil }

func (f *forgetful) Append(_ context.Context, inputs []journal.Input) ([]journal.Result, error) {
	f.calls++
	if f.calls%8 == 0 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		f.peak = max(f.peak, m.HeapAlloc)
	}
	results := make([]journal.Result, len(inputs))
	for i := range inputs {
		results[i] = journal.Result{Key: inputs[i].Key, Created: true}
	}
	return results, nil
}

// Not parallel: the heap is everybody's. The test that follows the size of the export sees 20 times the rows.
func TestMemoryDoesNotGrowWithTheExport(t *testing.T) { //nolint:paralleltest // measures the process's heap
	heap := func(rows int) uint64 {
		to := &forgetful{}
		sum, err := Run(t.Context(), newGenerated(rows, 5, 1), -1, to, Options{BatchRows: 100})
		require.NoError(t, err)
		require.EqualValues(t, rows, sum.Written)
		return to.peak
	}
	small, large := heap(2_000), heap(40_000)
	t.Logf("heap: %d KiB for 2,000 rows, %d KiB for 40,000", small>>10, large>>10)
	require.Less(t, large, small+4<<20, "20 times the rows may not need 4 MiB more")
}
