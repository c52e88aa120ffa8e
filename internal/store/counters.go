package store

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"samjournal/internal/model"
)

// counterKey names a counter of an account. Dimensions that its cut does not have are "", 0 and noUser.
type counterKey struct {
	cut        int16
	span       int32 // seconds
	start      int64 // microseconds since 1970
	thing      model.Thing
	command    model.Command
	statusCode int16
	userID     int64
}

// noUser stands for no user: the ids of users begin with 1, and no column of a primary key is NULL.
const noUser = 0

// of is the key with no dimensions but those of a cut.
func (k counterKey) of(c cut) counterKey {
	kept := counterKey{cut: c.number}
	for _, d := range c.dimensions {
		switch d {
		case ByThing:
			kept.thing = k.thing
		case ByCommand:
			kept.command = k.command
		case ByStatusCode:
			kept.statusCode = k.statusCode
		case ByUser:
			kept.userID = k.userID
		}
	}
	return kept
}

// counters are numbers of entries.
type counters map[counterKey]int64

// countersOf are the counters of entries that are appended.
func countersOf(rows []row) counters {
	all := make(tally, len(rows))
	for i := range rows {
		r := &rows[i]
		all.add(r.createdAt, r.Thing, r.Command, r.StatusCode, r.userID)
	}
	return all.counters(cuts()...)
}

// tally is how many entries have all dimensions in common within a quarter of an hour: that of start, no cut and no span.
type tally map[counterKey]int64

func (t tally) add(createdAt time.Time, thing model.Thing, command model.Command, statusCode int, userID *int64) {
	key := counterKey{
		start: createdAt.Truncate(quarter).UnixMicro(), thing: thing, command: command,
		statusCode: int16(statusCode), userID: noUser, //nolint:gosec // 0 to 32767
	}
	if userID != nil {
		key.userID = *userID
	}
	t[key]++
}

// counters are what cuts have of the entries.
func (t tally) counters(cuts ...cut) counters {
	c := make(counters, len(t))
	for key, n := range t {
		start := time.UnixMicro(key.start).UTC()
		for _, cut := range cuts {
			counter := key.of(cut)
			for _, span := range cut.spans {
				counter.span, counter.start = int32(span.Seconds()), start.Truncate(span).UnixMicro()
				c[counter] += n
			}
		}
	}
	return c
}

// sorted lists the keys in the order of the primary key.
func (c counters) sorted() []counterKey {
	return slices.SortedFunc(maps.Keys(c), func(a, b counterKey) int {
		return cmp.Or(cmp.Compare(a.cut, b.cut), cmp.Compare(a.span, b.span), cmp.Compare(a.start, b.start),
			strings.Compare(string(a.thing), string(b.thing)), strings.Compare(string(a.command), string(b.command)),
			cmp.Compare(a.statusCode, b.statusCode), cmp.Compare(a.userID, b.userID))
	})
}
