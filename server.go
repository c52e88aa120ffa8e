// Samjournal is a GraphQL API server that keeps an append-only journal of API operations.
package main

import (
	"os"

	"samjournal/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:])) }
