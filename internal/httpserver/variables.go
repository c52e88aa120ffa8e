package httpserver

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// checkVariables refuses variables that would take too long to be checked. It stops at the limit, and does not look into values
// whose type is a scalar, JSON above all.
func (d *documents) checkVariables(doc *document, params *graphql.RawParams) *gqlerror.Error {
	op := doc.Operations.ForName(params.OperationName)
	if op == nil {
		return nil // the executor says what is wrong
	}

	w := variableWeigher{schema: d.schema, most: d.limits.MaxVariables}

	for _, definition := range op.VariableDefinitions {
		w.weigh(definition.Type, params.Variables[definition.Variable])
	}

	if w.steps > w.most {
		return tooMuch(limitVariables, w.steps, w.most)
	}

	return nil
}

type variableWeigher struct {
	schema *ast.Schema
	most   int
	steps  int
}

func (w *variableWeigher) weigh(t *ast.Type, value any) {
	w.steps++

	if w.steps > w.most {
		return
	}

	if t.Elem != nil {
		items, ok := value.([]any)
		if !ok {
			w.weigh(t.Elem, value) // one value stands for a list of one

			return
		}

		for _, item := range items {
			w.weigh(t.Elem, item)
		}

		return
	}

	def := w.schema.Types[t.NamedType]
	members, ok := value.(map[string]any)

	if !ok || def == nil || def.Kind != ast.InputObject {
		return
	}

	w.steps += len(def.Fields)

	for name, member := range members {
		if field := def.Fields.ForName(name); field != nil {
			w.weigh(field.Type, member)
		}
	}
}
