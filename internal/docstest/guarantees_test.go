package docstest_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const guarantees = "docs/guarantees.md"

// A guarantee without a test, or with one that was renamed or dropped, is no guarantee.
func TestEveryGuaranteeNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	sections := strings.Split(read(t, guarantees), "\n## ")[1:]
	require.Len(t, sections, 12, "the nine invariants, the way in, the way out, reading")
	for _, section := range sections {
		title, text, _ := strings.Cut(section, "\n")
		_, tested, found := strings.Cut(text, "\n**Tested by**\n")
		require.True(t, found, title)
		tested, limits, found := strings.Cut(tested, "\n**Limits**\n")
		require.True(t, found, title)
		require.Contains(t, limits, "\n- ", title)
		named := regexp.MustCompile("\\[`([^`]+)`\\]\\(([^)]+)\\)").FindAllStringSubmatch(tested, -1)
		require.NotEmpty(t, named, title)
		require.Len(t, named, strings.Count(tested, "`")/2, "%s: each test is a link to its file", title)
		for _, link := range named {
			name, file := link[1], filepath.Join("docs", link[2])
			if strings.HasSuffix(name, ".test.js") {
				require.Equal(t, name, filepath.Base(file), title)
				require.FileExists(t, filepath.Join(root, file), title)
				continue
			}
			require.Regexp(t, "^(Test|Fuzz)", name, title)
			require.Regexp(t, `(?m)^func `+name+`\(`, read(t, file), "%s: %s is not in %s", title, name, file)
		}
	}
}
