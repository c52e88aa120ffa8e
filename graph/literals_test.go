package graph_test

import (
	"context"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"

	"samjournal/graph"
	"samjournal/internal/model"
)

// operation parses a document against the product's schema and applies the extension.
func operation(t *testing.T, document string, given map[string]any) (*graphql.OperationContext, error) {
	t.Helper()
	schema := graph.NewSchema(nil).Schema()
	doc, errs := gqlparser.LoadQueryWithRules(schema, document, nil)
	require.Empty(t, errs)
	variables, err := validator.VariableValues(schema, doc.Operations[0], given)
	require.NoError(t, err)
	op := &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0], Variables: variables}
	if err := (graph.Literals{}).MutateOperationContext(context.Background(), op); err != nil {
		return nil, err
	}
	return op, nil
}

// request returns the JSON text of createEntry's request as a resolver would get it.
func request(t *testing.T, op *graphql.OperationContext) model.Payload {
	t.Helper()
	var args map[string]any
	for _, f := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Mutation"}) {
		args = f.ArgumentMap(op.Variables)
	}
	input, ok := args["input"].(map[string]any)
	require.True(t, ok)
	p, err := model.PayloadOf(input["request"])
	require.NoError(t, err)
	return p
}

func TestJSONLiteralsKeepTheTextOfTheirNumbers(t *testing.T) {
	t.Parallel()
	for literal, want := range map[string]model.Payload{
		`{a: 1.10, b: [1.0e3, 9223372036854775807]}`: `{"a":1.10,"b":[1.0e3,9223372036854775807]}`,
		`1.10`:                        `1.10`,
		`[]`:                          `[]`,
		`{}`:                          `{}`,
		`"1.10"`:                      `"1.10"`,
		`null`:                        `null`,
		`{a: {b: [true, null, "x"]}}`: `{"a":{"b":[true,null,"x"]}}`,
	} {
		op, err := operation(t, `mutation { createEntry(input: {request: `+literal+`, response: null}) { key } }`, nil)
		require.NoError(t, err)
		require.Equal(t, want, request(t, op), literal)
	}
}

func TestJSONLiteralsMayHoldVariables(t *testing.T) {
	t.Parallel()
	op, err := operation(t, `mutation($v: JSON, $absent: JSON) {
		createEntry(input: {request: {a: $v, b: $absent, c: 1.10}, response: null}) { key } }`,
		map[string]any{"v": map[string]any{"x": "y"}})
	require.NoError(t, err)
	require.Equal(t, model.Payload(`{"a":{"x":"y"},"c":1.10}`), request(t, op))
}

func TestJSONLiteralsInFragmentsAndDefaults(t *testing.T) {
	t.Parallel()
	op, err := operation(t, `mutation { ...f }
		fragment f on Mutation { createEntry(input: {request: 1.10, response: null}) { key } }`, nil)
	require.NoError(t, err)
	require.Equal(t, model.Payload(`1.10`), request(t, op))

	op, err = operation(t, `mutation($v: JSON = {a: 1.10}) { createEntry(input: {request: $v, response: null}) { key } }`, nil)
	require.NoError(t, err)
	require.Equal(t, model.Payload(`{"a":1.10}`), request(t, op))

	op, err = operation(t, `mutation($v: JSON = {a: 1.10}) { createEntry(input: {request: $v, response: null}) { key } }`,
		map[string]any{"v": "given"})
	require.NoError(t, err)
	require.Equal(t, model.Payload(`"given"`), request(t, op))
}

func TestTheDocumentItselfIsNotChanged(t *testing.T) {
	t.Parallel()
	schema := graph.NewSchema(nil).Schema()
	const document = `mutation { createEntry(input: {request: 1.10, response: null}) { key } }`
	doc, errs := gqlparser.LoadQueryWithRules(schema, document, nil)
	require.Empty(t, errs)
	op := &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0]}
	require.Nil(t, graph.Literals{}.MutateOperationContext(context.Background(), op))
	field, ok := doc.Operations[0].SelectionSet[0].(*ast.Field)
	require.True(t, ok)
	require.Equal(t, ast.ObjectValue, field.Arguments[0].Value.Kind)
	field, ok = op.Doc.Operations[0].SelectionSet[0].(*ast.Field)
	require.True(t, ok)
	require.Equal(t, ast.Variable, field.Arguments[0].Value.Kind)
}

func TestIntegersOutOfRangeAreRefusedNotPanickedOn(t *testing.T) {
	t.Parallel()
	_, err := operation(t, `{ entries(after: 99999999999999999999) { totalCount } }`, nil)
	require.ErrorContains(t, err, "99999999999999999999 is out of range")
}

func TestEnumsAreNotJSON(t *testing.T) {
	t.Parallel()
	_, err := operation(t, `mutation { createEntry(input: {request: PLUGIN, response: null}) { key } }`, nil)
	require.ErrorContains(t, err, "write strings in quotes")
}

func TestASubscriptionHasOneRootField(t *testing.T) {
	t.Parallel()
	schema := graph.NewSchema(nil).Schema()
	for document, ok := range map[string]bool{
		`subscription { entryCreated { cursor } }`:                             true,
		`subscription { entryCreated { cursor } e2: entryCreated { cursor } }`: false,
		`subscription { ...a ...b } fragment a on Subscription { a: entryCreated { cursor } }
			fragment b on Subscription { b: entryCreated { cursor } }`: false,
	} {
		doc, errs := gqlparser.LoadQueryWithRules(schema, document, nil)
		if len(errs) > 0 {
			require.False(t, ok, document) // gqlparser's own rule found it
			continue
		}
		op := &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0]}
		err := graph.OneStream{}.MutateOperationContext(context.Background(), op)
		require.Equal(t, ok, err == nil, document)
	}
}
