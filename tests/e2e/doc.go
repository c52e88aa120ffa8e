// Package e2e holds the tests that run the built binary as its users do: with arguments, environment variables, signals and
// sockets, on SQLite and on PostgreSQL. They look at nothing of the process but what it prints, answers and stores.
//
// The binary is built once for all tests; SAMJOURNAL_BIN names another one. Every test has a directory and a database of its
// own and serves on a port that the system chose.
package e2e
