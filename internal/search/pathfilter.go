package search

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"samjournal/internal/model"
)

const maxOperand = 10_000 // bytes of what a value is compared with

// PathFilter is a condition on the values that a path leads to. EQ, GT, LT and Contains must hold for the same one of them.
type PathFilter struct {
	Side Side
	Path Path
	EQ   *model.Payload // equal to this
	// NEQ must not be any of the values. Nothing at the path differs from everything.
	NEQ *model.Payload
	// GT and LT are a number or a string each; numbers compare with numbers and strings with strings.
	GT, LT *model.Payload
	// Contains is a part of a string.
	Contains *string
	// Exists tells whether there is a value.
	Exists *bool
}

// Check finds what no value can be compared with. Errors are *model.InputError whose path begins with the name of the operation.
func (f *PathFilter) Check() error {
	if f.EQ == nil && f.NEQ == nil && f.GT == nil && f.LT == nil && f.Contains == nil && f.Exists == nil {
		return &model.InputError{Reason: "must have at least one of eq, neq, gt, lt, contains and exists"}
	}
	for name, operand := range map[string]*model.Payload{"eq": f.EQ, "neq": f.NEQ, "gt": f.GT, "lt": f.LT} {
		if operand != nil && len(*operand) > maxOperand {
			return &model.InputError{Path: []any{name}, Reason: fmt.Sprintf("has at most %d bytes", maxOperand)}
		}
	}
	if f.Contains != nil && len(*f.Contains) > maxOperand {
		return &model.InputError{Path: []any{"contains"}, Reason: fmt.Sprintf("has at most %d bytes", maxOperand)}
	}
	for name, operand := range map[string]*model.Payload{"gt": f.GT, "lt": f.LT} {
		if operand == nil {
			continue
		}
		if c := (*operand)[0]; c != '"' && c != '-' && (c < '0' || c > '9') {
			return &model.InputError{Path: []any{name}, Reason: "must be a number or a string"}
		}
	}
	return nil
}

// payload is what of an entry the filter looks at.
func (f *PathFilter) payload(e *Entry) *model.Payload {
	if f.Side == Request {
		return e.Request
	}
	return e.Response
}

// Match tells whether the entry has what the filter asks for.
func (f *PathFilter) Match(e *Entry) bool {
	var (
		tests         = f.tests()
		neq           *operand
		exists, holds bool
		different     = true
	)
	if f.NEQ != nil {
		neq = operandOf(*f.NEQ)
	}
	if p := f.payload(e); p != nil {
		// Reading ends when nothing can change any more.
		_ = f.Path.each(*p, func(value model.Payload) bool {
			exists = true
			holds = holds || !slices.ContainsFunc(tests, func(test func(model.Payload) bool) bool { return !test(value) })
			different = different && (neq == nil || !neq.equals(value))
			return holds && neq == nil || !different
		})
	}
	return (len(tests) == 0 || holds) && different && (f.Exists == nil || *f.Exists == exists)
}

// tests are what must hold for one value.
func (f *PathFilter) tests() (tests []func(model.Payload) bool) {
	if f.EQ != nil {
		eq := operandOf(*f.EQ)
		tests = append(tests, eq.equals)
	}
	if f.GT != nil {
		gt := operandOf(*f.GT)
		tests = append(tests, func(value model.Payload) bool {
			order, ok := gt.order(value)
			return ok && order > 0
		})
	}
	if f.LT != nil {
		lt := operandOf(*f.LT)
		tests = append(tests, func(value model.Payload) bool {
			order, ok := lt.order(value)
			return ok && order < 0
		})
	}
	if f.Contains != nil {
		tests = append(tests, func(value model.Payload) bool {
			text, ok := stringOf(value)
			return ok && strings.Contains(text, *f.Contains)
		})
	}
	return tests
}

// Terms are those that every entry has that the filter matches; none when the filter may match what has none.
func (f *PathFilter) Terms() (terms []Term) {
	at := root(f.Side)
	for _, s := range f.Path {
		if s.kind == byName {
			at = at.member(s.name)
		} else {
			at = at.element()
		}
	}
	if f.EQ != nil {
		if scalar, ok := scalarOf(*f.EQ); ok {
			return []Term{{Text: hashTerm(equalsTerm, at.value(scalar))}}
		}
	}
	if f.EQ != nil || f.GT != nil || f.LT != nil || f.Contains != nil || f.Exists != nil && *f.Exists {
		return []Term{{Text: hashTerm(existsTerm, at)}}
	}
	return nil
}

// Indexed tells that few entries have the terms of the filter: those with the value itself, or that the path leads to.
func (f *PathFilter) Indexed() bool { return f.EQ != nil || f.Exists != nil && *f.Exists }

// decoder reads a stored payload, whose names have been checked.
func decoder(p model.Payload) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBufferString(string(p)), jsontext.AllowDuplicateNames(true))
}

// each calls found with the values that the path leads to until it returns true.
func (path Path) each(p model.Payload, found func(model.Payload) (done bool)) error {
	_, err := path.follow(decoder(p), found)
	return err
}

// follow reads the next value, in which what is left of the path begins.
func (path Path) follow(dec *jsontext.Decoder, found func(model.Payload) bool) (done bool, err error) {
	if len(path) == 0 {
		value, err := dec.ReadValue()
		return err == nil && found(model.Payload(value)), err
	}
	kind := dec.PeekKind()
	if kind != jsontext.KindBeginObject && kind != jsontext.KindBeginArray ||
		(path[0].kind == byName) != (kind == jsontext.KindBeginObject) {
		return false, dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return false, err
	}
	end := jsontext.KindEndArray
	if kind == jsontext.KindBeginObject {
		end = jsontext.KindEndObject
	}
	for i := 0; dec.PeekKind() != end; i++ {
		leads := path[0].kind == byAny || path[0].kind == byIndex && path[0].index == i
		if path[0].kind == byName {
			name, err := dec.ReadToken()
			if err != nil {
				return false, err
			}
			leads = name.String() == path[0].name
		}
		if !leads {
			if err := dec.SkipValue(); err != nil {
				return false, err
			}
			continue
		}
		if done, err := path[1:].follow(dec, found); done || err != nil {
			return done, err
		}
	}
	_, err = dec.ReadToken()
	return false, err
}

// scalarOf is scalarText of a payload that is no object and no array.
func scalarOf(p model.Payload) (string, bool) {
	if p[0] == '{' || p[0] == '[' {
		return "", false
	}
	token, err := decoder(p).ReadToken()
	if err != nil {
		return "", false
	}
	return scalarText(token), true
}

func stringOf(p model.Payload) (string, bool) {
	if p[0] != '"' {
		return "", false
	}
	text, err := jsontext.AppendUnquote(nil, p)
	return string(text), err == nil
}
