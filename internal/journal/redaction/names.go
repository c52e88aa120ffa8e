package redaction

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// verdict is what a name says about its value.
type verdict uint8

const (
	ordinary verdict = iota
	secret
	counted // secret unless the value is a number: the plural tokens
)

// nameRule is one entry of Rules.Names or Rules.Except.
type nameRule struct {
	text        string // normal form
	label       string // as written, for Explain
	wordStart   bool   // must begin and end at words
	whole       bool   // must be all of the name
	exception   bool
	isTokenRule bool
}

// names decides whether a name is that of a secret. It is immutable.
type names struct {
	rules []nameRule
	find  *automaton
	fold  [256]byte
}

const maxRules = 1000

func newNames(masked, except []string) (*names, error) {
	n := &names{fold: foldTable()}
	if len(masked)+len(except) > maxRules {
		return nil, fmt.Errorf("redaction: %d names, at most %d", len(masked)+len(except), maxRules)
	}
	for _, rule := range masked {
		if err := n.add(rule, false); err != nil {
			return nil, fmt.Errorf("redaction: name %q: %w", rule, err)
		}
	}
	for _, rule := range except {
		if err := n.add(rule, true); err != nil {
			return nil, fmt.Errorf("redaction: exception %q: %w", rule, err)
		}
	}
	texts := make([]string, len(n.rules))
	for i, rule := range n.rules {
		texts[i] = rule.text
	}
	n.find = newAutomaton(texts, false)
	return n, nil
}

func (n *names) add(written string, exception bool) error {
	rule := nameRule{label: written, exception: exception, wordStart: true}
	body := strings.TrimSpace(written)
	switch {
	case strings.HasPrefix(body, "="):
		rule.whole, body = true, body[1:]
	case len(body) > 2 && strings.HasPrefix(body, "*") && strings.HasSuffix(body, "*"):
		rule.wordStart, body = false, body[1:len(body)-1]
	}
	if strings.ContainsAny(body, "*=") {
		return errors.New(`write it as "*part*", "words" or "=whole"`)
	}
	var form normalForm
	form.set([]byte(body))
	rule.text = string(form.text)
	switch {
	case rule.text == "":
		return errors.New("it has no letter or digit")
	case len(rule.text) > 64:
		return errors.New("it is longer than 64 letters and digits")
	case !rule.wordStart && len(rule.text) < 3:
		return errors.New("fewer than three letters would match almost anywhere; use whole words")
	case strings.ContainsRune(rule.text, other):
		return errors.New("letters beyond a to z (after removal of accents) are not supported")
	}
	rule.isTokenRule = rule.text == "token"
	n.rules = append(n.rules, rule)
	return nil
}

// other stands for a letter that no rule can name.
const other = 0x7f

// normalForm is a name as rules see it, and where its words begin. Its buffers are reused from name to name.
type normalForm struct {
	text   []byte
	starts []bool // starts[i]: a word begins at text[i]
}

// set takes a name: camelCase, digits and anything that is neither letter nor digit separate words.
func (f *normalForm) set(name []byte) {
	f.text, f.starts = f.text[:0], f.starts[:0]
	if !isASCII(name) {
		name = foldName(name)
	}
	const (
		none = iota
		lower
		upper
		digit
	)
	last := none
	for i, c := range name {
		var kind int
		switch {
		case 'a' <= c && c <= 'z' || c == other:
			kind = lower
		case 'A' <= c && c <= 'Z':
			kind, c = upper, c-'A'+'a'
		case '0' <= c && c <= '9':
			kind = digit
		default:
			last = none
			continue
		}
		acronymEnds := kind == upper && last == upper && i+1 < len(name) && 'a' <= name[i+1] && name[i+1] <= 'z'
		starts := last == none || kind != last && (last != upper || kind != lower) || acronymEnds
		f.text, f.starts = append(f.text, c), append(f.starts, starts)
		last = kind
	}
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// foldName resolves compatibility forms (ｐａｓｓ) and accents (contraseña); other letters beyond ASCII become other.
func foldName(name []byte) []byte {
	folded := make([]byte, 0, len(name))
	for _, r := range string(norm.NFKD.Bytes(name)) {
		switch {
		case r < utf8.RuneSelf:
			folded = append(folded, byte(r)) //nolint:gosec // ASCII
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Cf, r):
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			folded = append(folded, other)
		default:
			folded = append(folded, ' ')
		}
	}
	return folded
}

func (f *normalForm) isWords(start, end int) bool {
	return f.starts[start] && (end == len(f.text) || f.starts[end])
}

// classify says what the name is and by which rule. f is the caller's buffer.
func (n *names) classify(f *normalForm, name []byte) (verdict, string) {
	if !n.mayMatch(name) {
		return ordinary, ""
	}
	f.set(name)
	return n.judge(f)
}

// mayMatch runs over the name as written and tells whether a closer look is worth while. Most names end here.
func (n *names) mayMatch(name []byte) bool {
	state := uint32(0)
	for _, c := range name {
		switch folded := n.fold[c]; folded {
		case foldSkip:
		case foldUnknown:
			return true
		default:
			if state = n.find.step(state, folded); state&accepting != 0 {
				return true
			}
		}
	}
	return false
}

const (
	foldSkip    = 0    // neither letter nor digit
	foldUnknown = 0xff // beyond ASCII
)

// foldTable maps the bytes of a name to those of its normal form.
func foldTable() (table [256]byte) {
	for c := range table {
		b := byte(c)
		switch {
		case 'A' <= b && b <= 'Z':
			table[c] = b - 'A' + 'a'
		case isAlnum(b):
			table[c] = b
		case b >= utf8.RuneSelf:
			table[c] = foldUnknown
		}
	}
	return table
}

// longestName is the number of letters up to which a name with something secret in it is looked at closely.
const longestName = 1024

// hit is a place where a rule matches a name.
type hit struct {
	start, end int
	rule       *nameRule
}

func (n *names) judge(f *normalForm) (verdict, string) {
	if len(f.text) > longestName {
		return secret, "too long to tell"
	}
	var masked, excepted []hit
	state := uint32(0)
	for i, c := range f.text {
		state = n.find.step(state, c)
		for _, id := range n.find.found(state) {
			h := hit{start: i + 1 - len(n.rules[id].text), end: i + 1, rule: &n.rules[id]}
			switch {
			case h.rule.whole && (h.start != 0 || h.end != len(f.text)):
			case h.rule.wordStart && !f.isWords(h.start, h.end):
			case h.rule.exception:
				excepted = append(excepted, h)
			default:
				masked = append(masked, h)
			}
		}
	}
	result, label := ordinary, ""
	for _, h := range masked {
		if h.insideAny(excepted) {
			continue
		}
		if v := f.judgeTail(h); v != ordinary && (result == ordinary || v == secret) {
			result, label = v, h.rule.label
		}
	}
	return result, label
}

func (h hit) insideAny(excepted []hit) bool {
	for _, e := range excepted {
		if e.start <= h.start && h.end <= e.end {
			return true
		}
	}
	return false
}

// judgeTail looks at what follows the secret's name: password_changed_at is about a password, not one.
func (f *normalForm) judgeTail(h hit) verdict {
	tail := f.text[h.end:]
	plural := len(tail) > 0 && tail[0] == 's' && (len(tail) == 1 || f.starts[h.end+1])
	if plural {
		tail = tail[1:]
	}
	if start := len(f.text) - len(tail); start < len(f.text) && f.starts[start] && f.isAbout(start) {
		return ordinary
	}
	if plural && h.rule.isTokenRule {
		return counted
	}
	return secret
}

// isAbout tells whether the words from start to the end all say that the value describes a secret. Words that the writer did
// not separate are one word, so "passwordchangedat" is not recognised: masking is the safe side.
func (f *normalForm) isAbout(start int) bool {
	for start < len(f.text) {
		end := start + 1
		for end < len(f.text) && !f.starts[end] {
			end++
		}
		if !aboutWord(string(f.text[start:end])) {
			return false
		}
		start = end
	}
	return true
}

func aboutWord(word string) bool {
	switch word {
	case "at", "on", "date", "time", "timestamp", "expires", "expire", "expired", "expiry", "expiration", "created", "updated",
		"changed", "modified", "rotated", "issued", "last", "lifetime", "ttl", "age", "until", "since", "in",
		"count", "counts", "limit", "limits", "length", "len", "size", "min", "max", "used", "usage", "budget", "remaining", "rate",
		"per", "second", "seconds", "minute", "minutes", "hour", "hours", "day", "days", "attempts", "retries",
		"type", "types", "kind", "name", "names", "policy", "policies", "algorithm", "status", "state", "enabled", "disabled",
		"required", "valid", "validity", "verified", "strength", "format", "encoding", "provider", "scope", "scopes", "domain",
		"samesite", "httponly", "secure", "consent", "banner", "label", "description":
		return true
	}
	return false
}
