package model

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// MarshalTime writes a time in UTC with six digits of fraction.
func MarshalTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { writeQuoted(w, t.UTC().Format(TimeLayout)) })
}

// rfc3339 is stricter than time.Parse, which takes hours of one digit, decimal commas and zones beyond a day, and drops the
// digits of a fraction after the ninth. Its group holds the digits after the sixth.
var rfc3339 = regexp.MustCompile(
	`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6}([0-9]*))?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$`)

// UnmarshalTime reads RFC 3339 with any zone; what is finer than a microsecond must be zero, so that nothing is lost.
func UnmarshalTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, &InputError{Reason: "must be a string such as 2026-06-19T16:11:03.123456Z"}
	}
	form := rfc3339.FindStringSubmatch(s)
	t, err := time.Parse(time.RFC3339Nano, s)
	switch {
	case form == nil || err != nil:
		return time.Time{}, &InputError{
			Reason: strconv.Quote(clip(s)) + " is not a time; write it like 2026-06-19T16:11:03.123456Z",
		}
	case strings.Trim(form[1], "0") != "":
		return time.Time{}, &InputError{Reason: "times have at most six digits of fraction (microseconds)"}
	case !validYear(t):
		return time.Time{}, &InputError{Reason: "times are from year 0001 to 9999 in UTC"}
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
