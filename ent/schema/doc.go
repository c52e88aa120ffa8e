// Package schema holds the data model: the entities that Ent generates code for. Comments here become the descriptions of
// the GraphQL fields, so they are written for front-end developers.
//
// What Ent cannot say stands in the migrations of internal/store: primary and foreign keys that begin with account_id,
// CHECKs, and the triggers that keep entries as they are. Writing goes through internal/journal alone; AccountScoped
// refuses every mutation through Ent.
package schema
