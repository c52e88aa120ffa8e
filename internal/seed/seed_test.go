package seed_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"samjournal/internal/journal"
	"samjournal/internal/model"
	"samjournal/internal/seed"
)

func end() time.Time { return time.Date(2026, 6, 19, 16, 11, 3, 123456789, time.UTC) }

func generate(n int, s uint64) []journal.Input {
	return slices.Collect(seed.Generate(seed.Options{Entries: n, Seed: s, End: end()}))
}

func TestTheSameSeedGivesTheSameEntries(t *testing.T) {
	t.Parallel()
	first, second := generate(500, 7), generate(500, 7)
	require.Equal(t, first, second)
	require.NotEqual(t, first, generate(500, 8))
}

// More entries or another end change nothing but the times, so that a seed names its entries.
func TestKeysAndPayloadsDependOnTheSeedAlone(t *testing.T) {
	t.Parallel()
	few, many := generate(100, 7), generate(1000, 7)
	for i := range few {
		few[i].CreatedAt, many[i].CreatedAt = nil, nil
	}
	require.Equal(t, few, many[:100])
}

func TestEveryEntryIsOneThatTheJournalTakes(t *testing.T) {
	t.Parallel()
	keys := map[string]bool{}
	for _, in := range generate(5000, 1) {
		require.NoError(t, model.ValidateKey(in.Key))
		require.False(t, keys[in.Key])
		keys[in.Key] = true
		require.True(t, in.Thing.Valid())
		require.True(t, in.Command.Valid())
		require.Equal(t, model.OriginSeed, in.Origin)
		for _, p := range []model.Payload{in.Request, in.Response} {
			parsed, err := model.ParsePayload([]byte(p))
			require.NoError(t, err, p)
			require.Equal(t, parsed, p, "not in the form that payloads are stored in")
		}
		size := len(in.Request) + len(in.Response)
		require.Greater(t, size, 512, "%s %s", in.Request, in.Response)
		require.LessOrEqual(t, size, 2048, "%s %s", in.Request, in.Response)
	}
}

func TestPayloadsHaveTheShapeOfTheOriginal(t *testing.T) {
	t.Parallel()
	for _, in := range generate(2000, 3) {
		var request struct {
			User    string            `json:"user"`
			GET     map[string]any    `json:"GET"`     //nolint:tagliatelle // the original's names
			POST    map[string]any    `json:"POST"`    //nolint:tagliatelle // the original's names
			COOKIES map[string]any    `json:"COOKIES"` //nolint:tagliatelle // the original's names
			META    map[string]string `json:"META"`    //nolint:tagliatelle // the original's names
		}
		require.NoError(t, json.Unmarshal([]byte(in.Request), &request))
		require.NotNil(t, request.GET)
		require.NotNil(t, request.POST)
		require.NotNil(t, request.COOKIES)
		require.Equal(t, in.Username != nil, request.META["HTTP_AUTHORIZATION"] != "")
		if in.Username != nil {
			require.Equal(t, *in.Username, request.User)
		}
		var response struct {
			API      string            `json:"api"`
			Thing    string            `json:"thing"`
			Metadata map[string]string `json:"metadata"`
			Data     map[string]any    `json:"data"`
			Error    map[string]string `json:"error"`
		}
		require.NoError(t, json.Unmarshal([]byte(in.Response), &response))
		require.Equal(t, "smarter.sh/v1", response.API)
		require.Equal(t, string(in.Thing), response.Thing)
		require.Equal(t, string(in.Command), response.Metadata["command"])
		require.Equal(t, in.StatusCode >= 400, response.Error != nil)
		require.Equal(t, in.StatusCode < 400, response.Data != nil)
	}
}

func TestTheMixIsThatOfABusyPlatform(t *testing.T) {
	t.Parallel()
	const n = 20_000
	things, commands, statuses, users := map[model.Thing]int{}, map[model.Command]int{}, map[int]int{}, map[string]int{}
	for _, in := range generate(n, 42) {
		things[in.Thing]++
		commands[in.Command]++
		statuses[in.StatusCode]++
		name := "(nobody)"
		if in.Username != nil {
			name = *in.Username
		}
		users[name]++
	}
	require.Len(t, things, len(model.Thing("").Values()), "every thing comes up")
	require.Len(t, commands, len(model.Command("").Values()), "every command comes up")
	require.Greater(t, things[model.ThingPrompt], n/3)
	require.InDelta(t, 0.9*n, statuses[200], 0.05*n)
	for _, status := range []int{201, 400, 401, 403, 404, 429, 500, 503} {
		require.Positive(t, statuses[status], status)
	}
	require.Len(t, users, 41)
	require.InDelta(t, n/25, users["(nobody)"], n/50)
	counts := make([]int, 0, len(users))
	for _, count := range users {
		counts = append(counts, count)
	}
	slices.Sort(counts)
	require.Greater(t, counts[40], 10*counts[10], "a few users do most of the work")
}

func TestTimesAscendOverNinetyDaysUpToTheEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 3000).Draw(t, "n")
		last := end().Add(-90 * 24 * time.Hour).Truncate(time.Microsecond)
		for _, in := range generate(n, rapid.Uint64().Draw(t, "seed")) {
			require.False(t, in.CreatedAt.Before(last))
			require.False(t, in.CreatedAt.After(end()))
			require.Equal(t, model.Microseconds(*in.CreatedAt), *in.CreatedAt)
			last = *in.CreatedAt
		}
		if n > 1000 {
			require.Less(t, end().Sub(last), 48*time.Hour, "the last entries are recent")
		}
	})
}

func TestNightsAndWeekendsAreQuieter(t *testing.T) {
	t.Parallel()
	var byHour [24]int
	var byDay [7]int
	for _, in := range generate(20_000, 5) {
		byHour[in.CreatedAt.Hour()]++
		byDay[in.CreatedAt.Weekday()]++
	}
	require.Greater(t, byHour[9], 5*byHour[2])
	require.Greater(t, byDay[time.Tuesday], 2*byDay[time.Sunday])
}

func BenchmarkGenerate(b *testing.B) {
	b.ReportAllocs()
	bytes := 0
	for in := range seed.Generate(seed.Options{Entries: b.N, Seed: 1, End: end()}) {
		bytes += len(in.Request) + len(in.Response)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64(bytes)/float64(b.N), "B/entry")
}
