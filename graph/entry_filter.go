package graph

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"

	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// EntryFilter reads an EntryWhereInput that came as JSON outside an operation, as /export has it, by the same rules as a
// variable; numbers may be json.Number. nil gives a filter that matches everything. Errors are *model.InputError with the path
// below "where".
func EntryFilter(
	ctx context.Context, accountID int64, now time.Time, where map[string]any,
) (*journal.EntryFilter, error) {
	if where == nil {
		return journal.ParseEntryFilter(accountID, now, nil)
	}
	es, ok := NewExecutableSchema(Config{}).(*executableSchema)
	if !ok {
		return nil, errors.New("the generated schema is of another type")
	}
	ctx = graphql.WithPathContext(ctx, graphql.NewPathWithField("where"))
	ec := newExecutionContext(&graphql.OperationContext{}, es, nil)
	coerced, err := coerce(es.Schema(), where)
	if err == nil {
		where, err = ec.unmarshalInputEntryWhereInput(ctx, coerced)
	}
	if err != nil {
		return nil, inputError(err)
	}
	filter, err := journal.ParseEntryFilter(accountID, now, where)
	return filter, model.InputUnder(err, "where")
}

// coerce brings the value into the form that variables of the type have: what the schema does not know is refused, and a
// single value stands for a list of one.
func coerce(schema *ast.Schema, where map[string]any) (any, error) {
	op := &ast.OperationDefinition{Operation: ast.Query, VariableDefinitions: ast.VariableDefinitionList{{
		Variable: "where", Type: ast.NonNullNamedType("EntryWhereInput", nil), Definition: schema.Types["EntryWhereInput"],
	}}}
	values, err := validator.VariableValues(schema, op, map[string]any{"where": where})
	return values["where"], err
}

// inputError is what gqlparser and gqlgen say of an input as one of ours.
func inputError(err error) error {
	if input, ok := errors.AsType[*model.InputError](err); ok {
		placed, ok := errors.AsType[*gqlerror.Error](err)
		if !ok {
			return model.InputUnder(input, "where")
		}
		return &model.InputError{Path: append(stepsOf(placed.Path), input.Path...), Reason: input.Reason}
	}
	if placed, ok := errors.AsType[*gqlerror.Error](err); ok {
		return &model.InputError{Path: stepsOf(placed.Path), Reason: placed.Message}
	}
	return fmt.Errorf("read where: %w", err)
}

// stepsOf is a path without "variable", with which gqlparser begins those of variables.
func stepsOf(path ast.Path) []any {
	steps := make([]any, 0, len(path))
	for i, step := range path {
		if name, ok := step.(ast.PathName); ok && i == 0 && name == "variable" {
			continue
		}
		steps = append(steps, pathStep(step))
	}
	return steps
}
