package redaction

import (
	"bytes"
	"net/url"
	"strings"
)

// lookAssignment handles what follows "=" (or its escape in an address): query strings, forms, cookies, shell, Python, INI, and
// the => of Ruby and PHP.
func lookAssignment(r *Redactor, b *buffers, t []byte, start, end int) (span, bool) {
	if t[start] == '=' {
		if start > 0 && strings.IndexByte("=!<>~", t[start-1]) >= 0 || end < len(t) && t[end] == '=' {
			return span{}, false // a comparison
		}
		if end < len(t) && t[end] == '>' {
			end++
		}
	}
	left := start
	if left > 0 && (t[left-1] == ':' || t[left-1] == '+') {
		left--
	}
	name, _, _ := nameBefore(t, left)
	v, rule := r.classifyText(b, name)
	if v == ordinary {
		return span{}, false
	}
	from := skipBlanks(t, end)
	s, quoted := quotedValue(t, from)
	if !quoted {
		s = span{start: from, end: from}
		for s.end < len(t) && !endsAssigned(t, s.end) {
			s.end++
		}
	}
	return masked(t, s, v, rule)
}

// endsAssigned tells whether an unquoted value ends before t[i]. Closing brackets and commas belong to the value: masking a
// little more is the safe side.
func endsAssigned(t []byte, i int) bool {
	switch c := t[i]; {
	case isSpace(c), c == '&', c == ';', c == '<':
		return true
	case c == '\\':
		return i+1 < len(t) && (isQuote(t[i+1]) || t[i+1] == 'n' || t[i+1] == 'r')
	case isQuote(c):
		// A closing quote is followed by punctuation or nothing, one inside a password by more of it.
		return i+1 == len(t) || !isAlnum(t[i+1])
	}
	return false
}

// masked gives the span unless there is nothing to hide in it.
func masked(t []byte, s span, v verdict, rule string) (span, bool) {
	value := t[s.start:s.end]
	if v == counted && isDigits(value) {
		return span{}, false
	}
	switch strings.ToLower(string(value)) {
	case "", "null", "none", "nil", "true", "false", "undefined", "[]", "{}":
		return span{}, false
	}
	s.rule = "text, name " + rule
	return s, true
}

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// nameBefore gives the name that ends at t[i], behind blanks, closing brackets and quotes; where it begins; and whether it is
// quoted. A quoted name may have blanks in it.
func nameBefore(t []byte, i int) (name []byte, start int, quoted bool) {
	const most, longest = 8, 128 // blanks and closers between a name and its delimiter; bytes of a name
	quote := byte(0)
	for n := 0; i > 0 && n < most && strings.IndexByte(" \t])\\\"'`", t[i-1]) >= 0; n++ {
		if isQuote(t[i-1]) {
			quote = t[i-1]
		}
		i--
	}
	if quote != 0 {
		from := max(0, i-longest)
		if open := bytes.LastIndexByte(t[from:i], quote); open >= 0 {
			return t[from+open+1 : i], from + open + 1, true
		}
	}
	start = i
	for start > 0 && i-start < longest && isNameByte(t[start-1]) {
		start--
	}
	return t[start:i], start, quote != 0
}

func (r *Redactor) classifyText(b *buffers, name []byte) (verdict, string) {
	if len(name) == 0 {
		return ordinary, ""
	}
	if bytes.IndexByte(name, '%') >= 0 {
		if plain, err := url.PathUnescape(string(name)); err == nil {
			name = []byte(plain)
		}
	}
	return r.names.classify(&b.form, name)
}

func skipBlanks(t []byte, i int) int {
	for i < len(t) && (t[i] == ' ' || t[i] == '\t') {
		i++
	}
	return i
}

// quotedValue gives the content of the quoted string that begins at t[i], with the prefixes of Python (b"…"), tripled quotes,
// and the backslashes that quotes have inside other strings. Without a closing quote it ends with the line.
func quotedValue(t []byte, i int) (span, bool) {
	q := i
	for q < len(t) && q-i < 2 && strings.IndexByte("bBrRuUfF", t[q]) >= 0 {
		q++
	}
	open := q
	for q < len(t) && t[q] == '\\' {
		q++
	}
	if q >= len(t) || !isQuote(t[q]) {
		return span{}, false
	}
	mark := t[open : q+1]
	if tripled := bytes.Repeat(mark, 3); bytes.HasPrefix(t[open:], tripled) {
		mark = tripled
	}
	from := open + len(mark)
	for at := from; at < len(t); at++ {
		if bytes.HasPrefix(t[at:], mark) {
			return span{start: from, end: at}, true
		}
		if t[at] == '\\' {
			at++ // escaped, so not the end; with a mark of n backslashes a longer run is a deeper quote
			for len(mark) > 1 && mark[0] == '\\' && at < len(t) && t[at] == '\\' {
				at++
			}
		}
	}
	stop := len(t)
	if newline := bytes.IndexByte(t[from:], '\n'); newline >= 0 {
		stop = from + newline
	}
	return span{start: from, end: stop}, true
}

// lookElement handles <password>…</password>.
func lookElement(r *Redactor, b *buffers, t []byte, start, end int) (span, bool) {
	const longestTag = 128
	open := bytes.LastIndexByte(t[max(0, start-longestTag):start], '<')
	if open < 0 {
		return span{}, false
	}
	open += max(0, start-longestTag) + 1
	stop := open
	for stop < start && (isNameByte(t[stop]) || t[stop] == ':') {
		stop++
	}
	v, rule := r.classifyText(b, t[open:stop])
	if v == ordinary || t[start-1] == '/' {
		return span{}, false
	}
	s := span{start: end, end: len(t)}
	if cdata := []byte("<![CDATA["); bytes.HasPrefix(t[end:], cdata) {
		s.start += len(cdata)
		if at := bytes.Index(t[s.start:], []byte("]]>")); at >= 0 {
			s.end = s.start + at
		}
	} else if at := bytes.IndexByte(t[end:], '<'); at >= 0 {
		s.end = end + at
	}
	if len(bytes.TrimSpace(t[s.start:s.end])) == 0 {
		return span{}, false
	}
	return masked(t, s, v, rule)
}

// lookOption handles --password …; --password=… is an assignment.
func lookOption(r *Redactor, b *buffers, t []byte, start, end int) (span, bool) {
	if start > 0 && !isSpace(t[start-1]) && !isQuote(t[start-1]) || end >= len(t) || !isAlnum(t[end]) {
		return span{}, false
	}
	stop := end
	for stop < len(t) && isNameByte(t[stop]) {
		stop++
	}
	v, rule := r.classifyText(b, t[end:stop])
	from := skipBlanks(t, stop)
	if v == ordinary || from == stop || from < len(t) && t[from] == '-' {
		return span{}, false
	}
	s, quoted := quotedValue(t, from)
	if !quoted {
		s = span{start: from, end: from}
		for s.end < len(t) && !isSpace(t[s.end]) {
			s.end++
		}
	}
	return masked(t, s, v, rule)
}
