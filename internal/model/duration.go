package model

import (
	"math"
	"regexp"
	"strconv"
	"time"

	"github.com/sosodev/duration"
)

// AddDuration returns the time that an ISO 8601 duration of whole, positive numbers leads to, such as "P90D": years, months and
// days are those of the calendar, in UTC. Errors are *InputError without path.
func AddDuration(t time.Time, text string) (time.Time, error) { return addDuration(t, text, 1) }

// SubtractDuration is AddDuration into the past.
func SubtractDuration(t time.Time, text string) (time.Time, error) { return addDuration(t, text, -1) }

// wholeDuration is stricter than the library, which takes "P" for nothing, and of "P1DP30D" one of the two.
var wholeDuration = regexp.MustCompile(
	`^P(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(\d+H(\d+M)?(\d+S)?|\d+M(\d+S)?|\d+S))?$`)

func addDuration(t time.Time, text string, sign int) (time.Time, error) {
	const most = 1_000_000 // of each unit, more than any year that can be written
	d, err := duration.Parse(text)
	bad := err != nil || text == "P" || !wholeDuration.MatchString(text)
	if !bad {
		for _, n := range []float64{d.Years, d.Months, d.Weeks, d.Days, d.Hours, d.Minutes, d.Seconds} {
			bad = bad || n != math.Trunc(n) || n < 0 || n > most
		}
	}
	if bad {
		return time.Time{}, &InputError{
			Reason: strconv.Quote(clip(text)) + " is not an ISO 8601 duration in whole numbers, such as P90D or PT12H",
		}
	}
	clock := time.Duration(d.Hours)*time.Hour + time.Duration(d.Minutes)*time.Minute + time.Duration(d.Seconds)*time.Second
	t = Microseconds(t).AddDate(sign*int(d.Years), sign*int(d.Months), sign*int(7*d.Weeks+d.Days)).Add(time.Duration(sign) * clock)
	if !validYear(t) {
		return time.Time{}, &InputError{Reason: "leads beyond the years 0001 to 9999"}
	}
	return t, nil
}
