package model

import (
	"database/sql/driver"
	"fmt"
	"io"
)

// Payload is validated, compact JSON text.
type Payload string

// Scan reads the database's text.
func (p *Payload) Scan(v any) error {
	switch v := v.(type) {
	case string:
		*p = Payload(v)
	case []byte:
		*p = Payload(v)
	default:
		return fmt.Errorf("payload: cannot scan %T", v)
	}
	return nil
}

// Value is the database's text.
func (p Payload) Value() (driver.Value, error) { return string(p), nil }

// MarshalGQL writes the stored bytes.
func (p Payload) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, string(p)) }
