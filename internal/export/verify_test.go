package export_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"samjournal/internal/export"
)

// file is an export of n entries, at every other position.
func file(t require.TestingT, n int) string {
	var b strings.Builder
	m := export.Manifest{
		Version: export.ManifestVersion, Format: export.NDJSON, Account: "default", Where: json.RawMessage("null"), Count: int64(n),
	}
	for i := range n {
		position := int64(2 * i)
		fmt.Fprintf(&b, `{"key":"%064x","position":%d,"cursor":"c%d","request":{"text":"line %d"}}`+"\n", i, position, i, i)
		if i == 0 {
			m.FirstPosition = &position
		}
		m.LastPosition = &position
	}
	sum := sha256.Sum256([]byte(b.String()))
	m.SHA256 = hex.EncodeToString(sum[:])
	line, err := json.Marshal(map[string]export.Manifest{"manifest": m})
	require.NoError(t, err)
	return b.String() + string(line) + "\n"
}

func TestAWholeFileIsVerified(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 500} {
		m, err := export.Verify(strings.NewReader(file(t, n)))
		require.NoError(t, err)
		require.EqualValues(t, n, m.Count)
	}
}

// Whatever is cut off, added, taken away or changed, is found.
func TestAFileThatIsNotAsItWasWrittenIsNotVerified(t *testing.T) {
	t.Parallel()
	whole := file(t, 5)
	entries := strings.LastIndex(whole, `{"manifest"`)
	rapid.Check(t, func(rt *rapid.T) {
		text := []byte(whole)
		switch rapid.SampledFrom([]string{"cut", "change", "remove line", "repeat line", "add line"}).Draw(rt, "damage") {
		case "cut":
			text = text[:rapid.IntRange(0, len(text)-1).Draw(rt, "at")]
		case "change":
			text[rapid.IntRange(0, entries-1).Draw(rt, "at")] ^= byte(rapid.IntRange(1, 255).Draw(rt, "by"))
		case "remove line":
			lines := strings.SplitAfter(whole, "\n")
			i := rapid.IntRange(0, 5).Draw(rt, "line")
			text = []byte(strings.Join(append(lines[:i:i], lines[i+1:]...), ""))
		case "repeat line":
			lines := strings.SplitAfter(whole, "\n")
			i := rapid.IntRange(0, 5).Draw(rt, "line")
			text = []byte(strings.Join(append(lines[:i+1:i+1], lines[i:]...), ""))
		case "add line":
			text = append(text, `{"key":"x","position":99}`+"\n"...)
		}
		_, err := export.Verify(bytes.NewReader(text))
		require.Error(rt, err)
	})
}

func TestWhatIsWrongWithAFileIsSaid(t *testing.T) {
	t.Parallel()
	whole := file(t, 3)
	lines := strings.SplitAfter(whole, "\n")
	for text, want := range map[string]string{
		"":                        "the export is incomplete: it does not end with its manifest",
		lines[0] + lines[1]:       "it does not end with its manifest; its last whole line is the entry at position 2",
		lines[0] + lines[1][:10]:  "its last whole line is the entry at position 0",
		lines[1] + lines[0]:       "line 2: has position 0 after position 2",
		lines[0] + lines[3]:       "the manifest says 3 entries, the file has 1",
		whole + lines[0]:          "line 5: stands behind the manifest",
		"{}\n":                    "line 1: is neither an entry",
		"nonsense\n":              "line 1: is not JSON of an export",
		"[1]\n":                   "line 1: is not JSON of an export",
		`{"position":"1"}` + "\n": "line 1: is not JSON of an export",
		strings.Replace(whole, "line 1", "line X", 1):                    "the file was changed: the manifest says SHA-256",
		strings.Replace(whole, `"version":1`, `"version":2`, 1):          "the manifest has version 2, this samjournal knows version 1",
		strings.Replace(whole, `"format":"ndjson"`, `"format":"csv"`, 1): `the manifest is of the format "csv", the file is ndjson`,
	} {
		_, err := export.Verify(strings.NewReader(text))
		require.ErrorContains(t, err, want)
	}
}

func TestCSVIsVerifiedByItsManifest(t *testing.T) {
	t.Parallel()
	text := "key,position,request\nk0,0,\"a\nb\"\nk1,7,c\n"
	sum := sha256.Sum256([]byte(text))
	first, last := int64(0), int64(7)
	m := export.Manifest{
		Version: export.ManifestVersion, Format: export.CSV, Count: 2, FirstPosition: &first, LastPosition: &last,
		SHA256: hex.EncodeToString(sum[:]),
	}
	require.NoError(t, export.VerifyCSV(strings.NewReader(text), m))
	for wrong, want := range map[string]string{
		"":                                       "is incomplete",
		"a,b\n":                                  "is not the header of an export",
		strings.Replace(text, "a\nb", "a\nc", 1): "the file was changed",
		"key,position,request\nk0,0,x\n":         "the manifest says 2 entries, the file has 1",
		"key,position,request\nk0,zero,x\n":      "line 2: position is not a number",
	} {
		require.ErrorContains(t, export.VerifyCSV(strings.NewReader(wrong), m), want)
	}
}
