package journal

import (
	"fmt"
	"slices"

	"samjournal/internal/model"
)

const (
	maxFilterDepth      = 3   // levels of and/or/not below the outermost
	maxFilterValues     = 500 // values of one list
	maxFilterConditions = 100 // conditions of one filter
)

// parser reads one where input.
type parser[T any] struct {
	accountID  int64
	fields     []field[T]
	conditions int
}

// parse reads a where input as GraphQL gives it: names with their operation's suffix, and/or/not. Nulls are as if they were
// not there. Errors are *model.InputError with the path below the input.
func (p *parser[T]) parse(where map[string]any, depth int) (*Filter[T], error) {
	f := &Filter[T]{accountID: p.accountID}
	names := make([]string, 0, len(where))
	for name := range where {
		names = append(names, name)
	}
	slices.Sort(names) // so that of several errors it is always the same one that is told
	for _, name := range names {
		v := deref(where[name])
		if v == nil {
			continue
		}
		if err := p.member(f, name, v, depth); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (p *parser[T]) member(f *Filter[T], name string, v any, depth int) (err error) {
	switch name {
	case "and":
		f.all, err = p.list(name, v, depth)
	case "or":
		f.anyOf, err = p.list(name, v, depth)
	case "not":
		where, ok := v.(map[string]any)
		if !ok {
			return unusable(name, v)
		}
		f.not, err = p.nested(where, depth, name)
	default:
		var c condition[T]
		if c, err = p.condition(name, v); err == nil {
			f.conds = append(f.conds, c)
		}
	}
	return err
}

func (p *parser[T]) list(name string, v any, depth int) ([]*Filter[T], error) {
	wheres, ok := asMaps(v)
	if !ok {
		return nil, unusable(name, v)
	}
	if len(wheres) == 0 {
		return nil, &model.InputError{Path: []any{name}, Reason: "must hold at least one filter"}
	}
	filters := make([]*Filter[T], len(wheres))
	for i, where := range wheres {
		var err error
		if filters[i], err = p.nested(where, depth, name, i); err != nil {
			return nil, err
		}
	}
	return filters, nil
}

func (p *parser[T]) nested(where map[string]any, depth int, path ...any) (*Filter[T], error) {
	if depth >= maxFilterDepth {
		return nil, &model.InputError{Path: path, Reason: fmt.Sprintf("and, or and not nest at most %d levels", maxFilterDepth)}
	}
	if err := p.count(); err != nil {
		return nil, err.Under(path...)
	}
	f, err := p.parse(where, depth+1)
	return f, model.InputUnder(err, path...)
}

// count bounds the size of the whole filter, so that no input makes a statement without end.
func (p *parser[T]) count() *model.InputError {
	p.conditions++
	if p.conditions > maxFilterConditions {
		return &model.InputError{Reason: fmt.Sprintf("a filter has at most %d conditions", maxFilterConditions)}
	}
	return nil
}

func (p *parser[T]) condition(name string, v any) (condition[T], error) {
	fld, op, ok := p.find(name)
	if !ok {
		return condition[T]{}, &model.InputError{Path: []any{name}, Reason: "is not a filter"}
	}
	if err := p.count(); err != nil {
		return condition[T]{}, err
	}
	c := condition[T]{field: fld, op: op}
	if op == EQ && fld.as != EQ {
		op, c.op = fld.as, fld.as
	}
	switch op {
	case IsNil:
		c.values = []any{v}
		return c, nil
	case In, NotIn:
		list := asList(v)
		if len(list) == 0 || len(list) > maxFilterValues {
			return c, &model.InputError{
				Path: []any{name}, Reason: fmt.Sprintf("must hold 1 to %d values, has %d", maxFilterValues, len(list)),
			}
		}
		for i, item := range list {
			value, err := fld.convert(p.accountID, deref(item))
			if err != nil {
				return c, model.InputUnder(err, name, i)
			}
			c.values = append(c.values, value)
		}
		return c, nil
	default:
		value, err := fld.convert(p.accountID, v)
		c.values = []any{value}
		return c, model.InputUnder(err, name)
	}
}

func (p *parser[T]) find(name string) (*field[T], Op, bool) {
	for i := range p.fields {
		f := &p.fields[i]
		if len(name) >= len(f.name) && name[:len(f.name)] == f.name {
			if op := Op(name[len(f.name):]); slices.Contains(f.ops, op) {
				return f, op, true
			}
		}
	}
	return nil, "", false
}
