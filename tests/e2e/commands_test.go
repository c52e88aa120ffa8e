package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pipe runs samjournal to its end with a standard input.
func pipe(t testing.TB, at where, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = at.dir, at.env, strings.NewReader(stdin)
	var stderr output
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	return string(out)
}

func TestRedactShowsWhatWouldBeMaskedAndNoValue(t *testing.T) {
	t.Parallel()
	here := where{dir: t.TempDir()}
	const document = `{"apiKey": "abc123", "list": [{"plain": 1.10, "mine": "own456"}]}`
	require.JSONEq(t, `{"apiKey": "[REDACTED]", "list": [{"plain": 1.10, "mine": "own456"}]}`, pipe(t, here, document, "redact"))
	explained := pipe(t, here, document, "redact", "--explain", "--redact-names=mine")
	require.Contains(t, explained, "/apiKey\t")
	require.Contains(t, explained, "/list/0/mine\t")
	require.Contains(t, explained, "2 places masked")
	require.NotContains(t, explained, "abc123")
	require.NotContains(t, explained, "own456")
	here.env = []string{"SAMJOURNAL_REDACT_EXCEPT=apiKey", "SAMJOURNAL_REDACT_EXPLAIN=true"}
	require.Contains(t, pipe(t, here, document, "redact"), "0 places masked")
	left, err := os.ReadDir(here.dir)
	require.NoError(t, err)
	require.Empty(t, left, "no database is made")
}

func TestAnExportMayComeFromStandardInput(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			text, err := os.ReadFile(testdata(t, "dumpdata-small.json"))
			require.NoError(t, err)
			require.Equal(t, 41, counts(t, pipe(t, db.where, string(text), "import", "-"))["written"])
			require.Equal(t, "41", serve(t, db.where).size(t))
		})
	}
}

func TestAnExportThatIsNotThereIsAClearError(t *testing.T) {
	t.Parallel()
	r := run(t, newSQLite(t).where, "import", "nosuch.json")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "nosuch.json: no such file or directory")
}

func TestLongPayloadsAreTruncatedOnlyWhenTold(t *testing.T) {
	t.Parallel()
	export := generated(t, 200, 3)
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			whole, cut := fresh(t), fresh(t)
			require.NotContains(t, counts(t, must(t, whole.where, "import", export).stdout), "truncated")
			foretold := counts(t, must(t, cut.where, "import", export, "--truncate=1024", "--dry-run").stdout)["truncated"]
			told := counts(t, must(t, cut.where, "import", export, "--truncate=1024").stdout)["truncated"]
			states := func(db database) map[any]int {
				found := map[any]int{}
				for _, e := range serve(t, db.where).all(t, "payloadState") {
					found[e["payloadState"]]++
				}
				return found
			}
			require.Equal(t, map[any]int{"STORED": 200}, states(whole))
			require.Positive(t, told)
			require.Equal(t, []int{told, told}, []int{foretold, states(cut)["TRUNCATED"]}, "the dry run, the import, the journal")
			again := run(t, cut.where, "import", export)
			require.Equal(t, 200, counts(t, again.stdout)["already there"], "what was truncated is recognised all the same")
		})
	}
}

func TestAnImportOfALongPayloadIsWholeAndTheServerShowsIt(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300_000)
	export := filepath.Join(t.TempDir(), "export.json")
	require.NoError(t, os.WriteFile(export, []byte(`[{"model": "journal.samjournal", "pk": "`+strings.Repeat("e", 64)+`", "fields": {
		"created_at": "2026-06-19T16:11:03Z", "user": null, "thing": "Plugin", "command": "apply", "status_code": 200,
		"request": {"text": "`+long+`"}, "response": null}}]`), 0o600))
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			must(t, db.where, "import", export)
			got := serve(t, db.where).all(t, "payloadState request")
			require.Equal(t, []map[string]any{{"payloadState": "STORED", "request": map[string]any{"text": long}}}, got)
		})
	}
}
