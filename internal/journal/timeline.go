package journal

import (
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // zones, for machines that have none

	"samjournal/internal/model"
)

// Interval is the length of the times of a Timeline.
type Interval string

// The intervals. A week is that of ISO 8601 and begins on Monday.
const (
	Minute Interval = "MINUTE"
	Hour   Interval = "HOUR"
	Day    Interval = "DAY"
	Week   Interval = "WEEK"
)

// MaxBuckets is the most times of a Timeline.
const MaxBuckets = 5000

// Zone reads an IANA name of a time zone. Its error is an *model.InputError at "timeZone".
func Zone(name string) (*time.Location, error) {
	// "Local" would be the server's own zone, and "" is UTC to Go.
	if zone, err := time.LoadLocation(name); err == nil && name != "" && name != "Local" {
		return zone, nil
	}
	return nil, &model.InputError{
		Path: []any{"timeZone"}, Reason: "must be the name of a time zone in the IANA database, such as UTC or Europe/Berlin",
	}
}

// Timeline returns where times of an interval begin in a zone, the first at or before from, and last the end of the one that to,
// which is excluded, lies in or ends. It fails with an *model.InputError at "interval" when there are more than MaxBuckets.
func Timeline(interval Interval, zone *time.Location, from, to time.Time) ([]time.Time, error) {
	at := floor(interval, from.In(zone))
	starts := []time.Time{at.UTC()}
	for at.Before(to) {
		if len(starts) > MaxBuckets {
			return nil, &model.InputError{Path: []any{"interval"}, Reason: fmt.Sprintf(
				"from %s to %s there are more than %d of %s; narrow createdAt or take a longer interval",
				from.UTC().Format(model.TimeLayout), to.UTC().Format(model.TimeLayout), MaxBuckets, interval)}
		}
		at = following(interval, at)
		starts = append(starts, at.UTC())
	}
	return starts, nil
}

// floor is when the time of the interval began that t lies in.
func floor(interval Interval, t time.Time) time.Time {
	switch interval {
	case Minute:
		return floorClock(t, time.Minute)
	case Hour:
		return floorClock(t, time.Hour)
	case Day:
		return startOfDay(t, 0)
	default:
		return startOfDay(t, -int(t.Weekday()+6)%7)
	}
}

// following is when the time of the interval ends that begins at t.
func following(interval Interval, t time.Time) time.Time {
	switch interval {
	case Minute:
		return nextClock(t, time.Minute)
	case Hour:
		return nextClock(t, time.Hour)
	case Day:
		return startOfDay(t, 1)
	default:
		const days = 7
		return startOfDay(t, days)
	}
}

// floorClock is the last moment, not after t, at which clocks in t's zone showed a whole unit. Where clocks were put forward or
// back by less than a unit, that may be more than a unit ago.
func floorClock(t time.Time, unit time.Duration) time.Time {
	for {
		_, offset := t.Zone()
		local := time.Duration(offset) * time.Second
		at := t.Add(local).Truncate(unit).Add(-local)
		began, _ := t.ZoneBounds()
		if began.IsZero() || !at.Before(began) {
			return at.In(t.Location())
		}
		t = began.Add(-time.Nanosecond)
	}
}

// nextClock is the first moment after t at which clocks in t's zone show a whole unit.
func nextClock(t time.Time, unit time.Duration) time.Time {
	at := floorClock(t, unit).Add(unit)
	for {
		_, end := t.ZoneBounds()
		if end.IsZero() || at.Before(end) {
			return at
		}
		_, offset := end.Zone()
		local := time.Duration(offset) * time.Second
		at = end.Add(local + unit - time.Nanosecond).Truncate(unit).Add(-local).In(t.Location())
		t = end
	}
}

// startOfDay is when the day that lies so many days from t's begins in its zone. Where clocks are put forward at midnight, a day
// begins later; where they are put back over it, at the first of the two midnights.
func startOfDay(t time.Time, days int) time.Time {
	year, month, day := t.Date()
	at := time.Date(year, month, day+days, 0, 0, 0, 0, t.Location())
	want := time.Date(year, month, day+days, 0, 0, 0, 0, time.UTC).YearDay()
	if at.YearDay() != want { // in the gap, before it
		_, end := at.ZoneBounds()
		return end
	}
	began, _ := at.ZoneBounds()
	if began.IsZero() {
		return at
	}
	if at.Hour() != 0 || at.Minute() != 0 || at.Second() != 0 { // in the gap, after it
		return began
	}
	_, now := at.Zone()
	_, before := began.Add(-time.Nanosecond).Zone()
	if earlier := at.Add(time.Duration(now-before) * time.Second); earlier.Before(began) && before > now {
		return earlier
	}
	return at
}

// grains are what the store can group times by, longest first.
func grains() []time.Duration {
	const day = 24 * time.Hour
	return []time.Duration{day, time.Hour, 15 * time.Minute, time.Minute, time.Second}
}

// Grain is the longest time that the store can group by and that divides all times of a Timeline.
func Grain(starts []time.Time) time.Duration {
	all := grains()
	for _, grain := range all {
		divides := func(at time.Time) bool { return at.Truncate(grain).Equal(at) }
		if !slices.ContainsFunc(starts, func(at time.Time) bool { return !divides(at) }) {
			return grain
		}
	}
	return all[len(all)-1]
}
