package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// jsonScalar is the scalar whose literals keep the text of their numbers.
const jsonScalar = "JSON"

// Literals takes literals of the JSON scalar from the document as they are written: gqlparser alone would make 1.10 the
// float 1.1. It also answers an integer beyond 64 bits, where a custom scalar is due, with an error rather than a panic.
// (Inside a literal input object, validation has refused such integers before; variables take them.)
//
// A document may be shared with other operations, so it is not changed: an argument that holds a JSON literal becomes, in a
// copy, a variable of a name that no client can choose, and its value one of this operation's variables.
type Literals struct{}

var (
	_ graphql.HandlerExtension        = Literals{}
	_ graphql.OperationContextMutator = Literals{}
)

// ExtensionName names the extension.
func (Literals) ExtensionName() string { return "Literals" }

// Validate has nothing to check.
func (Literals) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext lifts the literals of one operation.
func (Literals) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	l := lifter{variables: op.Variables}
	if err := l.defaults(op.Operation); err != nil {
		return err
	}
	op.Variables = l.variables
	selections, changed := l.selections(op.Operation.SelectionSet)
	fragments := make(ast.FragmentDefinitionList, len(op.Doc.Fragments))
	for i, f := range op.Doc.Fragments {
		fragments[i] = f
		if set, ok := l.selections(f.SelectionSet); ok {
			same := *f
			same.SelectionSet = set
			fragments[i], changed = &same, true
		}
	}
	if l.err != nil {
		return l.err
	}
	if !changed {
		return nil
	}
	operation, doc := *op.Operation, *op.Doc
	if selections != nil {
		operation.SelectionSet = selections
	}
	doc.Fragments, doc.Operations = fragments, ast.OperationList{&operation}
	op.Operation, op.Doc, op.Variables = &operation, &doc, l.variables
	return nil
}

// lifter collects what one operation's literals become.
type lifter struct {
	variables map[string]any
	count     int
	err       *gqlerror.Error
}

// defaults evaluates the defaults of variables that were not given and that hold JSON.
func (l *lifter) defaults(op *ast.OperationDefinition) *gqlerror.Error {
	for _, v := range op.VariableDefinitions {
		if v.DefaultValue == nil || !hasJSON(v.DefaultValue) {
			continue
		}
		if given, ok := l.variables[v.Variable]; ok && !equalDefault(given, v.DefaultValue) {
			continue
		}
		l.set(v.Variable, l.evaluate(v.DefaultValue))
	}
	return l.err
}

// equalDefault tells whether a variable's value is what gqlparser made of its default.
func equalDefault(given any, def *ast.Value) bool {
	made, err := def.Value(nil)
	if err != nil {
		return true // gqlparser could not read it either
	}
	a, errA := json.Marshal(given)
	b, errB := json.Marshal(made)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

func (l *lifter) set(name string, value any) {
	if l.count == 0 {
		own := make(map[string]any, len(l.variables)+1)
		maps.Copy(own, l.variables)
		l.variables = own
	}
	l.count++
	l.variables[name] = value
}

// selections returns a copy of a selection set in which the arguments that hold JSON literals are variables; changed is
// false, and the copy nil, when there is none. Spread fragments are visited where they are defined, once.
func (l *lifter) selections(set ast.SelectionSet) (lifted ast.SelectionSet, changed bool) {
	replace := func(i int, s ast.Selection) {
		if !changed {
			lifted, changed = slices.Clone(set), true
		}
		lifted[i] = s
	}
	for i, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			args, newArgs := l.arguments(s.Arguments)
			below, newBelow := l.selections(s.SelectionSet)
			if newArgs || newBelow {
				same := *s
				if newArgs {
					same.Arguments = args
				}
				if newBelow {
					same.SelectionSet = below
				}
				replace(i, &same)
			}
		case *ast.InlineFragment:
			if below, ok := l.selections(s.SelectionSet); ok {
				same := *s
				same.SelectionSet = below
				replace(i, &same)
			}
		}
	}
	return lifted, changed
}

func (l *lifter) arguments(args ast.ArgumentList) (lifted ast.ArgumentList, changed bool) {
	for i, arg := range args {
		if arg.Value.Kind == ast.Variable {
			continue
		}
		if !hasJSON(arg.Value) {
			l.check(arg.Value)
			continue
		}
		if !changed {
			lifted, changed = slices.Clone(args), true
		}
		name := "\x00literal" + strconv.Itoa(l.count) // no name in a document has a NUL
		l.set(name, l.evaluate(arg.Value))
		same, value := *arg, *arg.Value
		value.Kind, value.Raw, value.Children = ast.Variable, name, nil
		same.Value = &value
		lifted[i] = &same
	}
	return lifted, changed
}

// hasJSON tells whether a literal is or holds one of the JSON scalar.
func hasJSON(v *ast.Value) bool {
	if v == nil {
		return false
	}
	if v.Definition != nil && v.Definition.Name == jsonScalar {
		return true
	}
	for _, child := range v.Children {
		if hasJSON(child.Value) {
			return true
		}
	}
	return false
}

// check refuses integers that gqlparser would panic on.
func (l *lifter) check(v *ast.Value) {
	if v.Kind == ast.IntValue {
		if _, err := strconv.ParseInt(v.Raw, 10, 64); err != nil {
			l.refusef(v, "integer %s is out of range", short(v.Raw))
		}
	}
	for _, child := range v.Children {
		l.check(child.Value)
	}
}

// evaluate is ast.Value.Value, but that JSON literals keep the text of their numbers.
func (l *lifter) evaluate(v *ast.Value) any {
	isJSON := v.Definition != nil && v.Definition.Name == jsonScalar
	if isJSON {
		return l.evaluateJSON(v)
	}
	switch v.Kind {
	case ast.ListValue:
		list := make([]any, 0, len(v.Children))
		for _, child := range v.Children {
			list = append(list, l.evaluate(child.Value))
		}
		return list
	case ast.ObjectValue:
		return l.object(v, l.evaluate)
	default:
		value, err := v.Value(l.variables)
		if err != nil {
			l.refusef(v, "%s is out of range", short(v.Raw))
		}
		return value
	}
}

func (l *lifter) evaluateJSON(v *ast.Value) any {
	switch v.Kind {
	case ast.IntValue, ast.FloatValue:
		return json.Number(v.Raw)
	case ast.ListValue:
		list := make([]any, 0, len(v.Children))
		for _, child := range v.Children {
			list = append(list, l.evaluateJSON(child.Value))
		}
		return list
	case ast.ObjectValue:
		return l.object(v, l.evaluateJSON)
	case ast.EnumValue:
		l.refusef(v, "%s is not JSON; write strings in quotes", short(v.Raw))
		return nil
	default:
		value, err := v.Value(l.variables)
		if err != nil {
			l.refusef(v, "%s cannot be read", short(v.Raw))
		}
		return value
	}
}

// object leaves out members whose variable was not given, as the specification wants.
func (l *lifter) object(v *ast.Value, evaluate func(*ast.Value) any) map[string]any {
	object := make(map[string]any, len(v.Children))
	for _, child := range v.Children {
		if child.Value.Kind == ast.Variable {
			if _, given := l.variables[child.Value.Raw]; !given {
				continue
			}
		}
		object[child.Name] = evaluate(child.Value)
	}
	return object
}

func (l *lifter) refusef(v *ast.Value, format string, args ...any) {
	if l.err != nil {
		return
	}
	l.err = &gqlerror.Error{Message: fmt.Sprintf(format, args...), Extensions: map[string]any{"code": codeBadUserInput}}
	if v.Position != nil {
		l.err.Locations = []gqlerror.Location{{Line: v.Position.Line, Column: v.Position.Column}}
	}
}

func short(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
