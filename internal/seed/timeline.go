package seed

import (
	"math/rand/v2"
	"time"
)

const (
	days = 90
	// fine divides the weight of an hour, so that entries within one find distinct times.
	fine = 1000
)

// timeline spreads entries over the hours before an end as people work: by the hour of the day, less on weekends.
type timeline struct {
	start, end time.Time
	weights    []int64 // of each hour
	total      int64   // their sum, times fine
	hour       int     // of the last entry
	passed     int64   // weight of the hours before it, times fine
	last       time.Time
}

func newTimeline(end time.Time) *timeline {
	// A European office with colleagues elsewhere, UTC, in per mille of the busiest hour.
	byHour := [24]int64{
		60, 40, 30, 30, 50, 120, 320, 620, 880, 1000, 980, 860,
		640, 820, 960, 930, 800, 610, 450, 380, 300, 220, 150, 100,
	}
	end = end.UTC().Truncate(time.Microsecond)
	t := &timeline{start: end.Add(-days * 24 * time.Hour), end: end}
	t.last = t.start
	for hour := range days * 24 {
		at := t.start.Add(time.Duration(hour) * time.Hour)
		weight := byHour[at.Hour()]
		if day := at.Weekday(); day == time.Saturday || day == time.Sunday {
			weight = weight*3/10 + 1
		}
		t.weights = append(t.weights, weight)
		t.total += weight * fine
	}
	return t
}

// at returns the time of entry i of n: after that of entry i-1, or the same. The entries must come in order.
func (t *timeline) at(i, n int, random *rand.Rand) time.Time {
	// Each entry has an equal share of the total weight and lies somewhere in it.
	share := t.total / int64(n)
	x := int64(i)*share + int64(i)*(t.total%int64(n))/int64(n)
	if share > 0 {
		x += random.Int64N(share)
	}
	for t.hour < len(t.weights)-1 && x >= t.passed+t.weights[t.hour]*fine {
		t.passed += t.weights[t.hour] * fine
		t.hour++
	}
	slot := time.Hour.Microseconds() / (t.weights[t.hour] * fine) // microseconds to one unit of weight
	micros := (x-t.passed)*slot + random.Int64N(slot)
	at := t.start.Add(time.Duration(t.hour)*time.Hour + time.Duration(micros)*time.Microsecond)
	if at.Before(t.last) {
		at = t.last
	}
	if at.After(t.end) {
		at = t.end
	}
	t.last = at
	return at
}
