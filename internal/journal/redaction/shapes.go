package redaction

import (
	"bytes"
	"strings"

	"samjournal/internal/model"
)

// noticeShape draws conclusions from a string value for its neighbours: the name of a pair, the kind of a manifest, the header
// or option before its value in a list.
func (s *scanner) noticeShape(top *frame, content []byte) {
	if top.array {
		if rule := s.secretName(content); rule != "" {
			nested := top.index == 0 && len(s.frames) > 1 && s.frames[len(s.frames)-2].array
			option := bytes.HasPrefix(content, []byte("--"))
			if nested || option || top.flat && top.index%2 == 0 {
				top.next = "pair, name " + rule
			}
		}
		return
	}
	switch {
	case isPairName(s.lowerName(top)):
		if rule := s.secretName(content); rule != "" {
			top.pair = "pair, name " + rule
		}
	case string(s.plainName(top)) == "kind":
		top.kind = len(content) <= 64 && s.r.wholeKinds[strings.ToLower(string(content))]
	}
}

// secretName returns the rule by which content, a value, names a secret; "" if it does not or does not look like a name.
func (s *scanner) secretName(content []byte) string {
	const longestName = 128
	if len(content) > longestName {
		return ""
	}
	for _, c := range content {
		if c < 0x80 && !isNameByte(c) && c != ' ' && c != ']' && c != '/' || c == '[' && bytes.Contains(content, []byte(Marker)) {
			return ""
		}
	}
	if v, rule := s.r.names.classify(&s.buffers.form, content); v != ordinary {
		return rule
	}
	return ""
}

// nextElement moves an array on. The rule for the next element was set by the one before it and holds for one element.
func (s *scanner) nextElement(top *frame) {
	top.index++
	if top.verdict == secret {
		top.next, top.verdict = "", ordinary
	} else if top.next != "" {
		top.verdict = secret // spent after the next element
	}
}

// remember keeps a member whose secrecy depends on members that may come later.
func (s *scanner) remember(top *frame, value text) {
	if body := isManifestBody(s.plainName(top)); body || isPairValue(s.lowerName(top)) {
		top.later = append(top.later, member{name: top.name, value: value, body: body})
	}
}

func (s *scanner) closeObject(top *frame, end int) {
	if top.nameTells {
		s.add(edit{
			start: top.start, end: end, pointer: s.pointer(len(s.frames) - 1), rules: []string{"secret in a member name"},
		})
		return
	}
	for _, m := range top.later {
		var rule string
		switch {
		case m.body && top.kind:
			rule = "kind of a manifest"
		case !m.body && top.pair != "":
			rule = top.pair
		default:
			continue
		}
		top.name = m.name
		s.mask(m.value, s.pointer(len(s.frames)), rule)
	}
}

// plainName is the current member's name as written; one that is long or has escapes is no name that the shapes know.
func (s *scanner) plainName(top *frame) []byte {
	if top.name.end-top.name.start > longestShapeName+2 {
		return nil
	}
	return s.in[top.name.start+1 : top.name.end-1]
}

// lowerName is plainName in lower case; it is valid until the next call.
func (s *scanner) lowerName(top *frame) []byte {
	name := s.buffers.lower[:0]
	for _, c := range s.plainName(top) {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		name = append(name, c)
	}
	return name
}

const longestShapeName = 16

func (s *scanner) namesHeaders(parent *frame) bool {
	s.buffers.form.set(s.unquote(parent.name))
	return bytes.Contains(s.buffers.form.text, []byte("headers"))
}

func isPairName(name []byte) bool {
	switch string(name) {
	case "name", "key", "header", "field", "param", "parameter", "variable", "var", "setting", "option", "attribute", "property",
		"k", "n", "id", "label", "path":
		return true
	}
	return false
}

func isPairValue(name []byte) bool {
	switch string(name) {
	case "value", "values", "val", "v", "old", "new", "from", "to", "before", "after", "oldvalue", "newvalue", "old_value",
		"new_value", "current", "previous", "default", "stringvalue", "string_value":
		return true
	}
	return false
}

func isManifestBody(name []byte) bool {
	switch string(name) {
	case "spec", "data", "stringData":
		return true
	}
	return false
}

// envelope tells what is left of a payload whose whole body is secret.
type envelope struct {
	part Part
	rule string
	// shaped is set when the payload has the members by which Smarter's envelope is known; without them all of it is body.
	shaped bool
	method bool
}

func newEnvelope(thing model.Thing, part Part) *envelope {
	return &envelope{part: part, rule: "whole body of " + string(thing)}
}

// holds tells whether the current member is part of the body.
func (e *envelope) holds(s *scanner, top *frame) bool {
	if len(s.frames) > 1 {
		return string(s.lowerName(top)) == "query_string"
	}
	name := string(s.plainName(top))
	if e.part == Request {
		switch name {
		case "method":
			e.method = true
			return false
		case "url", "path":
			e.shaped = true
			return false
		case "encoding", "content_type", "user", "META", "COOKIES":
			return false
		}
		return true
	}
	switch name {
	case "data", "error":
		e.shaped = true
		return true
	case "api", "thing", "metadata", "message":
		return false
	}
	return true
}

// cutsQuery tells whether content is the request's address and has a query, which repeats the body's GET.
func (e *envelope) cutsQuery(s *scanner, top *frame, content []byte) bool {
	if e.part != Request || len(s.frames) != 1 || top.array {
		return false
	}
	switch string(s.plainName(top)) {
	case "url", "path":
		_, query, found := bytes.Cut(content, []byte("?"))
		return found && len(query) > 0 && string(query) != Marker
	}
	return false
}

// finish masks a payload of another shape as a whole.
func (e *envelope) finish(s *scanner, at text) {
	if e.shaped && (e.part == Response || e.method) {
		return
	}
	s.edits = s.edits[:0]
	s.mask(at, "", e.rule)
}
