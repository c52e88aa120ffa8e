package importer

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/journal"
)

func TestABrokenArrayWritesNothing(t *testing.T) {
	t.Parallel()
	good := entryJSON(1, nil)
	for _, text := range []string{
		"[" + good, "[" + good + "," + good[:100], "[" + good + " " + good + "]",
		"[" + good + `, {"model": tru}]`, "[" + good + "] []",
	} {
		j := newJournal(t)
		_, err := Run(t.Context(), strings.NewReader(text), int64(len(text)), j, Options{})
		var syntax *SyntaxError
		require.ErrorAs(t, err, &syntax)
		require.Positive(t, syntax.Offset)
		require.ErrorContains(t, err, "nothing was written")
		require.Empty(t, j.stored(t))
	}
}

func TestATruncatedArrayNamesItsEnd(t *testing.T) {
	t.Parallel()
	data := testdata(t, "dumpdata-small.json")
	data = data[:len(data)/2]
	_, err := Run(t.Context(), bytes.NewReader(data), -1, newJournal(t), Options{})
	var syntax *SyntaxError
	require.ErrorAs(t, err, &syntax)
	require.EqualValues(t, len(data), syntax.Offset)
}

func TestAnInterruptedImportIsCompletedByTheNext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := testdata(t, "dumpdata-small.json")
	whole := newJournal(t)
	imported(t, whole, data, Options{})

	ctx, cancel := context.WithCancel(t.Context())
	j := newJournal(t)
	sum, err := Run(ctx, bytes.NewReader(data), -1, appendHook{j, func(calls int) error {
		if calls == 3 {
			cancel()
		}
		return nil
	}, new(int)}, Options{BatchRows: 5, StagingDir: dir})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "running the import again completes it")
	require.EqualValues(t, 15, sum.Written)
	require.Len(t, j.stored(t), 15)
	requireEmptyDir(t, dir)

	sum = imported(t, j, data, Options{})
	require.EqualValues(t, 15, sum.AlreadyThere)
	require.EqualValues(t, 26, sum.Written)
	require.Equal(t, whole.stored(t), j.stored(t))
}

func TestADatabaseErrorStopsAndSaysHowToGoOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gone := errors.New("the database is gone")
	j := newJournal(t)
	sum, err := Run(t.Context(), bytes.NewReader(testdata(t, "dumpdata-small.json")), -1,
		appendHook{j, func(calls int) error {
			if calls == 2 {
				return gone
			}
			return nil
		}, new(int)}, Options{BatchRows: 10, StagingDir: dir})
	require.ErrorIs(t, err, gone)
	require.ErrorContains(t, err, "running the import again completes it")
	require.EqualValues(t, 10, sum.Written)
	requireEmptyDir(t, dir)
}

// appendHook lets a test act before or in place of an append.
type appendHook struct {
	Appender

	before func(calls int) error
	calls  *int
}

func (h appendHook) Append(ctx context.Context, inputs []journal.Input) ([]journal.Result, error) {
	*h.calls++
	if len(inputs) == 0 {
		return nil, errors.New("an empty batch")
	}
	results, err := h.Appender.Append(context.WithoutCancel(ctx), inputs)
	if hooked := h.before(*h.calls); hooked != nil {
		return nil, hooked
	}
	return results, err
}

func requireEmptyDir(t testing.TB, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, files)
}
