// Package importer reads journals from elsewhere: what Django's "manage.py dumpdata journal.samjournal auth.user" writes,
// as one JSON array or as JSON Lines (told apart by the first byte), UTF-8 with or without a byte order mark.
//
// # Two phases
//
// An export has its rows in the order of their primary keys, which are random, and its users may come after the entries
// that name them. A journal is in order of time. So the export is first read to its end into a staging file, which is a
// SQLite database, and then appended from there by created_at, then by the order in the file. Memory stays flat however
// long the export is: one row, one batch, and SQLite's cache of 16 MiB. Nothing is appended before all of the export has
// been read. What breaks in the middle:
//
//   - A JSON array that ends too early or is not JSON somewhere has no trustworthy rest. The error names the byte offset,
//     and nothing is written.
//   - A bad line of JSON Lines is one rejected row; the other lines are imported.
//   - A row that cannot be an entry (key, time, status, names, payloads) is rejected with its pk, field and reason, in both
//     forms; the others are imported. Rejections never repeat payloads.
//   - An error of the database, or an interrupt, stops the writing. What is written stays. Every entry keeps its key, and the
//     journal answers a known key with the same content by the entry that is there: running again completes the import, and
//     a run too many adds nothing.
//
// # Secrets in the staging file
//
// The journal redacts what it stores, but it also keeps a keyed digest of the content as it was sent, by which it knows the
// same entry again after the redaction rules have changed. So it must be given the original, and the staging file holds
// originals, cookies and tokens included: just what the export itself, lying beside it, holds. The file is created with mode
// 0600 and loses its name as soon as it is open, so that the system frees it when the process ends, however it ends, kill -9
// included. Where an open file cannot be removed (Windows) it is removed when the import ends, on errors and interrupts too.
//
// # What is mapped, and counted
//
// Payloads are stored whole, secrets masked, unless a limit is given; what is truncated then is counted.
//
// Names that older versions gave to things and commands become today's. An empty thing, command or a missing status_code
// gets its default. A time without zone (USE_TZ = False) is taken as UTC. A user is found by pk or by natural key; a pk that
// the export does not explain gives the username "django:<pk>". Usernames are brought to NFC; two users of one file that
// would then be one are not merged: the second is rejected, and its entries keep "django:<pk>". Users who are not active are
// created as disabled, dated by the clock of the import. Rows of other models are ignored.
package importer
