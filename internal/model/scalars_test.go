package model_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"samjournal/internal/model"
)

func written(m graphql.Marshaler) string {
	var b strings.Builder
	m.MarshalGQL(&b)
	return b.String()
}

func TestTimesAreWrittenInUTCWithSixDigits(t *testing.T) {
	t.Parallel()
	for want, at := range map[string]time.Time{
		`"2026-06-19T16:11:03.000000Z"`: time.Date(2026, 6, 19, 16, 11, 3, 0, time.UTC),
		`"2026-06-19T16:11:03.120000Z"`: time.Date(2026, 6, 19, 18, 11, 3, 120_000_000, time.FixedZone("CEST", 7200)),
		`"0001-01-01T00:00:00.000001Z"`: time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC),
		`"9999-12-31T23:59:59.999999Z"`: time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
	} {
		require.Equal(t, want, written(model.MarshalTime(at)))
	}
}

func TestTimesAreReadInAnyZone(t *testing.T) {
	t.Parallel()
	at := func(month time.Month, day, hour, minute, nanosecond int) time.Time {
		return time.Date(2026, month, day, hour, minute, 3, nanosecond, time.UTC)
	}
	for text, want := range map[string]time.Time{
		"2026-06-19T16:11:03Z":                   at(6, 19, 16, 11, 0),
		"2026-06-19T16:11:03.5Z":                 at(6, 19, 16, 11, 500_000_000),
		"2026-06-19T16:11:03.123456Z":            at(6, 19, 16, 11, 123_456_000),
		"2026-06-19T16:11:03.123456000Z":         at(6, 19, 16, 11, 123_456_000),
		"2026-06-19T16:11:03.1234560000000000Z":  at(6, 19, 16, 11, 123_456_000),
		"2026-06-19T18:11:03.123456+02:00":       at(6, 19, 16, 11, 123_456_000),
		"2026-06-19T10:41:03-05:30":              at(6, 19, 16, 11, 0),
		"2026-01-01T00:30:03+01:00":              time.Date(2025, 12, 31, 23, 30, 3, 0, time.UTC),
		"0001-01-01T00:00:00Z":                   time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
		"9999-12-31T23:59:59.999999Z":            time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
		"0000-12-31T23:59:59-01:00":              time.Date(1, 1, 1, 0, 59, 59, 0, time.UTC),
		"2026-06-19T16:11:03.000000-00:00":       at(6, 19, 16, 11, 0),
		"1969-12-31T23:59:59.999999Z":            time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
		"2024-02-29T00:00:00.000001000000+00:00": time.Date(2024, 2, 29, 0, 0, 0, 1000, time.UTC),
	} {
		got, err := model.UnmarshalTime(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestTimesThatWouldLoseSomethingAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"2026-06-19T16:11:03.1234567Z", "2026-06-19T16:11:03.123456001+02:00", "2026-06-19T16:11:03.1234560001Z",
		"2026-06-19T16:11:03.0000000000000000001Z", "2026-06-19T16:11:03.1234560001-05:00",
	} {
		_, err := model.UnmarshalTime(text)
		require.Error(t, err, text)
		require.Equal(t, "times have at most six digits of fraction (microseconds)", requireRefused(t, err).Reason)
	}
	for _, text := range []string{
		"0000-12-31T23:59:59Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00Z",
	} {
		_, err := model.UnmarshalTime(text)
		require.Error(t, err, text)
		require.Equal(t, "times are from year 0001 to 9999 in UTC", requireRefused(t, err).Reason)
	}
}

func TestWhatIsNoTimeIsRefused(t *testing.T) {
	t.Parallel()
	for _, v := range []any{
		nil, 5, int64(5), 1.5, true, json.Number("5"),
		[]any{"2026-06-19T16:11:03Z"},
		map[string]any{},
		time.Now(),
		"", "now", "2026-06-19", "2026-06-19T16:11Z", "2026-06-19T16:11:03", "2026-06-19 16:11:03Z", "2026-06-19T16:11:03 Z",
		"2026-06-19T16:11:03,5Z", "2026-06-19T6:11:03Z", "2026-06-19T24:00:00Z", "2026-06-19T16:11:60Z", "2026-06-31T16:11:03Z",
		"2026-02-29T00:00:00Z", "2026-06-19T16:11:03+24:00", "2026-06-19T16:11:03+2", "10000-01-01T00:00:00Z",
		"-0001-01-01T00:00:00Z", "2026-06-19T16:11:03.Z", "2026-06-19T16:11:03Z\n", "٢٠٢٦-06-19T16:11:03Z", strings.Repeat("9", 1<<20),
	} {
		_, err := model.UnmarshalTime(v)
		require.Error(t, err, "%.80v", v)
		require.Less(t, len(requireRefused(t, err).Reason), 300)
	}
}

func TestStoredTimesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := storedTimes().Draw(t, "at")
		got, err := model.UnmarshalTime(strings.Trim(written(model.MarshalTime(at)), `"`))
		require.NoError(t, err)
		require.Equal(t, at, got)
		require.Equal(t, at, model.Microseconds(at))
	})
}

// A time that is accepted means what it says: written with all its digits it is the same instant.
func FuzzUnmarshalTime(f *testing.F) {
	f.Add("2026-06-19T16:11:03.123456Z")
	f.Add("0001-01-01T00:00:00+00:01")
	f.Add("2026-06-19T16:11:03.1234560001Z")
	f.Fuzz(func(t *testing.T, text string) {
		at, err := model.UnmarshalTime(text)
		if err != nil {
			requireRefused(t, err)
			return
		}
		again, err := model.UnmarshalTime(strings.Trim(written(model.MarshalTime(at)), `"`))
		require.NoError(t, err)
		require.Equal(t, at, again)
	})
}

func TestMicrosecondsCutsTowardsThePast(t *testing.T) {
	t.Parallel()
	for _, year := range []int{1, 1969, 2026} {
		at := time.Date(year, 1, 1, 0, 0, 0, 1999, time.FixedZone("", -3600))
		require.Equal(t, time.Date(year, 1, 1, 1, 0, 0, 1000, time.UTC), model.Microseconds(at))
	}
}

func TestLongTakesIntegersUpToTwoToThe53(t *testing.T) {
	t.Parallel()
	for _, v := range []any{
		int64(0), int64(-1), int64(model.MaxLong), int64(-model.MaxLong), json.Number("9007199254740991"), json.Number("-0"), 7,
		json.Number("-9007199254740991"),
	} {
		n, err := model.UnmarshalLong(v)
		require.NoError(t, err, "%T %v", v, v)
		again, err := model.UnmarshalLong(json.Number(written(model.MarshalLong(n))))
		require.NoError(t, err)
		require.Equal(t, n, again)
	}
	n, err := model.UnmarshalLong(json.Number("-9007199254740991"))
	require.NoError(t, err)
	require.Equal(t, int64(-9007199254740991), n)
	require.Equal(t, "9007199254740991", written(model.MarshalLong(model.MaxLong)))
}

func TestWhatIsNoLongIsRefused(t *testing.T) {
	t.Parallel()
	for _, v := range []any{
		nil, "5", true, 5.0,
		[]any{5},
		map[string]any{},
		int64(model.MaxLong + 1), int64(-model.MaxLong - 1), int64(math.MaxInt64),
		int64(math.MinInt64), json.Number("9007199254740992"), json.Number("-9007199254740992"), json.Number("99999999999999999999"),
		json.Number("1.5"), json.Number("1e3"), json.Number("1.0"), json.Number(""), json.Number("0x10"), json.Number("1_000"),
	} {
		_, err := model.UnmarshalLong(v)
		require.Error(t, err, "%T %v", v, v)
		require.Equal(t, "must be an integer from -9007199254740991 to 9007199254740991", requireRefused(t, err).Reason)
	}
}
