package conformance_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// stats is an answer of entryStats.
type stats struct {
	TotalCount, OtherCount int64
	HeadCursor             string
	Buckets                []struct {
		Start, End time.Time
		Count      int64
	}
	Groups []struct {
		Thing, Command, StatusClass *string
		StatusCode                  *int64
		User                        *struct{ Username string }
		Count                       int64
		Counts                      []int64
	}
}

const askStats = `query($where: EntryWhereInput, $by: [EntryDimension!]!, $interval: EntryInterval, $zone: String!,
	$first: Int!) {
	entryStats(where: $where, groupBy: $by, interval: $interval, timeZone: $zone, first: $first) {
		totalCount otherCount headCursor buckets { start end count }
		groups { thing command statusClass statusCode user { username } count counts } } }`

func (w *world) stats(rt *rapid.T, v vars) stats {
	var answer struct{ EntryStats stats }
	w.ask(w.ctx, rt, &answer, askStats, v)
	return answer.EntryStats
}

// spread appends entries of some days around the epoch of worlds, as imports have them.
func (w *world) spread(rt *rapid.T) {
	for range rapid.IntRange(0, 25).Draw(rt, "spread") {
		in := w.drawInput(rt)
		hours, micros := rapid.IntRange(-90, 90).Draw(rt, "hours"), rapid.IntRange(-1, 1).Draw(rt, "micros")
		in.Origin = model.OriginImport
		at := time.UnixMicro(epoch).UTC().Truncate(15 * time.Minute).Add(time.Duration(hours) * time.Hour / 2)
		in.CreatedAt = new(at.Add(time.Duration(micros) * time.Microsecond))
		r := w.append(w.ctx, rt, in)[0]
		w.facts = append(w.facts, fact{
			position: r.Position, key: r.Key, createdAt: *in.CreatedAt, recordedAt: w.clock.now(), origin: in.Origin,
			thing: in.Thing, command: in.Command, status: int64(in.StatusCode), username: in.Username, request: in.Request,
		})
	}
}

// groupOf is what the documentation says that an entry has in common with others, in words.
func groupOf(f fact, by []string) string {
	var parts []string
	for _, d := range by {
		switch d {
		case "THING":
			parts = append(parts, f.thing.GraphQL())
		case "COMMAND":
			parts = append(parts, f.command.GraphQL())
		case "STATUS_CLASS":
			parts = append(parts, string(model.StatusClassOf(int(f.status))))
		case "STATUS_CODE":
			parts = append(parts, fmt.Sprint(f.status))
		case "USER":
			name := "nobody in particular"
			if f.username != nil {
				name = *f.username
			}
			parts = append(parts, name)
		}
	}
	return strings.Join(parts, ", ")
}

// shown is groupOf as an answer has it.
func (s stats) shown(i int, by []string) string {
	var parts []string
	g := s.Groups[i]
	for _, d := range by {
		switch d {
		case "THING":
			parts = append(parts, *g.Thing)
		case "COMMAND":
			parts = append(parts, *g.Command)
		case "STATUS_CLASS":
			parts = append(parts, *g.StatusClass)
		case "STATUS_CODE":
			parts = append(parts, fmt.Sprint(*g.StatusCode))
		case "USER":
			name := "nobody in particular"
			if g.User != nil {
				name = g.User.Username
			}
			parts = append(parts, name)
		}
	}
	return strings.Join(parts, ", ")
}

// Whatever is asked for, the numbers are those that counting the entries gives.
func TestStatisticsAreWhatCountingGives(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			create := worlds(t, databaseURL)
			rapid.Check(t, func(rt *rapid.T) {
				w := create(rt)
				w.spread(rt)
				for range 4 {
					w.compareStats(rt)
				}
			})
		})
	}
}

func (w *world) compareStats(rt *rapid.T) { w.compareStatsOf(rt, drawFilter(rt, w.entryColumns())) }

func (w *world) compareStatsOf(rt *rapid.T, f filter[fact]) {
	by := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"THING", "COMMAND", "STATUS_CLASS", "STATUS_CODE", "USER"}), 0, 3,
		rapid.ID[string]).Draw(rt, "by")
	interval := rapid.SampledFrom([]string{"", "HOUR", "DAY", "WEEK"}).Draw(rt, "interval")
	v := vars{"where": f.sent, "by": by, "first": 500, "zone": rapid.SampledFrom([]string{
		"UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe",
	}).Draw(rt, "zone")}
	if interval != "" {
		v["interval"] = interval
	}
	got := w.stats(rt, v)
	var total int64
	groups := map[string]int64{}
	for i := range w.facts {
		if f.matches(w.facts[i]) {
			total++
			groups[groupOf(w.facts[i], by)]++
		}
	}
	require.Equal(rt, total, got.TotalCount)
	require.Zero(rt, got.OtherCount)
	if len(by) == 0 {
		groups[""] = total
	}
	require.Len(rt, got.Groups, len(groups))
	for i, g := range got.Groups {
		require.Equal(rt, groups[got.shown(i, by)], g.Count)
		require.True(rt, i == 0 || g.Count <= got.Groups[i-1].Count, "most entries first")
	}
	if interval == "" {
		require.Nil(rt, got.Buckets)
		return
	}
	w.compareBuckets(rt, got, f, by)
}

// compareBuckets checks that the buckets have no gap and hold what lies in them.
func (w *world) compareBuckets(rt *rapid.T, got stats, f filter[fact], by []string) {
	require.NotNil(rt, got.Buckets)
	var inBuckets int64
	for i, b := range got.Buckets {
		require.True(rt, b.Start.Before(b.End))
		require.True(rt, i == 0 || b.Start.Equal(got.Buckets[i-1].End))
		var all int64
		of := map[string]int64{}
		for i := range w.facts {
			fact := w.facts[i]
			if f.matches(fact) && !fact.createdAt.Before(b.Start) && fact.createdAt.Before(b.End) {
				all++
				of[groupOf(fact, by)]++
			}
		}
		require.Equal(rt, all, b.Count)
		inBuckets += all
		for j, g := range got.Groups {
			require.Len(rt, g.Counts, len(got.Buckets))
			require.Equal(rt, of[got.shown(j, by)], g.Counts[i])
		}
	}
	require.Equal(rt, got.TotalCount, inBuckets)
}

// populatedDays has an entry every six hours of ten days, by turns of alice and nobody.
func populatedDays(t *testing.T, databaseURL string) (*node, time.Time) {
	t.Helper()
	noon := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	n := start(t, databaseURL, settings{journal: journal.Config{Clock: func() time.Time { return noon }}})
	ctx := n.as(t, "default")
	for i := range 40 {
		in := by([]string{"alice", ""}[i%2], i)
		in.Origin, in.StatusCode = model.OriginImport, 200+100*(i%4)
		in.CreatedAt = new(noon.Add(-time.Duration(40-i) * 6 * time.Hour))
		n.append(ctx, t, in)
	}
	return n, noon
}

func TestAHistogramHasNoGaps(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n, noon := populatedDays(t, databaseURL)
			ctx := n.as(t, "default")
			var answer struct{ Recent, Berlin, Open, Empty stats }
			n.ask(ctx, t, &answer, `{
				recent: entryStats(where: {since: "PT24H", statusClass: SERVER_ERROR}, interval: HOUR) { ...all }
				berlin: entryStats(where: {createdAtGTE: "2026-03-28T00:00:00+01:00", createdAtLT: "2026-03-31T00:00:00+02:00"},
					interval: DAY, timeZone: "Europe/Berlin") { ...all }
				open: entryStats(where: {username: "alice"}, interval: WEEK, groupBy: [USER]) { ...all }
				empty: entryStats(where: {username: "nobody"}, interval: WEEK, groupBy: [USER]) { ...all }
			} fragment all on EntryStats { totalCount buckets { start end count } groups { user { username } count counts } }`, nil)

			require.Len(t, answer.Recent.Buckets, 24, "up to now, though the last entry was 6 hours ago")
			require.True(t, answer.Recent.Buckets[23].End.Equal(noon))
			require.EqualValues(t, 1, answer.Recent.TotalCount)
			require.Len(t, answer.Berlin.Buckets, 3)
			require.InDelta(t, 23, answer.Berlin.Buckets[1].End.Sub(answer.Berlin.Buckets[1].Start).Hours(), 0, "clocks go forward")
			require.Equal(t, []int64{4, 4, 4}, answer.Berlin.Groups[0].Counts)
			require.Len(t, answer.Open.Buckets, 3)
			require.Equal(t, time.Monday, answer.Open.Buckets[0].Start.Weekday())
			require.EqualValues(t, 20, answer.Open.Groups[0].Count)
			require.Equal(t, "alice", answer.Open.Groups[0].User.Username)
			require.NotNil(t, answer.Empty.Buckets)
			require.Empty(t, answer.Empty.Buckets)
			require.Empty(t, answer.Empty.Groups)
		})
	}
}

func TestWhatIsLeftOutOfGroupsIsCounted(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n, _ := populatedDays(t, databaseURL)
			ctx := n.as(t, "default")
			n.append(ctx, t, by("zoe", 100), by("zoe", 101))
			var answer struct{ EntryStats stats }
			n.ask(ctx, t, &answer, `{ entryStats(groupBy: [USER], first: 2, interval: DAY) { totalCount otherCount
				groups { user { username } count counts } buckets { count } } }`, nil)
			s := answer.EntryStats
			require.EqualValues(t, 42, s.TotalCount)
			require.EqualValues(t, 2, s.OtherCount)
			require.Len(t, s.Groups, 2)
			var inBuckets int64
			for _, b := range s.Buckets {
				inBuckets += b.Count
			}
			require.EqualValues(t, 42, inBuckets, "buckets count all groups")
		})
	}
}

// A reader's numbers are those of its own entries, and no account's are another's.
func TestStatisticsCountWhatTheViewerSees(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n, _ := populatedDays(t, databaseURL)
			ctx := n.as(t, "default")
			other := n.newAccount(t, "other")
			n.append(other, t, by("alice", 7))
			var answer struct{ EntryStats stats }
			const document = `{ entryStats(groupBy: [USER]) { totalCount groups { user { username } count } } }`
			n.ask(n.whoIs(ctx, t, model.RoleReader, "alice"), t, &answer, document, nil)
			require.EqualValues(t, 20, answer.EntryStats.TotalCount)
			require.Len(t, answer.EntryStats.Groups, 1)
			n.ask(other, t, &answer, document, nil)
			require.EqualValues(t, 1, answer.EntryStats.TotalCount)
			require.Equal(t, "FORBIDDEN", n.refused(n.whoIs(ctx, t, model.RoleWriter, ""), t, document, nil))
		})
	}
}

func TestStatisticsAreOneStatementAndOneForUsers(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n, _ := populatedDays(t, databaseURL)
			ctx := n.as(t, "default")
			for document, want := range map[string]int{
				`{ entryStats(groupBy: [THING, STATUS_CLASS], interval: HOUR) { totalCount headCursor groups { count } } }`: 1,
				`{ entryStats(groupBy: [USER], interval: HOUR) { groups { count } } }`:                                      1,
				`{ entryStats(groupBy: [USER, THING]) { groups { user { username } } } }`:                                   2,
			} {
				calls := n.queries(ctx, t, document, nil)
				require.Len(t, calls, want, "%s\n%s", document, texted(calls))
			}
		})
	}
}

func TestWrongQuestionsForStatisticsAreRefused(t *testing.T) {
	t.Parallel()
	n, _ := populatedDays(t, newSQLite(t))
	ctx := n.as(t, "default")
	for arguments, want := range map[string]string{
		`first: 0`:                      "first: must be from 1 to 500, is 0",
		`first: 501`:                    "first: must be from 1 to 500, is 501",
		`groupBy: [THING, USER, THING]`: "groupBy[2]: THING is there already",
		`timeZone: "Local"`:             "timeZone: must be the name of a time zone in the IANA database",
		`timeZone: ""`:                  "timeZone: must be the name",
		`where: {since: "a day"}`:       `where.since: "a day" is not an ISO 8601 duration`,
		`where: {statusClass: []}`:      "where.statusClass: must hold 1 to 500 values",
		`interval: MINUTE`:              "interval: from 2026-03-21T12:00:00.000000Z to 2026-03-31T06:01:00.000000Z there are more",
		`groupBy: [NOTHING]`:            `Value "NOTHING" does not exist in "EntryDimension!" enum`,
		`groupBy: null`:                 `Expected value of type`,
		`where: {createdAtGTE: "0001-01-01T00:00:00Z"}, interval: DAY`: "interval: from 0001-01-01T00:00:00.000000Z",
	} {
		_, errs := n.try(ctx, t, `{ entryStats(`+arguments+`) { totalCount } }`, nil)
		require.Len(t, errs, 1, arguments)
		require.Contains(t, errs[0].Message, want)
		require.Contains(t, []any{"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"}, errs[0].Extensions["code"])
	}
}

// An interval of time in which nothing can lie has no buckets.
func TestNoTimeHasNoBuckets(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n, _ := populatedDays(t, databaseURL)
			var answer struct{ EntryStats stats }
			n.ask(n.as(t, "default"), t, &answer, `{ entryStats(where: {createdAtGTE: "2026-03-30T00:00:00Z",
				createdAtLT: "2026-03-29T00:00:00Z"}, interval: DAY) { totalCount buckets { count } groups { count counts } } }`, nil)
			require.Zero(t, answer.EntryStats.TotalCount)
			require.Empty(t, answer.EntryStats.Buckets)
			require.True(t, slices.Equal([]int64{}, answer.EntryStats.Groups[0].Counts))
		})
	}
}
