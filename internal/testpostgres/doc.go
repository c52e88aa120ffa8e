// Package testpostgres gives tests real PostgreSQL databases.
//
// [New] returns the address of an empty database that nobody else uses. All databases of one test process live on one
// server, which the first call starts on a free loopback port, from the installed server binaries, with its data in a
// temporary directory; initdb and start take about two seconds. [Start] gives a test a server of its own, to stop and
// restart.
//
// The server cannot outlive the test process, not even one that panics or is killed: a small shell script stands between
// the two and holds the reading end of a pipe. When the process goes away, however it goes, the kernel closes the pipe, and
// the script stops the server and removes its data. No goroutine is involved, so goleak has nothing to find.
//
// Three settings are unusual on purpose. The time zone is not UTC and text sorts by a language's rules, not bytewise, as on
// many production servers, so that code which relies on the opposite must say so in SQL. And nothing is flushed to disk,
// which makes writes fast and survives everything but a crash of the operating system; [WithDurability] changes that.
//
// Binaries are looked for in $SAMJOURNAL_TEST_PG_BIN, then in /usr/lib/postgresql/*/bin (the newest), then in $PATH. They
// refuse to run as root, so a test that runs as root runs them as the user postgres. With $SAMJOURNAL_TEST_POSTGRES_URL set
// to a superuser's address, databases are made on that server instead. A test never skips because PostgreSQL is missing: it
// fails and says what to install.
//
// Only tests and benchmarks import this package.
package testpostgres
