package export

import (
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"samjournal/ent"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// record is one entry as an export shows it: names and spellings are those of the GraphQL API.
type record struct {
	key           string
	position      int64
	cursor        string
	createdAt     string
	recordedAt    string
	origin        string
	thing         string
	command       string
	statusCode    int
	username      *string
	request       *model.Payload // nil: not there, or not for this viewer; payloadState tells
	response      *model.Payload
	payloadState  model.PayloadState
	redactedPaths []string
}

func recordOf(scope model.Scope, e *ent.Entry) record {
	r := record{
		key:           e.ID,
		position:      e.Position,
		cursor:        model.EntryCursor(model.OrderPosition, e.Position, e.ID, time.Time{}).Encode(e.AccountID),
		createdAt:     e.CreatedAt.UTC().Format(model.TimeLayout),
		recordedAt:    e.RecordedAt.UTC().Format(model.TimeLayout),
		origin:        string(e.Origin),
		thing:         e.Thing.GraphQL(),
		command:       e.Command.GraphQL(),
		statusCode:    e.StatusCode,
		username:      e.Username,
		payloadState:  journal.PayloadStateOf(scope, e),
		redactedPaths: e.RedactedPaths,
	}
	if scope.Payloads {
		r.request, r.response = e.Request, e.Response
	}
	return r
}

// appendLine appends the record as a line of NDJSON. Payloads are in the bytes in which they are stored, which have no line
// break.
func (r *record) appendLine(b []byte) ([]byte, error) {
	w := object{b: append(b, '{')}
	w.text("key", r.key)
	w.number("position", r.position)
	w.text("cursor", r.cursor)
	w.text("createdAt", r.createdAt)
	w.text("recordedAt", r.recordedAt)
	w.text("origin", r.origin)
	w.text("thing", r.thing)
	w.text("command", r.command)
	w.number("statusCode", int64(r.statusCode))
	w.textOrNull("username", r.username)
	w.payload("request", r.request)
	w.payload("response", r.response)
	w.text("payloadState", string(r.payloadState))
	w.texts("redactedPaths", r.redactedPaths)
	if w.err != nil {
		return b, fmt.Errorf("write the entry at position %d: %w", r.position, w.err)
	}
	return append(w.b, '}', '\n'), nil
}

// object appends members to a JSON object.
type object struct {
	b   []byte
	err error // the first one
}

func (o *object) name(name string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.quote(name)
	o.b = append(o.b, ':')
}

func (o *object) quote(text string) {
	var err error
	if o.b, err = jsontext.AppendQuote(o.b, text); err != nil && o.err == nil {
		o.err = err
	}
}

func (o *object) text(name, value string) {
	o.name(name)
	o.quote(value)
}

func (o *object) textOrNull(name string, value *string) {
	o.name(name)
	if value == nil {
		o.b = append(o.b, "null"...)
		return
	}
	o.quote(*value)
}

func (o *object) number(name string, value int64) {
	o.name(name)
	o.b = strconv.AppendInt(o.b, value, 10)
}

func (o *object) payload(name string, value *model.Payload) {
	o.name(name)
	if value == nil {
		o.b = append(o.b, model.PayloadNull...)
		return
	}
	o.b = append(o.b, *value...)
}

func (o *object) texts(name string, values []string) {
	o.name(name)
	o.b = append(o.b, '[')
	for i, value := range values {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.quote(value)
	}
	o.b = append(o.b, ']')
}
