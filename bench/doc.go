// Command bench measures what a page and an append cost on a journal of 1,000,000 entries, on SQLite and on PostgreSQL.
//
// Machines are noisy and differ, so what counts are ratios of things measured in turns in one run: a page far inside the
// journal against the first one, and the product against a server written by hand for exactly this question (see limit.go),
// which is about as fast as it can be on this machine with this driver. Every answer is checked before it is timed.
//
// Everything is asked over HTTP, of the real binary, by one client that waits for each answer. `bench feed` is different: it
// measures what thousands of subscribers cost, against a bare broadcast of the same bytes (see feed_bare.go).
package main
