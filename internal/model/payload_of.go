package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// PayloadOf makes a payload of a value as GraphQL variables and literals are decoded: map[string]any (members come sorted by
// name, because the map has forgotten their order), []any, string, bool, nil (the JSON value null), json.Number (its text is
// kept), the integer types and float64; a Payload is spliced in. Errors are *InputError with the path inside the value.
//
// A decoder that replaces lone surrogates or invalid UTF-8 by U+FFFD, as encoding/json does, hides them from this check;
// DecodePayloadValue does not.
func PayloadOf(v any) (Payload, error) {
	b, err := appendValue(nil, v, 0)
	if err != nil {
		return "", err
	}
	return Payload(b), nil
}

func appendValue(b []byte, v any, depth int) ([]byte, *InputError) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case string:
		return appendString(b, v)
	case json.Number:
		return appendNumber(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case int32:
		return strconv.AppendInt(b, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case uint64:
		return strconv.AppendUint(b, v, 10), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, &InputError{Reason: "must be a finite number"}
		}
		return jsontext.AppendFloat(b, v, 64), nil
	case map[string]any:
		return appendObject(b, v, depth+1)
	case []any:
		return appendArray(b, v, depth+1)
	case Payload:
		return appendPayload(b, v, depth)
	}
	return nil, &InputError{Reason: fmt.Sprintf("has no JSON form (%T)", v)}
}

func appendString(b []byte, s string) ([]byte, *InputError) {
	b, err := jsontext.AppendQuote(b, s)
	if err != nil {
		return nil, &InputError{Reason: "must be valid UTF-8"}
	}
	return b, nil
}

func appendNumber(b []byte, n json.Number) ([]byte, *InputError) {
	text := jsontext.Value(n)
	if len(n) == 0 || !isDigit(text[len(text)-1]) || !isDigit(text[0]) && text[0] != '-' || !text.IsValid() {
		return nil, &InputError{Reason: "is not a JSON number"}
	}
	return append(b, text...), nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func appendObject(b []byte, object map[string]any, depth int) ([]byte, *InputError) {
	if depth > MaxPayloadDepth {
		return nil, &InputError{Reason: errDepth}
	}
	b = append(b, '{')
	for i, name := range slices.Sorted(maps.Keys(object)) {
		if i > 0 {
			b = append(b, ',')
		}
		var err *InputError
		if b, err = appendString(b, name); err == nil {
			b, err = appendValue(append(b, ':'), object[name], depth)
		}
		if err != nil {
			return nil, err.Under(clip(strings.ToValidUTF8(name, "\uFFFD")))
		}
	}
	return append(b, '}'), nil
}

func appendArray(b []byte, array []any, depth int) ([]byte, *InputError) {
	if depth > MaxPayloadDepth {
		return nil, &InputError{Reason: errDepth}
	}
	b = append(b, '[')
	for i, element := range array {
		if i > 0 {
			b = append(b, ',')
		}
		var err *InputError
		if b, err = appendValue(b, element, depth); err != nil {
			return nil, err.Under(i)
		}
	}
	return append(b, ']'), nil
}

func appendPayload(b []byte, p Payload, depth int) ([]byte, *InputError) {
	if p == "" {
		return nil, &InputError{Reason: "is empty; it must be a JSON value"}
	}
	if depth+depthOf(p) > MaxPayloadDepth {
		return nil, &InputError{Reason: errDepth}
	}
	return append(b, p...), nil
}

func depthOf(p Payload) int {
	depth, deepest, inString := 0, 0, false
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
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
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

// DecodePayloadValue decodes one JSON value into what PayloadOf takes (objects as map[string]any, numbers as json.Number),
// with the strictness of ParsePayload: a lone surrogate, invalid UTF-8, a duplicate name or too deep nesting is an *InputError
// with its path instead of a silent change. Transports decode GraphQL variables with it.
func DecodePayloadValue(b []byte) (any, error) {
	if tooDeep(b) {
		return nil, locate(b)
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(b))
	v, err := decodeValue(dec)
	if err != nil {
		return nil, syntaxError(dec, err)
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, &InputError{Reason: "must be a single JSON value; there is more text after it"}
	}
	return v, nil
}

func decodeValue(dec *jsontext.Decoder) (any, error) {
	token, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case jsontext.KindBeginObject:
		object := map[string]any{}
		for dec.PeekKind() != jsontext.KindEndObject {
			name, err := dec.ReadToken()
			if err != nil {
				return nil, err
			}
			key := name.String()
			if object[key], err = decodeValue(dec); err != nil {
				return nil, err
			}
		}
		_, err = dec.ReadToken()
		return object, err
	case jsontext.KindBeginArray:
		array := []any{}
		for dec.PeekKind() != jsontext.KindEndArray {
			element, err := decodeValue(dec)
			if err != nil {
				return nil, err
			}
			array = append(array, element)
		}
		_, err = dec.ReadToken()
		return array, err
	case jsontext.KindNull:
		return nil, nil //nolint:nilnil // this is the JSON value null
	case jsontext.KindString:
		return token.String(), nil
	case jsontext.KindNumber:
		return json.Number(token.String()), nil
	default:
		return token.Bool(), nil
	}
}
