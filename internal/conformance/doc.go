// Package conformance holds the tests that every store must pass, run on SQLite and on PostgreSQL alike: the invariants of
// the journal, its pages and filters as clients see them, the statements that they cost, and the plans that serve them.
//
// Three rules keep the suite honest. Every scenario ends with the oracle (package oracle), which reads the tables with plain
// SQL and shares no code with the product. What a page must hold is computed in the test from what was appended, by plain
// sorting and filtering. And whatever may differ between runs, such as keys, salts and the clock, is given by the test
// where two databases are compared.
//
// Tests run fewer rounds with -short, which the run under the race detector sets, and more with SAMJOURNAL_TEST_LONG=1.
package conformance
