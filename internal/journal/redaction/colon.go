package redaction

import (
	"bytes"
	"strings"
)

// lookColon handles what follows ":" in text: addresses, headers, YAML, the literals of Python and JavaScript, broken JSON, and
// prose, where only a word that looks like a secret is masked.
func lookColon(r *Redactor, b *buffers, t []byte, start, end int) (span, bool) {
	if bytes.HasPrefix(t[end:], []byte("//")) {
		return lookAddress(t, end)
	}
	name, from, quoted := nameBefore(t, start)
	if isManifestBody(name) && r.inWholeManifest(b, t) {
		if place, _ := placeOf(t, from); place == atLineStart {
			s, ok := masked(t, lineValue(t, from, end), secret, "")
			s.rule = "text, kind of a manifest"
			return s, ok
		}
	}
	v, rule := r.classifyText(b, name)
	if v == ordinary {
		return span{}, false
	}
	var s span
	switch place, quote := placeOf(t, from); {
	case quoted:
		s = inlineValue(t, end)
	case place == atLineStart:
		s = lineValue(t, from, end)
	case place == afterQuote:
		s = untilQuote(t, end, quote)
	case place == afterBracket:
		s = inlineValue(t, end)
	default:
		s = wordAfter(t, end)
		if !looksSecret(t[s.start:s.end]) {
			return span{}, false
		}
	}
	return masked(t, s, v, rule)
}

// inWholeManifest tells whether the text is YAML with a line such as "kind: Secret". It looks once at each text.
func (r *Redactor) inWholeManifest(b *buffers, t []byte) bool {
	if b.manifest == manifestUnknown {
		b.manifest = manifestOther
		for line := range bytes.Lines(t) {
			kind, found := bytes.CutPrefix(bytes.TrimSpace(line), []byte("kind:"))
			if found && r.wholeKinds[strings.ToLower(string(bytes.Trim(kind, " \t\"'")))] {
				b.manifest = manifestWhole
			}
		}
	}
	return b.manifest == manifestWhole
}

// manifest is what is known of the text that is scanned.
type manifest uint8

const (
	manifestUnknown manifest = iota
	manifestOther
	manifestWhole
)

type place int

const (
	inProse place = iota
	atLineStart
	afterQuote
	afterBracket
)

// placeOf tells what a name that begins at t[i] comes after, and the quote where it is one.
func placeOf(t []byte, i int) (place, byte) {
	for i > 0 && (t[i-1] == ' ' || t[i-1] == '\t' || t[i-1] == '-') {
		i--
	}
	switch {
	case i == 0, t[i-1] == '\n', t[i-1] == '\r':
		return atLineStart, 0
	case isQuote(t[i-1]):
		return afterQuote, t[i-1]
	case strings.IndexByte("{[(,;&?|<", t[i-1]) >= 0:
		return afterBracket, 0
	}
	return inProse, 0
}

// inlineValue is a value among others: quoted, in brackets, or up to the next delimiter.
func inlineValue(t []byte, i int) span {
	i = skipBlanks(t, i)
	if s, ok := quotedValue(t, i); ok {
		return s
	}
	if i < len(t) && (t[i] == '{' || t[i] == '[' || t[i] == '(') {
		return span{start: i, end: bracketEnd(t, i)}
	}
	stop := i
	for stop < len(t) && strings.IndexByte(",;}])&\n\r", t[stop]) < 0 {
		stop++
	}
	return trimmed(t, i, stop)
}

// bracketEnd is where the bracket that opens at t[i] is closed, brackets in quotes apart; the end of the text if nowhere.
func bracketEnd(t []byte, i int) int {
	depth := 0
	for ; i < len(t); i++ {
		switch t[i] {
		case '{', '[', '(':
			depth++
		case '}', ']', ')':
			depth--
			if depth == 0 {
				return i + 1
			}
		case '"', '\'':
			if s, ok := quotedValue(t, i); ok {
				i = s.end // also of an unclosed one, so that each byte is read once
			}
		}
	}
	return len(t)
}

// untilQuote is the rest of a quoted header line: 'X-Api-Key: …'.
func untilQuote(t []byte, i int, quote byte) span {
	stop := i
	for stop < len(t) && t[stop] != quote && t[stop] != '\n' {
		stop++
	}
	return trimmed(t, skipBlanks(t, i), stop)
}

func wordAfter(t []byte, i int) span {
	i = skipBlanks(t, i)
	if s, ok := quotedValue(t, i); ok {
		return s
	}
	stop := i
	for stop < len(t) && !isSpace(t[stop]) && strings.IndexByte(",;)}]>\"'", t[stop]) < 0 {
		stop++
	}
	return span{start: i, end: stop}
}

func trimmed(t []byte, start, end int) span {
	start = min(start, end)
	return span{start: start, end: start + len(bytes.TrimRight(t[start:end], " \t\r"))}
}

// lineValue is the rest of a header or YAML line and, where that is empty or announces a block, the lines that belong to it:
// those indented further than the name, and list items at its own indentation.
func lineValue(t []byte, name, i int) span {
	s := trimmed(t, skipBlanks(t, i), lineEnd(t, i))
	if value := t[s.start:s.end]; len(value) > 0 && value[0] != '|' && value[0] != '>' {
		return s
	}
	list := s.start == s.end
	column := name - (bytes.LastIndexByte(t[:name], '\n') + 1)
	for next := lineEnd(t, i); next < len(t); {
		line := t[next+1 : lineEnd(t, next+1)]
		body := bytes.TrimLeft(line, " \t")
		indent := len(line) - len(body)
		item := list && indent == column && bytes.HasPrefix(body, []byte("- "))
		if len(bytes.TrimSpace(body)) > 0 && indent <= column && !item {
			break
		}
		if next = lineEnd(t, next+1); len(bytes.TrimSpace(body)) > 0 {
			s.end = next
		}
	}
	return s
}

func lineEnd(t []byte, i int) int {
	if at := bytes.IndexByte(t[i:], '\n'); at >= 0 {
		return i + at
	}
	return len(t)
}
