package graph

import (
	"maps"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
)

// NewSchema returns the API as gqlgen executes it.
func NewSchema(r *Resolver) graphql.ExecutableSchema {
	return NewExecutableSchema(Config{Schema: offered(), Resolvers: r, Directives: DirectiveRoot{Needs: needs}})
}

// offered is the schema without what gqlparser adds to every schema and this one does not have: @defer, which no transport
// here serves, and Float, which nothing refers to and the specification therefore wants left out (section 3.5). Tools take what
// introspection shows for something that they may use.
func offered() *ast.Schema {
	s := *NewExecutableSchema(Config{}).Schema()
	s.Directives = maps.Clone(s.Directives)
	delete(s.Directives, "defer")
	s.Types = maps.Clone(s.Types)
	delete(s.Types, "Float")
	return &s
}

// SDL returns the whole schema in the schema definition language, without what every GraphQL schema has.
func SDL() string {
	var b strings.Builder
	formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatSchema(NewExecutableSchema(Config{}).Schema())
	return b.String()
}

// Extensions are what the executor of the schema needs to run it as the contract says.
func Extensions() []graphql.HandlerExtension {
	return []graphql.HandlerExtension{Literals{}, OneStream{}, AnswerLimit{}}
}
