package search

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
	"github.com/go-json-experiment/json/jsontext"

	"samjournal/internal/model"
)

const (
	// Version is that of the terms. An index of another one is of no use.
	Version = 1
	// MaxTerms is the most terms of an entry.
	MaxTerms = 10_000
	// MaxTermBytes is the most bytes of all terms of an entry: with the account's number before each they have to fit into a
	// tsvector of PostgreSQL, which is one MiB.
	MaxTermBytes = 600_000

	maxWord = 40 // bytes of a word that its term has
)

// Entry is what is searched of an entry. A payload that is erased is nil.
type Entry struct {
	Request, Response *model.Payload
	Summary           string
}

// Term is what an index has of an entry, or with Prefix, the beginning of one. It is of ASCII small letters and digits.
type Term struct {
	Text   string
	Prefix bool
}

// Kinds of terms, by their first letter.
const (
	wordTerm   = "w"
	existsTerm = "p"
	equalsTerm = "v"
)

// word is the term of a word of a folded text, or of the beginning of one. Beginnings stay beginnings.
func termOf(word string) string {
	if len(word) > maxWord {
		cut := maxWord
		for !utf8.RuneStart(word[cut]) {
			cut--
		}
		word = word[:cut]
	}
	var b strings.Builder
	b.WriteString(wordTerm)
	for _, c := range []byte(word) {
		// z begins a byte that is not as it is, so that no tokenizer of a database finds a border or a letter to fold.
		if c >= 'a' && c < 'z' || c >= '0' && c <= '9' {
			b.WriteByte(c)
		} else {
			b.WriteByte('z')
			b.WriteString(hex.EncodeToString([]byte{c}))
		}
	}
	return b.String()
}

// place is a place in a payload: a hash of the steps that lead to it. All elements of an array are in the same one: which of them
// a path leads to is seldom worth a term, and is looked at.
type place uint64

// Side is which payload a path begins in.
type Side string

// The sides.
const (
	Request  Side = "request"
	Response Side = "response"
)

func root(side Side) place { return place(xxhash.Sum64String(string(side))) }

func (p place) member(name string) place { return p.below('n', name) }

func (p place) element() place { return p.below('*', "") }

// value is not a place, but a scalar at one.
func (p place) value(scalar string) place { return p.below('=', scalar) }

func (p place) below(kind byte, text string) place {
	b := make([]byte, 0, 64)
	b = append(binary.BigEndian.AppendUint64(b, uint64(p)), kind)
	return place(xxhash.Sum64(append(b, text...)))
}

// hashTerm has 40 bits of a hash: what two values have in common by chance is looked at, and found not to match.
func hashTerm(kind string, p place) string { return kind + strconv.FormatUint(uint64(p)>>24, 36) }

// scalarText is equal for scalars that are equal.
func scalarText(token jsontext.Token) string {
	switch token.Kind() {
	case jsontext.KindNumber:
		return "0" + parseNumber(token.String()).canonical()
	case jsontext.KindString:
		return `"` + token.String()
	default:
		return token.String()
	}
}

// Terms returns the terms of an entry, each once, in no order. An entry with more than MaxTerms or MaxTermBytes has none, and
// partial says so.
func Terms(e *Entry) (terms []string, partial bool) {
	c := collector{seen: map[string]struct{}{}}
	c.text(e.Summary)
	c.payload(Request, e.Request)
	c.payload(Response, e.Response)
	if c.over {
		return nil, true
	}
	terms = make([]string, 0, len(c.seen))
	for term := range c.seen {
		terms = append(terms, term)
	}
	return terms, false
}

// collector gathers terms.
type collector struct {
	seen  map[string]struct{}
	bytes int
	over  bool
}

func (c *collector) add(term string) {
	if _, ok := c.seen[term]; ok {
		return
	}
	c.seen[term] = struct{}{}
	c.bytes += len(term)
	c.over = c.over || len(c.seen) > MaxTerms || c.bytes > MaxTermBytes
}

func (c *collector) text(text string) {
	eachWord(folded(text), func(word string) bool {
		c.add(termOf(word))
		return !c.over
	})
}

func (c *collector) payload(side Side, p *model.Payload) {
	if p != nil && !c.over {
		_ = walk(*p, root(side), c) // what is stored is JSON
	}
}

// level is a container on the way through a payload.
type level struct {
	place place
	array bool
	named bool
	child place // of an object: where the next value is
}

// walk gives a collector all places, scalars and texts of a payload.
func walk(p model.Payload, at place, c *collector) error {
	dec := decoder(p)
	var levels []level
	for !c.over {
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		kind := token.Kind()
		if kind == jsontext.KindEndObject || kind == jsontext.KindEndArray {
			if levels = levels[:len(levels)-1]; len(levels) == 0 {
				return nil
			}
			continue
		}
		if n := len(levels); n > 0 {
			l := &levels[n-1]
			switch {
			case l.array:
				at = l.place.element()
			case !l.named:
				l.named, l.child = true, l.place.member(token.String())
				c.text(token.String())
				continue
			default:
				at, l.named = l.child, false
			}
		}
		c.add(hashTerm(existsTerm, at))
		if kind == jsontext.KindBeginObject || kind == jsontext.KindBeginArray {
			levels = append(levels, level{place: at, array: kind == jsontext.KindBeginArray})
			continue
		}
		c.text(token.String())
		c.add(hashTerm(equalsTerm, at.value(scalarText(token))))
		if len(levels) == 0 {
			return nil
		}
	}
	return nil
}
