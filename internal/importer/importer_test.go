package importer

import (
	"bytes"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"samjournal/internal/journal"
	"samjournal/internal/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("../../testdata/" + name)
	require.NoError(t, err)
	return data
}

// imported runs an import that must come to its end.
func imported(t testing.TB, to Appender, data []byte, opts Options) Summary {
	t.Helper()
	sum, err := Run(t.Context(), bytes.NewReader(data), int64(len(data)), to, opts)
	require.NoError(t, err)
	require.Equal(t, sum.Read, sum.Written+sum.AlreadyThere+sum.Rejected)
	return sum
}

func key(n int) string { return fmt.Sprintf("%064x", n) }

// entryJSON is a good row with the given members of fields in place of its own; "" removes one.
func entryJSON(n int, fields map[string]string) string {
	all := map[string]string{
		"created_at": `"2026-06-19T16:11:03.123Z"`, "user": "null", "thing": `"Plugin"`, "command": `"apply"`,
		"request": `{"a":1}`, "response": `{"b":2}`, "status_code": "200",
	}
	maps.Copy(all, fields)
	members := make([]string, 0, len(all))
	for name, value := range all {
		if value != "" {
			members = append(members, fmt.Sprintf("%q: %s", name, value))
		}
	}
	sort.Strings(members)
	return fmt.Sprintf(`{"model": "journal.samjournal", "pk": %q, "fields": {%s}}`, key(n), strings.Join(members, ", "))
}

func userJSON(pk, username, more string) string {
	return fmt.Sprintf(`{"model": "auth.user", "pk": %s, "fields": {"username": %q%s}}`, pk, username, more)
}

func array(rows ...string) []byte { return []byte("[" + strings.Join(rows, ",\n") + "]") }

func TestTheSmallExport(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	sum := imported(t, j, testdata(t, "dumpdata-small.json"), Options{})
	require.Equal(t, Summary{
		Read: 41, Written: 41, MappedNames: 6, Defaulted: 1, UnknownUsers: 2, UserModel: "auth.user", Users: 6,
	}, sum)
	require.Zero(t, sum.ExitStatus())

	entries := j.stored(t)
	require.Len(t, entries, 41)
	require.True(t, slices.IsSortedFunc(entries, func(a, b storedEntry) int { return strings.Compare(a.CreatedAt, b.CreatedAt) }))
	var ghosts, nobody int
	for _, e := range entries {
		require.True(t, model.Thing(e.Thing).Valid())
		require.True(t, model.Command(e.Command).Valid())
		switch {
		case e.Username == nil:
			nobody++
		case *e.Username == "django:42":
			ghosts++
		}
	}
	require.Equal(t, 2, ghosts)
	require.Positive(t, nobody)
	require.Subset(t, j.usernames(t), []string{"admin", "former", "mireille", "o.brien+cli", "zoë", "田中さん"})
}

func TestBothFormsOfAnExportGiveTheSameJournal(t *testing.T) {
	t.Parallel()
	first, second := newJournal(t), newJournal(t)
	imported(t, first, testdata(t, "dumpdata-small.json"), Options{})
	imported(t, second, testdata(t, "dumpdata-small.jsonl"), Options{})
	require.Equal(t, first.stored(t), second.stored(t))
	require.Equal(t, first.usernames(t), second.usernames(t))
}

func TestASecondRunAddsNothing(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	imported(t, j, testdata(t, "dumpdata-small.json"), Options{})
	before := j.stored(t)
	sum := imported(t, j, testdata(t, "dumpdata-small.jsonl"), Options{})
	require.EqualValues(t, 41, sum.AlreadyThere)
	require.Zero(t, sum.Written)
	require.Equal(t, before, j.stored(t))
}

func TestTheOrderOfRowsDoesNotMatter(t *testing.T) {
	t.Parallel()
	rows := []string{
		entryJSON(1, map[string]string{"user": "3", "created_at": `"2026-01-03T00:00:00Z"`}),
		entryJSON(2, map[string]string{"user": "4", "created_at": `"2026-01-01T00:00:00Z"`}),
		userJSON("3", "ada", ""),
		entryJSON(3, map[string]string{"user": `"4"`, "created_at": `"2026-01-02T00:00:00Z"`}),
		userJSON("4", "bob", ""),
	}
	for range rows {
		j := newJournal(t)
		imported(t, j, array(rows...), Options{})
		got := make([]string, 0, len(rows))
		for _, e := range j.stored(t) {
			got = append(got, e.Key[63:]+*e.Username)
		}
		require.Equal(t, []string{"2bob", "3bob", "1ada"}, got)
		rows = append(rows[1:], rows[0])
	}
}

func TestEntriesOfTheSameTimeKeepTheOrderOfTheFile(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	imported(t, j, array(entryJSON(9, nil), entryJSON(3, nil), entryJSON(7, nil)), Options{BatchRows: 1})
	got := make([]string, 0, 3)
	for _, e := range j.stored(t) {
		got = append(got, e.Key)
	}
	require.Equal(t, []string{key(9), key(3), key(7)}, got)
}

func TestEmptyNamesGetTheDefaultsAndOldNamesTodays(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	sum := imported(t, j, array(
		entryJSON(1, map[string]string{"thing": `""`, "command": `""`}),
		entryJSON(2, map[string]string{"thing": `"ChatBot"`, "command": `"schema"`, "status_code": ""}),
	), Options{})
	entries := j.stored(t)
	require.Equal(t, []string{"Prompt", "prompt"}, []string{entries[0].Thing, entries[0].Command})
	require.Equal(t, []string{"LLMClient", "json_schema"}, []string{entries[1].Thing, entries[1].Command})
	require.Equal(t, 200, entries[1].Status)
	require.EqualValues(t, 2, sum.Defaulted)
	require.EqualValues(t, 1, sum.MappedNames)
}

func TestMissingCreatedAtIsRejectedUnlessATimeIsGiven(t *testing.T) {
	t.Parallel()
	data := array(entryJSON(1, map[string]string{"created_at": "null"}), entryJSON(2, map[string]string{"created_at": ""}))
	require.EqualValues(t, 2, imported(t, newJournal(t), data, Options{}).Rejected)

	at := time.Date(2020, 1, 2, 3, 4, 5, 123456789, time.FixedZone("", 3600))
	j := newJournal(t)
	require.EqualValues(t, 2, imported(t, j, data, Options{MissingCreatedAt: &at}).Written)
	require.Equal(t, "2020-01-02T02:04:05.123456Z", j.stored(t)[1].CreatedAt)
}

func TestATimeWithoutZoneIsUTCAndCounted(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	sum := imported(t, j, array(entryJSON(1, map[string]string{"created_at": `"2026-06-19 16:11:03.000001"`})), Options{})
	require.EqualValues(t, 1, sum.NaiveTimes)
	require.Equal(t, "2026-06-19T16:11:03.000001Z", j.stored(t)[0].CreatedAt)
}

func TestUsersOfACustomModel(t *testing.T) {
	t.Parallel()
	custom := strings.Replace(userJSON("3", "ada", ""), "auth.user", "people.Member", 1)
	data := array(custom, entryJSON(1, map[string]string{"user": "3"}))

	j := newJournal(t)
	sum := imported(t, j, data, Options{})
	require.Equal(t, "django:3", *j.stored(t)[0].Username)
	require.EqualValues(t, 1, sum.UnknownUsers)
	require.EqualValues(t, 1, sum.Ignored)

	j = newJournal(t)
	sum = imported(t, j, data, Options{UserModel: "people.member"})
	require.Equal(t, "ada", *j.stored(t)[0].Username)
	require.Zero(t, sum.UnknownUsers)
	require.EqualValues(t, 1, sum.Users)
}

func TestWhatNoUserMayBeCalledIsLeftOut(t *testing.T) {
	t.Parallel()
	long := func(s string, n int) string { return `"` + strings.Repeat(s, n) + `"` }
	data := array(
		userJSON("1", "ada", `, "email": "a@x", "first_name": `+long("x", 150)+`, "last_name": `+long("y", 150)),
		userJSON("2", "bob", `, "email": `+long("é", 255)+`, "first_name": "B\u0000b", "last_name": "y"`),
		userJSON("3", "cyd", `, "email": `+long("é", 254)+`, "first_name": `+long("é", 100)+`, "last_name": `+long("é", 99)),
		userJSON("4", "dan", `, "first_name": "\u202enad", "name": "Dan"`),
		userJSON("5", "eve", `, "first_name": "Eve\n"`),
		entryJSON(1, map[string]string{"user": "1"}),
	)
	j := newJournal(t)
	sum := imported(t, j, data, Options{})
	require.Equal(t, []int64{1, 5, 4}, []int64{sum.Written, sum.Users, sum.LeftOut})
	require.Contains(t, sum.String(), "names left out              4  (e-mail addresses and names of users: too long")
	var people []string
	j.query(t, `SELECT username || ' ' || length(coalesce(email, '')) || ' ' || length(coalesce(display_name, '')) FROM users
		ORDER BY id`, func(rows *sql.Rows) error {
		var person string
		err := rows.Scan(&person)
		people = append(people, person)
		return err
	})
	require.Equal(t, []string{"ada 3 0", "bob 0 0", "cyd 254 200", "dan 0 0", "eve 0 3"}, people)
}

func TestUsersOfTwoModelsAreAQuestionForTheOperator(t *testing.T) {
	t.Parallel()
	other := strings.Replace(userJSON("1", "bob", ""), "auth.user", "shop.user", 1)
	data := array(userJSON("1", "ada", ""), other, entryJSON(1, nil))
	j := newJournal(t)
	_, err := Run(t.Context(), bytes.NewReader(data), -1, j, Options{})
	require.ErrorContains(t, err, "--user-model")
	require.Empty(t, j.stored(t))
}

func TestUsersThatWouldBecomeOneAreNotMerged(t *testing.T) {
	t.Parallel()
	data := array(
		userJSON("1", "zoë", ""), userJSON("2", "zoe\u0308", ""), userJSON("1", "zoë", ""), userJSON("5", strings.Repeat("x", 151), ""),
		entryJSON(1, map[string]string{"user": "1"}), entryJSON(2, map[string]string{"user": "2"}),
	)
	j := newJournal(t)
	sum := imported(t, j, data, Options{})
	require.EqualValues(t, 2, sum.RejectedUsers)
	require.Equal(t, ExitRejected, sum.ExitStatus())
	require.Equal(t, []string{"zoë", "django:2"}, []string{*j.stored(t)[0].Username, *j.stored(t)[1].Username})
}

func TestADryRunWritesNothingAndForetellsTheRealOne(t *testing.T) {
	t.Parallel()
	for name, truncate := range map[string]int{"dumpdata-small.json": 1024, "dumpdata-hostile.jsonl": 0} {
		j := newJournal(t)
		dry := imported(t, j, testdata(t, name), Options{DryRun: true, Check: j.Check, Truncate: truncate})
		require.Empty(t, j.stored(t))
		require.Empty(t, j.usernames(t))
		require.Contains(t, dry.String(), "nothing was written")

		dry.DryRun = false
		require.Equal(t, imported(t, j, testdata(t, name), Options{Truncate: truncate}), dry)
	}
}

func TestADryRunAsksTheCheckAboutEveryEntry(t *testing.T) {
	t.Parallel()
	asked := 0
	check := func(journal.Input) (journal.Checked, error) {
		asked++
		if asked == 2 {
			return journal.Checked{}, &model.InputError{Path: []any{"request", "spec"}, Reason: "not today"}
		}
		return journal.Checked{}, nil
	}
	var rejects bytes.Buffer
	sum := imported(t, newJournal(t), testdata(t, "dumpdata-small.json"), Options{DryRun: true, Check: check, Rejects: &rejects})
	require.Equal(t, 41, asked)
	require.EqualValues(t, 1, sum.Rejected)
	require.Contains(t, rejects.String(), `"field":"request/spec","reason":"not today"`)
}

// The length that counts is the one after redaction: a long secret takes a payload below the limit, not beyond it.
func TestPayloadsAreTruncatedOnlyWhenToldAndCounted(t *testing.T) {
	t.Parallel()
	const limit = 1024
	text := func(bytes int) string { return `"` + strings.Repeat("x", bytes-len(`""`)) + `"` }
	data := array(
		entryJSON(1, map[string]string{"request": text(limit)}),
		entryJSON(2, map[string]string{"request": text(limit + 1), "response": text(300_000)}),
		entryJSON(3, map[string]string{"response": text(limit + 1)}),
		entryJSON(4, map[string]string{"request": `{"password": ` + text(limit+1) + `}`}),
	)
	whole := newJournal(t)
	require.Zero(t, imported(t, whole, data, Options{}).Truncated)
	require.Equal(t, text(300_000), whole.stored(t)[1].Response)

	dry := imported(t, whole, data, Options{Truncate: limit, DryRun: true, Check: whole.Check})
	require.EqualValues(t, 2, dry.Truncated)
	require.Contains(t, dry.String(), "truncated                   2  (")
	cut := newJournal(t)
	require.EqualValues(t, 2, imported(t, cut, data, Options{Truncate: limit}).Truncated)
	entries := cut.stored(t)
	require.Equal(t, text(limit), entries[0].Request)
	require.Contains(t, entries[1].Request, `{"truncated":true,"bytes":1025,"sha256":"`)
	require.Contains(t, entries[1].Response, `{"truncated":true,"bytes":300000,"sha256":"`)
	require.Equal(t, `{"a":1}`, entries[2].Request)
	require.Equal(t, `{"password":"[REDACTED]"}`, entries[3].Request)

	again := imported(t, cut, data, Options{Truncate: limit})
	require.EqualValues(t, 4, again.AlreadyThere)
	require.Zero(t, again.Truncated, "nothing was written, so nothing was cut")
	require.EqualValues(t, 4, imported(t, cut, data, Options{}).AlreadyThere, "the limit is no part of the content")
}

func TestRejectedRowsAreNamedAndTheirContentIsNot(t *testing.T) {
	t.Parallel()
	const secret = "hunter2hunter2"
	rows := []string{
		entryJSON(1, map[string]string{"request": `{"password": "` + secret + `\ud800"}`}),
		entryJSON(2, map[string]string{"thing": `"` + secret + strings.Repeat("x", 24) + `"`}),
		entryJSON(3, map[string]string{"created_at": `"` + secret + `"`}),
		entryJSON(4, map[string]string{"user": `["` + secret + `\u0000"]`}),
		entryJSON(5, map[string]string{"response": `{"` + secret + ` with spaces": 1, "` + secret + ` with spaces": 2}`}),
		`{"model": "journal.samjournal", "pk": "Bearer ` + secret + `", "fields": {}}`,
		entryJSON(6, map[string]string{"status_code": `"` + secret + `"`}),
		entryJSON(7, map[string]string{"thing": `"Toaster"`}),
	}
	var rejects, stderr bytes.Buffer
	sum := imported(t, newJournal(t), array(rows...), Options{Rejects: &rejects, Stderr: &stderr})
	require.EqualValues(t, len(rows), sum.Rejected)
	require.NotContains(t, rejects.String()+stderr.String(), secret)
	require.Contains(t, rejects.String(),
		`{"pk":"`+key(7)+`","field":"thing","reason":"\"Toaster\" is not a known thing","index":7}`+"\n")
	require.Contains(t, stderr.String(), `rejected: index 7, pk `+key(7)+`, thing: "Toaster" is not a known thing`+"\n")
	require.Equal(t, len(rows), strings.Count(rejects.String(), "\n"))
}

func TestStderrShowsTheFirstRejectedRowsAndTheFileAll(t *testing.T) {
	t.Parallel()
	rows := make([]string, 0, 30)
	for i := range 30 {
		rows = append(rows, entryJSON(i, map[string]string{"thing": "7"}))
	}
	var rejects, stderr bytes.Buffer
	imported(t, newJournal(t), []byte(strings.Join(rows, "\n")), Options{Rejects: &rejects, Stderr: &stderr})
	require.Equal(t, 30, strings.Count(rejects.String(), "\n"))
	require.Equal(t, shownRejects+1, strings.Count(stderr.String(), "\n"))
	require.Contains(t, stderr.String(), "… and 10 more; --rejects FILE lists all")
	require.Contains(t, rejects.String(), `"line":30}`)
}

func TestBatchesAreBoundedByRowsAndBytes(t *testing.T) {
	t.Parallel()
	rows := make([]string, 0, 10)
	for i := range 10 {
		rows = append(rows, entryJSON(i, map[string]string{"request": `"` + strings.Repeat("x", 998) + `"`, "response": "0"}))
	}
	for _, c := range []struct{ rows, bytes, batches int }{{3, 1 << 20, 4}, {100, 2500, 5}, {100, 10, 10}, {10, 1 << 20, 1}} {
		calls := new(int)
		imported(t, appendHook{newJournal(t), func(int) error { return nil }, calls}, array(rows...),
			Options{BatchRows: c.rows, BatchBytes: c.bytes})
		require.Equal(t, c.batches, *calls)
	}
}

func TestRunFileWritesTheRejectsFileForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/rejects.jsonl"
	sum, err := RunFile(t.Context(), "../../testdata/dumpdata-hostile.jsonl", path, newJournal(t), Options{})
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.EqualValues(t, sum.Rejected, bytes.Count(data, []byte("\n")))

	_, err = RunFile(t.Context(), t.TempDir()+"/none.json", "", newJournal(t), Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestSummaryIsAlignedAndShowsOnlyWhatMatters(t *testing.T) {
	t.Parallel()
	require.Equal(t, ""+
		"read                     1500\n"+
		"written                  1400\n"+
		"already there              99\n"+
		"rejected                    1\n"+
		"users                      30\n"+
		"of unknown users            7  (the user is not in the file; the username is django:<pk>)\n",
		Summary{Read: 1500, Written: 1400, AlreadyThere: 99, Rejected: 1, Users: 30, UnknownUsers: 7}.String())
}
