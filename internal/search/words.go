package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/words"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// folded brings a text into the form whose words are compared.
func folded(text string) string {
	if ascii(text) {
		return strings.ToLower(text)
	}
	return norm.NFC.String(cases.Fold().String(norm.NFC.String(text)))
}

func ascii(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// eachWord calls f with the words of a folded text, in order, until it returns false.
func eachWord(text string, f func(word string) bool) {
	segments := words.FromString(text)
	for segments.Next() {
		segment := segments.Value()
		for segment != "" {
			word, rest := firstWord(segment)
			if word != "" && !f(word) {
				return
			}
			segment = rest
		}
	}
}

// firstWord takes the first word from a segment, "" when there is none in it.
func firstWord(segment string) (word, rest string) {
	begin := strings.IndexFunc(segment, alphanumeric)
	if begin < 0 {
		return "", ""
	}
	segment = segment[begin:]
	if end := strings.IndexFunc(segment, punctuation); end >= 0 {
		return segment[:end], segment[end:]
	}
	return segment, ""
}

func alphanumeric(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// punctuation ends words that Unicode would go on with. An apostrophe does not, as in don't.
func punctuation(r rune) bool {
	return r != '\'' && r != '\u2019' && (unicode.IsPunct(r) || unicode.IsSymbol(r))
}

// wordsOf returns the words of a text.
func wordsOf(text string) (found []string) {
	eachWord(folded(text), func(word string) bool {
		found = append(found, word)
		return true
	})
	return found
}
