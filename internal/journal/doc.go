// Package journal is the core: the only way to append entries, and the feed of what was appended. It knows no HTTP and no
// GraphQL.
//
// An append makes an entry out of what a writer sent, in this order, because each step needs the one before:
//
//  1. validate, and name what is wrong by its path;
//  2. digest what was sent (an HMAC, before anything is masked), so that a retry is recognised even after the redaction
//     rules changed or the payload was truncated or erased;
//  3. redact, then truncate, then digest what will be stored, with a fresh salt;
//  4. lock the account's head, find keys that are there already, give the others the next positions, insert, move the
//     head, commit (internal/store).
//
// The feed has one goroutine per account that is followed (feed.go). It looks at the head when it is told of a commit, reads
// what is new, and keeps it for a while (recent.go); a Reader takes it from there, filtered in memory, or reads the database
// when it is further behind (reader.go).
//
// Reading goes through Ent, filtered by EntryFilter, whose fields are defined once for SQL and for memory.
package journal
