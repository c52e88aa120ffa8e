package web_test

import (
	"io/fs"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/web"
)

// Holds with and without a built Playground: what Built promises is there, and nothing else is promised.
func TestBuiltTellsWhetherThePageIsThere(t *testing.T) {
	t.Parallel()

	page, err := fs.ReadFile(web.Dist(), "index.html")
	require.Equal(t, err == nil, web.Built())

	if !web.Built() {
		entries, err := fs.ReadDir(web.Dist(), ".")
		require.NoError(t, err)
		require.Len(t, entries, 1, "only the placeholder")

		return
	}

	files := regexp.MustCompile(`(?:src|href)="\./([^"]+)"`).FindAllSubmatch(page, -1)
	require.NotEmpty(t, files)

	for _, file := range files {
		_, err := fs.Stat(web.Dist(), string(file[1]))
		require.NoError(t, err)
	}
}
