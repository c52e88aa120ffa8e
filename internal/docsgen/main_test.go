package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
)

func TestTheDocumentIsFresh(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/schema.md")
	require.NoError(t, err)
	fresh, err := replace(string(document), tables())
	require.NoError(t, err)
	require.Equal(t, fresh, string(document), "run make generate")
}

func TestEverySpellingHasItsRow(t *testing.T) {
	t.Parallel()
	text := tables()
	require.Contains(t, text, "\n| `API_PLUGIN` | `ApiPlugin` | ApiPlugin |  |\n")
	require.Contains(t, text, "\n| `LLM_CLIENT` | `LLMClient` | LLMClient | `Chatbot`, `ChatBot` |\n")
	require.Contains(t, text, "\n| `JSON_SCHEMA` | `json_schema` | JSON schema | fetched json schema | `schema` |\n")
	const headings = 2 * 2
	require.Equal(t, len(model.ThingSpellings())+len(model.CommandSpellings())+headings, strings.Count(text, "\n|"))
}

func TestWhatIsNotBetweenTheMarksStays(t *testing.T) {
	t.Parallel()
	got, err := replace("# A\n"+begin+"old\n"+end+"end", "new\n")
	require.NoError(t, err)
	require.Equal(t, "# A\n"+begin+"new\n"+end+"end", got)
}

func TestADocumentWithoutBothMarksIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, document := range []string{"", begin, end, end + begin, begin + begin + end, begin + end + end} {
		name := filepath.Join(t.TempDir(), "document.md")
		require.NoError(t, os.WriteFile(name, []byte(document), 0o600))
		require.Error(t, run([]string{name}))
		left, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, document, string(left))
	}
	require.Error(t, run(nil))
	require.Error(t, run([]string{"a", "b"}))
	require.ErrorIs(t, run([]string{filepath.Join(t.TempDir(), "missing")}), os.ErrNotExist)
}
