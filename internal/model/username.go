package model

import (
	"fmt"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxUsername is the most characters of a username.
const MaxUsername = 150

// NormalUsername returns a username as it is stored and compared: in Unicode NFC, 1 to 150 characters without control
// characters. Errors are *InputError.
func NormalUsername(name string) (string, error) {
	fail := func(reason string, args ...any) (string, error) {
		return "", &InputError{Reason: fmt.Sprintf(reason, args...)}
	}
	if !utf8.ValidString(name) {
		return fail("must be valid UTF-8")
	}
	name = norm.NFC.String(name)
	if n := utf8.RuneCountInString(name); n < 1 || n > MaxUsername {
		return fail("must have 1 to %d characters, has %d", MaxUsername, n)
	}
	for i, r := range []rune(name) {
		if unicode.IsControl(r) {
			return fail("must not have control characters, character %d is one", i+1)
		}
	}
	return name, nil
}
