package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func testdata(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "testdata", name))
	require.NoError(t, err)
	return path
}

// counts reads an import's summary.
func counts(t testing.TB, summary string) map[string]int {
	t.Helper()
	found := map[string]int{}
	for _, match := range regexp.MustCompile(`(?m)^([a-z ]+?) +(\d+)`).FindAllStringSubmatch(summary, -1) {
		n, err := strconv.Atoi(match[2])
		require.NoError(t, err)
		found[match[1]] = n
	}
	return found
}

func TestTheFullExportIsAllThereAndAgainAddsNothing(t *testing.T) {
	t.Parallel()
	export := fullExport(t)
	secrets := secretsOf(t, export)
	require.Greater(t, len(secrets), 2000)
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			must(t, db.where, "migrate", "up")
			db.keepPlain(t)
			first := must(t, db.where, "import", export, "--rejects=rejects.jsonl")
			sum := counts(t, first.stdout)
			require.Equal(t, 1500, sum["read"])
			require.Equal(t, 1500, sum["written"])
			require.Equal(t, 30, sum["users"])
			require.Zero(t, sum["rejected"])
			again := counts(t, must(t, db.where, "import", export).stdout)
			require.Equal(t, 1500, again["already there"])
			require.Zero(t, again["written"])

			s := serve(t, db.where)
			compare(t, rowsOf(t, export), s.all(t, entryFields))
			s.kill(t) // before a checkpoint: the log still has everything
			searchFor(t, db, secrets, first.stdout, first.stderr, s.stderr.String(), s.stdout.String())
		})
	}
}

const entryFields = `key createdAt origin thing command statusCode request response redactedPaths user { username email }`

// compare holds entries, in order of position, to the rows that they came from.
func compare(t testing.TB, rows []exported, entries []map[string]any) {
	t.Helper()
	byKey, users, at := map[any]exported{}, map[string]string{}, time.Time{}
	for _, row := range rows {
		if row.Model == "journal.samjournal" {
			byKey[row.PK] = row
		} else {
			users[fmt.Sprint(row.PK)] = row.Fields["username"].(string)
		}
	}
	require.Len(t, entries, len(byKey))
	for _, e := range entries {
		row, ok := byKey[e["key"]]
		require.True(t, ok, e["key"])
		delete(byKey, e["key"])
		created, err := time.Parse(time.RFC3339Nano, e["createdAt"].(string))
		require.NoError(t, err)
		want, err := time.Parse(time.RFC3339Nano, row.Fields["created_at"].(string))
		require.NoError(t, err)
		require.True(t, want.Equal(created), "%s is not %s", created, want)
		require.False(t, created.Before(at), "positions follow the time")
		at = created
		require.Equal(t, "IMPORT", e["origin"])
		if user := row.Fields["user"]; user == nil {
			require.Nil(t, e["user"])
		} else if name, known := users[fmt.Sprint(user)]; known {
			require.Equal(t, name, value(t, e, "user", "username"))
		}
		require.Equal(t, row.Fields["status_code"], e["statusCode"])
		comparePayloads(t, row.Fields, e)
	}
	require.Empty(t, byKey)
}

// comparePayloads holds both payloads to the source, outside redactedPaths, where there must be a mask.
func comparePayloads(t testing.TB, source, entry map[string]any) {
	t.Helper()
	want := map[string]any{"request": source["request"], "response": source["response"]}
	got := map[string]any{"request": entry["request"], "response": entry["response"]}
	for _, path := range entry["redactedPaths"].([]any) {
		pointer := path.(string)
		masked, ok := swap(t, got, pointer, nil).(string)
		require.True(t, ok, pointer)
		require.Contains(t, masked, "[REDACTED]")
		swap(t, want, pointer, nil)
	}
	require.Equal(t, want, got)
}

// swap puts a value where a JSON Pointer leads to and returns what was there.
func swap(t testing.TB, v any, pointer string, put any) any {
	t.Helper()
	step, rest, deeper := strings.Cut(pointer[1:], "/")
	step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
	switch v := v.(type) {
	case map[string]any:
		was, ok := v[step]
		require.True(t, ok, pointer)
		if deeper {
			return swap(t, was, "/"+rest, put)
		}
		v[step] = put
		return was
	case []any:
		i, err := strconv.Atoi(step)
		require.NoError(t, err)
		was := v[i]
		if deeper {
			return swap(t, was, "/"+rest, put)
		}
		v[i] = put
		return was
	}
	require.FailNow(t, "a pointer leads nowhere", "%s in %v", pointer, v)
	return nil
}

// searchFor looks for secrets in all that a database stores, in the other files of its directory, and in further texts.
func searchFor(t testing.TB, db database, secrets []string, texts ...string) {
	t.Helper()
	places := db.bytes(t)
	for i, text := range texts {
		places[fmt.Sprintf("text %d", i)] = text
	}
	rejects, err := filepath.Glob(filepath.Join(db.dir, "*.jsonl"))
	require.NoError(t, err)
	for _, path := range rejects {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		places[path] = string(text)
	}
	places["rows"] = db.rows(t)
	found, byPrefix := false, map[string][]string{}
	for _, secret := range secrets {
		byPrefix[secret[:prefix]] = append(byPrefix[secret[:prefix]], secret)
	}
	for place, content := range places {
		found = found || strings.Contains(content, "smarter.sh/v1") && place != "rows"
		require.Empty(t, leaked(content, byPrefix), place)
	}
	require.True(t, found, "the search finds what is there")
}

// prefix is the length by which secrets are looked up; none is shorter.
const prefix = 8

// leaked returns the secrets that are in a text, in one pass over it.
func leaked(text string, byPrefix map[string][]string) (found []string) {
	for i := range len(text) - prefix + 1 {
		for _, secret := range byPrefix[text[i:i+prefix]] {
			if strings.HasPrefix(text[i:], secret) {
				found = append(found, secret)
			}
		}
	}
	return found
}

func TestSmallExportsOfBothFormsAreImportedAlike(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			var journals [2][]map[string]any
			for i, name := range []string{"dumpdata-small.json", "dumpdata-small.jsonl"} {
				db := fresh(t)
				sum := counts(t, must(t, db.where, "import", testdata(t, name)).stdout)
				require.Equal(t, 41, sum["written"], name)
				require.Equal(t, 2, sum["of unknown users"], name)
				journals[i] = serve(t, db.where).all(t, entryFields)
			}
			require.Equal(t, journals[0], journals[1])
		})
	}
}

func TestADryRunWritesNothing(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			must(t, db.where, "migrate", "up")
			before := db.rows(t)
			r := must(t, db.where, "import", "--dry-run", testdata(t, "dumpdata-small.json"))
			require.Equal(t, 41, counts(t, r.stdout)["would be written"])
			require.Contains(t, r.stdout, "nothing was written")
			r = must(t, db.where, "import", "--dry-run", "--account=other", "--create-account", testdata(t, "dumpdata-small.json"))
			require.Contains(t, r.stderr, "account other: would be created")
			require.Equal(t, before, db.rows(t))
		})
	}
}

func TestAnImportGoesToTheAccountThatIsNamed(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			r := run(t, db.where, "import", "--account=other", testdata(t, "dumpdata-small.json"))
			require.Equal(t, 1, r.code)
			require.Contains(t, r.stderr, "other")
			require.Contains(t, r.stderr, "--create-account")
			r = must(t, db.where, "import", "--account=other", "--create-account", testdata(t, "dumpdata-small.json"))
			require.Contains(t, r.stderr, "account other: created")
			require.Equal(t, 41, counts(t, r.stdout)["written"])
			r = must(t, db.where, "import", testdata(t, "dumpdata-small.json"))
			require.Equal(t, 41, counts(t, r.stdout)["written"], "the same keys in another account are other entries")
			r = must(t, db.where, "import", "--account=other", "--create-account", testdata(t, "dumpdata-small.json"))
			require.Equal(t, 41, counts(t, r.stdout)["already there"])
			require.Equal(t, "41", serve(t, db.where).size(t))
		})
	}
}

func TestRowsThatCannotBeImportedAreToldAndStopNothing(t *testing.T) {
	t.Parallel()
	expected := rejectsExpected(t)
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			r := run(t, db.where, "import", testdata(t, "dumpdata-hostile.jsonl"), "--rejects=rejects.jsonl")
			require.Equal(t, 3, r.code)
			sum := counts(t, r.stdout)
			require.Equal(t, sum["read"], sum["written"]+sum["already there"]+sum["rejected"])
			require.Contains(t, r.stderr, "rejected: line 17, pk ")
			text, err := os.ReadFile(filepath.Join(db.dir, "rejects.jsonl"))
			require.NoError(t, err)
			got := map[string]string{}
			lines := 0
			for line := range strings.Lines(string(text)) {
				var reject struct{ PK, Field, Reason string }
				require.NoError(t, json.Unmarshal([]byte(line), &reject))
				require.NotEmpty(t, reject.Reason, line)
				field, _, _ := strings.Cut(reject.Field, "/")
				got[reject.PK] = field
				lines++
			}
			require.Equal(t, sum["rejected"], lines)
			for pk, field := range expected {
				require.Equal(t, field, got[pk], pk)
			}

			later := run(t, db.where, "import", "--missing-created-at=2020-01-02T03:04:05Z", testdata(t, "dumpdata-hostile.jsonl"))
			require.Equal(t, 3, later.code)
			require.Equal(t, 2, counts(t, later.stdout)["written"], "the rows without time")
			oldest := serve(t, db.where).query(t, `{ entries(where: {createdAt: "2020-01-02T03:04:05Z"}) { totalCount } }`, nil)
			require.Equal(t, json.Number("2"), value(t, oldest, "entries", "totalCount"))
		})
	}
}

// rejectsExpected reads from the notes in the hostile export which rows are to be rejected because of which field.
func rejectsExpected(t testing.TB) map[string]string {
	t.Helper()
	text, err := os.ReadFile(testdata(t, "dumpdata-hostile.jsonl"))
	require.NoError(t, err)
	found := map[string]string{}
	for line := range strings.Lines(string(text)) {
		var row struct {
			PK     any
			Expect string
		}
		pk, field, ok := "", "", false
		if json.Unmarshal([]byte(line), &row) == nil {
			pk, _ = row.PK.(string)
			field, ok = strings.CutPrefix(row.Expect, "rejected: ")
		}
		if ok && pk != "" {
			found[pk] = field
		}
	}
	require.Greater(t, len(found), 30)
	return found
}

func TestAnInterruptedImportCompletesWhenRunAgain(t *testing.T) {
	t.Parallel()
	const entries = 6000
	export := generated(t, entries, 20)
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			s := serve(t, db.where)
			p := start(t, db.where, "import", export, "--batch-rows=1")
			eventually(t, "some are written", func() bool { return len(s.size(t)) > 1 })
			p.signal(syscall.SIGINT)
			require.Equal(t, 130, p.wait(t), p.stderr.String())
			require.Contains(t, p.stderr.String(), "interrupted")
			told := counts(t, p.stdout.String())["written"]
			written, err := strconv.Atoi(s.size(t))
			require.NoError(t, err)
			require.Contains(t, []int{told, told + 1}, written, "all but the batch that was under way is told")
			require.Positive(t, written)
			require.Less(t, written, entries)

			sum := counts(t, must(t, db.where, "import", export).stdout)
			require.Equal(t, written, sum["already there"])
			require.Equal(t, entries-written, sum["written"])
			require.Equal(t, strconv.Itoa(entries), s.size(t))
			left, err := filepath.Glob(filepath.Join(db.dir, "*staging*"))
			require.NoError(t, err)
			require.Empty(t, left, "no staging file stays behind")
		})
	}
}

func TestAnImportWhileAServerRunsReachesItsSubscribers(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			s := serve(t, db.where, "--feed-poll=20ms")
			follower := s.follow(t)
			must(t, db.where, "import", testdata(t, "dumpdata-small.json"))
			for position := range 41 {
				require.Equal(t, json.Number(strconv.Itoa(position)), value(t, follower.next(t), "node", "position"))
			}
			s.append(t, nil)
			require.Equal(t, json.Number("41"), value(t, follower.next(t), "node", "position"))
		})
	}
}
