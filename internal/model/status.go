package model

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// StatusClass is the class of an HTTP status by RFC 9110, section 15.
type StatusClass string

// The classes, in the order of their codes. OTHER is what HTTP has no class for: 0 to 99, and 600 and above.
const (
	StatusInformational StatusClass = "INFORMATIONAL"
	StatusSuccess       StatusClass = "SUCCESS"
	StatusRedirection   StatusClass = "REDIRECTION"
	StatusClientError   StatusClass = "CLIENT_ERROR"
	StatusServerError   StatusClass = "SERVER_ERROR"
	StatusOther         StatusClass = "OTHER"
)

// MaxStatusCode is the largest status that is stored, as the original's PositiveSmallIntegerField has it.
const MaxStatusCode = 32767

// StatusRange is a range of status codes, both ends included.
type StatusRange struct{ First, Last int }

// StatusClasses lists the classes.
func StatusClasses() []StatusClass {
	return []StatusClass{
		StatusInformational, StatusSuccess, StatusRedirection, StatusClientError, StatusServerError, StatusOther,
	}
}

// StatusClassOf returns the class of a code.
func StatusClassOf(code int) StatusClass {
	for _, class := range StatusClasses() {
		for _, r := range class.Ranges() {
			if code >= r.First && code <= r.Last {
				return class
			}
		}
	}
	return StatusOther
}

// Ranges returns the codes of a class: all codes from 0 to MaxStatusCode are in exactly one class.
func (c StatusClass) Ranges() []StatusRange {
	switch c {
	case StatusInformational:
		return []StatusRange{{100, 199}}
	case StatusSuccess:
		return []StatusRange{{200, 299}}
	case StatusRedirection:
		return []StatusRange{{300, 399}}
	case StatusClientError:
		return []StatusRange{{400, 499}}
	case StatusServerError:
		return []StatusRange{{500, 599}}
	case StatusOther:
		return []StatusRange{{0, 99}, {600, MaxStatusCode}}
	}
	return nil
}

// MarshalGQL writes the class.
func (c StatusClass) MarshalGQL(w io.Writer) { writeQuoted(w, string(c)) }

// UnmarshalGQL reads a class.
func (c *StatusClass) UnmarshalGQL(v any) error {
	s, ok := v.(string)
	if ok && StatusClass(s).Ranges() != nil {
		*c = StatusClass(s)
		return nil
	}
	names := make([]string, 0, len(StatusClasses()))
	for _, class := range StatusClasses() {
		names = append(names, string(class))
	}
	if !ok {
		return &InputError{Reason: "StatusClass must be one of " + strings.Join(names, ", ")}
	}
	return &InputError{
		Reason: fmt.Sprintf("%s is not a StatusClass; allowed: %s", strconv.Quote(clip(s)), strings.Join(names, ", ")),
	}
}
