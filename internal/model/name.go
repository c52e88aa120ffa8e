package model

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The most characters of the names that people give to things for other people to read.
const (
	MaxAccountName = 200
	MaxTokenName   = 100
	MaxDisplayName = 200
	MaxEmail       = 254
)

// CheckName is the one rule of texts that people give to accounts, tokens and users for other people to read: 1 to most
// characters, of which one can be seen at least, and none is a control character (NUL, tab, line break), a line separator, or a
// formatting character such as those that turn the direction of writing, which would make a name look like another. Those that
// join letters (U+200C, U+200D) are allowed, since words and emoji are written with them. Errors are *InputError at the field.
func CheckName(field, name string, most int) error {
	wrong := func(reason string, args ...any) error {
		return &InputError{Path: []any{field}, Reason: fmt.Sprintf(reason, args...)}
	}
	if !utf8.ValidString(name) {
		return wrong("must be valid UTF-8")
	}
	if n := utf8.RuneCountInString(name); n < 1 || n > most {
		return wrong("must have 1 to %d characters, has %d", most, n)
	}
	if at := strings.IndexFunc(name, hidden); at >= 0 {
		r, _ := utf8.DecodeRuneInString(name[at:])
		return wrong("must not have control or formatting characters or line breaks, character %d, %U, is one",
			utf8.RuneCountInString(name[:at])+1, r)
	}
	if !strings.ContainsFunc(name, seen) {
		return wrong("must not be of spaces alone")
	}
	return nil
}

// joins tells whether a character only joins those beside it or keeps them apart.
func joins(r rune) bool { return r == '\u200c' || r == '\u200d' }

func hidden(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) && !joins(r)
}

func seen(r rune) bool { return !unicode.IsSpace(r) && !joins(r) }
