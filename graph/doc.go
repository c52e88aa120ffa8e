// Package graph is the GraphQL API: resolvers over the core (internal/journal) and over Ent.
//
// schema/*.graphql is the contract. gqlgen generates generated.go and models_gen.go from it; the *.resolvers.go files are
// ours, though gqlgen keeps them in step with the schema. Pages are made here (page.go) rather than by entgql, so that
// aliases, counting, limits, tie-breaks and cursors are right; selection.go reads from the database just the columns that
// the selected fields need. errors.go is the only place that makes error codes.
package graph
