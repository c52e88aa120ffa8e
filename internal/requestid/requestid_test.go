package requestid_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/requestid"
)

func TestContextCarriesTheID(t *testing.T) {
	t.Parallel()

	require.Empty(t, requestid.From(t.Context()))
	require.Equal(t, "abc", requestid.From(requestid.With(t.Context(), "abc")))
}

func TestNewIDsAreValidAndDiffer(t *testing.T) {
	t.Parallel()

	a, b := requestid.New(), requestid.New()
	require.NotEqual(t, a, b)
	require.True(t, requestid.Valid(a))
}

func TestValidTakesPrintableASCIIOnly(t *testing.T) {
	t.Parallel()

	for id, want := range map[string]bool{
		"":                       false,
		"a":                      true,
		"01HZX-trace/7 ~":        true,
		"two\nlines":             false,
		"tab\t":                  false,
		"del\x7f":                false,
		"ümlaut":                 false,
		strings.Repeat("a", 128): true,
		strings.Repeat("a", 129): false,
	} {
		require.Equal(t, want, requestid.Valid(id), "%q", id)
	}
}
