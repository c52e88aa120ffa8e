// Migrationgen writes the next migration of both databases:
//
//	go run ./internal/store/migrationgen NAME
//
// It applies the migrations there are to a fresh SQLite file and a fresh PostgreSQL server, compares what they make with the
// Ent schema, and writes what is missing to internal/store/migrations. What Ent has no words for (keys that begin with the
// account, CHECKs, triggers) is left alone and must be added to the written files by hand where the change needs it. The
// tests of this package fail while migrations and Ent schema disagree.
package main
