package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// healthy holds a server to what must be true after anything whatever was sent to it.
func (s *server) healthy(t testing.TB) {
	t.Helper()
	require.Equal(t, http.StatusOK, s.status(t, "/healthz"))
	require.Equal(t, http.StatusOK, s.status(t, "/readyz"))
	s.append(t, nil)
	for _, word := range []string{`"INTERNAL"`, "panic", "goroutine", `"level":"ERROR"`} {
		require.NotContains(t, s.stderr.String(), word)
	}
}

func TestPayloadsComeBackEqual(t *testing.T) {
	t.Parallel()
	payloads := map[string]string{
		"a string":               `"text"`,
		"an empty string":        `""`,
		"an array":               `[1, [], {}, [[]]]`,
		"null":                   `null`,
		"a number":               `0`,
		"a boolean":              `false`,
		"an empty object":        `{}`,
		"NUL characters":         `{"a\u0000b": "\u0000", "c": ["\u0000\u0000"]}`,
		"control characters":     `"\u0001\u001f\u007f\u0085\u2028\u2029"`,
		"HTML":                   `"<script>&amp;</script>"`,
		"astral characters":      `"\ud83d\ude80 🚀 \uD834\uDD1E"`,
		"noncharacters":          `"\uffff\ufffe\ufffd"`,
		"beyond float64":         `[1e400, -1e400, 1e-400, 123456789012345678901234567890, 0.1000000000000000055511151231257827]`,
		"numbers keep text":      `[1.10, 1E5, 1e+5, -0, -0.0, 0.0, 100]`,
		"integers of 64 bits":    `[9223372036854775807, -9223372036854775808, 18446744073709551615, 9007199254740993]`,
		"empty names":            `{"": {"": [{"": 0}]}}`,
		"names like pointers":    `{"/": 1, "~": 2, "~1": 3, "a/b": {"$": 4, "%": 5}}`,
		"names that JavaScript":  `{"__proto__": {"constructor": 1}, "toString": 2}`,
		"names by case and form": `{"a": 1, "A": 2, "\u00e9": 3, "e\u0301": 4}`,
		"200 levels":             strings.Repeat("[", 200) + strings.Repeat("]", 200),
		"200 KB of text":         `"` + strings.Repeat("größer 🚀 ", 15_000) + `"`,
		"200 KB of members":      `{` + strings.TrimSuffix(strings.Repeat(`"x%d": [1, null, "y"],`, 10_000), ",") + `}`,
		"SQL":                    `"'; DROP TABLE entries; --"`,
		"a request":              `{"query": "{ entries { totalCount } }", "variables": {"a": {"b": null}}}`,
	}
	payloads["200 KB of members"] = numbered(payloads["200 KB of members"])
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			s := serve(t, fresh(t).where)
			for name, payload := range payloads {
				t.Run(name, func(t *testing.T) {
					a := s.post(t, `{"query": `+quoted(createEntry)+`, "variables": {"input":
						{"request": `+payload+`, "response": `+payload+`}}}`)
					require.Empty(t, a.errors, name)
					require.Equal(t, http.StatusOK, a.status, name)
					want := decoded(t, payload)
					for _, part := range []string{"request", "response"} {
						require.Equal(t, want, value(t, a.data, "createEntry", "entry", part), "%s: the answer", name)
					}
					found := s.query(t, `query ($key: String!) { entry(key: $key) { request response redactedPaths } }`,
						map[string]any{"key": value(t, a.data, "createEntry", "key")})
					require.Equal(t, want, value(t, found, "entry", "request"), name)
					require.Equal(t, want, value(t, found, "entry", "response"), name)
					require.Empty(t, value(t, found, "entry", "redactedPaths"), name)
				})
			}
			s.healthy(t)
		})
	}
}

// numbered puts a number in the place of each %d.
func numbered(format string) string {
	parts := strings.Split(format, "%d")
	var b strings.Builder
	for i, part := range parts {
		b.WriteString(part)
		if i < len(parts)-1 {
			fmt.Fprint(&b, i)
		}
	}
	return b.String()
}

func quoted(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

// decoded reads JSON; numbers keep their text.
func decoded(t testing.TB, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var v any
	require.NoError(t, decoder.Decode(&v))
	return v
}

func TestLiteralPayloadsComeBackEqual(t *testing.T) {
	t.Parallel()
	literals := map[string]string{
		`"text"`:                         `"text"`,
		`"\u0000"`:                       `"\u0000"`,
		`"""block"""`:                    `"block"`,
		`null`:                           `null`,
		`true`:                           `true`,
		`1.10`:                           `1.10`,
		`-0`:                             `-0`,
		`9007199254740993`:               `9007199254740993`,
		`[1, [2.50], {a: null}]`:         `[1, [2.50], {"a": null}]`,
		`{a: {b: [{c: "d"}]}, __x: 1.0}`: `{"a": {"b": [{"c": "d"}]}, "__x": 1.0}`,
	}
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			s := serve(t, fresh(t).where)
			for literal, want := range literals {
				data := s.query(t, `mutation { createEntry(input: {request: `+literal+`, response: [`+literal+`]}) {
					entry { request response } } }`, nil)
				require.Equal(t, decoded(t, want), value(t, data, "createEntry", "entry", "request"), literal)
				require.Equal(t, []any{decoded(t, want)}, value(t, data, "createEntry", "entry", "response"), literal)
			}
			s.healthy(t)
		})
	}
}

// refusals are inputs of createEntry that must be refused; names is what the message or the path must name.
func refusals() map[string]struct{ input, code, names string } {
	type refusal = struct{ input, code, names string }
	bad := func(input, names string) refusal { return refusal{input, "BAD_USER_INPUT", names} }
	rest := `"request": 1, "response": 1`
	key := strings.Repeat("a", 64)
	return map[string]refusal{
		"no request":                       bad(`"response": 1`, "request"),
		"no response":                      bad(`"request": null`, "response"),
		"an empty thing":                   bad(rest+`, "thing": ""`, "thing"),
		"a thing as it is stored":          bad(rest+`, "thing": "ApiPlugin"`, "thing"),
		"a thing in lower case":            bad(rest+`, "thing": "api_plugin"`, "thing"),
		"a null thing":                     bad(rest+`, "thing": null`, "thing"),
		"a number as thing":                bad(rest+`, "thing": 3`, "thing"),
		"an empty command":                 bad(rest+`, "command": ""`, "command"),
		"a null command":                   bad(rest+`, "command": null`, "command"),
		"status -1":                        bad(rest+`, "statusCode": -1`, "statusCode"),
		"status 32768":                     bad(rest+`, "statusCode": 32768`, "statusCode"),
		"status beyond 32 bits":            bad(rest+`, "statusCode": 4294967296`, "statusCode"),
		"status beyond 64 bits":            bad(rest+`, "statusCode": 18446744073709551816`, "statusCode"),
		"status 200.5":                     bad(rest+`, "statusCode": 200.5`, "statusCode"),
		"status 1e999":                     bad(rest+`, "statusCode": 1e999`, "statusCode"),
		"status as text":                   bad(rest+`, "statusCode": "200"`, "statusCode"),
		"status null":                      bad(rest+`, "statusCode": null`, "statusCode"),
		"an empty username":                bad(rest+`, "username": ""`, "username"),
		"a username of 151 characters":     bad(rest+`, "username": "`+strings.Repeat("ü", 151)+`"`, "username"),
		"a username with a NUL":            bad(rest+`, "username": "a\u0000b"`, "username"),
		"a username with a line break":     bad(rest+`, "username": "a\nb"`, "username"),
		"a username with a lone surrogate": bad(rest+`, "username": "a\ud800"`, "username"),
		"a number as username":             bad(rest+`, "username": 7`, "username"),
		"both username and userID":         bad(rest+`, "username": "a", "userID": "VXNlcjox"`, "userID"),
		"an ID that is none":               bad(rest+`, "userID": "nobody"`, "userID"),
		"an empty ID":                      bad(rest+`, "userID": ""`, "userID"),
		"a huge ID":                        bad(rest+`, "userID": "`+strings.Repeat("A", 100_000)+`"`, "userID"),
		"a number as ID":                   bad(rest+`, "userID": 1`, "userID"),
		"a key in capitals":                bad(rest+`, "key": "`+strings.ToUpper(key)+`"`, "key"),
		"a short key":                      bad(rest+`, "key": "`+key[1:]+`"`, "key"),
		"a long key":                       bad(rest+`, "key": "`+key+`a"`, "key"),
		"an empty key":                     bad(rest+`, "key": ""`, "key"),
		"a key that is not hex":            bad(rest+`, "key": "`+key[1:]+`g"`, "key"),
		"a key with a NUL":                 bad(rest+`, "key": "`+key[1:]+`\u0000"`, "key"),
		"a duplicate name":                 bad(`"request": {"a": {"b": 1, "b": 2}}, "response": 1`, "request/a/b"),
		"a duplicate name, escaped":        bad(`"request": {"a": 1, "\u0061": 2}, "response": 1`, "request/a"),
		"a lone surrogate":                 bad(`"request": ["x", "\ud800"], "response": 1`, "request/1"),
		"a lone surrogate in a name":       bad(`"request": {"\udc00": 1}, "response": 1`, "request"),
		"surrogates in the wrong order":    bad(`"request": 1, "response": {"x": "\ude00\ud83d"}`, "response/x"),
		"invalid UTF-8":                    bad("\"request\": {\"x\": \"\xff\"}, \"response\": 1", "request/x"),
		"201 levels": bad(`"response": 1, "request": `+
			strings.Repeat("[", 201)+strings.Repeat("]", 201), "request"),
		"201 levels of objects": bad(`"response": `+strings.Repeat(`{"a":`, 201)+`1`+strings.Repeat("}", 201)+
			`, "request": 1`, "response"),
		"20,000 levels":    bad(`"request": `+strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)+`, "response": 1`, "request"),
		"an unknown field": bad(rest+`, "toaster": 1`, "toaster"),
		"createdAt":        bad(rest+`, "createdAt": "2020-01-01T00:00:00Z"`, "createdAt"),
	}
}

func TestWhatCannotBeStoredIsRefusedByName(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			s := serve(t, fresh(t).where)
			for name, refusal := range refusals() {
				t.Run(name, func(t *testing.T) {
					a := s.post(t, `{"query": `+quoted(createEntry)+`, "variables": {"input": {`+refusal.input+`}}}`)
					require.NotEmpty(t, a.errors, "%s: %s", name, a.body)
					require.Nil(t, a.data["createEntry"], name)
					require.Equal(t, refusal.code, a.errors[0].code(), "%s: %s", name, a.body)
					told := a.errors[0].Message + " " + fmt.Sprint(a.errors[0].Path...) + " " + fmt.Sprint(a.errors[0].Extensions["pointer"])
					if path, ok := a.errors[0].Extensions["path"].([]any); ok {
						steps := make([]string, len(path))
						for i, step := range path {
							steps[i] = fmt.Sprint(step)
						}
						told += " " + strings.Join(steps, "/")
					}
					require.Contains(t, told, refusal.names, "%s: %s", name, tail(a.body))
					require.Less(t, len(a.body), 2000, "%s: an answer repeats no long input", name)
				})
			}
			require.Equal(t, "0", s.size(t), "nothing was stored")
			s.healthy(t)
		})
	}
}

func TestTheEdgesOfWhatIsAllowedAreStored(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			s := serve(t, fresh(t).where)
			for i, input := range []map[string]any{
				{"statusCode": 0},
				{"statusCode": 32767},
				{"username": strings.Repeat("ü", 150)},
				{"username": "🚀 with spaces, 'quotes' and \"more\""},
				{"key": strings.Repeat("0", 64)},
				{"key": nil, "username": nil, "userID": nil},
			} {
				s.append(t, input)
				got := s.all(t, "position statusCode user { username } key")
				require.Len(t, got, i+1)
				if status, ok := input["statusCode"]; ok {
					require.Equal(t, json.Number(fmt.Sprint(status)), got[i]["statusCode"])
				}
				if name, ok := input["username"].(string); ok {
					require.Equal(t, name, value(t, got[i], "user", "username"))
				}
				if key, ok := input["key"].(string); ok {
					require.Equal(t, key, got[i]["key"])
				}
			}
			s.healthy(t)
		})
	}
}
