package model

import (
	"fmt"
	"io"
	"strconv"
)

// Origin tells how an entry came into the journal.
type Origin string

// The origins. SEED marks generated entries, so that they can never be taken for real ones.
const (
	OriginAPI    Origin = "API"
	OriginImport Origin = "IMPORT"
	OriginSeed   Origin = "SEED"
)

// Values lists the origins; Ent uses it for the column's values.
func (Origin) Values() []string {
	return []string{string(OriginAPI), string(OriginImport), string(OriginSeed)}
}

// MarshalGQL writes the origin.
func (o Origin) MarshalGQL(w io.Writer) { writeQuoted(w, string(o)) }

// UnmarshalGQL reads an origin.
func (o *Origin) UnmarshalGQL(v any) error {
	s, ok := v.(string)
	if !ok {
		return &InputError{Reason: "Origin must be one of API, IMPORT, SEED"}
	}
	switch Origin(s) {
	case OriginAPI, OriginImport, OriginSeed:
		*o = Origin(s)
		return nil
	}
	return &InputError{Reason: fmt.Sprintf("%s is not an Origin; allowed: API, IMPORT, SEED", strconv.Quote(clip(s)))}
}

// PayloadState tells what request and response of an entry are. STORED and TRUNCATED are stored with the entry; ERASED and
// HIDDEN follow from the entry and from who is asking.
type PayloadState string

// The payload states.
const (
	PayloadStored    PayloadState = "STORED"
	PayloadTruncated PayloadState = "TRUNCATED"
	PayloadErased    PayloadState = "ERASED"
	PayloadHidden    PayloadState = "HIDDEN"
)

// Values lists the states that the database holds.
func (PayloadState) Values() []string {
	return []string{string(PayloadStored), string(PayloadTruncated)}
}

// MarshalGQL writes the state.
func (s PayloadState) MarshalGQL(w io.Writer) { writeQuoted(w, string(s)) }

// UnmarshalGQL reads a state.
func (s *PayloadState) UnmarshalGQL(v any) error {
	text, ok := v.(string)
	if !ok {
		return &InputError{Reason: "PayloadState must be one of its enum values"}
	}
	switch PayloadState(text) {
	case PayloadStored, PayloadTruncated, PayloadErased, PayloadHidden:
		*s = PayloadState(text)
		return nil
	}
	return &InputError{Reason: strconv.Quote(clip(text)) + " is not a PayloadState"}
}
