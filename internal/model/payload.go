package model

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxPayloadDepth is how deep objects and arrays may be nested in a payload: [] is one deep, [[]] two, a plain string none.
const MaxPayloadDepth = 200

// Payload is the text of one JSON value: valid UTF-8, no white space between tokens, no duplicate member names, at most
// MaxPayloadDepth deep. Members keep the order and numbers the text that the writer gave them (1.10 and 1e400 stay as they
// are); strings have their shortest escapes. Nothing decodes and encodes it again on its way to the database or to a client.
//
// A Payload comes from ParsePayload or PayloadOf, or from a column that holds one. Its zero value is no payload at all, which
// is not the same as the JSON value null (PayloadNull); where a payload may be missing (an erased one), use *Payload.
type Payload string

// PayloadNull is the JSON value null.
const PayloadNull Payload = "null"

var errNoPayload = errors.New("no payload: the zero Payload is not JSON")

// ParsePayload checks b and brings it into the form that Payload promises. What is wrong comes as an *InputError whose path
// leads to the spot inside the JSON; its reason does not repeat any of the text.
func ParsePayload(b []byte) (Payload, error) {
	if tooDeep(b) {
		return "", locate(b)
	}
	compact, err := jsontext.AppendFormat(make([]byte, 0, len(b)), b)
	if err != nil {
		return "", locate(b)
	}
	return Payload(compact), nil
}

// tooDeep tells whether brackets outside strings nest deeper than MaxPayloadDepth. It runs before the parser, which recurses.
func tooDeep(b []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString:
			if c == '\\' {
				i++
			} else if c == '"' {
				inString = false
			}
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			depth++
			if depth > MaxPayloadDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// locate reads b, in which something is wrong, token by token up to the first mistake. It costs a second pass, but only for
// input that is refused.
func locate(b []byte) *InputError {
	dec := jsontext.NewDecoder(bytes.NewBuffer(b))
	for {
		if _, err := dec.ReadToken(); err != nil {
			return syntaxError(dec, err)
		}
		switch dec.StackDepth() {
		case 0:
			return &InputError{Reason: "must be a single JSON value; there is more text after it"}
		case MaxPayloadDepth + 1:
			return &InputError{Path: pathTo(dec, dec.StackPointer()), Reason: errDepth}
		}
	}
}

const errDepth = "is nested too deeply; at most 200 levels are allowed"

func syntaxError(dec *jsontext.Decoder, err error) *InputError {
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return &InputError{Reason: "is empty; it must be a JSON value"}
	}
	var syntactic *jsontext.SyntacticError
	if !errors.As(err, &syntactic) {
		return &InputError{Reason: "is not valid JSON"}
	}
	path := pathTo(dec, syntactic.JSONPointer)
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return &InputError{Path: path, Reason: "this member name occurs twice in its object"}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &InputError{Path: path, Reason: "is not valid JSON: the text ends too early"}
	case strings.Contains(syntactic.Err.Error(), "UTF-8"):
		return &InputError{Path: path, Reason: "must be valid UTF-8"}
	case strings.Contains(syntactic.Err.Error(), "surrogate"):
		return &InputError{Path: path, Reason: `has half of a surrogate pair (\ud800 to \udfff); escapes must come in pairs`}
	}
	return &InputError{Path: path, Reason: "is not valid JSON (at byte " + strconv.FormatInt(syntactic.ByteOffset, 10) + ")"}
}

// pathTo turns a pointer into a path. Whether a step is a name or an index follows from the containers that dec is in.
func pathTo(dec *jsontext.Decoder, pointer jsontext.Pointer) []any {
	var path []any
	level := 0
	for token := range pointer.Tokens() {
		level++
		if level <= dec.StackDepth() {
			if kind, _ := dec.StackIndex(level); kind == jsontext.KindBeginArray {
				if index, err := strconv.Atoi(token); err == nil {
					path = append(path, index)
					continue
				}
			}
		}
		path = append(path, clip(token))
	}
	return path
}

// Canonical returns the bytes that all spellings of the same content have in common: members sorted by name (in the order of
// RFC 8785) at every level and one form of string escapes. Numbers keep their text, so 1.0 and 1 are different content. It is
// what a digest of the content is made over, not what is stored.
func (p Payload) Canonical() []byte {
	canonical, err := jsontext.AppendFormat(make([]byte, 0, len(p)), string(p), jsontext.ReorderRawObjects(true))
	if err != nil {
		return []byte(p) // not a Payload; its bytes are at least the same every time
	}
	return canonical
}

// Scan reads a text column. The text is taken as it is: it was a Payload when it was stored. NULL is an error; scan a column
// that may be NULL into a **Payload or an sql.Null[Payload].
func (p *Payload) Scan(src any) error {
	switch src := src.(type) {
	case string:
		*p = Payload(src)
	case []byte:
		*p = Payload(src)
	case nil:
		return errors.New("scan payload: column is NULL")
	default:
		return fmt.Errorf("scan payload: column is %T, not text", src)
	}
	if *p == "" {
		return fmt.Errorf("scan payload: %w", errNoPayload)
	}
	return nil
}

// Value gives the text to a database driver. The zero Payload is an error, so that none is ever stored by oversight; a nil
// *Payload is NULL.
func (p Payload) Value() (driver.Value, error) {
	if p == "" {
		return nil, errNoPayload
	}
	return string(p), nil
}

// MarshalGQL writes the stored bytes, unchanged.
func (p Payload) MarshalGQL(w io.Writer) {
	if p == "" {
		p = PayloadNull
	}
	_, _ = io.WriteString(w, string(p)) // gqlgen's writers keep the error for the transport
}

// UnmarshalGQL takes a decoded variable or literal by PayloadOf.
func (p *Payload) UnmarshalGQL(v any) error {
	payload, err := PayloadOf(v)
	if err != nil {
		return err
	}
	*p = payload
	return nil
}
