package redaction

import (
	"bytes"
	"errors"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// scanner reads JSON text once, token by token, and collects edits. Beyond the text it holds one frame for each open object
// or array and one edit for each masked place.
type scanner struct {
	r        *Redactor
	in       []byte
	nesting  int       // how many strings deep the text was found
	envelope *envelope // set for a thing whose whole body is secret

	pointers bool // whether edits need pointers: those in nested text are reported by the string's
	room     int  // bytes left for pointers; when it is used up, only the whole payload is reported
	frames   []frame
	edits    []edit
	buffers  buffers
}

// buffers are reused from value to value.
type buffers struct {
	form    normalForm
	unquote []byte
	spans   []span
	lower   [longestShapeName]byte

	manifest manifest // of the text that is scanned
}

// frame is an open object or array.
type frame struct {
	array     bool
	start     int
	index     int  // of the current element
	name      text // the current member's name, quoted
	hasName   bool // a name was read and its value comes next
	verdict   verdict
	rule      string // of the verdict
	flat      bool   // a list of names and values in turn
	next      string // the rule by which the next element is secret
	pair      string // the rule by which the object's value member is secret
	kind      bool   // the object's kind is a thing whose body is secret
	nameTells bool   // a member's name holds a secret
	later     []member
}

// text is a range of the input.
type text struct{ start, end int }

// member is a value of which it is known only at the object's end whether it is secret.
type member struct {
	name, value text
	body        bool // belongs to a manifest's body; else to a name-value pair
}

func (s *scanner) scan() error {
	dec := jsontext.NewDecoder(bytes.NewBuffer(s.in), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for values := 0; ; {
		if len(s.frames) == 0 && values > 0 && dec.PeekKind() == jsontext.KindInvalid {
			// The text of a payload is one value, but a nested one may be a stream of them.
			if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
				return err
			}
			return nil
		}
		if s.nesting == 0 && len(s.frames) == 0 && values > 0 {
			return errors.New("more than one JSON value")
		}
		if err := s.step(dec); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if len(s.frames) == 0 {
			values++
		}
	}
}

// step reads one name, one bracket, one scalar or one value that is masked whole.
func (s *scanner) step(dec *jsontext.Decoder) error {
	kind := dec.PeekKind()
	if kind == jsontext.KindEndObject || kind == jsontext.KindEndArray {
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
		s.pop(int(dec.InputOffset()))
		return nil
	}
	top := s.top()
	if top != nil && !top.array && !top.hasName {
		return s.readName(dec, top)
	}
	if v, rule := s.verdictHere(top); v != ordinary {
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		end := int(dec.InputOffset())
		if v == secret || kind != jsontext.KindNumber {
			s.mask(text{end - len(value), end}, s.pointer(len(s.frames)), rule)
		}
		s.valueDone(text{end - len(value), end})
		return nil
	}
	if kind == jsontext.KindBeginObject || kind == jsontext.KindBeginArray {
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
		s.push(kind == jsontext.KindBeginArray, int(dec.InputOffset())-1)
		return nil
	}
	value, err := dec.ReadValue()
	if err != nil {
		return err
	}
	end := int(dec.InputOffset())
	at := text{end - len(value), end}
	if kind == jsontext.KindString {
		s.readString(top, at)
	}
	s.valueDone(at)
	return nil
}

func (s *scanner) top() *frame {
	if len(s.frames) == 0 {
		return nil
	}
	return &s.frames[len(s.frames)-1]
}

func (s *scanner) readName(dec *jsontext.Decoder, top *frame) error {
	name, err := dec.ReadValue()
	if err != nil {
		return err
	}
	end := int(dec.InputOffset())
	top.name, top.hasName = text{end - len(name), end}, true
	unquoted := s.unquote(top.name)
	top.verdict, top.rule = s.r.names.classify(&s.buffers.form, unquoted)
	if masked, _ := s.r.maskString(unquoted, s.nesting, &s.buffers); masked != nil {
		top.nameTells = true
	}
	return nil
}

// verdictHere says whether the value that comes next is secret because of where it is.
func (s *scanner) verdictHere(top *frame) (verdict, string) {
	switch {
	case top == nil:
		return ordinary, ""
	case top.array && top.next != "":
		return secret, top.next
	case top.array:
		return ordinary, ""
	case top.verdict != ordinary:
		return top.verdict, "name " + top.rule
	case s.envelope != nil && s.envelope.holds(s, top):
		return secret, s.envelope.rule
	}
	return ordinary, ""
}

// readString looks into a string value.
func (s *scanner) readString(top *frame, at text) {
	content := s.unquote(at)
	if len(content) == 0 || string(content) == Marker {
		return
	}
	if top != nil {
		s.noticeShape(top, content)
	}
	if s.envelope != nil && s.envelope.cutsQuery(s, top, content) {
		head := content[:bytes.IndexByte(content, '?')+1]
		s.add(edit{
			start: at.start, end: at.end, with: quote(append(bytes.Clone(head), Marker...)), rules: []string{s.envelope.rule},
			pointer: s.pointer(len(s.frames)),
		})
		return
	}
	if masked, rules := s.r.maskString(content, s.nesting, &s.buffers); masked != nil {
		s.add(edit{
			start: at.start, end: at.end, with: quote(masked), rules: rules, pointer: s.pointer(len(s.frames)),
		})
	}
}

// unquote gives the content of a quoted string; it is valid until the next call.
func (s *scanner) unquote(at text) []byte {
	quoted := s.in[at.start:at.end]
	content := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(content, '\\') < 0 {
		return content
	}
	s.buffers.unquote, _ = jsontext.AppendUnquote(s.buffers.unquote[:0], quoted) // lone surrogates become U+FFFD
	return s.buffers.unquote
}

// mask masks a whole value unless there is nothing to hide in it.
func (s *scanner) mask(at text, pointer, rule string) {
	switch value := string(bytes.TrimSpace(s.in[at.start:at.end])); value {
	case `null`, `true`, `false`, `""`, `{}`, `[]`, `"` + Marker + `"`:
	default:
		s.add(edit{start: at.start, end: at.end, pointer: pointer, rules: []string{rule}})
	}
}

func (s *scanner) add(e edit) { s.edits = append(s.edits, e) }

func (s *scanner) push(array bool, start int) {
	flat := false
	if parent := s.top(); array && parent != nil {
		flat = !parent.array && s.namesHeaders(parent)
	}
	if len(s.frames) < cap(s.frames) {
		s.frames = s.frames[:len(s.frames)+1]
	} else {
		s.frames = append(s.frames, frame{})
	}
	top := s.top()
	*top = frame{array: array, start: start, flat: flat, later: top.later[:0]}
}

func (s *scanner) pop(end int) {
	top := s.top()
	if !top.array {
		s.closeObject(top, end)
	}
	start := top.start
	s.frames = s.frames[:len(s.frames)-1]
	s.valueDone(text{start, end})
}

// valueDone moves the open frame on to its next member or element.
func (s *scanner) valueDone(at text) {
	top := s.top()
	switch {
	case top == nil:
		if s.envelope != nil {
			s.envelope.finish(s, at)
		}
	case top.array:
		s.nextElement(top)
	default:
		s.remember(top, at)
		top.hasName = false
	}
}

// pointer is the JSON Pointer to the current value of the first n frames.
func (s *scanner) pointer(n int) string {
	if !s.pointers || s.room < 0 {
		return ""
	}
	var b []byte
	for i := range s.frames[:n] {
		b = append(b, '/')
		if f := &s.frames[i]; f.array {
			b = strconv.AppendInt(b, int64(f.index), 10)
		} else {
			b = appendPointerToken(b, s.in[f.name.start:f.name.end])
		}
		if s.room -= len(b); s.room < 0 {
			return ""
		}
	}
	return string(b)
}

func appendPointerToken(b, quotedName []byte) []byte {
	name, _ := jsontext.AppendUnquote(nil, quotedName)
	for _, c := range name {
		switch c {
		case '~':
			b = append(b, "~0"...)
		case '/':
			b = append(b, "~1"...)
		default:
			b = append(b, c)
		}
	}
	return b
}
