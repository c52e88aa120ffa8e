package export

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"strings"

	"samjournal/internal/model"
)

// Format is how an export is written.
type Format string

// The formats.
const (
	NDJSON Format = "ndjson" // one JSON object a line, then the manifest
	CSV    Format = "csv"    // RFC 4180 in UTF-8, a header, then one entry a record
)

// ParseFormat reads the name of a format. The error is an *model.InputError at "format".
func ParseFormat(name string) (Format, error) {
	switch f := Format(name); f {
	case NDJSON, CSV:
		return f, nil
	}
	return "", &model.InputError{Path: []any{"format"}, Reason: `must be "ndjson" or "csv"`}
}

// MediaType is the Content-Type of a format.
func (f Format) MediaType() string {
	if f == CSV {
		return "text/csv; charset=utf-8; header=present"
	}
	return "application/x-ndjson"
}

// encoder writes records in one format.
type encoder interface {
	// begin returns what stands before the first record.
	begin() ([]byte, error)
	// encode returns a record's bytes, which stay as they are until the next call.
	encode(r *record) ([]byte, error)
}

func (f Format) encoder() encoder {
	if f == CSV {
		c := &csvEncoder{}
		c.w = csv.NewWriter(&c.buffer)
		return c
	}
	return &lineEncoder{}
}

// keep is the largest buffer that an encoder keeps for its next record: one large payload does not occupy memory to the end.
const keep = 1 << 20

type lineEncoder struct{ buffer []byte }

func (*lineEncoder) begin() ([]byte, error) { return nil, nil }

func (l *lineEncoder) encode(r *record) (line []byte, err error) {
	line, err = r.appendLine(l.buffer[:0])
	l.buffer = line
	if cap(line) > keep {
		l.buffer = nil
	}
	return line, err
}

type csvEncoder struct {
	buffer bytes.Buffer
	w      *csv.Writer
}

// columns are CSV's, in this order.
func columns() []string {
	return []string{
		"key", "position", "cursor", "createdAt", "recordedAt", "origin", "thing", "command", "statusCode", "username", "request",
		"response", "payloadState", "redactedPaths",
	}
}

func (c *csvEncoder) begin() ([]byte, error) { return c.write(columns()) }

func (c *csvEncoder) encode(r *record) ([]byte, error) {
	cells := []string{
		r.key, strconv.FormatInt(r.position, 10), r.cursor, r.createdAt, r.recordedAt, r.origin, r.thing, r.command,
		strconv.Itoa(r.statusCode), "", "", "", string(r.payloadState), strings.Join(r.redactedPaths, " "),
	}
	const username, request, response = 9, 10, 11
	if r.username != nil {
		cells[username] = *r.username
	}
	if r.request != nil {
		cells[request] = string(*r.request)
	}
	if r.response != nil {
		cells[response] = string(*r.response)
	}
	for i := range cells {
		cells[i] = neutral(cells[i])
	}
	return c.write(cells)
}

func (c *csvEncoder) write(cells []string) ([]byte, error) {
	if c.buffer.Cap() > keep {
		c.buffer = bytes.Buffer{}
	}
	c.buffer.Reset()
	if err := c.w.Write(cells); err != nil {
		return nil, err
	}
	c.w.Flush()
	return c.buffer.Bytes(), c.w.Error()
}

// neutral keeps a spreadsheet from taking a cell for a formula: one that begins like a formula gets an apostrophe before it.
func neutral(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
