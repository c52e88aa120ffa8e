package httpserver

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// size is the number of members that a field's list may have: the greatest of its slicing arguments, or what is assumed
// without them. It is at least 1, so that whatever is selected counts.
func (c *costing) size(l *listSize, field *ast.Field) float64 {
	largest, given := 0.0, false

	for _, argument := range l.arguments {
		if n, ok := c.number(c.value(argument, field), argument.list); ok {
			largest, given = max(largest, n), true
		}
	}

	if !given {
		largest = l.assumed
	}

	return min(max(largest, 1), maxUnits)
}

// value is what an argument is given, or its default, or nil.
func (c *costing) value(of argument, field *ast.Field) *ast.Value {
	if written := field.Arguments.ForName(of.name); written != nil && !c.absent(written.Value) {
		return written.Value
	}

	return of.preset
}

// given reports whether there is a value, and not null.
func (c *costing) given(value *ast.Value) bool {
	if value == nil || value.Kind == ast.NullValue {
		return false
	}

	return value.Kind != ast.Variable || c.variables[value.Raw] != nil
}

// absent reports whether an argument's value is a variable that was not given.
func (c *costing) absent(value *ast.Value) bool {
	if value.Kind != ast.Variable {
		return false
	}

	_, given := c.variables[value.Raw]

	return !given
}

// number is the size that an argument asks for, and false when it asks for none: null, or what the resolver will refuse.
func (c *costing) number(value *ast.Value, list bool) (float64, bool) {
	switch {
	case value == nil || value.Kind == ast.NullValue:
		return 0, false
	case value.Kind == ast.Variable && list:
		return lengthOf(c.variables[value.Raw])
	case value.Kind == ast.Variable:
		return numberOf(c.variables[value.Raw])
	case list && value.Kind == ast.ListValue:
		return float64(len(value.Children)), true
	case list:
		return 1, true // a value where a list is due is a list of one
	default:
		return parsedNumber(value.Raw)
	}
}

func lengthOf(value any) (float64, bool) {
	switch value := value.(type) {
	case nil:
		return 0, false
	case []any:
		return float64(len(value)), true
	}

	if v := reflect.ValueOf(value); v.Kind() == reflect.Slice {
		return float64(v.Len()), true
	}

	return 1, true
}

func numberOf(value any) (float64, bool) {
	switch value := value.(type) {
	case nil:
		return 0, false
	case int64:
		return float64(value), value >= 0
	case int:
		return float64(value), value >= 0
	case float64:
		return value, value >= 0 // not so NaN
	case json.Number:
		return parsedNumber(value.String())
	case string:
		return parsedNumber(value)
	default:
		return 0, false
	}
}

// parsedNumber reads a number. One that is out of range is infinite, not missing.
func parsedNumber(text string) (float64, bool) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(n, 1) {
		return 0, false
	}

	return n, n >= 0
}
