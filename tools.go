//go:build tools

// Package tools pins the code generators in go.mod. Linters and test runners are pinned in tools/go.mod, so that they stay
// out of the product's dependencies.
package tools

import (
	_ "entgo.io/contrib/entgql"
	_ "entgo.io/ent/cmd/ent"
	_ "github.com/99designs/gqlgen"
)
