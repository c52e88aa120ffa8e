// Package seed makes entries that look like those of a busy Smarter platform, to try the product on: mostly prompts, a few
// users who do most of the work, days and nights, weekends, and now and then an error.
//
// Everything follows from the seed by integer arithmetic alone, so that the same seed, number and end give the same bytes
// on every machine. Only the times depend on the number and the end; keys, users and payloads depend on the seed and on the
// place in the sequence. The tokens and cookies in the requests are as random as the rest, and are there to be redacted.
//
// The JSON is written by hand into one buffer: a million entries are to take no longer than the database needs for them.
package seed
