package importer

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// lenient reads everything that a stricter look at one value can still refuse.
func lenient() []jsontext.Options {
	return []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
}

// membersOf returns the named members of an object as they stand in raw. A member that comes twice is refused, for nobody
// can tell which of the two is meant.
func membersOf(raw []byte, names ...string) (map[string]jsontext.Value, error) {
	out := make(map[string]jsontext.Value, len(names))
	// A bytes.Buffer is decoded where it is; a reader would be copied.
	dec := jsontext.NewDecoder(bytes.NewBuffer(raw), lenient()...)
	if k := dec.PeekKind(); k != '{' {
		if len(raw) == 0 {
			return out, &reject{"", "is missing"}
		}
		if k != jsontext.KindInvalid {
			return out, &reject{"", "must be an object"}
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return out, brokenAt(dec, err)
	}
	for dec.PeekKind() == '"' {
		token, err := dec.ReadToken()
		if err != nil {
			return out, brokenAt(dec, err)
		}
		name := token.String()
		value, err := dec.ReadValue()
		if err != nil {
			return out, brokenAt(dec, err)
		}
		if !slices.Contains(names, name) {
			continue
		}
		if _, twice := out[name]; twice {
			return out, &reject{name, "is there twice"}
		}
		end := dec.InputOffset()
		out[name] = jsontext.Value(raw[end-int64(len(value)) : end])
	}
	if _, err := dec.ReadToken(); err != nil {
		return out, brokenAt(dec, err)
	}
	if k := dec.PeekKind(); k != jsontext.KindInvalid || len(bytes.TrimSpace(raw[dec.InputOffset():])) > 0 {
		return out, &broken{dec.InputOffset(), "something follows the row's closing bracket"}
	}
	return out, nil
}

// brokenAt keeps the place and drops the text of the parser's error, which may quote the row.
func brokenAt(dec *jsontext.Decoder, err error) error {
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return &broken{syntactic.ByteOffset, "not valid JSON"}
	}
	return &broken{dec.InputOffset(), "not valid JSON (it ends too early)"}
}

func textOf(field string, v jsontext.Value) (string, error) {
	if len(v) == 0 || v.Kind() == 'n' {
		return "", &reject{field, "is missing"}
	}
	if v.Kind() != '"' {
		return "", &reject{field, "must be a string"}
	}
	text, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return "", &reject{field, "is not valid Unicode text"}
	}
	return string(text), nil
}

// nameOf is textOf where nothing at all stands for the empty text.
func nameOf(field string, v jsontext.Value) (string, error) {
	if len(v) == 0 || v.Kind() == 'n' {
		return "", nil
	}
	return textOf(field, v)
}

// pkText takes the two forms of a Django primary key, a whole number and a string (a UUID, for one).
func pkText(field string, v jsontext.Value) (string, error) {
	switch v.Kind() {
	case '"':
		text, err := textOf(field, v)
		if err == nil && text == "" {
			return "", &reject{field, "is empty"}
		}
		return text, err
	case '0':
		if strings.ContainsAny(string(v), ".eE") {
			return "", &reject{field, "must be a whole number or a string"}
		}
		return string(v), nil
	default:
		return "", &reject{field, "must be a whole number or a string"}
	}
}

// onlyElement returns the element of an array of one.
func onlyElement(v jsontext.Value) (jsontext.Value, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(v), lenient()...)
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	element, err := dec.ReadValue()
	if err != nil {
		return nil, err
	}
	element = element.Clone()
	if dec.PeekKind() != ']' {
		return nil, errors.New("more than one element")
	}
	return element, nil
}

// pkOf finds the pk of a row that cannot be parsed as a whole: dumpdata writes it before the fields.
func pkOf(raw []byte) string {
	dec := jsontext.NewDecoder(bytes.NewBuffer(raw), lenient()...)
	if _, err := dec.ReadToken(); err != nil {
		return ""
	}
	for dec.PeekKind() == '"' {
		token, err := dec.ReadToken()
		if err != nil {
			return ""
		}
		name := token.String()
		value, err := dec.ReadValue()
		switch {
		case err != nil:
			return ""
		case name == "pk":
			return shown(value)
		}
	}
	return ""
}
