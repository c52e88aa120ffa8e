// Package export writes entries out of a journal, as NDJSON or CSV, and checks what was written.
//
// An export holds the matching entries that its viewer may see, in order of position, up to the head as it was when the export
// began: what is appended meanwhile belongs to the next one. It reads a bounded number of entries at a time and holds no
// connection in between, so its memory does not grow with the journal and it may take as long as its reader needs.
//
// # Complete or not
//
// NDJSON has one entry a line and ends with a line of another kind, the Manifest, which says what was asked for, how many
// entries there are, and the SHA-256 of all bytes before it. A file without it is incomplete: the connection broke, the server
// was stopped, the disk was full. Verify tells. CSV has no place for it, so it goes beside: as an HTTP trailer, or to a file.
//
// An export that was cut off goes on after the cursor of its last whole line.
package export
