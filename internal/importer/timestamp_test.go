package importer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTimesOfDjango(t *testing.T) {
	t.Parallel()
	utc := func(s string) time.Time {
		at, err := time.Parse(time.RFC3339Nano, s)
		require.NoError(t, err)
		return at
	}
	for text, want := range map[string]struct {
		at    time.Time
		naive bool
	}{
		"2026-06-19T16:11:03.123Z":         {utc("2026-06-19T16:11:03.123Z"), false},
		"2026-06-19T16:11:03Z":             {utc("2026-06-19T16:11:03Z"), false},
		"2026-06-19T16:11:03.123456+02:00": {utc("2026-06-19T14:11:03.123456Z"), false},
		"2026-06-19 16:11:03.123456+00:00": {utc("2026-06-19T16:11:03.123456Z"), false},
		"2026-06-19T16:11:03-0330":         {utc("2026-06-19T19:41:03Z"), false},
		"2026-06-19T16:11:03.123456":       {utc("2026-06-19T16:11:03.123456Z"), true},
		"2026-06-19 16:11:03":              {utc("2026-06-19T16:11:03Z"), true},
		"2026-06-19T16:11:03.1234560000Z":  {utc("2026-06-19T16:11:03.123456Z"), false},
		"9999-12-31T23:59:59.999999Z":      {utc("9999-12-31T23:59:59.999999Z"), false},
	} {
		at, naive, err := parseTime(text)
		require.NoError(t, err, text)
		require.Equal(t, want.at, at, text)
		require.Equal(t, want.naive, naive, text)
		require.Equal(t, time.UTC, at.Location(), text)
	}
}

func TestTimesThatAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"":                            errTime,
		"2026-06-19":                  errTime,
		"yesterday at noon":           errTime,
		"2026-06-19T16:11Z":           errTime,
		"2026-06-19T16:11:03,5Z":      errTime,
		"2026-02-30T16:11:03Z":        errTime,
		"2026-06-19T24:00:00Z":        errTime,
		"2026-06-19T16:11:60Z":        errTime,
		"2026-06-19T16:11:03.Z":       errTime,
		"2026-06-19T16:11:03Zulu":     errTime,
		"2026-06-19x16:11:03Z":        errTime,
		"2026-06-19T16:11:03.1234567": errPrecision,
		"9999-12-31T23:59:59-01:00":   errYear,
		"0001-01-01T00:00:00+01:00":   errYear,
	} {
		_, _, err := parseTime(text)
		require.ErrorIs(t, err, want, text)
	}
}
