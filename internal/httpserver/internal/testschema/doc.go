// Package testschema is a small GraphQL schema that exercises the transports: answers, failures, panics, operations that wait
// for the test, subscriptions that end, never end, break or flood. It keeps the tests of the transports apart from the
// product's own schema.
package testschema

//go:generate go run github.com/99designs/gqlgen generate --config gqlgen.yml
