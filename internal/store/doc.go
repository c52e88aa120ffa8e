// Package store keeps journals in SQLite or PostgreSQL.
//
// [Open] opens the database that DATABASE_URL names, [Store.Migrate] brings its schema up to date. After that the two
// databases are alike to everything above: the same tables, the same triggers that refuse to change or delete an entry, the
// same order of positions. Where they differ, in locks and in bulk inserts, each has a file of its own.
//
// Reading goes through Ent: an interceptor adds the account of the context's viewer, and whatever else limits it, to every
// statement, and a query without a viewer fails. Writing goes through this package's own statements, which take the account
// as an argument. The migrations are the truth about the schema; a test compares what they make with what Ent expects.
package store
