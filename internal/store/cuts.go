package store

import (
	"slices"
	"time"
)

// Counters count an account's entries as they are appended. A cut is a set of dimensions that is counted together: one
// counter for each combination of their values in each span of time. A span is the length of that time; spans begin at
// multiples of their length since the beginning of the year 1, UTC, as time.Time.Truncate has them.
const (
	quarter = 15 * time.Minute
	day     = 24 * time.Hour
	// era is for what is asked of whole journals: no calendar has it, only sums of many days need it.
	era = 32 * day
)

// cut is a set of dimensions that is counted together. Its number is what the table has, so it never changes its meaning.
type cut struct {
	number     int16
	dimensions []Dimension
	spans      []time.Duration // the longest first; each is a multiple of the next
}

// cuts lists all of them, those with the fewest counters first. What none of them can tell is counted from rows. Each costs
// every append, and a change needs a migration that fills or empties its counters: bench/RESULTS.md has what they cost and
// what they are worth. Users and the two together that are missing have too many combinations in a quarter of an hour, and
// few of the codes have so many that their days needed adding up.
func cuts() []cut {
	return []cut{
		{number: 1, dimensions: []Dimension{ByStatusCode}, spans: []time.Duration{day, quarter}},
		{number: 2, dimensions: []Dimension{ByCommand, ByStatusCode}, spans: []time.Duration{era, day, quarter}},
		{number: 3, dimensions: []Dimension{ByThing, ByStatusCode}, spans: []time.Duration{era, day, quarter}},
		{number: 4, dimensions: []Dimension{ByUser, ByStatusCode}, spans: []time.Duration{era, day}},
	}
}

// has tells whether the cut counts by a dimension.
func (c cut) has(d Dimension) bool { return slices.Contains(c.dimensions, d) }

// cutFor returns the first cut that has all the dimensions.
func cutFor(needed []Dimension) (cut, bool) {
	for _, c := range cuts() {
		if !slices.ContainsFunc(needed, func(d Dimension) bool { return !c.has(d) }) {
			return c, true
		}
	}
	return cut{}, false
}
