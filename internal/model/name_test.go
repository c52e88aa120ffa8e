package model_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
)

func TestNamesForPeople(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"x", "Acme, Inc.", " Acme ", "Zoë O’-李雷", "עברית", "العربية", "क्\u200dष", "می\u200cخواهم", "👩\u200d🚀", "❤\ufe0f", "a\u00a0b",
		strings.Repeat("é", 7), strings.Repeat("🚀", 10), "\ufffd",
	} {
		require.NoError(t, model.CheckName("name", name, 10), "%q", name)
	}
	for name, reason := range map[string]string{
		"":                       "must have 1 to 10 characters, has 0",
		strings.Repeat("é", 11):  "must have 1 to 10 characters, has 11",
		"a\xff":                  "must be valid UTF-8",
		"\xed\xa0\x80":           "must be valid UTF-8",
		"é\x00":                  "character 2, U+0000, is one",
		"a\nb":                   "character 2, U+000A, is one",
		"a\tb":                   "character 2, U+0009, is one",
		"\x1b[31m":               "character 1, U+001B, is one",
		"ab\u0085":               "character 3, U+0085, is one",
		"a\u2028b":               "character 2, U+2028, is one",
		"a\u2029b":               "character 2, U+2029, is one",
		"éa\u202eb":              "character 3, U+202E, is one",
		"a\u2066b\u2069":         "character 2, U+2066, is one",
		"a\u200f":                "character 2, U+200F, is one",
		"\u200b":                 "character 1, U+200B, is one",
		"\ufeffa":                "character 1, U+FEFF, is one",
		"a\U000e0041":            "character 2, U+E0041, is one",
		" ":                      "must not be of spaces alone",
		"\u00a0\u3000 \u200d":    "must not be of spaces alone",
		strings.Repeat(" ", 10):  "must not be of spaces alone",
		strings.Repeat(" ", 11):  "must have 1 to 10 characters, has 11",
		strings.Repeat("x", 1e5): "must have 1 to 10 characters, has 100000",
	} {
		err := model.CheckName("displayName", name, 10)
		input := &model.InputError{}
		require.ErrorAs(t, err, &input, "%q", name)
		require.Equal(t, []any{"displayName"}, input.Path)
		require.Contains(t, input.Reason, reason, "%q", name)
	}
}
