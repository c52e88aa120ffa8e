package cli

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/store"
)

func securityDoc(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/security.md")
	require.NoError(t, err)
	return string(text)
}

func TestTheDocumentedGrantsAreThoseThatAreGiven(t *testing.T) {
	t.Parallel()
	statements, err := store.GrantStatements("journal_serve")
	require.NoError(t, err)
	require.Contains(t, securityDoc(t), "```sql\n"+strings.Join(statements, ";\n")+";\n```")
}

func TestEverySettingOfAccessAndLimitsIsDocumentedWithItsDefault(t *testing.T) {
	t.Parallel()
	doc := securityDoc(t)
	documented := 0
	for _, leaf := range leaves(t) {
		for _, flags := range leaf.AllFlags(false) {
			for _, flag := range flags {
				if flag.Group == nil || !slices.Contains([]string{"Access", "Documents", "Limits"}, flag.Group.Key) {
					continue
				}
				at := strings.Index(doc, "| `"+flag.Envs[0]+"` |")
				require.Positive(t, at, "docs/security.md has no row for %s", flag.Envs[0])
				row, _, _ := strings.Cut(doc[at:], "\n")
				if flag.Default != "" {
					require.Contains(t, row, "`"+flag.Default+"`", flag.Envs[0])
				}
				documented++
			}
		}
	}
	require.Greater(t, documented, 30)
}
