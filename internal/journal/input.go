package journal

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"samjournal/internal/journal/redaction"
	"samjournal/internal/model"
)

const maxStatusCode = model.MaxStatusCode

// Input is one operation as a writer sends it.
type Input struct {
	Key        string // 64 lower-case hex digits; "" lets the journal draw one
	Username   *string
	UserID     *int64 // at most one of Username and UserID
	Thing      model.Thing
	Command    model.Command
	StatusCode int // 0 to 32767
	Request    model.Payload
	Response   model.Payload
	CreatedAt  *time.Time // nil: the server's clock at append; else of the source, microseconds
	Origin     model.Origin
	// Truncated says that the source has the payloads truncated already, as an export of a journal may, and RedactedPaths what
	// it has masked: JSON Pointers that begin with /request or /response.
	Truncated     bool
	RedactedPaths []string
	Truncate      int // longest payload stored whole, in bytes after redaction, for request and response each; 0: no limit
}

// Result is what became of one Input. Err is nil, an *model.InputError, ErrConflict, or what the database said of this entry
// alone; with an error nothing else is set but the key.
type Result struct {
	Key        string
	Position   int64
	CreatedAt  time.Time
	RecordedAt time.Time
	Created    bool // false: the same entry was there already
	Truncated  bool // created, with a request or response that was longer than Input.Truncate
	Err        error
}

// normalize checks an input and brings it into the form that is stored. Errors are *model.InputError.
func (in *Input) normalize() error {
	if in.Key != "" {
		if err := model.ValidateKey(in.Key); err != nil {
			return err
		}
	}
	if in.Username != nil && in.UserID != nil {
		return &model.InputError{Path: []any{"userID"}, Reason: "give username or userID, not both"}
	}
	if in.Username != nil {
		name, err := model.NormalUsername(*in.Username)
		if err != nil {
			return model.InputUnder(err, "username")
		}
		in.Username = &name
	}
	switch {
	case !in.Thing.Valid():
		return &model.InputError{Path: []any{"thing"}, Reason: fmt.Sprintf("%q is not a thing", string(in.Thing))}
	case !in.Command.Valid():
		return &model.InputError{Path: []any{"command"}, Reason: fmt.Sprintf("%q is not a command", string(in.Command))}
	case in.StatusCode < 0 || in.StatusCode > maxStatusCode:
		return &model.InputError{
			Path: []any{"statusCode"}, Reason: fmt.Sprintf("must be from 0 to %d, is %d", maxStatusCode, in.StatusCode),
		}
	case in.Request == "":
		return &model.InputError{Path: []any{"request"}, Reason: "must be given; null is allowed and is the JSON value null"}
	case in.Response == "":
		return &model.InputError{Path: []any{"response"}, Reason: "must be given; null is allowed and is the JSON value null"}
	}
	if err := in.checkRedactedPaths(); err != nil {
		return err
	}
	if in.CreatedAt != nil {
		return in.normalizeCreatedAt()
	}
	return nil
}

func (in *Input) checkRedactedPaths() error {
	for i, path := range in.RedactedPaths {
		part, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		if path == "" || path[0] != '/' || part != "request" && part != "response" || !utf8.ValidString(path) {
			return &model.InputError{
				Path: []any{"redactedPaths", i}, Reason: "must be a JSON Pointer that begins with /request or /response",
			}
		}
	}
	return nil
}

func (in *Input) normalizeCreatedAt() error {
	t := model.Microseconds(*in.CreatedAt)
	if !t.Equal(*in.CreatedAt) {
		return &model.InputError{Path: []any{"createdAt"}, Reason: "has a fraction finer than a microsecond"}
	}
	if t.Year() < 1 || t.Year() > 9999 {
		return &model.InputError{Path: []any{"createdAt"}, Reason: "must be from year 0001 to 9999"}
	}
	in.CreatedAt = &t
	return nil
}

// nameOf is the payload's name in paths and in the API.
func nameOf(part redaction.Part) string {
	if part == redaction.Response {
		return "response"
	}
	return "request"
}
