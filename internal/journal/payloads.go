package journal

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	entsql "entgo.io/ent/dialect/sql"

	"samjournal/ent"
	"samjournal/ent/entry"
	"samjournal/internal/model"
)

// Shown says how often an answer shows the two payloads of each of its entries: once, or once for each alias.
type Shown struct{ Request, Response int }

// Payloads returns how often the payloads are selected.
func (s Selection) Payloads() (shown Shown) {
	for _, column := range s.Columns {
		switch column {
		case entry.FieldRequest:
			shown.Request++
		case entry.FieldResponse:
			shown.Response++
		}
	}
	return shown
}

// Times is how many payloads an answer shows of an entry.
func (w Shown) Times() int { return w.Request + w.Response }

// Once tells that no payload is shown more than once.
func (w Shown) Once() bool { return w.Request <= 1 && w.Response <= 1 }

// Of is how many bytes of payloads an answer shows of an entry that was read with Selection.ApplyShort.
func (w Shown) Of(e *ent.Entry) (bytes int64) {
	if w.Request > 0 {
		bytes += int64(w.Request) * lengthOf(e.Request)
	}
	if w.Response > 0 {
		bytes += int64(w.Response) * lengthOf(e.Response)
	}
	return bytes
}

// mark begins what ApplyShort puts in the place of a long payload, before its length. No JSON begins with it.
const mark = "#"

func lengthOf(p *model.Payload) int64 {
	if p == nil {
		return 0
	}
	if digits, long := strings.CutPrefix(string(*p), mark); long {
		n, _ := strconv.ParseInt(digits, 10, 64)
		return n
	}
	return int64(len(*p))
}

// ApplyShort is Apply for entries whose payloads are selected and may be large: only those of at most `longest` bytes are read.
// Shown.Of counts the others too, and ReadLong has to read them before anybody looks at them. To know their lengths costs next
// to nothing: both databases have them at hand without reading the payloads, which lie elsewhere when they are long.
func (s Selection) ApplyShort(q *ent.EntryQuery, longest int64, also ...string) *ent.EntryQuery {
	light := s
	light.Columns = slices.DeleteFunc(slices.Clone(s.Columns), func(c string) bool {
		return c == entry.FieldRequest || c == entry.FieldResponse
	})
	light.Apply(q, also...)
	shown := s.Payloads()
	q.Modify(func(selector *entsql.Selector) {
		if shown.Request > 0 {
			onlyShort(selector, entry.FieldRequest, longest)
		}
		if shown.Response > 0 {
			onlyShort(selector, entry.FieldResponse, longest)
		}
	})
	return q
}

// onlyShort selects a payload where it is short, and its length where it is long.
func onlyShort(selector *entsql.Selector, payload string, longest int64) {
	column := selector.C(payload)
	selector.AppendSelectExprAs(entsql.ExprFunc(func(b *entsql.Builder) {
		b.WriteString("CASE WHEN octet_length(").Ident(column).WriteString(") <= ").Arg(longest)
		b.WriteString(" THEN ").Ident(column)
		b.WriteString(" ELSE '" + mark + "' || octet_length(").Ident(column).WriteString(") END")
	}), payload)
}

// LeftOut tells whether ApplyShort has left out payloads of these entries.
func LeftOut(entries []*ent.Entry) bool { return slices.ContainsFunc(entries, leftOut) }

func leftOut(e *ent.Entry) bool { return marked(e.Request) || marked(e.Response) }

func marked(p *model.Payload) bool { return p != nil && strings.HasPrefix(string(*p), mark) }

// ReadLong reads the payloads of those entries of which ApplyShort has left one out, in one statement. The query is a new one
// on entries.
func (s Selection) ReadLong(ctx context.Context, q *ent.EntryQuery, entries []*ent.Entry) error {
	missing := map[int64]*ent.Entry{}
	for _, e := range entries {
		if leftOut(e) {
			missing[e.Position] = e
		}
	}
	columns := []string{entry.FieldAccountID, entry.FieldPosition, entry.FieldPayloadSalt}
	shown := s.Payloads()
	if shown.Request > 0 {
		columns = append(columns, entry.FieldRequest)
	}
	if shown.Response > 0 {
		columns = append(columns, entry.FieldResponse)
	}
	q.Select(columns...)
	rows, err := q.Where(entry.PositionIn(slices.Sorted(maps.Keys(missing))...)).All(ctx)
	if err != nil {
		return fmt.Errorf("read %d long payloads: %w", len(missing), err)
	}
	if len(rows) != len(missing) {
		return fmt.Errorf("read %d long payloads, found %d: %w", len(missing), len(rows), errMoved)
	}
	for _, row := range rows {
		e := missing[row.Position]
		e.Request, e.Response = row.Request, row.Response
		if erased(row) {
			e.PayloadSalt = nil // between the two statements
		}
	}
	return nil
}

// erased tells whether an entry has lost its payloads. Of a NULL of bytes Ent makes a pointer to nothing.
func erased(e *ent.Entry) bool { return e.PayloadSalt == nil || *e.PayloadSalt == nil }

// PayloadStateOf tells what request and response of an entry are for those with this scope. An erased entry has lost its salt
// with them.
func PayloadStateOf(scope model.Scope, e *ent.Entry) model.PayloadState {
	switch {
	case erased(e):
		return model.PayloadErased
	case !scope.Payloads:
		return model.PayloadHidden
	}
	return e.PayloadState
}
