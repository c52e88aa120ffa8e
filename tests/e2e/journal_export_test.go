package e2e

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// linesOf reads an export of samjournal: its entries, and the manifest.
func linesOf(t testing.TB, text string) (entries []map[string]any, manifest map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		var members map[string]any
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		require.NoError(t, decoder.Decode(&members))
		if m, ok := members["manifest"].(map[string]any); ok {
			manifest = m
			continue
		}
		entries = append(entries, members)
	}
	return entries, manifest
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// fillForExport appends entries of every kind: long ones, truncated ones, secrets, no user, imported ones out of order.
func fillForExport(t testing.TB, db database) {
	t.Helper()
	must(t, db.where, "seed", "--entries=400")
	must(t, db.where, "import", testdata(t, "dumpdata-small.json"))
	s := serve(t, db.where)
	secrets := map[string]any{"password": "hunter2", "text": "see Bearer abcdefghijklmnop"}
	s.append(t, map[string]any{"username": "zoë-the-reader", "request": secrets})
	s.append(t, map[string]any{"response": strings.Repeat("long and longer ", 30_000)})
	s.append(t, map[string]any{"request": "\u2028 line\nbreaks\u0000 <&>", "thing": "API_PLUGIN", "statusCode": 503})
	s.signal(syscall.SIGTERM)
	require.Zero(t, s.wait(t))
}

// What an export holds can be imported on either database, and gives an equal journal.
func TestAnExportImportsToAnEqualJournal(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			source := fresh(t)
			fillForExport(t, source)
			first := filepath.Join(t.TempDir(), "first.ndjson")
			must(t, source.where, "export", "--output="+first)
			require.Contains(t, must(t, source.where, "export", "--verify="+first).stdout, "complete and unchanged")
			want, manifest := linesOf(t, read(t, first))
			require.Equal(t, json.Number("0"), manifest["firstPosition"])

			for target, other := range databases() {
				t.Run("to "+target, func(t *testing.T) {
					t.Parallel()
					db := other(t)
					summary := counts(t, must(t, db.where, "import", first).stdout)
					require.Equal(t, len(want), summary["written"])
					require.Zero(t, summary["rejected"])
					second := filepath.Join(t.TempDir(), "second.ndjson")
					must(t, db.where, "export", "--output="+second)
					got, _ := linesOf(t, read(t, second))
					require.Len(t, got, len(want))
					for i := range want {
						// When and by which way an entry came into a journal is that journal's own.
						same := maps.Clone(want[i])
						same["recordedAt"], same["origin"] = got[i]["recordedAt"], "IMPORT"
						require.Equal(t, same, got[i])
					}
					require.Equal(t, len(want), counts(t, must(t, db.where, "import", first).stdout)["already there"])
				})
			}
		})
	}
}

// A file that is only a part of an export, or was changed, is not imported for the whole.
func TestAnExportThatIsNotWholeIsNotImported(t *testing.T) {
	t.Parallel()
	db := newSQLite(t)
	must(t, db.where, "seed", "--entries=20")
	path := filepath.Join(t.TempDir(), "journal.ndjson")
	must(t, db.where, "export", "--output="+path)
	text := read(t, path)
	lines := strings.SplitAfter(text, "\n")
	user := `{"model":"auth.user","pk":1,"fields":{"username":"x"}}` + "\n"
	for name, c := range map[string]struct{ text, says string }{
		"cut off":        {text[:len(text)/2], "the export is incomplete"},
		"a line is gone": {strings.Join(append(lines[:3:3], lines[4:]...), ""), "its manifest says 20 entries, it has 19"},
		"changed":        {strings.Replace(text, `"statusCode":`, `"statusCode":1`, 1), "it was changed"},
		"two kinds":      {user + text, "it has rows of Django's dumpdata and lines"},
		"goes on":        {text + lines[0], "something follows the export's manifest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := newSQLite(t)
			file := filepath.Join(t.TempDir(), "broken.ndjson")
			require.NoError(t, os.WriteFile(file, []byte(c.text), 0o600))
			r := run(t, target.where, "import", file)
			require.Equal(t, 1, r.code)
			require.Contains(t, r.stderr, c.says)
			require.Contains(t, r.stderr, "nothing was written")
			require.Equal(t, "0", serve(t, target.where).size(t))
		})
	}
}

func TestAnExportThatWasCutOffGoesOn(t *testing.T) {
	t.Parallel()
	db := newSQLite(t)
	must(t, db.where, "seed", "--entries=500")
	path := filepath.Join(t.TempDir(), "journal.ndjson")
	must(t, db.where, "export", "--output="+path, "--where={\"positionLT\": 500}")
	whole := read(t, path)
	require.Contains(t, run(t, db.where, "export", "--output="+path).stderr, "exists; give --resume to go on with it")
	require.Contains(t, run(t, db.where, "export", "--output="+path, "--resume").stderr, "is complete")

	require.NoError(t, os.Truncate(path, int64(len(whole)/2)))
	r := run(t, db.where, "export", "--verify="+path)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "the export is incomplete")
	must(t, db.where, "export", "--output="+path, "--resume", "--where={\"positionLT\": 500}")
	must(t, db.where, "export", "--verify="+path)
	wantEntries, want := linesOf(t, whole)
	entries, manifest := linesOf(t, read(t, path))
	require.Equal(t, wantEntries, entries)
	require.Equal(t, want["sha256"], manifest["sha256"])
}

// Over HTTP an export holds what the command writes, compressed where that is accepted; CSV has its manifest in a trailer.
func TestExportsOverHTTP(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			fillForExport(t, db)
			s := serve(t, db.where)
			where := url.QueryEscape(`{"statusCodeGTE": 400}`)
			a := s.get(t, "/export?where="+where)
			require.Equal(t, http.StatusOK, a.status)
			require.Equal(t, "application/x-ndjson", a.header.Get("Content-Type"))
			require.Regexp(t, `^attachment; filename="journal-default-\d{8}T\d{6}Z\.ndjson"$`, a.header.Get("Content-Disposition"))
			entries, _ := linesOf(t, a.body)
			require.NotEmpty(t, entries)
			direct := must(t, db.where, "export", `--where={"statusCodeGTE": 400}`)
			same, _ := linesOf(t, direct.stdout)
			require.Equal(t, same, entries)

			file := filepath.Join(t.TempDir(), "journal.csv")
			resp, err := client(t).Get(s.url + "/export?format=csv&where=" + where)
			require.NoError(t, err)
			require.True(t, resp.Uncompressed, "the client accepts gzip")
			text, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.NoError(t, os.WriteFile(file, text, 0o600))
			manifest := filepath.Join(t.TempDir(), "manifest.json")
			require.NoError(t, os.WriteFile(manifest, []byte(resp.Trailer.Get("X-Samjournal-Manifest")), 0o600))
			must(t, db.where, "export", "--verify="+file, "--manifest="+manifest)
		})
	}
}

func TestWhoMayExport(t *testing.T) {
	t.Parallel()
	db := newSQLite(t)
	fillForExport(t, db)
	s := serve(t, db.where, "--auth=required")
	require.Equal(t, http.StatusUnauthorized, s.get(t, "/export").status)
	writer := s.as(newToken(t, db.where, "--role=writer")).get(t, "/export")
	require.Equal(t, http.StatusForbidden, writer.status)
	require.Equal(t, "FORBIDDEN", writer.errors[0].code())
	reader := s.as(newToken(t, db.where, "--role=reader", "--user=zoë-the-reader")).get(t, "/export")
	entries, manifest := linesOf(t, reader.body)
	require.Len(t, entries, 1)
	require.Equal(t, "zoë-the-reader", manifest["onlyUser"])
	auditor := s.as(newToken(t, db.where, "--role=auditor"))
	entries, _ = linesOf(t, auditor.get(t, "/export").body)
	require.Greater(t, len(entries), 400)
	require.Equal(t, http.StatusForbidden, auditor.get(t, "/export", "Sec-Fetch-Site", "cross-site").status)
	require.Equal(t, http.StatusForbidden, auditor.get(t, "/export", "X-Samjournal-Account", "other").status)
}

// deeplyNot is a filter of so many levels.
func deeplyNot(levels int) string {
	return strings.Repeat(`{"not":`, levels) + "{}" + strings.Repeat("}", levels)
}

func TestExportsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, newSQLite(t).where)
	refused := map[string]string{
		"format=xml":      `format: must be "ndjson" or "csv"`,
		"fromat=csv":      `"fromat" is no parameter of an export; there are format, where, after`,
		"after=a&after=b": "after is given 2 times",
		"after=nonsense":  "after: is not a cursor of this account's journal",
		"where=%ff":       "where must be valid UTF-8",
		"%zz":             "the query string is not well-formed",
	}
	for where, says := range map[string]string{
		`{"a":`:                    "invalid JSON in the parameter where",
		`[]`:                       "where must be a JSON object",
		`{"things":1}`:             "where.things: unknown field",
		`{"thing":"X"}`:            "where.thing: X is not a valid Thing",
		`{"or":{"statusCode":-1}}`: "where.or[0].statusCode: must be from 0 to 32767",
		deeplyNot(10):              "nest at most 3 levels",
	} {
		refused["where="+url.QueryEscape(where)] = says
	}
	for query, says := range refused {
		a := s.get(t, "/export?"+query)
		require.Equal(t, http.StatusBadRequest, a.status, query)
		require.Equal(t, "BAD_USER_INPUT", a.errors[0].code())
		require.Contains(t, a.errors[0].Message, says)
	}
	require.Equal(t, "0", s.size(t), "what was refused is not journaled")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/export", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusMethodNotAllowed, s.send(t, req).status)
}

// Who was killed in the middle leaves a file that is known to be incomplete.
func TestAnExportOfAServerThatIsKilledIsIncomplete(t *testing.T) {
	t.Parallel()
	db := newSQLite(t)
	s := serve(t, db.where)
	s.fillWithLargest(t, 60)
	resp, err := client(t).Get(s.url + "/export")
	require.NoError(t, err)
	defer resp.Body.Close()
	begin := make([]byte, 1<<20)
	_, err = io.ReadFull(resp.Body, begin)
	require.NoError(t, err)
	s.signal(syscall.SIGKILL)
	rest, err := io.ReadAll(resp.Body)
	require.Error(t, err, "the connection was cut off")
	path := filepath.Join(t.TempDir(), "journal.ndjson")
	require.NoError(t, os.WriteFile(path, slices.Concat(begin, rest), 0o600))
	r := run(t, db.where, "export", "--verify="+path)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "the export is incomplete")
}

// However large the journal, an export holds a part of it at a time, also when its client does not read.
func TestExportsTakeLittleMemory(t *testing.T) {
	t.Parallel()
	db := newSQLite(t)
	auditor := newToken(t, db.where, "--role=auditor")
	s := underAttack(t, db, "--max-exports=10")
	s.fillWithLargest(t, 300) // 150 MiB
	before := s.peakMemory(t)
	s.withstands(t, func() {
		var bodies []io.ReadCloser
		for range 8 {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/export", nil)
			require.NoError(t, err)
			req.Header.Set("Authorization", "Bearer "+s.token)
			resp, err := client(t).Do(req)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, resp.StatusCode)
			bodies = append(bodies, resp.Body)
		}
		beyond := s.get(t, "/export")
		require.Equal(t, http.StatusServiceUnavailable, beyond.status)
		require.Contains(t, beyond.errors[0].Message, "10 (SAMJOURNAL_MAX_EXPORTS), of one viewer three quarters, 8")
		other := s.as(auditor).get(t, "/export?where="+url.QueryEscape(`{"position": 0}`))
		require.Equal(t, http.StatusOK, other.status, "another viewer has room")
		n, err := io.Copy(io.Discard, bodies[0])
		require.NoError(t, err)
		require.Greater(t, n, int64(150<<20))
		for _, body := range bodies {
			require.NoError(t, body.Close())
		}
	})
	t.Logf("peak memory: %d MiB, %d MiB before", s.peakMemory(t)>>20, before>>20)
}
