package docstest_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const recipes = "tests/clients/recipes"

// What readers copy is what tests/clients runs.
func TestTheRecipesShownAreTheFilesThatAreTested(t *testing.T) {
	t.Parallel()
	shown := map[string]string{}
	for _, b := range blocksOf(t, read(t, "docs/recipes.md")) {
		for _, mark := range b.marks {
			file, ok := strings.CutPrefix(mark, "file=")
			require.True(t, ok, "line %d: unknown mark %s", b.line, mark)
			require.NotContains(t, shown, file, "line %d: shown twice", b.line)
			shown[file] = b.text
		}
	}
	files, err := filepath.Glob(filepath.Join(root, recipes, "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	tested := map[string]string{}
	for _, file := range files {
		name, err := filepath.Rel(root, file)
		require.NoError(t, err)
		tested[name] = read(t, name)
	}
	require.Equal(t, tested, shown)
}
