package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// split returns copies of all rows.
func split(t testing.TB, in io.Reader, limit int) ([]row, error) {
	t.Helper()
	s, err := newSplitter(in, limit)
	if err != nil {
		return nil, err
	}
	var rows []row
	for {
		r, err := s.next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		r.raw = bytes.Clone(r.raw)
		rows = append(rows, r)
	}
}

func TestAnArrayIsCutIntoItsElements(t *testing.T) {
	t.Parallel()
	text := " \n[ {\"a\":\"}]\\\"\"} ,\n{\"b\":[{}]}\t]\r\n"
	rows, err := split(t, iotest.OneByteReader(strings.NewReader(text)), maxRow)
	require.NoError(t, err)
	require.Equal(t, []row{
		{raw: []byte(`{"a":"}]\""}`), offset: 4, place: 0},
		{raw: []byte(`{"b":[{}]}`), offset: 19, place: 1},
	}, rows)
}

func TestLinesAreCountedFromOneAndBlankOnesSkipped(t *testing.T) {
	t.Parallel()
	rows, err := split(t, strings.NewReader("\xef\xbb\xbf{\"a\":1}\r\n\n  \nnonsense\n{\"b\":2}"), maxRow)
	require.NoError(t, err)
	require.Equal(t, []row{
		{raw: []byte(`{"a":1}`), offset: 3, place: 1},
		{raw: []byte(`nonsense`), offset: 16, place: 4},
		{raw: []byte(`{"b":2}`), offset: 25, place: 5},
	}, rows)
}

func TestEmptyArrayHasNoRows(t *testing.T) {
	t.Parallel()
	rows, err := split(t, strings.NewReader("[ ]\n"), maxRow)
	require.NoError(t, err)
	require.Empty(t, rows)
}

func TestARowOverTheLimitIsCutAndTheNextIsWhole(t *testing.T) {
	t.Parallel()
	long := `{"a":"` + strings.Repeat("x", 1000) + `"}`
	for _, text := range []string{"[" + long + `,{"b":2}]`, long + "\n" + `{"b":2}`} {
		if text[0] == '{' {
			text = "{}\n" + text
		}
		rows, err := split(t, strings.NewReader(text), 100)
		require.NoError(t, err)
		last := len(rows) - 1
		require.True(t, rows[last-1].tooLarge)
		require.Len(t, rows[last-1].raw, 100)
		require.Equal(t, `{"b":2}`, string(rows[last].raw))
		require.False(t, rows[last].tooLarge)
	}
}

func TestABrokenArrayNamesTheByteOffset(t *testing.T) {
	t.Parallel()
	for text, offset := range map[string]int64{
		``:                  0,
		`  `:                2,
		`<xml/>`:            0,
		"\xff\xfe[\x00":     0,
		"\x1f\x8b\x08":      0,
		`[`:                 1,
		`[{}`:               3,
		`[{},`:              4,
		`[{"a":"`:           7,
		`[{} {}]`:           4,
		`[{},,{}]`:          4,
		`[{},]`:             4,
		`[1]`:               1,
		`[{}] x`:            5,
		`[{"a":[1,2,3]}, {`: 17,
	} {
		_, err := split(t, strings.NewReader(text), maxRow)
		var syntax *SyntaxError
		require.ErrorAs(t, err, &syntax, "%q", text)
		require.Equal(t, offset, syntax.Offset, "%q: %v", text, err)
	}
}

func TestAFailingReaderIsNotTakenForTheEnd(t *testing.T) {
	t.Parallel()
	torn := errors.New("torn")
	for _, text := range []string{"", "[", `[{"a":`, `[{}`, "{}\n{"} {
		_, err := split(t, io.MultiReader(strings.NewReader(text), iotest.ErrReader(torn)), maxRow)
		require.ErrorIs(t, err, torn, "%q", text)
	}
}

// FuzzReader holds the splitter and the parser to the standard library's JSON: whatever array of objects that reads, the
// splitter cuts into the same elements; nothing crashes; no row is called good whose payloads are not JSON.
func FuzzReader(f *testing.F) {
	f.Add([]byte(`[{"model":"auth.user","pk":3,"fields":{"username":"ada"}},{"model":"x.y","pk":1,"fields":{}}]`))
	f.Add([]byte(`{"model":"journal.samjournal","pk":"` + strings.Repeat("0a", 32) + `","fields":{"created_at":` +
		`"2026-06-19T16:11:03.123Z","user":["ada"],"thing":"Chat","command":"","request":{"a":[1e999,"\u0000"]},` +
		`"response":null,"status_code":200}}` + "\n{\n"))
	f.Add([]byte("\xef\xbb\xbf[{\"a\":\"\\ud800\"}, {\"a\":1,\"a\":\"\xff\"}]"))
	f.Add([]byte(`[{"a":{"b":[[[[]]]]}} , {"pk":"\"]}"}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := split(t, bytes.NewReader(data), 1<<20)
		var elements []json.RawMessage
		if err == nil && len(rows) > 0 && json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &elements) == nil {
			require.Len(t, rows, len(elements))
			for i, e := range elements {
				require.Equal(t, string(e), string(rows[i].raw))
			}
		}
		for _, r := range rows {
			require.True(t, bytes.HasPrefix(data[r.offset:], r.raw) || bytes.Contains(data, r.raw))
			p := parser{}
			got, err := p.parse(r)
			if err == nil && got.entry != nil {
				require.True(t, json.Valid([]byte(got.entry.request)))
				require.True(t, json.Valid([]byte(got.entry.response)))
			}
		}
	})
}
