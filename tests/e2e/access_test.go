package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// newToken creates a token as an operator does at the command line.
func newToken(t testing.TB, at where, args ...string) string {
	t.Helper()
	r := must(t, at, append([]string{"token", "create", "--name=test"}, args...)...)
	token := strings.TrimSpace(r.stdout)
	require.Regexp(t, `^sjt_[a-z2-7]{60,90}$`, token, "the token alone is on standard output")
	require.NotContains(t, r.stderr, token)
	return token
}

// as is the same server for somebody else.
func (s *server) as(token string) *server {
	other := *s
	other.token = token
	return &other
}

const whoAmI = `{ viewer { role subject account { slug } user { username } } }`

// denied tells that nobody gets in with what the server sends.
func (s *server) denied(t testing.TB, headers ...string) fault {
	t.Helper()
	a := s.post(t, `{"query": `+quoted(whoAmI)+`}`, headers...)
	require.Equal(t, http.StatusUnauthorized, a.status, a.body)
	require.Equal(t, "Bearer", a.header.Get("WWW-Authenticate"))
	require.Len(t, a.errors, 1, a.body)
	require.Equal(t, "UNAUTHENTICATED", a.errors[0].code())
	return a.errors[0]
}

func TestEveryoneIsWhoTheirTokenSays(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			must(t, db.where, "account", "create", "acme", "--name=Acme, Inc.")
			tokens := map[string]string{
				"WRITER":   newToken(t, db.where, "--account=acme", "--role=writer"),
				"READER":   newToken(t, db.where, "--account=acme", "--role=reader", "--user=alice"),
				"AUDITOR":  newToken(t, db.where, "--account=acme", "--role=auditor", "--expires=never"),
				"ADMIN":    newToken(t, db.where, "--account=acme", "--role=ADMIN", "--expires=12h"),
				"OPERATOR": newToken(t, db.where, "--role=operator"),
			}
			s := serve(t, db.where, "--auth=required")
			for role, token := range tokens {
				viewer := value(t, s.as(token).query(t, whoAmI, nil), "viewer")
				require.Equal(t, role, value(t, viewer, "role"))
				require.Regexp(t, `^token:\d+$`, value(t, viewer, "subject"))
				account := "acme"
				if role == "OPERATOR" {
					account = "default"
				}
				require.Equal(t, account, value(t, viewer, "account", "slug"))
				require.NotContains(t, s.stderr.String(), token)
			}
			require.Equal(t, "alice", value(t, s.as(tokens["READER"]).query(t, whoAmI, nil), "viewer", "user", "username"))

			list := must(t, db.where, "token", "list", "--account=acme").stdout
			require.Equal(t, 5, strings.Count(list, "\n"), list)
			for _, token := range tokens {
				require.NotContains(t, list, token)
				db.holdsNot(t, token)
			}
		})
	}
}

// holdsNot looks for a token's secret in the table that would have it.
func (d database) holdsNot(t testing.TB, token string) {
	t.Helper()
	digests := d.text(t, `SELECT count(*) FROM tokens WHERE length(secret_digest) = 32`)
	require.NotEqual(t, "0", digests)
	require.Equal(t, "0", d.text(t, `SELECT count(*) FROM tokens WHERE name || coalesce(created_by, '') LIKE '%`+token[4:]+`%'`))
}

//nolint:tparallel // the last line looks at what the subtests have left in the log
func TestNobodyGetsInWithoutARightCredential(t *testing.T) {
	t.Parallel()
	db := newSQLite(t)
	token := newToken(t, db.where, "--role=auditor")
	s := serve(t, db.where, "--auth=required")
	bent := []byte(token)
	bent[20] ^= 1
	for name, headers := range map[string][]string{
		"none":                nil,
		"empty":               {"Authorization", ""},
		"no scheme":           {"Authorization", token},
		"another scheme":      {"Authorization", "Basic " + token},
		"no token":            {"Authorization", "Bearer "},
		"another token":       {"Authorization", "Bearer " + string(bent)},
		"in capitals":         {"Authorization", "Bearer " + strings.ToUpper(token)},
		"half":                {"Authorization", "Bearer " + token[:30]},
		"with more":           {"Authorization", "Bearer " + token + "a"},
		"two":                 {"Authorization", "Bearer " + token + ", Bearer " + token},
		"a JWT without alg":   {"Authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."},
		"a very long one":     {"Authorization", "Bearer sjt_" + strings.Repeat("a", 30_000)},
		"a token in a cookie": {"Cookie", "Authorization=Bearer " + token},
	} {
		t.Run(name, func(t *testing.T) {
			shown := s.denied(t, headers...)
			require.NotContains(t, shown.Message, token[4:30], "an answer repeats no credential")
		})
	}
	inURL := "/graphql?query=%7Bviewer%7Brole%7D%7D&token=" + token + "&access_token=" + token
	require.Equal(t, http.StatusUnauthorized, s.get(t, inURL).status)
	require.Equal(t, http.StatusOK, s.status(t, "/healthz"))
	require.Equal(t, http.StatusOK, s.status(t, "/playground/"))
	require.Contains(t, []int{401, 403}, s.status(t, "/metrics"), "numbers are for operators")
	require.Equal(t, "AUDITOR", value(t, s.as(token).query(t, whoAmI, nil), "viewer", "role"))
	require.NotContains(t, s.stderr.String(), token[4:30])
}

func TestAWrongTokenClosesAWebSocketForGood(t *testing.T) {
	t.Parallel()
	db := newSQLite(t)
	token := newToken(t, db.where, "--role=auditor")
	s := serve(t, db.where, "--auth=required")
	for name, payload := range map[string]any{
		"none":     nil,
		"a number": map[string]any{"Authorization": 1},
		"wrong":    map[string]any{"Authorization": "Bearer " + token + "a"},
	} {
		sub := s.dial(t)
		sub.send(t, map[string]any{"type": "connection_init", "payload": payload})
		require.EqualValues(t, 4401, sub.closed(t), name)
	}
	for _, member := range []string{"Authorization", "authorization"} {
		sub := s.dial(t)
		sub.send(t, map[string]any{"type": "connection_init", "payload": map[string]any{member: "Bearer " + token}})
		require.Equal(t, "connection_ack", sub.read(t)["type"])
	}
}

func TestARevokedTokenEndsWhatIsOpenOnEveryServer(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			token := newToken(t, db.where, "--role=auditor")
			admin := newToken(t, db.where, "--role=admin")
			servers := []*server{serve(t, db.where, "--auth=required"), serve(t, db.where, "--auth=required")}
			var open []*subscription
			for _, s := range servers {
				open = append(open, s.as(token).follow(t))
			}
			tokens := servers[0].as(admin).query(t, `{ tokens { edges { node { id role revokedAt } } } }`, nil)
			for _, edge := range value(t, tokens, "tokens", "edges").([]any) {
				if value(t, edge, "node", "role") != "AUDITOR" {
					continue
				}
				revoked := servers[0].as(admin).query(t, `mutation ($id: ID!) { revokeToken(input: {id: $id}) { token { revokedAt } } }`,
					map[string]any{"id": value(t, edge, "node", "id")})
				require.NotNil(t, value(t, revoked, "revokeToken", "token", "revokedAt"))
			}
			at := time.Now()
			for i, sub := range open {
				require.EqualValues(t, 4401, sub.closed(t))
				servers[i].as(token).denied(t)
			}
			t.Logf("after %s", time.Since(at))
			require.Equal(t, "ADMIN", value(t, servers[1].as(admin).query(t, whoAmI, nil), "viewer", "role"), "others stay")
		})
	}
}

func TestAnOperatorNamesTheAccount(t *testing.T) {
	t.Parallel()
	db := newSQLite(t)
	for _, slug := range []string{"acme", "globex"} {
		must(t, db.where, "account", "create", slug)
	}
	operator := newToken(t, db.where, "--role=operator")
	admin := newToken(t, db.where, "--role=admin", "--account=acme")
	s := serve(t, db.where, "--auth=required")
	ask := func(token, account string) answer {
		return s.as(token).post(t, `{"query": `+quoted(whoAmI)+`}`, "X-Samjournal-Account", account)
	}
	for _, slug := range []string{"acme", "globex", "default"} {
		require.Equal(t, slug, value(t, ask(operator, slug).data, "viewer", "account", "slug"))
	}
	require.Equal(t, "acme", value(t, ask(admin, "acme").data, "viewer", "account", "slug"))
	another, none := ask(admin, "globex"), ask(admin, "nosuch")
	require.Equal(t, http.StatusForbidden, another.status)
	require.Equal(t, another.errors, none.errors, "what one may not see is not there")
	unknown := ask(operator, "nosuch")
	require.Equal(t, http.StatusBadRequest, unknown.status)
	require.Equal(t, "BAD_USER_INPUT", unknown.errors[0].code())

	local := serve(t, db.where)
	a := local.post(t, `{"query": `+quoted(whoAmI)+`}`, "X-Samjournal-Account", "globex")
	require.Equal(t, "globex", value(t, a.data, "viewer", "account", "slug"), "the local operator is one too")
	local.denied(t, "Authorization", "Bearer sjt_wrong")
}

func TestWrongTokensAreNotCreated(t *testing.T) {
	t.Parallel()
	db := newSQLite(t)
	for names, args := range map[string][]string{
		"--role":    {"--role=owner", "--name=a"},
		"--name":    {"--role=writer", "--name="},
		"--user":    {"--role=reader", "--name=a"},
		"--expires": {"--role=writer", "--name=a", "--expires=soon"},
		"account":   {"--role=writer", "--name=a", "--account=nosuch"},
	} {
		r := run(t, db.where, append([]string{"token", "create"}, args...)...)
		require.NotZero(t, r.code, names)
		require.Empty(t, r.stdout, names)
		require.Contains(t, r.stderr, names)
	}
	require.NotZero(t, run(t, db.where, "token", "revoke", "1").code)
}

func TestAnImportSortsByAccount(t *testing.T) {
	t.Parallel()
	db := newSQLite(t)
	export, err := filepath.Abs("../../testdata/dumpdata-small.json")
	require.NoError(t, err)
	accounts := filepath.Join(db.dir, "accounts.json")
	text, err := json.Marshal(map[string]string{"mireille": "acme", "nobody-of-this-name": "globex"})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(accounts, text, 0o600))
	r := run(t, db.where, "import", export, "--account-map", accounts)
	require.NotZero(t, r.code)
	require.Contains(t, r.stderr, "--create-account")
	must(t, db.where, "import", export, "--account-map", accounts, "--create-account")
	list := must(t, db.where, "account", "list").stdout
	require.Contains(t, list, "acme")
	require.Contains(t, list, "globex")
	s := serve(t, db.where)
	users := func(account string) []any {
		a := s.post(t, `{"query": "{ users { edges { node { username } } } }"}`, "X-Samjournal-Account", account)
		edges, _ := value(t, a.data, "users", "edges").([]any)
		return edges
	}
	require.Len(t, users("acme"), 1)
	require.Equal(t, "mireille", value(t, users("acme")[0], "node", "username"))
	require.Empty(t, users("globex"))
	require.NotEmpty(t, users("default"))
}
