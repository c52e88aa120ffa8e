// Package layout_test proves that the top level and the arrows between packages are as docs/development.md has them.
package layout_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the module's directory: a test runs in that of its package.
const root = "../.."

func TestTheTopLevelIsWhereOthersLookForIt(t *testing.T) {
	t.Parallel()
	for name, directory := range map[string]bool{
		"graph": true, "ent": true, "schema": true,
		"server.go": false, "gqlgen.yml": false, "generate.go": false, "go.mod": false, "go.sum": false, "tools.go": false,
	} {
		info, err := os.Stat(filepath.Join(root, name))
		require.NoError(t, err)
		require.Equal(t, directory, info.IsDir(), name)
	}
}

// The linter holds what each package may import directly; this holds that nothing leads back up by a detour.
func TestNothingImportsWhatIsAboveIt(t *testing.T) {
	t.Parallel()
	downwards := []string{
		"samjournal", "samjournal/internal/cli", "samjournal/internal/httpserver", "samjournal/graph",
		"samjournal/internal/journal", "samjournal/internal/store", "samjournal/ent", "samjournal/internal/model",
	}
	for i, name := range downwards {
		dependencies := dependencies(t, name)
		for _, above := range downwards[:i] {
			require.NotContains(t, dependencies, above, "%s imports %s", name, above)
		}
	}
}

func TestTheModelImportsNothingOfOurs(t *testing.T) {
	t.Parallel()
	ours := slices.DeleteFunc(dependencies(t, "samjournal/internal/model"), func(name string) bool {
		return name != "samjournal" && !strings.HasPrefix(name, "samjournal/")
	})
	require.Equal(t, []string{"samjournal/internal/model"}, ours)
}

// dependencies lists what a package imports, directly or not, and itself.
func dependencies(t *testing.T, name string) []string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-deps", name)
	command.Dir = root
	command.Stderr = os.Stderr
	output, err := command.Output()
	require.NoError(t, err, name)
	return strings.Fields(string(output))
}
