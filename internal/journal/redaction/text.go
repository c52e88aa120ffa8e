package redaction

import (
	"bytes"
	"slices"
	"strings"
)

// span is a part of a text that is masked.
type span struct {
	start, end int
	rule       string
}

// textPatterns are the beginnings that make a closer look at a text worth while, found in one pass.
type textPatterns struct {
	find  *automaton
	looks []look
	sizes []int
}

// look examines the text around t[start:end], where its pattern was found, and gives the span to mask, if any. A span does not
// begin before start.
type look func(r *Redactor, b *buffers, t []byte, start, end int) (span, bool)

func newTextPatterns() *textPatterns {
	p := &textPatterns{}
	var texts []string
	add := func(text string, l look) {
		texts, p.looks, p.sizes = append(texts, text), append(p.looks, l), append(p.sizes, len(text))
	}
	add("=", lookAssignment)
	add("%3d", lookAssignment)
	add(":", lookColon)
	add("%3a", lookColon)
	add(">", lookElement)
	add("--", lookOption)
	for _, scheme := range []string{"bearer", "token", "basic", "apikey"} {
		add(scheme, lookScheme)
	}
	add("eyj", lookJWT)
	add("-----begin", lookPEM)
	for _, known := range knownKeys() {
		add(strings.ToLower(known.prefix), known.look)
	}
	p.find = newAutomaton(texts, true)
	return p
}

// maskText masks the secrets in a text that is not read as JSON; nil if there are none.
func (r *Redactor) maskText(t []byte, b *buffers) ([]byte, []string) {
	spans := r.scanText(t, b)
	if len(spans) == 0 {
		return nil, nil
	}
	out := make([]byte, 0, len(t)+len(spans)*len(Marker))
	rules := make([]string, 0, len(spans))
	at := 0
	for _, s := range spans {
		out = append(append(out, t[at:s.start]...), Marker...)
		at = s.end
		rules = append(rules, s.rule)
	}
	return append(out, t[at:]...), rules
}

func (r *Redactor) scanText(t []byte, b *buffers) []span {
	spans := b.spans[:0]
	b.manifest = manifestUnknown
	find, state := r.text.find, uint32(0)
	for i := 0; i < len(t); i++ {
		state = find.step(state, t[i])
		if state&accepting == 0 {
			continue
		}
		for _, id := range find.found(state) {
			s, ok := r.text.looks[id](r, b, t, i+1-r.text.sizes[id], i+1)
			if !ok || s.start >= s.end || string(t[s.start:s.end]) == Marker {
				continue
			}
			spans = append(spans, s)
			i, state = s.end-1, 0
			break
		}
	}
	if len(r.values) > 0 {
		spans = r.addConfigured(t, spans)
	}
	b.spans = spans
	return spans
}

// addConfigured adds what the configured patterns match, outside markers, and joins spans that overlap.
func (r *Redactor) addConfigured(t []byte, spans []span) []span {
	for _, re := range r.values {
		for _, m := range re.FindAllIndex(t, -1) {
			if m[0] < m[1] && !insideMarker(t, m[0], m[1]) {
				spans = append(spans, span{m[0], m[1], "pattern " + re.String()})
			}
		}
	}
	slices.SortFunc(spans, func(a, b span) int {
		if a.start != b.start {
			return a.start - b.start
		}
		return b.end - a.end
	})
	joined := spans[:0]
	for _, s := range spans {
		if last := len(joined) - 1; last >= 0 && s.start < joined[last].end {
			joined[last].end = max(joined[last].end, s.end)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

func insideMarker(t []byte, start, end int) bool {
	from := max(0, end-len(Marker))
	at := bytes.Index(t[from:min(len(t), start+len(Marker))], []byte(Marker))
	return at >= 0 && from+at <= start && end <= from+at+len(Marker)
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// isNameByte tells whether c can be part of a name in text: user[password], x-api-key, $TOKEN, api%5Fkey, contraseña.
func isNameByte(c byte) bool {
	return isAlnum(c) || c == '_' || c == '-' || c == '.' || c == '%' || c == '$' || c == '[' || c >= 0x80
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

// looksSecret tells whether a word in the middle of prose looks like a secret and not like a word.
func looksSecret(word []byte) bool {
	digits, inner, separators := false, false, false
	lower := false
	for _, c := range word {
		switch {
		case '0' <= c && c <= '9':
			digits = true
		case 'a' <= c && c <= 'z':
			lower = true
		case 'A' <= c && c <= 'Z':
			inner = inner || lower
		default:
			separators = true
		}
	}
	switch {
	case bytes.Contains(word, []byte("://")):
		return false // an address; its own secrets are found by other rules
	case digits:
		return len(word) >= 6
	case inner:
		return len(word) >= 8
	}
	return len(word) >= 20 && !separators
}
