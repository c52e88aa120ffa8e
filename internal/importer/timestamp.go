package importer

import (
	"errors"
	"strings"
	"time"
)

var (
	errTime      = errors.New("must be an ISO 8601 time such as 2026-06-19T16:11:03.123Z")
	errPrecision = errors.New("is finer than a microsecond")
	errYear      = errors.New("must lie in the years 0001 to 9999 (UTC)")
)

// parseTime reads the forms in which Django writes a DateTimeField: T or a space between date and time, none to six digits
// of fraction, and Z or an offset. Without a zone (USE_TZ = False) it is taken as UTC, and naive tells so.
func parseTime(text string) (at time.Time, naive bool, err error) {
	const date = len("2006-01-02")
	if len(text) <= date || (text[date] != 'T' && text[date] != ' ') {
		return time.Time{}, false, errTime
	}
	clock := text[date+1:]
	zone := strings.IndexAny(clock, "Z+-")
	layout := "2006-01-02T15:04:05"
	switch {
	case zone < 0:
		naive = true
		zone = len(clock)
	case clock[zone] == 'Z':
		layout += "Z07:00"
	case strings.Contains(clock[zone:], ":"):
		layout += "-07:00"
	default:
		layout += "-0700"
	}
	whole := len("15:04:05")
	if zone < whole || (zone > whole && clock[whole] != '.') {
		return time.Time{}, false, errTime
	}
	if fraction := strings.TrimRight(clock[whole:zone], "0"); len(fraction) > len(".123456") {
		return time.Time{}, false, errPrecision
	}
	at, err = time.Parse(layout, text[:date]+"T"+clock)
	if err != nil {
		return time.Time{}, false, errTime
	}
	at = at.UTC()
	if at.Year() < 1 || at.Year() > 9999 {
		return time.Time{}, false, errYear
	}
	return at, naive, nil
}
