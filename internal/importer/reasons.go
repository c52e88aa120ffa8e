package importer

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"samjournal/internal/model"
)

const (
	maxShownPK     = 80 // characters of a pk that a rejection repeats
	maxShownName   = 24 // the original's column width of thing and command
	maxShownMember = 40 // characters of a payload member's name that a rejection repeats
	maxShownSteps  = 12 // steps of a path into a payload that a rejection repeats
)

// reject says why a row is not imported. It never holds what the row's payloads or other values contain.
type reject struct {
	field  string
	reason string
}

func (r *reject) Error() string { return r.field + ": " + r.reason }

// broken says that a row is not JSON at all; offset counts from the row's first byte.
type broken struct {
	offset int64
	reason string
}

func (b *broken) Error() string { return b.reason }

// inFields names "fields" as the place of an error that concerns the whole of it.
func inFields(err error) error {
	if r, ok := errors.AsType[*reject](err); ok && r.field == "" {
		return &reject{"fields", r.reason}
	}
	return err
}

// rejectOf turns the model's refusal of a value into ours; the path goes on where the field ends.
func rejectOf(field string, err error) *reject {
	input, ok := errors.AsType[*model.InputError](err)
	if !ok {
		return &reject{field, "cannot be stored"}
	}
	var at strings.Builder
	at.WriteString(field)
	for i, step := range input.Path {
		if i == maxShownSteps {
			at.WriteString("/…")
			break
		}
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&at, "/%d", step)
		case string:
			if i > 0 || (step != field && step != "key") {
				at.WriteString("/" + shownMember(step))
			}
		}
	}
	return &reject{at.String(), input.Reason}
}

func unknownName(s, kind string) string {
	if len(s) > maxShownName || !plain(s) {
		return "is not a known " + kind
	}
	return strconv.Quote(s) + " is not a known " + kind
}

func shownMember(s string) string {
	if utf8.RuneCountInString(s) > maxShownMember || !plain(s) {
		return "…"
	}
	return s
}

// shown is a pk as a rejection may repeat it.
func shown(v jsontext.Value) string {
	s := string(v)
	if v.Kind() == '"' {
		text, err := jsontext.AppendUnquote(nil, v)
		if err != nil {
			return ""
		}
		s = string(text)
	}
	if len(s) > maxShownPK || !plain(s) {
		return ""
	}
	return s
}

// plain keeps what a terminal and a reader can take: identifiers, numbers and UUIDs.
func plain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' && r != '-' && r != '.'
	})
}
