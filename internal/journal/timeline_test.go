package journal_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"samjournal/internal/journal"
)

// zones have clocks that are put forward at midnight, by half an hour, over a date line, and offsets of 45 minutes.
func zones() []string {
	return []string{
		"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo", "America/Havana",
		"Pacific/Apia", "Asia/Beirut", "Africa/Monrovia", "Pacific/Chatham", "America/Asuncion",
	}
}

func zone(t require.TestingT, name string) *time.Location {
	z, err := journal.Zone(name)
	require.NoError(t, err)
	return z
}

// wall is what a clock and a calendar show: the same for all moments of an interval, and another one in the next.
func wall(interval journal.Interval, t time.Time) [5]int {
	year, month, day := t.Date()
	isoYear, week := t.ISOWeek()
	switch interval {
	case journal.Minute:
		return [5]int{year, int(month), day, t.Hour(), t.Minute()}
	case journal.Hour:
		return [5]int{year, int(month), day, t.Hour()}
	case journal.Day:
		return [5]int{year, int(month), day}
	default:
		return [5]int{isoYear, week}
	}
}

// Days and weeks begin where the calendar of the zone has another one, in all zones and whatever clocks do.
func TestDaysAndWeeksAreThoseOfTheCalendar(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		z := zone(rt, rapid.SampledFrom(zones()).Draw(rt, "zone"))
		interval := rapid.SampledFrom([]journal.Interval{journal.Day, journal.Week}).Draw(rt, "interval")
		from := time.Unix(rapid.Int64Range(0, 1_900_000_000).Draw(rt, "from"), 0)
		to := from.Add(time.Duration(rapid.IntRange(1, 1000).Draw(rt, "hours")) * time.Hour)
		starts, err := journal.Timeline(interval, z, from, to)
		require.NoError(rt, err)
		require.False(rt, starts[0].After(from))
		require.True(rt, starts[1].After(from))
		require.False(rt, starts[len(starts)-1].Before(to))
		require.True(rt, starts[len(starts)-2].Before(to))
		for i, start := range starts[:len(starts)-1] {
			end := starts[i+1]
			require.Equal(rt, wall(interval, start.In(z)), wall(interval, end.Add(-time.Second).In(z)))
			require.NotEqual(rt, wall(interval, start.In(z)), wall(interval, end.In(z)))
			require.NotEqual(rt, wall(interval, start.In(z)), wall(interval, start.Add(-time.Second).In(z)))
		}
	})
}

// Hours and minutes begin where a clock shows a whole one, and nowhere else.
func TestHoursAndMinutesBeginWhereClocksSayHow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		z := zone(rt, rapid.SampledFrom(zones()).Draw(rt, "zone"))
		interval := rapid.SampledFrom([]journal.Interval{journal.Hour, journal.Minute}).Draw(rt, "interval")
		from := time.Unix(rapid.Int64Range(0, 1_900_000_000).Draw(rt, "from"), 0)
		// Half of the times are about one at which clocks are changed.
		if _, end := from.In(z).ZoneBounds(); !end.IsZero() && rapid.Bool().Draw(rt, "change") {
			from = end.Add(-time.Duration(rapid.IntRange(0, 7200).Draw(rt, "before")) * time.Second)
		}
		to := from.Add(time.Duration(rapid.IntRange(1, 5*3600).Draw(rt, "seconds")) * time.Second)
		starts, err := journal.Timeline(interval, z, from, to)
		require.NoError(rt, err)
		whole := func(at time.Time) bool {
			local := at.In(z)
			return local.Second() == 0 && (interval == journal.Minute || local.Minute() == 0)
		}
		want := map[int64]bool{}
		for at := starts[0]; !at.After(starts[len(starts)-1]); at = at.Add(time.Second) {
			if whole(at) {
				want[at.Unix()] = true
			}
		}
		require.Len(rt, starts, len(want))
		for _, start := range starts {
			require.True(rt, want[start.Unix()], start)
		}
		require.False(rt, starts[0].After(from))
		require.True(rt, starts[1].After(from))
	})
}

func TestDaysWhoseClocksChange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, from string
		hours      []float64
	}{
		{"Europe/Berlin", "2026-03-28T12:00:00Z", []float64{24, 23, 24}},
		{"Europe/Berlin", "2026-10-24T12:00:00Z", []float64{24, 25, 24}},
		{"Australia/Lord_Howe", "2026-04-04T00:00:00Z", []float64{24, 24.5, 24}},
		{"America/Sao_Paulo", "2018-11-03T12:00:00Z", []float64{24, 23, 24}}, // at midnight
		{"Pacific/Apia", "2011-12-29T12:00:00Z", []float64{24, 24, 24}},      // without the 30th
	} {
		from, err := time.Parse(time.RFC3339, c.from)
		require.NoError(t, err)
		starts, err := journal.Timeline(journal.Day, zone(t, c.zone), from, from.Add(48*time.Hour))
		require.NoError(t, err)
		var hours []float64
		for i := range starts[1:] {
			hours = append(hours, starts[i+1].Sub(starts[i]).Hours())
		}
		require.Equal(t, c.hours, hours, c.zone)
	}
}

func TestGrainsDivideWhatTheyAreOf(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		interval journal.Interval
		zone     string
		grain    time.Duration
	}{
		{journal.Day, "UTC", 24 * time.Hour},
		{journal.Week, "UTC", 24 * time.Hour},
		{journal.Hour, "UTC", time.Hour},
		{journal.Day, "Europe/Berlin", time.Hour},
		{journal.Hour, "Asia/Kathmandu", 15 * time.Minute},
		{journal.Minute, "UTC", time.Minute},
	} {
		starts, err := journal.Timeline(c.interval, zone(t, c.zone), at.Add(time.Minute), at.Add(2*time.Minute))
		require.NoError(t, err)
		require.LessOrEqual(t, c.grain, journal.Grain(starts), "%s %s", c.interval, c.zone)
	}
	// Before 1893 clocks in Berlin were 53 minutes and 28 seconds ahead.
	starts, err := journal.Timeline(journal.Day, zone(t, "Europe/Berlin"), at.AddDate(-150, 0, 0), at.AddDate(-150, 0, 3))
	require.NoError(t, err)
	require.Equal(t, time.Second, journal.Grain(starts))
}

func TestWhatIsNoZoneIsRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "Local", "Mars/Olympus", "../../etc/passwd", "europe/berlin\x00", "+02:00"} {
		_, err := journal.Zone(name)
		require.ErrorContains(t, err, "timeZone: must be the name of a time zone in the IANA database", name)
	}
}

func TestATimelineHasAnEnd(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	starts, err := journal.Timeline(journal.Minute, time.UTC, from, from.Add(journal.MaxBuckets*time.Minute))
	require.NoError(t, err)
	require.Len(t, starts, journal.MaxBuckets+1)
	_, err = journal.Timeline(journal.Minute, time.UTC, from, from.Add((journal.MaxBuckets+1)*time.Minute))
	require.ErrorContains(t, err, "from 2026-01-01T00:00:00.000000Z to 2026-01-04T11:21:00.000000Z there are more than 5000")
}
