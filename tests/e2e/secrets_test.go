package e2e

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// planter draws secrets and remembers them.
type planter struct{ drawn []string }

func (p *planter) secret() string {
	s := "s3cr" + rand.Text()
	p.drawn = append(p.drawn, s)
	return s
}

// documents are payloads that each hold secrets, in the ways in which services really log them.
func (p *planter) documents(t testing.TB) []any {
	t.Helper()
	inside := func(v any) string {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		return string(text)
	}
	documents := []any{
		map[string]any{"headers": []any{[]any{"Authorization", "Basic " + p.secret()}, []any{"X-Api-Key", p.secret()}}},
		map[string]any{"headers": []any{map[string]any{"name": "Cookie", "value": "a=" + p.secret() + "; b=" + p.secret()}}},
		map[string]any{"env": []any{map[string]any{"name": "DB_PASSWORD", "value": p.secret()}}},
		map[string]any{"body": inside(map[string]any{"password": p.secret(), "again": inside(map[string]any{"token": p.secret()})})},
		map[string]any{"raw": "grant_type=password&username=u&password=" + p.secret() + "&client_secret=" + p.secret()},
		map[string]any{"url": "https://example.com/hook?access_token=" + p.secret() + "&page=2"},
		map[string]any{"url": "https://user:" + p.secret() + "@example.com/"},
		map[string]any{"dsn": "postgresql://app:" + p.secret() + "@db:5432/app"},
		map[string]any{"error": "curl -H 'Authorization: Bearer " + p.secret() + "' failed"},
		map[string]any{"error": map[string]any{"stacktrace": "File x\n  login(user='bob', password='" + p.secret() + "')\n"}},
		map[string]any{"log": "DB_PASSWORD=" + p.secret() + "\nHOME=/root"},
		map[string]any{"manifest": "kind: Secret\nspec:\n  config:\n    value: " + p.secret() + "\n    password: " + p.secret() + "\n"},
		[]any{[]any{[]any{map[string]any{"a": map[string]any{"b": []any{map[string]any{"Client-Secret": []any{p.secret()}}}}}}}},
		map[string]any{"token": map[string]any{"nested": []any{p.secret(), map[string]any{"deeper": p.secret()}}}},
		"Bearer " + p.secret(),
		[]any{"Token " + p.secret()},
	}
	for _, name := range []string{
		"db_password_prod", "rootPasswd", "X-Vault-Token", "stripeSecretKey", "OAUTH_CLIENT_SECRET", "refresh-token",
		"aws_secret_access_key", "sshPrivateKey", "HTTP_X_API_KEY", "Set-Cookie", "Proxy-Authorization", "webhookSigningSecret",
		"PHPSESSID", "session_key", "cardNumber", "credit_card_number", "cvv", "userPassword2", "new_password_confirmation",
		"passphrase", "client_credentials", "apikey", "API KEY", "XSRF-TOKEN", "csrfmiddlewaretoken", "pwd", "id_token", "jwt",
		"otp", "mfa.secret", "encryptionKey", "SECRET_KEY_BASE", "private.key.pem", "bearer_token", "auth_token",
	} {
		documents = append(documents, map[string]any{"outer": []any{map[string]any{name: p.secret(), "plain": "smarter.sh/v1"}}})
	}
	return documents
}

func TestNoPlantedSecretIsStoredOrLogged(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			must(t, db.where, "migrate", "up")
			db.keepPlain(t)
			s := serve(t, db.where, "--log-level=debug")
			p := &planter{}
			documents := p.documents(t)
			inputs := make([]any, 0, len(documents))
			for _, d := range documents {
				s.append(t, map[string]any{"request": d})
				a := s.post(t, inline(t, d))
				require.Empty(t, a.errors, a.body)
				inputs = append(inputs, map[string]any{"request": 1, "response": d})
			}
			a := s.ask(t, `mutation ($inputs: [CreateEntryInput!]!) { createEntries(inputs: $inputs) { results { __typename } } }`,
				map[string]any{"inputs": inputs})
			require.Empty(t, a.errors)
			require.NotContains(t, a.body, "CreateEntryError")
			s.append(t, map[string]any{"thing": "SECRET", "request": map[string]any{"x": p.secret()}, "response": p.secret()})
			answers := s.refuse(t, p)
			imported := plant(t, db, p)
			s.kill(t)
			p.require(t, db, answers, imported.stdout, imported.stderr, s.stdout.String(), s.stderr.String())
		})
	}
}

// require fails for each planted secret that is anywhere.
func (p *planter) require(t testing.TB, db database, texts ...string) {
	t.Helper()
	require.Greater(t, len(p.drawn), 100)
	searchFor(t, db, p.drawn, texts...)
}

// inline is a createEntry with the payload in the document itself.
func inline(t testing.TB, payload any) string {
	t.Helper()
	var literal func(v any) string
	literal = func(v any) string {
		switch v := v.(type) {
		case map[string]any:
			var b strings.Builder
			for name, member := range v {
				if strings.ContainsAny(name, "-. ") {
					name = "password" // GraphQL has no such names
				}
				fmt.Fprintf(&b, "%s: %s ", name, literal(member))
			}
			return "{" + b.String() + "}"
		case []any:
			var b strings.Builder
			for _, element := range v {
				b.WriteString(literal(element) + " ")
			}
			return "[" + b.String() + "]"
		}
		text, err := json.Marshal(v)
		require.NoError(t, err)
		return string(text)
	}
	body, err := json.Marshal(map[string]any{
		"query": `mutation { createEntry(input: {request: ` + literal(payload) + `, response: null}) { key } }`,
	})
	require.NoError(t, err)
	return string(body)
}

// refuse sends what must be refused, each with a secret in it, and returns what was answered.
func (s *server) refuse(t testing.TB, p *planter) string {
	t.Helper()
	var answers strings.Builder
	deep := strings.Repeat(`{"password":`, 201) + `"` + p.secret() + `"` + strings.Repeat("}", 201)
	const vars = `{"query": "mutation ($i: CreateEntryInput!) { createEntry(input: $i) { key } }", "variables": {"i": %s}}`
	for _, body := range []string{
		fmt.Sprintf(vars, `{"request": {"password": "`+p.secret()+`"}, "response": 1, "statusCode": -1}`),
		fmt.Sprintf(vars, `{"request": {"password": "`+p.secret()+`"}}`),
		fmt.Sprintf(vars, `{"request": {"password": "`+p.secret()+`", "password": 1}, "response": 1}`),
		fmt.Sprintf(vars, `{"request": {"password": "`+p.secret()+`\ud800"}, "response": 1}`),
		fmt.Sprintf(vars, `{"request": `+deep+`, "response": 1}`),
		fmt.Sprintf(vars, `{"request": {"password": "`+p.secret()+`"}, "response": 1, "thing": "TOASTER"}`),
		fmt.Sprintf(vars, `{"request": {"password": "`+p.secret()+`"}, "response": 1, "statusCode": 1e99}`),
		fmt.Sprintf(vars, `{"request": {"password": "`+p.secret()+`"`),
		`{"query": "mutation { createEntry(input: {request: {token: \"` + p.secret() + `\"}, response: 1, key: 7}) { key } }"}`,
		`{"query": "mutation { createEntry(input: {request: {token: \"` + p.secret() + `\"}, response: 1, nosuch: 1}) { key } }"}`,
		`{"query": "mutation { createEntry(input: {request: {password: \"` + p.secret() + `\"}, response: 1 }) { nosuch } }"}`,
		`{"query": "mutation { createEntry(input: {request: {password: \"` + p.secret() + `"}`,
	} {
		a := s.post(t, body)
		require.NotEmpty(t, a.errors, body)
		require.NotEqual(t, "INTERNAL", a.errors[0].code(), body)
		answers.WriteString(a.body)
	}
	return answers.String()
}

// plant imports rows with secrets, good rows and bad ones.
func plant(t testing.TB, db database, p *planter) result {
	t.Helper()
	rows := []any{exported{Model: "auth.user", PK: 1, Fields: map[string]any{
		"username": "u", "password": "argon2$" + p.secret(), "api_token": p.secret(), "first_name": "U",
	}}}
	for i, d := range p.documents(t) {
		fields := map[string]any{"created_at": "2026-01-01T00:00:00Z", "user": 1, "request": d, "response": d, "status_code": 200}
		for j, spoil := range []func(){
			func() {},
			func() { delete(fields, "created_at") },
			func() { fields["status_code"] = -1 },
			func() { delete(fields, "response") },
		} {
			spoil()
			rows = append(rows, exported{Model: "journal.samjournal", PK: fmt.Sprintf("%064x", i*10+j+1), Fields: copied(t, fields)})
		}
	}
	text, err := json.Marshal(rows)
	require.NoError(t, err)
	export := filepath.Join(t.TempDir(), "export.json")
	require.NoError(t, os.WriteFile(export, text, 0o600))
	r := run(t, db.where, "import", export, "--rejects=planted.jsonl", "--log-level=debug")
	require.Equal(t, 3, r.code, r.stderr)
	require.Equal(t, 3*counts(t, r.stdout)["written"], counts(t, r.stdout)["rejected"], r.stdout)
	return r
}

func copied(t testing.TB, v map[string]any) map[string]any {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	var c map[string]any
	require.NoError(t, json.Unmarshal(text, &c))
	return c
}
