package model

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// MarshalTime writes a time in UTC with six digits of fraction.
func MarshalTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { writeQuoted(w, t.UTC().Format(TimeLayout)) })
}

// UnmarshalTime reads RFC 3339 with any zone; what is finer than a microsecond must be zero, so that nothing is lost.
func UnmarshalTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, &InputError{Reason: "must be a string such as 2026-06-19T16:11:03.123456Z"}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, &InputError{
			Reason: strconv.Quote(clip(s)) + " is not a time; write it like 2026-06-19T16:11:03.123456Z",
		}
	}
	if !t.Equal(Microseconds(t)) {
		return time.Time{}, &InputError{Reason: "times have at most six digits of fraction (microseconds)"}
	}
	if t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, &InputError{Reason: "times are from year 0001 to 9999"}
	}
	return t.UTC(), nil
}

// MaxLong is the largest Long: 2^53−1, the largest integer that every JSON reader takes exactly.
const MaxLong = 1<<53 - 1

// MarshalLong writes a 64-bit integer as a JSON number.
func MarshalLong(n int64) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, strconv.FormatInt(n, 10)) })
}

// UnmarshalLong reads an integer from −(2^53−1) to 2^53−1.
func UnmarshalLong(v any) (int64, error) {
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
		n, err = strconv.ParseInt(v.String(), 10, 64)
	default:
		err = fmt.Errorf("%T is not an integer", v)
	}
	if err != nil || n > MaxLong || n < -MaxLong {
		return 0, &InputError{Reason: "must be an integer from -9007199254740991 to 9007199254740991"}
	}
	return n, nil
}
