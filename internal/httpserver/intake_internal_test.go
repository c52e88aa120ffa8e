package httpserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// hostileTexts are JSON that takes much more memory than its own length.
func hostileTexts(size int) map[string]string {
	list := func(element string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(element+",", size/(len(element)+1)), ",") + "]"
	}

	var members, long strings.Builder

	for i := 0; members.Len() < size; i++ {
		fmt.Fprintf(&members, `"%x":0,`, i)
		fmt.Fprintf(&long, `"name number %d":"and a value of some length",`, i)
	}

	deep := strings.Repeat(strings.Repeat("[", 200)+strings.Repeat("]", 200)+",", size/401)
	nested := strings.Repeat(strings.Repeat(`{"a":`, 200)+"0"+strings.Repeat("}", 200)+",", size/1202)

	return map[string]string{
		"zeros":               list("0"),
		"long numbers":        list("1234567890123456789"),
		"empty strings":       list(`""`),
		"strings":             list(`"some text"`),
		"nulls":               list("null"),
		"empty lists":         list("[]"),
		"empty objects":       list("{}"),
		"lists of one":        list("[0]"),
		"objects of one":      list(`{"a":0}`),
		"objects of two":      list(`{"a":0,"b":0}`),
		"objects of nine":     list(`{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0}`),
		"many members":        "{" + strings.TrimSuffix(members.String(), ",") + "}",
		"many longer members": "{" + strings.TrimSuffix(long.String(), ",") + "}",
		"one string":          `"` + strings.Repeat("x", size) + `"`,
		"deep lists":          "[" + deep + "0]",
		"deep objects":        "[" + nested + "0]",
	}
}

// kept is how many bytes a decoded text takes.
func kept(t *testing.T, text []byte) int64 {
	t.Helper()

	var before, after runtime.MemStats

	runtime.GC()
	runtime.ReadMemStats(&before)

	value, err := decodeJSON(text)
	require.NoError(t, err)

	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(value)
	runtime.KeepAlive(text)

	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

//nolint:paralleltest // it looks at the heap of the process
func TestADecodedTextTakesNoMoreThanEstimated(t *testing.T) {
	for name, text := range hostileTexts(500_000) {
		took, estimated := kept(t, []byte(text)), decodedSize([]byte(text))
		require.Greater(t, estimated, took, name)
		require.Less(t, estimated, 5*took, "%s: an estimate that is far too high refuses what could be taken in", name)
	}
}

func FuzzTheEstimateTakesAnyText(f *testing.F) {
	for _, text := range hostileTexts(100) {
		f.Add([]byte(text))
	}

	f.Add([]byte(`"\`))
	f.Add([]byte(`[{`))

	f.Fuzz(func(t *testing.T, text []byte) {
		require.GreaterOrEqual(t, decodedSize(text), int64(len(text)))
	})
}

func TestNestingIsBounded(t *testing.T) {
	t.Parallel()

	nest := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }

	_, err := decodeJSON(nest(maxJSONDepth))
	require.NoError(t, err)

	for _, n := range []int{maxJSONDepth + 1, 9_000, 100_000} {
		_, err = decodeJSON(nest(n))
		require.ErrorContains(t, err, "nested deeper than the 512 levels that are allowed")
	}
}

func TestAShareGrowsWithinTheIntake(t *testing.T) {
	t.Parallel()

	in := newIntake(10_000, 10_000)
	in.longest = time.Millisecond
	first, second := share{intake: in}, share{intake: in}

	require.NoError(t, first.grow(t.Context(), 10_000+freeIntake), "all there is, and what is not counted")
	require.NoError(t, second.grow(t.Context(), freeIntake), "short ones get through all the same")
	require.ErrorIs(t, second.grow(t.Context(), 1), errNoMemory)
	second.release()

	var tooBig *tooBigError
	require.ErrorAs(t, first.grow(t.Context(), 1), &tooBig, "it could never be had")
	first.release()
	first.release()

	require.NoError(t, first.grow(t.Context(), 8_000+freeIntake))
	first.shrink(2_000)
	require.NoError(t, second.grow(t.Context(), 4_000+freeIntake))
	require.ErrorIs(t, second.grow(t.Context(), 1), errNoMemory)

	first.release()
	second.release()
	require.True(t, in.free.TryAcquire(10_000), "everything was given back")
}

func TestAShareWaitsForOthers(t *testing.T) {
	t.Parallel()

	in := newIntake(10_000, 10_000)
	in.longest = time.Minute
	first, second := share{intake: in}, share{intake: in}
	require.NoError(t, first.grow(t.Context(), 10_000+freeIntake))

	got := make(chan error)
	go func() { got <- second.grow(context.Background(), 10_000) }()

	first.release()
	require.NoError(t, <-got)
	second.release()
}

func TestReadingTakesMemoryAsBytesArrive(t *testing.T) {
	t.Parallel()

	text := bytes.Repeat([]byte("x"), 100_000)
	noDeadline := func(time.Time) error { return nil }
	in := newIntake(1<<20, 1<<20)

	for name, from := range map[string]io.Reader{
		"at once":       bytes.NewReader(text),
		"with the end":  iotest.DataErrReader(bytes.NewReader(text)),
		"byte for byte": iotest.OneByteReader(bytes.NewReader(text)),
	} {
		h := share{intake: in}
		got, err := readAll(t.Context(), from, extent{most: 100_000}, &h, pacer{}, noDeadline)
		require.NoError(t, err, name)
		require.Equal(t, text, got, name)
		require.EqualValues(t, h.wanted, cap(got), name)
		h.release()
	}

	h := share{intake: in}
	_, err := readAll(t.Context(), io.MultiReader(bytes.NewReader(text), iotest.ErrReader(errors.New("gone"))),
		extent{most: 100_000}, &h, pacer{}, noDeadline)
	require.ErrorContains(t, err, "gone")
	h.release()

	small := share{intake: newIntake(10_000, 10_000)}

	var tooBig *tooBigError
	_, err = readAll(t.Context(), bytes.NewReader(text), extent{most: 100_000}, &small, pacer{}, noDeadline)
	require.ErrorAs(t, err, &tooBig)
}

func TestRoomFollowsWhatHasCome(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		most := rapid.Int64Range(1, 1<<30).Draw(t, "most")
		l := extent{said: rapid.Int64Range(0, most).Draw(t, "said"), most: most}
		come := rapid.Int64Range(0, most).Draw(t, "come")

		room := l.room(0)
		for filled := room; filled < come; filled = room {
			room = l.room(filled)
			require.Greater(t, room, filled)
		}

		require.LessOrEqual(t, room, max(8*come, freeIntake))
		require.LessOrEqual(t, room, most+bytes.MinRead)
	})

	require.EqualValues(t, 1_512, extent{said: 1_000, most: 1 << 20}.room(0), "what is short is read without a copy")
}

func TestWhoSendsSlowlyHasLessTime(t *testing.T) {
	t.Parallel()

	began := time.Now()
	pace := pacer{began: began, longest: 30 * time.Second}

	require.Equal(t, 10*time.Second, pace.deadline(0).Sub(began))
	require.Equal(t, 11*time.Second, pace.deadline(16<<10).Sub(began).Round(time.Second))
	require.Equal(t, 30*time.Second, pace.deadline(4<<20).Sub(began))
}
