package importer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"index/suffixarray"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fullExport is a real-sized export: the file that SAMJOURNAL_FULL_EXPORT names, the one beside the checkout, or one made
// here of the same size.
func fullExport(t testing.TB) []byte {
	t.Helper()
	path, given := os.LookupEnv("SAMJOURNAL_FULL_EXPORT")
	if !given {
		path = "../../../shared/data/samjournal-dumpdata.json"
	}
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) && !given {
		data, err = io.ReadAll(newGenerated(1500, 30, 7))
	}
	require.NoError(t, err)
	return data
}

func exportedRows(t testing.TB, data []byte) []exportedRow {
	t.Helper()
	var rows []exportedRow
	require.NoError(t, json.Unmarshal(data, &rows))
	return rows
}

func TestTheFullExportComesThroughWhole(t *testing.T) {
	t.Parallel()
	data := fullExport(t)
	j := newJournal(t)
	sum := imported(t, j, data, Options{})
	require.EqualValues(t, 1500, sum.Written)
	require.EqualValues(t, 30, sum.Users)
	require.Zero(t, sum.Rejected)
	require.Zero(t, sum.ExitStatus())

	stored := map[string]storedEntry{}
	for _, e := range j.stored(t) {
		stored[e.Key] = e
	}
	require.Len(t, stored, 1500)
	for _, row := range exportedRows(t, data) {
		if row.Model != entryModel {
			continue
		}
		e := stored[row.key(t)]
		want := map[string]any{
			"request": decoded(t, string(row.Fields.Request)), "response": decoded(t, string(row.Fields.Response)),
		}
		got := map[string]any{"request": decoded(t, e.Request), "response": decoded(t, e.Response)}
		for _, path := range e.Redacted {
			take(want, path)
			masked, ok := take(got, path).(string)
			require.True(t, ok, path)
			require.Contains(t, masked, "[REDACTED]")
		}
		require.Equal(t, want, got)
	}
}

// take removes what the JSON Pointer leads to from v and returns it.
func take(v any, pointer string) any {
	step, rest, deeper := strings.Cut(pointer[1:], "/")
	step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
	var slot any
	var put func(any)
	switch v := v.(type) {
	case map[string]any:
		slot, put = v[step], func(x any) { v[step] = x }
	case []any:
		i, err := strconv.Atoi(step)
		if err != nil || i >= len(v) {
			return nil
		}
		slot, put = v[i], func(x any) { v[i] = x }
	default:
		return nil
	}
	if deeper {
		return take(slot, "/"+rest)
	}
	put(nil)
	return slot
}

// secretNames are the members of an export whose values nobody may find in the database.
func secretNames() []string {
	return []string{"csrftoken", "sessionid", "HTTP_AUTHORIZATION", "HTTP_COOKIE", "apiKey", "api_key", "password", "value"}
}

// secrets collects the values of those members; of "Token abc" only the token.
func secrets(v any, name string, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			secrets(member, name, into)
		}
	case []any:
		for _, element := range v {
			secrets(element, "", into)
		}
	case string:
		if words := strings.Fields(v); slices.Contains(secretNames(), name) && len(words) > 0 {
			into[words[len(words)-1]] = true
		}
	}
}

func TestNoSecretOfAnExportReachesTheDatabase(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{"full": fullExport(t), "small": testdata(t, "dumpdata-small.json")} {
		j := newJournal(t)
		imported(t, j, data, Options{})
		found := map[string]bool{}
		secrets(decoded(t, string(data)), "", found)
		require.Greater(t, len(found), 100, name)
		index := suffixarray.New(j.bytes(t))
		require.NotEmpty(t, index.Lookup([]byte(`"POST"`), 1), "the search finds what is there")
		for secret := range found {
			require.Empty(t, index.Lookup([]byte(secret), 1), "%s: %s", name, secret)
		}
	}
}

type exportedRow struct {
	Model  string          `json:"model"`
	PK     json.RawMessage `json:"pk"`
	Fields struct {
		Request  json.RawMessage `json:"request"`
		Response json.RawMessage `json:"response"`
	} `json:"fields"`
}

func (r exportedRow) key(t testing.TB) string {
	t.Helper()
	var key string
	require.NoError(t, json.Unmarshal(r.PK, &key))
	return key
}

// generated is an export that is made while it is read: entries in no order, then the users they name.
type generated struct {
	rows, users int
	at          int
	random      *rand.Rand
	buf         bytes.Buffer
}

func newGenerated(rows, users int, seed uint64) *generated {
	return &generated{rows: rows, users: users, random: rand.New(rand.NewPCG(seed, 0))}
}

func (g *generated) Read(p []byte) (int, error) {
	for g.buf.Len() < len(p) && g.at <= g.rows+g.users {
		g.next()
	}
	return g.buf.Read(p)
}

func (g *generated) next() {
	switch at := g.at; {
	case at == 0:
		g.buf.WriteString("[\n")
		fallthrough
	case at < g.rows:
		g.entry()
	case at < g.rows+g.users:
		g.buf.WriteString(userJSON(strconv.Itoa(at-g.rows+1), fmt.Sprintf("user%d", at-g.rows+1), `, "email": "u@example.com"`))
	}
	g.at++
	switch {
	case g.at < g.rows+g.users:
		g.buf.WriteString(",\n")
	case g.at == g.rows+g.users:
		g.buf.WriteString("\n]\n")
	}
}

func (g *generated) entry() {
	text := strings.Repeat("größer ", g.random.IntN(100))
	token := fmt.Sprintf("%016x%016x", g.random.Uint64(), g.random.Uint64())
	g.buf.WriteString(entryJSON(g.at, map[string]string{
		"created_at": fmt.Sprintf(`"2026-%02d-%02dT%02d:%02d:%02d.%03dZ"`, 1+g.random.IntN(12), 1+g.random.IntN(28),
			g.random.IntN(24), g.random.IntN(60), g.random.IntN(60), g.random.IntN(1000)),
		"user":        strconv.Itoa(1 + g.random.IntN(g.users)),
		"thing":       []string{`"Prompt"`, `"Chat"`, `"Plugin"`, `""`}[g.random.IntN(4)],
		"request":     `{"COOKIES": {"sessionid": "` + token + `"}, "POST": {"text": "` + text + `"}}`,
		"response":    `{"data": {"ratio": 1.10, "id": ` + strconv.FormatUint(g.random.Uint64(), 10) + `}}`,
		"status_code": []string{"200", "404", "500"}[g.random.IntN(3)],
	}))
}
