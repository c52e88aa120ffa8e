package main

//go:generate go run ent/entc.go
//go:generate go run github.com/99designs/gqlgen
//go:generate go run ./internal/docsgen docs/schema.md
//go:generate sh -c "go run . schema > web/schema.graphql"
