package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"samjournal/internal/model"
	"samjournal/internal/store"
)

// Dimension is what statistics can group entries by.
type Dimension string

// The dimensions.
const (
	OfThing       Dimension = "THING"
	OfCommand     Dimension = "COMMAND"
	OfStatusClass Dimension = "STATUS_CLASS"
	OfStatusCode  Dimension = "STATUS_CODE"
	OfUser        Dimension = "USER"
)

const (
	// maxCounted is the most counts that are read for one answer: times, times groups.
	maxCounted = 200_000
	// MaxGroupCounts is the most counts that an answer shows: its groups, times its buckets.
	MaxGroupCounts = 100_000
)

// Counter counts entries. *store.Store is one.
type Counter interface {
	HeadAndCounts(ctx context.Context, scope model.Scope, q store.CountQuery) (store.Head, []store.Count, error)
}

// StatsQuery says what to count.
type StatsQuery struct {
	Filter   *EntryFilter
	By       []Dimension    // each at most once
	Interval Interval       // "" for no buckets
	Zone     *time.Location // of the buckets
	First    int            // the most groups
	Now      time.Time      // where buckets end that have a beginning and no end
}

// Stats is how many entries match, in all, by time and by group, all of one moment.
type Stats struct {
	Head   Head
	Total  int64
	Starts []time.Time // of the buckets, and the end of the last one; nil without interval
	Counts []int64     // of the buckets
	Groups []Group     // most entries first
	Other  int64       // entries of groups beyond First
}

// Group is entries that have in common what they are grouped by; what they are not is the zero value.
type Group struct {
	Thing       model.Thing
	Command     model.Command
	StatusClass model.StatusClass
	StatusCode  *int
	UserID      *int64 // nil also for entries without user
	Count       int64
	Counts      []int64 // of the buckets; nil without interval
}

// CountStats counts. Errors are *model.InputError where less can be asked for.
func CountStats(ctx context.Context, counter Counter, scope model.Scope, sq StatsQuery) (*Stats, error) {
	q := CountQuery(sq.Filter)
	q.Limit = maxCounted
	for _, d := range sq.By {
		q.By = append(q.By, columnOf(d))
	}
	if sq.Interval != "" {
		q.Grain = sq.likelyGrain()
	}
	for {
		head, counts, err := counter.HeadAndCounts(ctx, scope, q)
		if errors.Is(err, store.ErrTooManyCounts) {
			return nil, tooManyCounts()
		}
		if err != nil {
			return nil, err
		}
		s := &Stats{Head: head}
		if sq.Interval != "" {
			if s.Starts, err = sq.timeline(q, counts); err != nil {
				return nil, err
			}
			if grain := Grain(s.Starts); grain < q.Grain { // the zone was another one at that time
				q.Grain = grain
				continue
			}
		}
		err = s.fold(sq, counts)
		return s, err
	}
}

func tooManyCounts() error {
	return &model.InputError{Path: []any{"groupBy"}, Reason: fmt.Sprintf(
		"there are more than %d groups times intervals; narrow where, group by less, or take a longer interval", maxCounted)}
}

func columnOf(d Dimension) store.Dimension {
	switch d {
	case OfThing:
		return store.ByThing
	case OfCommand:
		return store.ByCommand
	case OfUser:
		return store.ByUser
	default:
		return store.ByStatusCode
	}
}

// likelyGrain is the grain of the times of today and half a year ago: it can be asked for before it is known when the entries
// were created.
func (sq StatsQuery) likelyGrain() time.Duration {
	const halfYear = -182
	starts := make([]time.Time, 0, 2*2)
	for _, at := range []time.Time{sq.Now, sq.Now.AddDate(0, 0, halfYear)} {
		at = floor(sq.Interval, at.In(sq.Zone))
		starts = append(starts, at, following(sq.Interval, at))
	}
	return Grain(starts)
}

// timeline is that of the time that is asked for; where it is open, of the entries that were found, and up to now if there
// is a beginning.
func (sq StatsQuery) timeline(q store.CountQuery, counts []store.Count) ([]time.Time, error) {
	from, to := q.From, q.To
	for i := range counts {
		if start := counts[i].Start; q.From == nil && (from == nil || start.Before(*from)) {
			from = &start
		}
		if end := counts[i].Start.Add(q.Grain); q.To == nil && (to == nil || end.After(*to)) {
			to = &end
		}
	}
	if q.From != nil && q.To == nil && (to == nil || to.Before(sq.Now)) {
		to = &sq.Now
	}
	if from == nil || to == nil || !from.Before(*to) {
		return []time.Time{}, nil
	}
	return Timeline(sq.Interval, sq.Zone, *from, *to)
}

// fold puts counts into buckets and groups.
func (s *Stats) fold(sq StatsQuery, counts []store.Count) error {
	buckets := max(len(s.Starts)-1, 0)
	if sq.Interval != "" {
		s.Counts = make([]int64, buckets)
	}
	groups := map[groupKey]*Group{}
	for i := range counts {
		c := &counts[i]
		s.Total += c.N
		key := keyOf(sq.By, c)
		g := groups[key]
		if g == nil {
			g = key.group(sq.By)
			groups[key] = g
		}
		g.Count += c.N
	}
	if len(sq.By) == 0 && len(groups) == 0 {
		groups[groupKey{}] = &Group{} // everything, which is nothing
	}
	for _, g := range groups {
		s.Groups = append(s.Groups, *g)
	}
	slices.SortFunc(s.Groups, compareGroups)
	if len(s.Groups) > sq.First {
		for _, g := range s.Groups[sq.First:] {
			s.Other += g.Count
		}
		s.Groups = s.Groups[:sq.First]
	}
	if sq.Interval == "" {
		return nil
	}
	if len(s.Groups)*buckets > MaxGroupCounts {
		return &model.InputError{Path: []any{"first"}, Reason: fmt.Sprintf(
			"%d groups times %d intervals are more than %d counts; ask for fewer groups, a shorter time or a longer interval",
			len(s.Groups), buckets, MaxGroupCounts)}
	}
	s.foldTimes(sq, counts, buckets)
	return nil
}

func (s *Stats) foldTimes(sq StatsQuery, counts []store.Count, buckets int) {
	shown := make(map[groupKey][]int64, len(s.Groups))
	for i := range s.Groups {
		s.Groups[i].Counts = make([]int64, buckets)
		shown[s.Groups[i].key()] = s.Groups[i].Counts
	}
	for i := range counts {
		c := &counts[i]
		// The last bucket that begins at or before the count does.
		at := sort.Search(buckets, func(i int) bool { return s.Starts[i].After(c.Start) }) - 1
		s.Counts[at] += c.N
		if of := shown[keyOf(sq.By, c)]; of != nil {
			of[at] += c.N
		}
	}
}

// groupKey is what a group has in common, comparable.
type groupKey struct {
	thing   model.Thing
	command model.Command
	class   model.StatusClass
	code    int // -1 when not grouped by it
	user    int64
}

func keyOf(by []Dimension, c *store.Count) groupKey {
	k := groupKey{code: -1}
	for _, d := range by {
		switch d {
		case OfThing:
			k.thing = c.Thing
		case OfCommand:
			k.command = c.Command
		case OfStatusClass:
			k.class = model.StatusClassOf(c.StatusCode)
		case OfStatusCode:
			k.code = c.StatusCode
		case OfUser:
			if c.UserID != nil {
				k.user = *c.UserID
			}
		}
	}
	return k
}

func (k groupKey) group(by []Dimension) *Group {
	g := &Group{Thing: k.thing, Command: k.command, StatusClass: k.class}
	if slices.Contains(by, OfStatusCode) {
		g.StatusCode = &k.code
	}
	if k.user != 0 {
		g.UserID = &k.user
	}
	return g
}

func (g *Group) key() groupKey {
	k := groupKey{thing: g.Thing, command: g.Command, class: g.StatusClass, code: -1}
	if g.StatusCode != nil {
		k.code = *g.StatusCode
	}
	if g.UserID != nil {
		k.user = *g.UserID
	}
	return k
}

// compareGroups orders by count, most first, then by what the groups have in common.
func compareGroups(a, b Group) int {
	k, l := a.key(), b.key()
	return cmp.Or(
		cmp.Compare(b.Count, a.Count), cmp.Compare(k.thing, l.thing), cmp.Compare(k.command, l.command),
		cmp.Compare(k.class, l.class), cmp.Compare(k.code, l.code), cmp.Compare(k.user, l.user),
	)
}
