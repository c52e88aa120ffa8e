package graph

import (
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/formatter"
)

// NewSchema returns the API as gqlgen executes it.
func NewSchema(r *Resolver) graphql.ExecutableSchema {
	return NewExecutableSchema(Config{Resolvers: r})
}

// SDL returns the whole schema in the schema definition language, without what every GraphQL schema has.
func SDL() string {
	var b strings.Builder
	formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatSchema(NewExecutableSchema(Config{}).Schema())
	return b.String()
}

// Extensions are what the executor of the schema needs to run it as the contract says.
func Extensions() []graphql.HandlerExtension { return []graphql.HandlerExtension{Literals{}} }
