package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// OneStream refuses a subscription with several root fields, which the specification does not allow, also where an alias or a
// fragment hides it from gqlparser's rule.
type OneStream struct{}

var (
	_ graphql.HandlerExtension        = OneStream{}
	_ graphql.OperationContextMutator = OneStream{}
)

// ExtensionName names the extension.
func (OneStream) ExtensionName() string { return "OneStream" }

// Validate has nothing to check.
func (OneStream) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext counts the root fields of a subscription.
func (OneStream) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	if op.Operation.Operation != ast.Subscription {
		return nil
	}
	if len(graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Subscription"})) == 1 {
		return nil
	}
	return &gqlerror.Error{
		Message:    "a subscription must have exactly one root field",
		Extensions: map[string]any{"code": codeBadUserInput},
	}
}
