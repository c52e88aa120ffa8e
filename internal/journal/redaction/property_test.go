package redaction_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"samjournal/internal/journal/redaction"
	"samjournal/internal/model"
)

// secretName composes the name of a secret that no rule lists: any words around a core, in any case and with any separator.
func secretName(t *rapid.T) string {
	core := rapid.SampledFrom([]string{
		"password", "passwd", "secret", "access token", "api key", "private key", "client secret", "refresh token", "credential",
		"authorization", "cookie", "session id", "csrf token", "pass phrase", "card number", "auth token", "secret access key",
		"pin", "cvv",
	}).Draw(t, "core")
	word := rapid.SampledFrom([]string{
		"", "my", "db", "stripe", "Northwind", "x", "legacy", "prod", "eu west", "user", "old", "v2", "billing service", "7",
	})
	after := rapid.SampledFrom([]string{"", "", "value", "2", "prod", "raw", "b64", "string", "plain text", "backup", "hash"})
	words := strings.Fields(word.Draw(t, "before") + " " + word.Draw(t, "before") + " " + core + " " + after.Draw(t, "after"))
	if rapid.Bool().Draw(t, "camel") {
		for i := range words {
			words[i] = strings.ToUpper(words[i][:1]) + words[i][1:]
		}
		if rapid.Bool().Draw(t, "lower first") {
			words[0] = strings.ToLower(words[0])
		}
		return strings.Join(words, "")
	}
	name := strings.Join(words, rapid.SampledFrom([]string{"_", "-", ".", " ", "__"}).Draw(t, "separator"))
	if rapid.Bool().Draw(t, "upper") {
		name = strings.ToUpper(name)
	}
	return name
}

// plant puts a secret somewhere: as the value of a name in one of many shapes, or as a value that gives itself away.
func plant(t *rapid.T, secret string) any {
	name := secretName(t)
	token := strings.NewReplacer(" ", "_", "__", "_").Replace(name) // as a name in text is written
	long := "7a" + secret + "B0123456789abcdef"
	shapes := []any{
		map[string]any{name: secret},
		map[string]any{name: []any{1, map[string]any{"a": secret}}},
		map[string]any{name: map[string]any{"value": secret}},
		map[string]any{"name": token, "value": secret},
		map[string]any{"key": token, "value": map[string]any{"v": secret}},
		map[string]any{"field": token, "new": secret, "old": secret},
		[]any{[]any{token, secret}},
		map[string]any{"headers": []any{"Host", "h", token, secret}},
		[]any{"run", "--" + token, secret},
		"https://example.com/p?a=1&" + token + "=" + url.QueryEscape(secret) + "&b=2",
		"a=1&" + url.QueryEscape(token) + "=" + url.QueryEscape(secret),
		token + "=" + secret + "; theme=dark",
		"GET / HTTP/1.1\r\nHost: h\r\n" + token + ": " + secret + "\r\n\r\n",
		"spec:\n  a: 1\n  " + token + ": " + secret + "\n  b: 2\n",
		"spec:\n  " + token + ": |\n    " + secret + "\n    more\n  b: 2\n",
		"Traceback: {'a': 1, '" + name + "': '" + secret + "', 'b': 2}",
		fmt.Sprintf("call(a=1, %s='%s')", token, secret),
		`{"a": 1, "` + name + `": "` + secret,
		`{"a": {"` + name + `": "` + secret + `"}, "b": 1.10}`,
		fmt.Sprintf("curl -H '%s: %s' https://example.com", token, secret),
		fmt.Sprintf("<r><%s>%s</%s></r>", token, secret, token),
		fmt.Sprintf("%s --%s %s --verbose", "tool", token, secret),
		map[string]any{`{"` + name + `": "` + secret + `"}`: ""},
		"Bearer " + secret, "tOKEN " + secret, "basic " + secret,
		"failed with bearer " + long + ", again", "sk-" + long, "see ghp_" + long + "!", "postgres://u:" + secret + "@h/db",
		"https://u:" + secret + "@h:8443/x?y=1 is down",
		"eyJhbGciOiJIUzI1NiJ9.eyJ" + secret + "." + secret,
		"-----BEGIN EC PRIVATE KEY-----\n" + secret + "\n-----END EC PRIVATE KEY-----\n",
	}
	return shapes[rapid.IntRange(0, len(shapes)-1).Draw(t, "shape")]
}

// bury hides a value in objects, arrays and strings of JSON.
func bury(t *rapid.T, v any) any {
	nested := 0
	for range rapid.IntRange(0, 5).Draw(t, "levels") {
		switch rapid.IntRange(0, 3).Draw(t, "wrap") {
		case 0:
			v = map[string]any{"id": 7, "data": v, "note": "naïve 東京"}
		case 1:
			v = []any{nil, "text: with = signs", v, 1.5}
		case 2:
			v = map[string]any{"spec": map[string]any{"items": []any{v}}}
		default:
			nested++
			if nested > 3 {
				continue
			}
			b, err := json.Marshal(v)
			require.NoError(t, err)
			v = map[string]any{"body": string(b)}
		}
	}
	return v
}

func TestNoPlantedSecretSurvives(t *testing.T) {
	t.Parallel()
	r := newRedactor(t)
	rapid.Check(t, func(t *rapid.T) {
		secret := "Q" + rapid.StringMatching(`[a-z0-9]{12,20}`).Draw(t, "secret")
		in, err := model.PayloadOf(bury(t, plant(t, secret)))
		require.NoError(t, err)
		got, pointers, err := r.Redact(model.ThingPlugin, redaction.Request, in)
		require.NoError(t, err)
		require.NotContains(t, string(got), secret)
		require.NotEmpty(t, pointers)
		require.NotContains(t, fmt.Sprint(pointers), secret)
		matches, err := r.Explain(model.ThingPlugin, redaction.Request, in)
		require.NoError(t, err)
		require.NotContains(t, fmt.Sprint(matches), secret)
		checkRedaction(t, r, in)
	})
}

type testingT interface {
	require.TestingT
	Helper()
}

// checkRedaction checks what holds for every payload: the result is a payload, equal outside the reported places, and redacting
// it again changes and reports nothing.
func checkRedaction(t testingT, r *redaction.Redactor, in model.Payload) {
	t.Helper()
	for _, thing := range []model.Thing{model.ThingPlugin, model.ThingSecret} {
		for _, part := range []redaction.Part{redaction.Request, redaction.Response} {
			got, pointers, err := r.Redact(thing, part, in)
			require.NoError(t, err)
			parsed, err := model.ParsePayload([]byte(got))
			require.NoError(t, err)
			require.Equal(t, string(parsed), string(got))
			again, none, err := r.Redact(thing, part, got)
			require.NoError(t, err)
			require.Equal(t, string(got), string(again))
			require.Empty(t, none)

			before, err := model.DecodePayloadValue([]byte(in))
			require.NoError(t, err)
			after, err := model.DecodePayloadValue([]byte(got))
			require.NoError(t, err)
			for _, p := range pointers {
				require.NotEqual(t, at(t, before, p), at(t, after, p), "%s is reported but unchanged", p)
				before, after = without(before, p), without(after, p)
			}
			require.Equal(t, before, after, "equal outside %q", pointers)
		}
	}
}

func tokens(pointer string) []string {
	if pointer == "" {
		return nil
	}
	parts := strings.Split(pointer[1:], "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(p, "~1", "/"), "~0", "~")
	}
	return parts
}

func at(t testingT, v any, pointer string) any {
	t.Helper()
	for _, token := range tokens(pointer) {
		switch c := v.(type) {
		case map[string]any:
			next, ok := c[token]
			require.True(t, ok, "%s leads nowhere", pointer)
			v = next
		case []any:
			i, err := strconv.Atoi(token)
			require.NoError(t, err)
			require.Less(t, i, len(c))
			v = c[i]
		default:
			require.Fail(t, "a pointer leads nowhere", pointer)
		}
	}
	return v
}

// without replaces what the pointer leads to by nil, in place.
func without(v any, pointer string) any {
	parts := tokens(pointer)
	if len(parts) == 0 {
		return nil
	}
	switch c := v.(type) {
	case map[string]any:
		c[parts[0]] = without(c[parts[0]], strings.TrimPrefix(pointer, pointer[:1+pathLength(pointer)]))
	case []any:
		i, _ := strconv.Atoi(parts[0]) // at has followed it
		c[i] = without(c[i], strings.TrimPrefix(pointer, pointer[:1+pathLength(pointer)]))
	}
	return v
}

// pathLength is the length of the first token as it is escaped.
func pathLength(pointer string) int {
	if i := strings.IndexByte(pointer[1:], '/'); i >= 0 {
		return i
	}
	return len(pointer) - 1
}

func FuzzRedact(f *testing.F) {
	r := newRedactor(f)
	for _, seed := range []string{
		`{"password":"x","a":[1.10,"Bearer abc"]}`, `[["Cookie","x"]]`, `{"value":1,"name":"pin"}`, `{"a":"{\"token\":\"x\"}"}`,
		`{"url":"https://h?token=x","method":"GET","POST":{"a":1}}`, `{"data":{"kind":"Secret","spec":1}}`, `"a=b&password=c;d: e"`,
		`{"Bearer abc0123456789":1}`, `["--token","x","{'pin': '1'}"]`, `"token=[REDACTED],x"`, `"password: \"\"\"x\"\"\""`,
		`"cookies:\n- a\nb: <pin>1</pin>"`, `"{\"a\":\"token=x\"y"`, `{"~/":{"":{"pin":0}}}`, `"x://a:b@c --pin 'x"`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		p, err := model.ParsePayload([]byte(in))
		if err != nil {
			return
		}
		checkRedaction(t, r, p)
	})
}

// FuzzRedactText does the same for texts, which the mutations of a payload's syntax seldom reach.
func FuzzRedactText(f *testing.F) {
	r := newRedactor(f)
	for _, seed := range []string{
		"Authorization: Bearer abc\r\npassword=x&b", `{"token":"x"`, "{'pin': 'x", "-----BEGIN PRIVATE KEY-----\nx",
		"\\\"pin\\\":\\\"x\\\"",
		"[token=a]", `["Bearer abc"x"]`, "pin: |\n  a\n b", "x://u:p@h", "eyJhbGciOiJIUzI1NiJ9.a.b",
		"token%3dx", "<pin><![CDATA[x]]></pin>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		p, err := model.PayloadOf([]any{in, map[string]any{"body": in, in: in}})
		if err != nil {
			return
		}
		checkRedaction(t, r, p)
	})
}
