package model

import (
	"encoding/json"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
)

// The built-in scalars String and Int, as the GraphQL specification has them
// (https://spec.graphql.org/September2025/#sec-Scalars): gqlgen's own take a number for a string and a string for a number,
// so that a variable of the wrong type would be stored as something else than was sent.

// MarshalString writes a string.
func MarshalString(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalString takes strings only.
func UnmarshalString(v any) (string, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	return "", &InputError{Reason: "must be a string"}
}

// MarshalInt writes an integer.
func MarshalInt(n int) graphql.Marshaler { return graphql.MarshalInt(n) }

// UnmarshalInt takes integers of 32 bits only.
func UnmarshalInt(v any) (int, error) {
	var (
		n   int64
		err error
	)
	switch v := v.(type) {
	case int64:
		n = v
	case int:
		n = int64(v)
	case json.Number:
		n, err = strconv.ParseInt(v.String(), 10, 32)
	default:
		err = strconv.ErrSyntax
	}
	if err != nil || n != int64(int32(n)) {
		return 0, &InputError{Reason: "must be an integer from -2147483648 to 2147483647"}
	}
	return int(n), nil
}
