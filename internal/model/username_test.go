package model_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
)

func TestUsernamesAreStoredInNFC(t *testing.T) {
	t.Parallel()
	for sent, stored := range map[string]string{
		"alice":                        "alice",
		"Alice":                        "Alice", // case stays
		" alice ":                      " alice ",
		"Zoe\u0308":                    "Zo\u00eb",
		"\u212b":                       "\u00c5", // the sign of the ångström is the letter
		"\u1100\u1161":                 "\uac00",
		"ﬁ":                            "ﬁ", // a compatibility form is another name
		"李雷 🚀":                         "李雷 🚀",
		strings.Repeat("🚀", 150):       strings.Repeat("🚀", 150),
		strings.Repeat("e\u0301", 150): strings.Repeat("é", 150), // 300 characters until they are composed
		"\u00a0":                       "\u00a0",
	} {
		name, err := model.NormalUsername(sent)
		require.NoError(t, err, "%q", sent)
		require.Equal(t, stored, name)
	}
}

func TestUsernamesThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, reason := range map[string]string{
		"":                               "must have 1 to 150 characters, has 0",
		strings.Repeat("a", 151):         "must have 1 to 150 characters, has 151",
		strings.Repeat("\U0001D160", 75): "must have 1 to 150 characters, has 225", // one that NFC takes apart, into three
		"a\x00":                          "must not have control characters, character 2 is one",
		"é\n":                            "must not have control characters, character 2 is one",
		"\x7f":                           "must not have control characters, character 1 is one",
		"ab\u0085c":                      "must not have control characters, character 3 is one",
		"a\xff":                          "must be valid UTF-8",
		"\xed\xa0\x80":                   "must be valid UTF-8",
	} {
		_, err := model.NormalUsername(name)
		require.Equal(t, &model.InputError{Reason: reason}, err, "%q", name)
	}
}
