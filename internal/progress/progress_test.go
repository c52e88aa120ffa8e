package progress_test

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"samjournal/internal/progress"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLinesComeAtMostOncePerIntervalAndAtTheEnd(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	var out bytes.Buffer
	p := progress.NewLines(&out, 10*time.Second, func() time.Time { return now })
	p.Begin("reading", 3<<20, progress.Bytes)
	for range 3 {
		p.Add(1 << 19)
		now = now.Add(6 * time.Second)
	}
	p.End()
	p.Begin("writing", 12_000, progress.Entries)
	p.Add(1_500)
	p.End()
	p.Begin("reading", -1, progress.Bytes)
	p.Add(2048)
	p.End()
	require.Equal(t, ""+
		"reading: 1.5 MiB of 3.0 MiB\n"+
		"reading: 1.5 MiB of 3.0 MiB\n"+
		"writing: 1,500 of 12,000 entries\n"+
		"reading: 2.0 KiB\n", out.String())
}

func TestABarNamesItsPhaseAndEndsItsLine(t *testing.T) {
	t.Parallel()
	for _, total := range []int64{1000, 0, -1} {
		var out bytes.Buffer
		p := progress.NewBar(&out)
		p.Add(1) // before the first phase: nothing to draw
		p.Begin("writing", total, progress.Entries)
		p.Add(max(total, 1))
		p.End()
		p.End()
		require.Contains(t, out.String(), "writing", "total %d", total)
		require.True(t, bytes.HasSuffix(out.Bytes(), []byte("\n")))
	}
}

func TestAFileGetsLinesAndNoControlCharacters(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/log"
	f, err := os.Create(path)
	require.NoError(t, err)
	p := progress.For(f)
	p.Begin("writing", 10, progress.Entries)
	p.Add(10)
	p.End()
	require.NoError(t, f.Close())
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "writing: 10 of 10 entries\n", string(got))
}
