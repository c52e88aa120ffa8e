package redaction

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"samjournal/internal/model"
)

// Marker is the string that takes the place of a secret.
const Marker = "[REDACTED]"

// MaxPaths is how many masked places are reported one by one; of more, or of some whose pointers are together longer than
// about a mebibyte, only "", the whole payload, is reported.
const MaxPaths = 4096

const pointerRoom = 4 << 20 // counted while they are built, so several times their length

// Part is the half of an entry that a payload belongs to.
type Part uint8

// The parts of an entry.
const (
	Request Part = iota
	Response
)

// Match is one masked place: a JSON Pointer into the payload and the rule that found the secret, never the secret.
type Match struct {
	Pointer string
	Rule    string
}

// Redactor masks secrets by its rules. It is immutable and safe for concurrent use.
type Redactor struct {
	names      *names
	text       *textPatterns
	values     []*regexp.Regexp
	whole      map[model.Thing]bool
	wholeKinds map[string]bool // lower case, as the kind of a manifest
}

// Redact returns the payload with its secrets masked and JSON Pointers to the masked places, in the order of the document. A
// payload without secrets comes back as it is, with no pointers. Redacting a result again changes and reports nothing. The
// error says that p is not a payload; nothing may be stored then.
func (r *Redactor) Redact(thing model.Thing, part Part, p model.Payload) (model.Payload, []string, error) {
	edits, tooMany, err := r.edits(thing, part, p)
	if err != nil || len(edits) == 0 {
		return p, nil, err
	}
	pointers := []string{""}
	if !tooMany {
		pointers = make([]string, len(edits))
		for i, e := range edits {
			pointers[i] = e.pointer
		}
	}
	return model.Payload(apply([]byte(p), edits)), pointers, nil
}

// Explain returns what Redact would mask and why: for each place the rules that found something there.
func (r *Redactor) Explain(thing model.Thing, part Part, p model.Payload) ([]Match, error) {
	edits, _, err := r.edits(thing, part, p)
	if err != nil {
		return nil, err
	}
	matches := make([]Match, 0, len(edits))
	for _, e := range edits {
		for _, rule := range e.rules {
			matches = append(matches, Match{Pointer: e.pointer, Rule: rule})
		}
	}
	return matches, nil
}

func (r *Redactor) edits(thing model.Thing, part Part, p model.Payload) (edits []edit, tooMany bool, err error) {
	s := &scanner{r: r, in: []byte(p), pointers: true, room: pointerRoom}
	if r.whole[thing] {
		s.envelope = newEnvelope(thing, part)
	}
	if err := s.scan(); err != nil {
		return nil, false, fmt.Errorf("redact: %w", err)
	}
	edits = s.finish()
	return edits, s.room < 0 || len(edits) > MaxPaths, nil
}

// edit replaces one value of the text that is scanned.
type edit struct {
	start, end int
	with       []byte // a JSON value; nil is the marker
	pointer    string
	rules      []string
}

// finish puts the edits into the order of the text and drops those inside others: the outer one masks them too.
func (s *scanner) finish() []edit {
	slices.SortFunc(s.edits, func(a, b edit) int {
		if a.start != b.start {
			return a.start - b.start
		}
		if a.end == b.end && (a.with == nil) != (b.with == nil) {
			if a.with == nil {
				return -1 // the whole value before a part of it
			}
			return 1
		}
		return b.end - a.end
	})
	kept, end := s.edits[:0], -1
	for _, e := range s.edits {
		if e.start >= end {
			kept, end = append(kept, e), e.end
		}
	}
	return kept
}

func apply(in []byte, edits []edit) []byte {
	out := make([]byte, 0, len(in)+len(edits)*len(Marker))
	at := 0
	for _, e := range edits {
		out = append(out, in[at:e.start]...)
		if e.with != nil {
			out = append(out, e.with...)
		} else {
			out = append(out, `"`+Marker+`"`...)
		}
		at = e.end
	}
	return append(out, in[at:]...)
}

// maxNesting is how many strings deep JSON inside JSON strings is read as JSON.
const maxNesting = 3

// maskString masks the secrets in a text until nothing more is found, and returns nil if there were none. A text that does not
// come to rest, which would take one made for it, is masked whole.
func (r *Redactor) maskString(text []byte, nesting int, buffers *buffers) ([]byte, []string) {
	const passes = 8
	var rules []string
	changed := false
	for range passes {
		next, found := r.maskOnce(text, nesting, buffers)
		if next == nil {
			if !changed {
				return nil, nil
			}
			return text, rules
		}
		for _, rule := range found {
			if !slices.Contains(rules, rule) {
				rules = append(rules, rule)
			}
		}
		text, changed = next, true
	}
	return []byte(Marker), rules
}

func (r *Redactor) maskOnce(text []byte, nesting int, buffers *buffers) ([]byte, []string) {
	if nesting < maxNesting && looksLikeJSON(text) {
		inner := &scanner{r: r, in: text, nesting: nesting + 1}
		if inner.scan() == nil {
			edits := inner.finish()
			if len(edits) == 0 {
				return nil, nil
			}
			var rules []string
			for _, e := range edits {
				for _, rule := range e.rules {
					rules = append(rules, "json string, "+strings.TrimPrefix(rule, "json string, "))
				}
			}
			return apply(text, edits), rules
		}
	}
	return r.maskText(text, buffers)
}

// looksLikeJSON tells whether reading the text as JSON is worth the attempt.
func looksLikeJSON(text []byte) bool {
	for i, c := range text {
		switch c {
		case ' ', '\t', '\r', '\n':
		case '{', '[':
			return true
		case '"':
			return len(text) > i+2
		default:
			return false
		}
	}
	return false
}

// quote gives text as a JSON string.
func quote(text []byte) []byte {
	quoted, err := jsontext.AppendQuote(nil, text)
	if err != nil {
		return []byte(`"` + Marker + `"`) // not UTF-8: not from a payload
	}
	return quoted
}
