package redaction_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/journal/redaction"
	"samjournal/internal/model"
)

// newRedactor has the default rules.
func newRedactor(t testing.TB) *redaction.Redactor {
	t.Helper()
	r, err := redaction.New(redaction.Default())
	require.NoError(t, err)
	return r
}

func payload(t testing.TB, text string) model.Payload {
	t.Helper()
	p, err := model.ParsePayload([]byte(text))
	require.NoError(t, err, text)
	return p
}

// redact also checks what holds for every payload: the result is one, and redacting it again finds nothing.
func redact(t testing.TB, r *redaction.Redactor, thing model.Thing, part redaction.Part, p model.Payload) (string, []string) {
	t.Helper()
	got, pointers, err := r.Redact(thing, part, p)
	require.NoError(t, err)
	require.Equal(t, got, payload(t, string(got)), "the result is a payload")
	again, none, err := r.Redact(thing, part, got)
	require.NoError(t, err)
	require.Equal(t, got, again, "redaction is idempotent")
	require.Empty(t, none, "what is masked already is not reported again")
	return string(got), pointers
}

type row struct{ in, want, pointer string }

func runRows(t *testing.T, rows []row) {
	t.Helper()
	r := newRedactor(t)
	for _, c := range rows {
		t.Run(c.in, func(t *testing.T) {
			t.Parallel()
			got, pointers := redact(t, r, model.ThingPlugin, redaction.Request, payload(t, c.in))
			require.Equal(t, c.want, got)
			require.Equal(t, c.pointer, strings.Join(pointers, " "))
		})
	}
}

func TestMasksByName(t *testing.T) {
	t.Parallel()
	runRows(t, []row{
		{`{"password":"x"}`, `{"password":"[REDACTED]"}`, "/password"},
		{`{"a":[{"b":1},{"Password":{"c":[1]}}]}`, `{"a":[{"b":1},{"Password":"[REDACTED]"}]}`, "/a/1/Password"},
		{`{"a/b":{"~":{"pwd":7}},"z":1.10}`, `{"a/b":{"~":{"pwd":"[REDACTED]"}},"z":1.10}`, "/a~1b/~0/pwd"},
		{`{"COOKIES":{"sessionid":"x"},"cookie":["a"]}`, `{"COOKIES":"[REDACTED]","cookie":"[REDACTED]"}`, "/COOKIES /cookie"},
		{`{"quo\"te":{"api key":"x"}}`, `{"quo\"te":{"api key":"[REDACTED]"}}`, `/quo"te/api key`},
	})
}

func TestNamesOfSecrets(t *testing.T) {
	t.Parallel()
	r := newRedactor(t)
	for name := range strings.FieldsSeq(`password passwd pwd passphrase secret client_secret token access_token refresh_token
		id_token auth_token api_key apiKey apikey API-KEY x-api-key authorization proxy-authorization cookie cookies Set-Cookie
		sessionid session_id csrftoken csrfmiddlewaretoken X-CSRF-Token private_key credentials credit_card creditCardNumber
		cardNumber cvv cvc ssn HTTP_AUTHORIZATION HTTP_COOKIE HTTP_X_API_KEY HTTP_X_CSRFTOKEN db_password dbpassword DBPASSWORD
		stripeSecretKey my_access_token openai_api_key aws_secret_access_key AWSSecretAccessKey smtp_pass userPin pin_code OTP2
		passwordHash password_confirmation old-password password2 token_value tokenV2 authToken secrets tokens ｐａｓｓｗｏｒｄ
		Contraseña $password user.password max_tokens_password token_count_secret PHPSESSID JSESSIONID connect.sid`) {
		p, err := model.PayloadOf(map[string]any{name: "v"})
		require.NoError(t, err)
		_, pointers := redact(t, r, model.ThingPlugin, redaction.Request, p)
		require.Equal(t, []string{"/" + name}, pointers)
	}
}

func TestNamesOfOrdinaryValues(t *testing.T) {
	t.Parallel()
	r := newRedactor(t)
	for name := range strings.FieldsSeq(`max_tokens maxTokens token_count total_tokens prompt_tokens completion_tokens
		completion_tokens_details tokenizer tokenization secretary password_changed_at passwordChangedAt token_type secret_name
		cookie_policy token_expires_at password_min_length access_token_expiry author authority shipping spinning opinion bypass
		compass passenger key keyboard monkey id session new_session uid user username account_number assignment design
		HTTP_USER_AGENT HTTP_X_REQUEST_ID message passed passes tokens_used tokens_per_minute allow_credentials eos_token`) {
		p, err := model.PayloadOf(map[string]any{name: "v"})
		require.NoError(t, err)
		got, pointers := redact(t, r, model.ThingPlugin, redaction.Request, p)
		require.Empty(t, pointers, name)
		require.Equal(t, string(p), got)
	}
}

func TestLeavesWhatHidesNothing(t *testing.T) {
	t.Parallel()
	runRows(t, []row{
		{`{"password":null,"token":true,"pin":false}`, `{"password":null,"token":true,"pin":false}`, ""},
		{`{"password":"","cookies":{},"tokens":[]}`, `{"password":"","cookies":{},"tokens":[]}`, ""},
		{`{"password":"[REDACTED]"}`, `{"password":"[REDACTED]"}`, ""},
		{`{"tokens":512,"pin":512}`, `{"tokens":512,"pin":"[REDACTED]"}`, "/pin"},
		{`"password"`, `"password"`, ""},
		{
			`{"required":["password","email"],"kind":"Secret","thing":"Secret"}`,
			`{"required":["password","email"],"kind":"Secret","thing":"Secret"}`, "",
		},
		{
			`{"note":"Token expired","b":"Basic plan","c":"the bearer of bad news","d":"token abc","e":"password required"}`,
			`{"note":"Token expired","b":"Basic plan","c":"the bearer of bad news","d":"token [REDACTED]","e":"password required"}`, "/d",
		},
		{
			`{"url":"https://h:8443/a?uid=1&new_session=false#x","at":"2026-01-01T00:00:00Z","m":"a==b; c != d"}`,
			`{"url":"https://h:8443/a?uid=1&new_session=false#x","at":"2026-01-01T00:00:00Z","m":"a==b; c != d"}`, "",
		},
		{`{"m":"invalid token: unexpected end, token = none"}`, `{"m":"invalid token: unexpected end, token = none"}`, ""},
		{
			`{"m":"ssh://git@example.com/x mailto:a@b.c task-management-system-1-and-more"}`,
			`{"m":"ssh://git@example.com/x mailto:a@b.c task-management-system-1-and-more"}`, "",
		},
	})
}

func TestMasksByValue(t *testing.T) {
	t.Parallel()
	jwt := "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
	pem := `-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----`
	runRows(t, []row{
		{`["Bearer abc","token ABC=","bAsIc dXNlcjpw"]`, `["Bearer [REDACTED]","token [REDACTED]","bAsIc [REDACTED]"]`, "/0 /1 /2"},
		{`"Bearer abc"`, `"Bearer [REDACTED]"`, ""},
		{`["curl -H 'Authorization: Bearer abc' https://x/"]`, `["curl -H 'Authorization: [REDACTED]' https://x/"]`, "/0"},
		{`["got Authorization: Bearer abc123def, then failed"]`, `["got Authorization: Bearer [REDACTED], then failed"]`, "/0"},
		{`["x ` + jwt + ` y"]`, `["x [REDACTED] y"]`, "/0"},
		{`["a ` + pem + ` b"]`, `["a [REDACTED] b"]`, "/0"},
		{`["-----BEGIN CERTIFICATE-----\nMIIE"]`, `["-----BEGIN CERTIFICATE-----\nMIIE"]`, ""},
		{
			`["key sk-proj-abcDEF0123456789abcd, AKIAIOSFODNN7EXAMPLE ghp_0123456789abcdefABCD xoxb-123456789-abc"]`,
			`["key [REDACTED], [REDACTED] [REDACTED] [REDACTED]"]`, "/0",
		},
		{`["sent sjt_aeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaib, twice"]`, `["sent [REDACTED], twice"]`, "/0"},
		{`["a token begins with sjt_"]`, `["a token begins with sjt_"]`, ""},
		{
			`["postgres://u:p@h/db","https://a:p@ss@h","x://u:p/w@h","https://0123456789abcdefghij@h/"]`,
			`["postgres://u:[REDACTED]@h/db","https://a:[REDACTED]@h","x://u:[REDACTED]@h","https://[REDACTED]@h/"]`, "/0 /1 /2 /3",
		},
		{
			`["https://h/p?a=1&token=abc&api_key=x%20y&b=2#f","a=1&user%5Bpassword%5D=x&b=2"]`,
			`["https://h/p?a=1&token=[REDACTED]&api_key=[REDACTED]&b=2#f","a=1&user%5Bpassword%5D=[REDACTED]&b=2"]`, "/0 /1",
		},
		{`["/login?next=%2Fa%3Ftoken%3Dabc"]`, `["/login?next=%2Fa%3Ftoken%3D[REDACTED]"]`, "/0"},
		{`["sessionid=abc; csrftoken=def; theme=dark"]`, `["sessionid=[REDACTED]; csrftoken=[REDACTED]; theme=dark"]`, "/0"},
		{
			`["{'user': 'bob', 'password': 'x', 'hits': [1, 2], 'cookies': {'a': 'b'}, 'c': 3}"]`,
			`["{'user': 'bob', 'password': '[REDACTED]', 'hits': [1, 2], 'cookies': [REDACTED], 'c': 3}"]`, "/0",
		},
		{`["connect(user='a', password=b'x y', port=1)"]`, `["connect(user='a', password=b'[REDACTED]', port=1)"]`, "/0"},
		{
			`["OPENAI_API_KEY=abc\nHOME=/root\nexport DB_PASSWORD = \"a b\""]`,
			`["OPENAI_API_KEY=[REDACTED]\nHOME=/root\nexport DB_PASSWORD = \"[REDACTED]\""]`, "/0",
		},
		{
			`["Host: h\r\nCookie: a=b; c=d\r\nX-Api-Key: k\r\nAccept: x"]`,
			`["Host: h\r\nCookie: [REDACTED]\r\nX-Api-Key: [REDACTED]\r\nAccept: x"]`, "/0",
		},
		{
			`["spec:\n  user: bob\n  password: hunter2 # x\n  key: |\n    a\n  privateKey: |\n    abc\n\n    def\n  port: 1"]`,
			`["spec:\n  user: bob\n  password: [REDACTED]\n  key: |\n    a\n  privateKey: [REDACTED]\n  port: 1"]`, "/0",
		},
		{
			`["kind: Secret\nmetadata:\n  name: k\nspec:\n  config:\n    value: x\nb: 1"]`,
			`["kind: Secret\nmetadata:\n  name: k\nspec:[REDACTED]\nb: 1"]`, "/0",
		},
		{`["kind: Plugin\nspec:\n  value: x\n"]`, `["kind: Plugin\nspec:\n  value: x\n"]`, ""},
		{`["cookies:\n- a: b\n  c: d\n- e\nport: 1"]`, `["cookies:[REDACTED]\nport: 1"]`, "/0"},
		{`["my password: hunter2, ok"]`, `["my password: [REDACTED], ok"]`, "/0"},
		{
			`["<a><ns:password type=\"x\">y</ns:password><b>z</b></a>"]`,
			`["<a><ns:password type=\"x\">[REDACTED]</ns:password><b>z</b></a>"]`, "/0",
		},
		{
			`["run --password hunter --verbose --api-key=k --max-tokens 5"]`,
			`["run --password [REDACTED] --verbose --api-key=[REDACTED] --max-tokens 5"]`, "/0",
		},
		{`["{\"a\":1,\"password\":\"hun"]`, `["{\"a\":1,\"password\":\"[REDACTED]"]`, "/0"},
		{`["params {\"password\"=>\"x\", \"b\"=>1}"]`, `["params {\"password\"=>\"[REDACTED]\", \"b\"=>1}"]`, "/0"},
	})
}

func TestLooksInsideStringsOfJSON(t *testing.T) {
	t.Parallel()
	runRows(t, []row{
		{`{"body":" {\"password\": \"x\", \"a\": 1.0} "}`, `{"body":" {\"password\": \"[REDACTED]\", \"a\": 1.0} "}`, "/body"},
		{`["{\"a\":\"{\\\"token\\\":\\\"x\\\"}\"}"]`, `["{\"a\":\"{\\\"token\\\":\\\"[REDACTED]\\\"}\"}"]`, "/0"},
		{`["{\"token\":1}\n{\"token\":2}"]`, `["{\"token\":\"[REDACTED]\"}\n{\"token\":\"[REDACTED]\"}"]`, "/0"},
		{`["\"{\\\"token\\\":7}\""]`, `["\"{\\\"token\\\":\\\"[REDACTED]\\\"}\""]`, "/0"},
		{`["{\"a\":[\"\\ud800\"],\"token\":1}"]`, `["{\"a\":[\"\\ud800\"],\"token\":\"[REDACTED]\"}"]`, "/0"},
	})
}

func TestMasksPairs(t *testing.T) {
	t.Parallel()
	runRows(t, []row{
		{`[["Authorization","x"],["Host","h"]]`, `[["Authorization","[REDACTED]"],["Host","h"]]`, "/0/1"},
		{
			`{"rawHeaders":["Host","h","X-Api-Key","x","A","b"]}`,
			`{"rawHeaders":["Host","h","X-Api-Key","[REDACTED]","A","b"]}`, "/rawHeaders/3",
		},
		{`[{"name":"Cookie","value":"x","c":1}]`, `[{"name":"Cookie","value":"[REDACTED]","c":1}]`, "/0/value"},
		{`{"value":{"a":"Bearer abc"},"Key":"db_password"}`, `{"value":"[REDACTED]","Key":"db_password"}`, "/value"},
		{`{"old":"x","field":"password","new":"y"}`, `{"old":"[REDACTED]","field":"password","new":"[REDACTED]"}`, "/old /new"},
		{
			`{"op":"replace","path":"/user/password","value":"x"}`,
			`{"op":"replace","path":"/user/password","value":"[REDACTED]"}`, "/value",
		},
		{`{"name":"max_tokens","value":5}`, `{"name":"max_tokens","value":5}`, ""},
		{`{"argv":["psql","--password","x","--port","5"]}`, `{"argv":["psql","--password","[REDACTED]","--port","5"]}`, "/argv/2"},
	})
}

func TestASecretInAMemberNameCostsTheObject(t *testing.T) {
	t.Parallel()
	runRows(t, []row{
		{`{"a":{"{\"password\": \"x\"}":""}}`, `{"a":"[REDACTED]"}`, "/a"},
		{`{"sk-abcDEF0123456789abcd":{"password":"x"}}`, `"[REDACTED]"`, ""},
	})
}

func TestWholeBodies(t *testing.T) {
	t.Parallel()
	r := newRedactor(t)
	for name, c := range map[string]struct {
		part     redaction.Part
		in, want string
		pointers []string
	}{
		"request": {
			redaction.Request,
			`{"url":"https://h/a?value=x","method":"POST","GET":{"value":"x"},"POST":{"spec":1},` +
				`"files":["y"],"META":{"QUERY_STRING":"z","A":"b"},"path":"/a","user":"bob","COOKIES":{}}`,
			`{"url":"https://h/a?[REDACTED]","method":"POST","GET":"[REDACTED]","POST":"[REDACTED]",` +
				`"files":"[REDACTED]","META":{"QUERY_STRING":"[REDACTED]","A":"b"},"path":"/a","user":"bob","COOKIES":{}}`,
			[]string{"/url", "/GET", "/POST", "/files", "/META/QUERY_STRING"},
		},
		"response": {
			redaction.Response, `{"api":"v1","thing":"Secret","metadata":{"command":"get"},"data":{"spec":"x"},"message":"ok"}`,
			`{"api":"v1","thing":"Secret","metadata":{"command":"get"},"data":"[REDACTED]","message":"ok"}`,
			[]string{"/data"},
		},
		"error response": {
			redaction.Response, `{"error":{"description":"x"},"api":"v1"}`, `{"error":"[REDACTED]","api":"v1"}`, []string{"/error"},
		},
		"another object":   {redaction.Request, `{"hunter2":{"x":1}}`, `"[REDACTED]"`, []string{""}},
		"another response": {redaction.Response, `{"metadata":{"x":1}}`, `"[REDACTED]"`, []string{""}},
		"an array":         {redaction.Response, `[1,{"data":2}]`, `"[REDACTED]"`, []string{""}},
		"a string":         {redaction.Request, `"x"`, `"[REDACTED]"`, []string{""}},
		"a number":         {redaction.Request, `7`, `"[REDACTED]"`, []string{""}},
		"nothing":          {redaction.Request, `null`, `null`, nil},
		"no body in the end": {
			redaction.Request, `{"url":"https://h/","method":"GET","GET":{}}`,
			`{"url":"https://h/","method":"GET","GET":{}}`, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, pointers := redact(t, r, model.ThingSecret, c.part, payload(t, c.in))
			require.Equal(t, c.want, got)
			require.Equal(t, c.pointers, pointers)
		})
	}
	runRows(t, []row{{
		`{"POST":{"spec":{"value":"x"},"metadata":{"name":"n"},"kind":"Secret"}}`,
		`{"POST":{"spec":"[REDACTED]","metadata":{"name":"n"},"kind":"Secret"}}`, "/POST/spec",
	}})
}

func TestAPayloadWithoutSecretsComesBackAsItIs(t *testing.T) {
	t.Parallel()
	in := payload(t, `{"b":1e400,"a":[1.10,"é\u0000"],"":null}`)
	got, pointers := redact(t, newRedactor(t), model.ThingPlugin, redaction.Request, in)
	require.Equal(t, string(in), got)
	require.Nil(t, pointers)
	for _, bad := range []model.Payload{"", "{", "1 2"} {
		_, _, err := newRedactor(t).Redact(model.ThingPlugin, redaction.Request, bad)
		require.Error(t, err, "%q is no payload", string(bad))
	}
}

func TestTooManyPlacesAreReportedAsTheWhole(t *testing.T) {
	t.Parallel()
	r := newRedactor(t)
	many := strings.Repeat(`{"pin":1},`, redaction.MaxPaths)
	_, pointers := redact(t, r, model.ThingPlugin, redaction.Request, payload(t, `[`+many+`1]`))
	require.Len(t, pointers, redaction.MaxPaths)
	got, pointers := redact(t, r, model.ThingPlugin, redaction.Request, payload(t, `[`+many+`{"pin":1}]`))
	require.Equal(t, []string{""}, pointers)
	require.NotContains(t, got, ":1")
	long := strings.Repeat("x", 1<<20)
	got, pointers = redact(t, r, model.ThingPlugin, redaction.Request,
		payload(t, `{"`+long+`":[`+strings.Repeat(`{"pin":1},`, 50)+`1]}`))
	require.Equal(t, []string{""}, pointers)
	require.NotContains(t, got, ":1")
}

func TestExplainNamesRulesAndNoValues(t *testing.T) {
	t.Parallel()
	matches, err := newRedactor(t).Explain(model.ThingPlugin, redaction.Request,
		payload(t, `{"dbPassword":"hunter1","m":"Bearer hunter2 and https://u:hunter3@h","j":"{\"pin\":\"hunter4\"}"}`))
	require.NoError(t, err)
	require.Equal(t, []redaction.Match{
		{Pointer: "/dbPassword", Rule: "name *password*"},
		{Pointer: "/m", Rule: "credentials after bearer"},
		{Pointer: "/m", Rule: "password in an address"},
		{Pointer: "/j", Rule: "json string, name pin"},
	}, matches)
}

func TestConfiguredRules(t *testing.T) {
	t.Parallel()
	rules := redaction.Default().With([]string{"badge", "*zebra*", "=x"}, []string{"db_password"})
	rules.ValuePatterns = []string{`ACME-[0-9]+`, `[A-Z]{8,}`}
	rules.WholeBodyThings = []model.Thing{model.ThingProvider}
	r, err := redaction.New(rules)
	require.NoError(t, err)
	got, pointers := redact(t, r, model.ThingSecret, redaction.Request,
		payload(t, `{"badge_no":1,"badger":2,"aZebraB":3,"x":4,"xx":5,"db_password":6,"m":"a ACME-7 b REDACTED"}`))
	require.Equal(t, `{"badge_no":"[REDACTED]","badger":2,"aZebraB":"[REDACTED]","x":"[REDACTED]","xx":5,"db_password":6,`+
		`"m":"a [REDACTED] b [REDACTED]"}`, got)
	require.Equal(t, []string{"/badge_no", "/aZebraB", "/x", "/m"}, pointers)
	got, _ = redact(t, r, model.ThingProvider, redaction.Request, payload(t, `[1]`))
	require.Equal(t, `"[REDACTED]"`, got)
}

func TestWrongRulesAreNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rules redaction.Rules
		want  string
	}{
		{redaction.Rules{Names: []string{"a*b"}}, `name "a*b"`},
		{redaction.Rules{Names: []string{"--"}}, `name "--"`},
		{redaction.Rules{Names: []string{""}}, `name ""`},
		{redaction.Rules{Names: []string{"*a*"}}, `name "*a*"`},
		{redaction.Rules{Names: []string{"пароль"}}, `name "пароль"`},
		{redaction.Rules{Names: []string{strings.Repeat("x", 65)}}, `longer than 64`},
		{redaction.Rules{Except: []string{"*"}}, `exception "*"`},
		{redaction.Rules{Names: make([]string, 2000)}, `2000 names`},
		{redaction.Rules{ValuePatterns: []string{"("}}, `value pattern "("`},
		{redaction.Rules{ValuePatterns: []string{"a*"}}, `value pattern "a*"`},
		{redaction.Rules{WholeBodyThings: []model.Thing{"Nothing"}}, `"Nothing"`},
	} {
		_, err := redaction.New(c.rules)
		require.ErrorContains(t, err, c.want)
	}
}
