package search

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"samjournal/internal/model"
)

const (
	maxText    = 1000 // bytes of a text to search for
	maxPhrases = 20   // phrases of it
	maxWords   = 50   // words of all phrases
)

// Text is a search for words: every phrase must be somewhere in the entry.
type Text struct{ phrases []phrase }

// phrase is words that follow each other in one text. The last may be the beginning of a word only.
type phrase struct {
	words  []string
	prefix bool
}

// ParseText reads what people write: words apart by white space, "several words in quotes" that must follow each other, and
// begin* for words that begin so. Words that punctuation joins, such as example.com, must follow each other too. Errors are
// *model.InputError.
func ParseText(text string) (Text, error) {
	if len(text) > maxText {
		return Text{}, &model.InputError{Reason: fmt.Sprintf("has at most %d bytes, this one has %d", maxText, len(text))}
	}
	if !utf8.ValidString(text) {
		return Text{}, &model.InputError{Reason: "must be valid UTF-8"}
	}
	var t Text
	for rest := text; rest != ""; {
		var piece string
		quoted := strings.HasPrefix(rest, `"`)
		if quoted {
			var closed bool
			if piece, rest, closed = strings.Cut(rest[1:], `"`); !closed {
				return Text{}, &model.InputError{Reason: `has a quotation mark without a second one; "words in quotes" follow each other`}
			}
		} else {
			end := strings.IndexFunc(rest, func(r rune) bool { return r == '"' || unicode.IsSpace(r) })
			switch {
			case end < 0:
				piece, rest = rest, ""
			case end == 0:
				_, size := utf8.DecodeRuneInString(rest)
				rest = rest[size:]
				continue
			default:
				piece, rest = rest[:end], rest[end:]
			}
		}
		if p := phraseOf(piece, quoted); len(p.words) > 0 {
			t.phrases = append(t.phrases, p)
		}
	}
	words := 0
	for _, p := range t.phrases {
		words += len(p.words)
	}
	switch n := len(t.phrases); {
	case words > maxWords:
		return Text{}, &model.InputError{Reason: fmt.Sprintf("has at most %d words, this one has %d", maxWords, words)}
	case n == 0:
		return Text{}, &model.InputError{Reason: "must have a word, which has letters or digits"}
	case n > maxPhrases:
		return Text{}, &model.InputError{Reason: fmt.Sprintf("has at most %d words or phrases, this one has %d", maxPhrases, n)}
	}
	return t, nil
}

func phraseOf(piece string, quoted bool) phrase {
	begin, star := strings.CutSuffix(piece, "*")
	p := phrase{words: wordsOf(piece)}
	if n := len(p.words); n > 0 && star && !quoted {
		// Only a star that follows a letter is one: that of "a - *" is not.
		p.prefix = strings.HasSuffix(folded(begin), p.words[n-1])
	}
	return p
}

// Terms are those that every entry has that the search matches.
func (t Text) Terms() (terms []Term) {
	for _, p := range t.phrases {
		for i, word := range p.words {
			term := Term{Text: termOf(word), Prefix: p.prefix && i == len(p.words)-1}
			if !slices.Contains(terms, term) {
				terms = append(terms, term)
			}
		}
	}
	return terms
}

// Match tells whether every phrase is in the entry.
func (t Text) Match(e *Entry) bool {
	missing := slices.Clone(t.phrases)
	find := func(text string) (done bool) {
		text = folded(text)
		missing = slices.DeleteFunc(missing, func(p phrase) bool { return p.in(text) })
		return len(missing) == 0
	}
	if find(e.Summary) {
		return true
	}
	for _, p := range []*model.Payload{e.Request, e.Response} {
		if p != nil && eachText(*p, find) {
			return true
		}
	}
	return false
}

// eachText calls f with the texts of a payload until it returns true.
func eachText(p model.Payload, f func(text string) (done bool)) bool {
	dec := decoder(p)
	for {
		token, err := dec.ReadToken()
		if err != nil {
			return false
		}
		switch token.Kind() {
		case jsontext.KindBeginObject, jsontext.KindEndObject, jsontext.KindBeginArray, jsontext.KindEndArray:
		default:
			if f(token.String()) {
				return true
			}
		}
	}
}

// in tells whether a phrase is in a folded text.
func (p phrase) in(text string) bool {
	if !strings.Contains(text, p.words[0]) {
		return false // which is most texts, and takes no segmentation
	}
	n := len(p.words)
	var last []string
	found := false
	eachWord(text, func(word string) bool {
		if len(last) == n {
			copy(last, last[1:])
			last = last[:n-1]
		}
		last = append(last, word)
		found = len(last) == n && p.is(last)
		return !found
	})
	return found
}

func (p phrase) is(words []string) bool {
	n := len(words) - 1
	return slices.Equal(words[:n], p.words[:n]) && (words[n] == p.words[n] || p.prefix && strings.HasPrefix(words[n], p.words[n]))
}
