// Package oracle checks a whole journal database from outside: it reads the tables with plain SQL and says where they break
// what docs/format.md and the invariants promise. It imports nothing of the product, not even a constant, so that no
// mistake can be on both sides.
//
// Only tests import this package.
package oracle
