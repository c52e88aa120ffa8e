package httpserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// decodeJSON reads exactly one JSON value. It is strict where encoding/json is silent: duplicate member names, invalid UTF-8
// and lone surrogates are errors, because each would store something else than the client sent. Numbers keep their text as
// json.Number.
func decodeJSON(text []byte) (any, error) {
	return decodeValueOf(jsontext.NewDecoder(bytes.NewReader(text)))
}

// decodeLenientJSON reads what decodeJSON refuses for its content, though not for its syntax. It serves to find out which
// operation a refused message belongs to.
func decodeLenientJSON(text []byte) (any, error) {
	return decodeValueOf(jsontext.NewDecoder(bytes.NewReader(text),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)))
}

func decodeValueOf(dec *jsontext.Decoder) (any, error) {
	value, err := decodeNext(dec)
	if err != nil {
		return nil, err
	}

	switch _, err := dec.ReadToken(); {
	case errors.Is(err, io.EOF):
		return value, nil
	case err != nil:
		return nil, err
	default:
		return nil, errors.New("more than one JSON value")
	}
}

// maxJSONDepth bounds how deep objects and arrays of a request nest: each level takes stack here and wherever the value goes. A
// payload may have 200 of them.
const maxJSONDepth = 512

var errNesting = fmt.Errorf("nested deeper than the %d levels that are allowed", maxJSONDepth)

// decodeNext reads the next value.
func decodeNext(dec *jsontext.Decoder) (any, error) {
	token, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}

	if dec.StackDepth() > maxJSONDepth {
		return nil, &jsontext.SyntacticError{ByteOffset: dec.InputOffset(), JSONPointer: dec.StackPointer(), Err: errNesting}
	}

	switch token.Kind() {
	case '{':
		return decodeObject(dec)
	case '[':
		return decodeArray(dec)
	case '"':
		return token.String(), nil
	case '0':
		return json.Number(token.String()), nil
	case 't', 'f':
		return token.Bool(), nil
	default:
		return nil, nil //nolint:nilnil // JSON null is nil
	}
}

func decodeObject(dec *jsontext.Decoder) (map[string]any, error) {
	object := map[string]any{}

	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}

		// The token is valid until the next read only.
		key := name.String()

		if object[key], err = decodeNext(dec); err != nil {
			return nil, err
		}
	}

	_, err := dec.ReadToken()

	return object, err
}

func decodeArray(dec *jsontext.Decoder) ([]any, error) {
	array := []any{}

	for dec.PeekKind() != ']' {
		value, err := decodeNext(dec)
		if err != nil {
			return nil, err
		}

		array = append(array, value)
	}

	_, err := dec.ReadToken()

	return array, err
}

// maxPointer bounds the pointer in an answer, in bytes: nesting may be as deep as the body is long.
const maxPointer = 1000

// jsonFault describes an error of decodeJSON for the client: the JSON Pointer (RFC 6901) of the spot, below prefix, and what
// is wrong there. It never shows a value.
func jsonFault(err error, prefix string) (pointer, reason string) {
	var syntactic *jsontext.SyntacticError

	switch {
	case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return prefix, "there is no JSON value"
	case errors.As(err, &syntactic):
		pointer = prefix + string(syntactic.JSONPointer)
		if len(pointer) > maxPointer {
			pointer = strings.ToValidUTF8(pointer[:maxPointer], "") + "…"
		}

		switch {
		case errors.Is(err, jsontext.ErrDuplicateName):
			return pointer, "duplicate member name"
		case errors.Is(err, errNesting):
			if member := memberOf(pointer); member != "" {
				return pointer, fmt.Sprintf("%q is %v", shorten(member), errNesting)
			}
		}

		return pointer, fmt.Sprintf("%v (at byte %d)", syntactic.Err, syntactic.ByteOffset)
	default:
		return prefix, err.Error()
	}
}

// memberOf is the member of a request, "variables" above all, that a JSON Pointer leads into: of the request itself or, in a
// message, of its payload. It is "" for none.
func memberOf(pointer string) string {
	steps := strings.TrimPrefix(strings.TrimPrefix(pointer, "/payload"), "/")
	member, _, _ := strings.Cut(steps, "/")

	return member
}
