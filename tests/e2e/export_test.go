package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// exported is one row of a Django export.
type exported struct {
	Model  string         `json:"model"`
	PK     any            `json:"pk"`
	Fields map[string]any `json:"fields"`
}

// fullExport returns the path of an export of 1,500 entries and 30 users: the one that SAMJOURNAL_FULL_EXPORT names, the one
// beside the checkout, or a generated one.
func fullExport(t testing.TB) string {
	t.Helper()
	path, given := os.LookupEnv("SAMJOURNAL_FULL_EXPORT")
	if !given {
		path = "../../../shared/data/samjournal-dumpdata.json"
	}
	if _, err := os.Stat(path); err != nil {
		require.False(t, given, "SAMJOURNAL_FULL_EXPORT: %v", err)
		require.ErrorIs(t, err, fs.ErrNotExist)
		return generated(t, 1500, 30)
	}
	absolute, err := filepath.Abs(path)
	require.NoError(t, err)
	return absolute
}

// generated writes an export of so many entries, in no order, with secrets in the places where Django puts them.
func generated(t testing.TB, entries, users int) string {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(entries), uint64(users)))
	secret := func() string { return fmt.Sprintf("%016x%016x", random.Uint64(), random.Uint64()) }
	rows := make([]exported, 0, entries+users)
	for pk := range users {
		rows = append(rows, exported{Model: "auth.user", PK: pk + 1, Fields: map[string]any{
			"username": fmt.Sprintf("user%d", pk+1), "email": "u@example.com", "password": "pbkdf2_sha256$260000$" + secret(),
		}})
	}
	for range entries {
		rows = append(rows, exported{Model: "journal.samjournal", PK: secret() + secret(), Fields: map[string]any{
			"created_at": fmt.Sprintf("2026-0%d-1%dT0%d:%02d:%02d.%03dZ", 1+random.IntN(9), random.IntN(10), random.IntN(10),
				random.IntN(60), random.IntN(60), random.IntN(1000)),
			"user": 1 + random.IntN(users), "thing": "Plugin", "command": "apply", "status_code": 200,
			"request": map[string]any{
				"COOKIES": map[string]any{"sessionid": secret()},
				"META":    map[string]any{"HTTP_AUTHORIZATION": "Token " + secret()},
				"POST":    map[string]any{"text": strings.Repeat("größer 🚀 ", random.IntN(120))},
			},
			"response": map[string]any{"api": "smarter.sh/v1", "data": map[string]any{"id": random.Int64(), "ratio": 0.5}},
		}})
	}
	random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	text, err := json.Marshal(rows)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "export.json")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

// rowsOf reads an export, an array or lines of JSON. Numbers keep their text.
func rowsOf(t testing.TB, path string) []exported {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var rows []exported
	if bytes.HasPrefix(text, []byte("[")) {
		require.NoError(t, decoder.Decode(&rows))
		return rows
	}
	for decoder.More() {
		var row exported
		require.NoError(t, decoder.Decode(&row))
		rows = append(rows, row)
	}
	return rows
}

// secretsOf collects every text of an export that nobody may find in a journal: values under names that sound secret, what
// follows Token and Bearer, and hashes of passwords.
func secretsOf(t testing.TB, path string) []string {
	t.Helper()
	var (
		text, err = os.ReadFile(path)
		named     = regexp.MustCompile(`(?i)passw|secret|cookie|authorization|session_?id|csrf|api_?key|private|(_|^)token$`)
		formed    = regexp.MustCompile(`\b(?:Token|Bearer) ([A-Za-z0-9._~+/=-]{8,})|(pbkdf2_\w+\$[^"]+)|\b(sk-[0-9a-f]{20,})`)
		found     = map[string]bool{}
	)
	require.NoError(t, err)
	for _, match := range formed.FindAllStringSubmatch(string(text), -1) {
		found[match[1]+match[2]+match[3]] = true
	}
	var walk func(v any, secret bool)
	walk = func(v any, secret bool) {
		switch v := v.(type) {
		case map[string]any:
			for name, member := range v {
				walk(member, secret || named.MatchString(name))
			}
		case []any:
			for _, element := range v {
				walk(element, secret)
			}
		case string:
			if words := strings.Fields(v); secret && len(words) > 0 && len(words[len(words)-1]) >= prefix {
				found[words[len(words)-1]] = true
			}
		}
	}
	for _, row := range rowsOf(t, path) {
		walk(row.Fields, false)
	}
	list := make([]string, 0, len(found))
	for s := range found {
		list = append(list, s)
	}
	return list
}
