package importer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
)

// expectation is what a line of the hostile export says about itself.
type expectation struct {
	PK     any    `json:"pk"` // mostly a string
	Note   string `json:"note"`
	Expect string `json:"expect"`
}

func TestHostileRowsAreStoredOrRejectedEachForItself(t *testing.T) {
	t.Parallel()
	data := testdata(t, "dumpdata-hostile.jsonl")
	var rejects bytes.Buffer
	j := newJournal(t)
	sum := imported(t, j, data, Options{Rejects: &rejects})
	require.Equal(t, ExitRejected, sum.ExitStatus())

	refused := map[int64]rejectLine{}
	dec := json.NewDecoder(&rejects)
	for dec.More() {
		var line rejectLine
		require.NoError(t, dec.Decode(&line))
		require.NotEmpty(t, line.Reason)
		refused[*line.Line] = line
	}
	require.Len(t, refused, int(sum.Rejected))
	stored := map[string]bool{}
	for _, e := range j.stored(t) {
		stored[e.Key] = true
	}
	for i, line := range strings.Split(strings.TrimPrefix(strings.TrimSuffix(string(data), "\n"), "\ufeff"), "\r\n") {
		if line == "" {
			continue
		}
		got, rejected := refused[int64(i+1)]
		var want expectation
		if json.Unmarshal([]byte(line), &want) != nil || want.Expect == "" {
			// Not a row at all: the field that is to blame is none, or the model that is not there.
			require.True(t, rejected, "line %d: %.80q", i+1, line)
			require.Contains(t, []string{"", "model"}, got.Field)
			continue
		}
		if field, ok := strings.CutPrefix(want.Expect, "rejected: "); ok {
			require.True(t, rejected, "line %d, %s: not rejected", i+1, want.Note)
			require.Equal(t, field, strings.SplitN(got.Field, "/", 2)[0], "line %d, %s: %s", i+1, want.Note, got.Reason)
			require.Less(t, len(got.Field), 100)
			if key, ok := want.PK.(string); ok && model.ValidateKey(key) == nil {
				require.Equal(t, key, got.PK, "line %d, %s", i+1, want.Note)
			}
			continue
		}
		require.False(t, rejected, "line %d, %s: %s %s", i+1, want.Note, got.Field, got.Reason)
		require.True(t, stored[fmt.Sprint(want.PK)], "line %d, %s: not stored", i+1, want.Note)
	}
	require.EqualValues(t, 1, sum.AlreadyThere)
	require.EqualValues(t, len(stored), sum.Written)
}

// The same rows in an array fare the same: whatever is JSON does not keep the other rows out.
func TestHostileRowsInAnArray(t *testing.T) {
	t.Parallel()
	var rows []string
	for line := range strings.SplitSeq(string(testdata(t, "dumpdata-hostile.jsonl")), "\r\n") {
		if strings.Contains(line, `"expect"`) {
			rows = append(rows, strings.TrimPrefix(line, "\ufeff"))
		}
	}
	lines, elements := newJournal(t), newJournal(t)
	want := imported(t, lines, []byte(strings.Join(rows, "\n")), Options{})
	require.Equal(t, want, imported(t, elements, array(rows...), Options{}))
	require.Equal(t, lines.stored(t), elements.stored(t))
}

// What a hostile row holds comes back equal as JSON: no number loses a digit, no string a character.
func TestHostilePayloadsComeBackEqual(t *testing.T) {
	t.Parallel()
	big := `{"a":"` + strings.Repeat("0123456789", 30_000) + `"}`
	requests := []string{
		`{"a": "x\u0000y", "\u0000": [null]}`, `[1e400, -1E+100000, 123456789012345678901234567890, -0, 1.10]`,
		`"just text"`, `[]`, `null`, `false`, big,
	}
	rows := make([]string, 0, len(requests))
	for i, request := range requests {
		rows = append(rows, entryJSON(i, map[string]string{"request": request, "response": request}))
	}
	j := newJournal(t)
	imported(t, j, array(rows...), Options{})
	for i, e := range j.stored(t) {
		want := decoded(t, requests[i])
		require.Equal(t, want, decoded(t, e.Request))
		require.Equal(t, want, decoded(t, e.Response))
	}
}

func decoded(t testing.TB, text string) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	require.NoError(t, dec.Decode(&v))
	return v
}
