// Package model is the leaf of the dependency tree: the words of the journal as Go types. It has no I/O and imports nothing
// else of this module, so that the database schema, the core and the GraphQL layer can share one definition of each word.
package model
