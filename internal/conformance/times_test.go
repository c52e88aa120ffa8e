package conformance_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/conformance/oracle"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// sequence is a clock that shows given times, one after the other, and then stays.
type sequence struct {
	mu    sync.Mutex
	times []time.Time
}

func (s *sequence) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.times[0]
	if len(s.times) > 1 {
		s.times = s.times[1:]
	}
	return t
}

// Invariant 6: the clock of the server jumps back and forth and has nanoseconds and a zone of its own.
func TestRecordedAtNeverDecreases(t *testing.T) {
	t.Parallel()
	at := func(s string) time.Time {
		parsed, err := time.Parse(time.RFC3339Nano, s)
		require.NoError(t, err)
		return parsed
	}
	clock := []string{
		"2026-03-01T10:00:00.123456789+02:00", "2026-03-01T07:59:59Z", "2026-03-01T08:00:00.123457Z",
		"1969-12-31T23:59:59.999999999Z", "2026-03-01T08:00:01Z", "0001-01-01T00:00:00Z",
	}
	want := []string{
		"2026-03-01T08:00:00.123456Z", "2026-03-01T08:00:00.123456Z", "2026-03-01T08:00:00.123457Z",
		"2026-03-01T08:00:00.123457Z", "2026-03-01T08:00:01.000000Z", "2026-03-01T08:00:01.000000Z",
	}
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var times []time.Time
			for _, s := range clock {
				times = append(times, at(s))
			}
			n := start(t, databaseURL, settings{journal: journal.Config{Clock: (&sequence{times: times}).now}})
			ctx := n.as(t, "default")
			for i := range clock {
				r := n.append(ctx, t, numbered(i))[0]
				require.Equal(t, want[i], r.RecordedAt.Format(model.TimeLayout))
				require.Equal(t, r.RecordedAt, r.CreatedAt)
			}
			entries, err := look(t, databaseURL).Entries(t.Context(), 1, 0)
			require.NoError(t, err)
			for i, e := range entries {
				require.Equal(t, at(want[i]).UnixMicro(), e.RecordedAt)
			}
			var answer struct {
				Entries struct {
					Edges []struct {
						Node struct{ CreatedAt, RecordedAt string }
					}
				}
			}
			n.ask(ctx, t, &answer, `{ entries(orderBy: {direction: ASC}) { edges { node { createdAt recordedAt } } } }`, nil)
			for i, e := range answer.Entries.Edges {
				require.Equal(t, want[i], e.Node.CreatedAt, "written with six digits, in UTC")
				require.Equal(t, want[i], e.Node.RecordedAt)
			}
		})
	}
}

// A node with a clock that is behind takes turns with one that is ahead.
func TestRecordedAtNeverDecreasesAcrossNodes(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			ahead := start(t, databaseURL, settings{journal: journal.Config{Clock: func() time.Time { return time.Now().Add(time.Hour) }}})
			behind := start(t, databaseURL, settings{})
			ctx := ahead.as(t, "default")
			last := time.Time{}
			for range 10 {
				for _, n := range []*node{ahead, behind} {
					r := n.append(ctx, t, plain())[0]
					require.False(t, r.RecordedAt.Before(last))
					last = r.RecordedAt
				}
			}
		})
	}
}

func TestImportedEntriesKeepTheirOwnTime(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			own := []string{
				"2026-06-19T16:11:03.123000Z", "0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z",
				"1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00.000000Z", "1582-10-10T12:00:00.000001Z",
			}
			var results []journal.Result
			for i, s := range own {
				created, err := time.Parse(time.RFC3339Nano, s)
				require.NoError(t, err)
				in := numbered(i)
				in.CreatedAt, in.Origin = new(created.In(time.FixedZone("east", 3*3600))), model.OriginImport
				results = append(results, n.append(ctx, t, in)...)
				require.Equal(t, s, results[i].CreatedAt.Format(model.TimeLayout))
			}
			entries, err := look(t, databaseURL).Entries(t.Context(), 1, 0)
			require.NoError(t, err)
			for i, e := range entries {
				require.Equal(t, results[i].CreatedAt.UnixMicro(), e.CreatedAt)
				require.Greater(t, e.RecordedAt, int64(1.7e15), "recorded_at is the server's clock")
			}
		})
	}
}

// The same script with the same clock and the same randomness leaves the same rows in every column on both databases.
func TestBothDatabasesHoldTheSameRows(t *testing.T) {
	t.Parallel()
	var rows [][]oracle.Entry
	var users [][]oracle.User
	for _, databaseURL := range []string{newSQLite(t), newPostgres(t)} {
		began := time.Date(2026, 5, 4, 3, 2, 1, 987654321, time.UTC)
		var ticks int
		n := start(t, databaseURL, settings{journal: journal.Config{
			Random:    rand.NewChaCha8([32]byte{1}),
			DigestKey: []byte(strings.Repeat("k", 32)),
			Clock: func() time.Time {
				ticks++
				return began.Add(time.Duration(ticks) * 1234567 * time.Nanosecond)
			},
		}})
		ctx := n.as(t, "default")
		require.NoError(t, n.journal.EnsureUsers(ctx, []journal.UserProfile{
			{Username: "zoe", Email: new("zoe@example.org"), DisabledAt: new(began.Truncate(time.Microsecond))},
			{Username: "Ångström", DisplayName: new("Ä")},
		}))
		for i, text := range nastyPayloads() {
			in := plain()
			in.Request, in.Response = parsed(t, text), parsed(t, fmt.Sprintf(`{"password":"p%d","payload":%q}`, i, keyOf(i)))
			things, commands := in.Thing.Values(), in.Command.Values()
			in.Thing, in.Command = model.Thing(things[i%len(things)]), model.Command(commands[i%len(commands)])
			in.StatusCode = []int{0, 200, 32767}[i%3]
			if i%4 > 0 {
				in.Username = new([]string{"", "zoe", "Ångström", "new"}[i%4])
			}
			if i%5 == 0 {
				in.Truncate = 300
			}
			if i%2 == 0 {
				in.Origin, in.CreatedAt = model.OriginImport, new(began.Truncate(time.Microsecond).AddDate(-i*50, 0, 0))
			}
			n.append(ctx, t, in)
		}
		d := look(t, databaseURL)
		entries, err := d.Entries(t.Context(), 1, 0)
		require.NoError(t, err)
		rows = append(rows, entries)
		named, err := d.Users(t.Context())
		require.NoError(t, err)
		users = append(users, named)
	}
	require.Len(t, rows[0], len(nastyPayloads()))
	require.Equal(t, rows[0], rows[1])
	require.Equal(t, users[0], users[1])
}
