package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
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
			must(t, whole.where, "import", export)
			must(t, cut.where, "import", export, "--truncate=1024")
			states := func(db database) map[any]int {
				found := map[any]int{}
				for _, e := range serve(t, db.where).all(t, "payloadState") {
					found[e["payloadState"]]++
				}
				return found
			}
			require.Equal(t, map[any]int{"STORED": 200}, states(whole))
			require.Positive(t, states(cut)["TRUNCATED"])
			again := run(t, cut.where, "import", export)
			require.Equal(t, 200, counts(t, again.stdout)["already there"], "what was truncated is recognised all the same")
		})
	}
}

func TestAServerTruncatesBeyondItsPayloadLimit(t *testing.T) {
	t.Parallel()
	at := newSQLite(t).where
	at.env = append(at.env, "SAMJOURNAL_PAYLOAD_LIMIT=1024")
	s := serve(t, at)
	input := map[string]any{"key": strings.Repeat("d", 64), "request": strings.Repeat("x", 5000), "response": "short"}
	for range 2 {
		data := s.query(t, `mutation ($input: CreateEntryInput!) { createEntry(input: $input) {
			created entry { payloadState request response } } }`, map[string]any{"input": input})
		require.Equal(t, "TRUNCATED", value(t, data, "createEntry", "entry", "payloadState"))
		require.Equal(t, "short", value(t, data, "createEntry", "entry", "response"))
		require.Equal(t, true, value(t, data, "createEntry", "entry", "request", "truncated"))
		require.Equal(t, json.Number("5002"), value(t, data, "createEntry", "entry", "request", "bytes"))
	}
	require.Equal(t, "1", s.size(t))
}
