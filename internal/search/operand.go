package search

import (
	"encoding/json"
	"slices"
	"strings"

	"samjournal/internal/model"
)

// operand is what values are compared with. It is read once: a payload may have a million values, and an operand many digits.
type operand struct {
	text    model.Payload
	scalar  string // scalarText, unless it is an object or an array
	nested  any    // an object or an array
	number  *number
	literal *string // of a string
}

func operandOf(p model.Payload) *operand {
	o := &operand{text: p}
	if scalar, ok := scalarOf(p); ok {
		o.scalar = scalar
	} else {
		o.nested = decoded(p)
	}
	if isNumber(p) {
		n := parseNumber(string(p))
		o.number = &n
	} else if text, ok := stringOf(p); ok {
		o.literal = &text
	}
	return o
}

// equals tells whether a value is the same as the operand.
func (o *operand) equals(value model.Payload) bool {
	if value == o.text {
		return true
	}
	if value[0] != '{' && value[0] != '[' {
		scalar, ok := scalarOf(value)
		return ok && o.nested == nil && scalar == o.scalar
	}
	return o.nested != nil && value[0] == o.text[0] && equalValues(decoded(value), o.nested)
}

// order orders a value against the operand, two numbers or two strings; ok is false for what has no order.
func (o *operand) order(value model.Payload) (order int, ok bool) {
	switch {
	case o.number != nil && isNumber(value):
		return parseNumber(string(value)).compare(*o.number), true
	case o.literal != nil:
		text, ok := stringOf(value)
		return strings.Compare(text, *o.literal), ok
	default:
		return 0, false
	}
}

func decoded(p model.Payload) (v any) {
	dec := json.NewDecoder(strings.NewReader(string(p)))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return nil // no payload
	}
	return v
}

func equalValues(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && parseNumber(a.String()).compare(parseNumber(b.String())) == 0
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equalValues)
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, value := range a {
			if other, there := b[name]; !there || !equalValues(value, other) {
				return false
			}
		}
		return true
	default:
		return a == b
	}
}

func isNumber(p model.Payload) bool { return p[0] == '-' || p[0] >= '0' && p[0] <= '9' }
