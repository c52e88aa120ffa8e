package e2e

import "testing"

// underAttack is a server as strangers reach it: credentials are needed, and there is a journal. The helpers of this package
// send a token of an operator.
func underAttack(t testing.TB, db database, args ...string) *server {
	t.Helper()
	must(t, db.where, "seed", "--entries=2000")
	token := newToken(t, db.where, "--role=operator")
	s := serve(t, db.where, append([]string{"--auth=required"}, args...)...)
	s.token = token
	return s
}
