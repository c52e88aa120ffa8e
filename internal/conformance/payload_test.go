package conformance_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
)

// nastyPayloads are JSON texts in the form in which they must be stored: each is one that some database, driver or decoder
// would change.
func nastyPayloads() []string {
	return []string{
		`null`, `true`, `false`, `0`, `-0`, `""`, `"null"`, `[]`, `{}`, `[null]`, `{"":null}`, `"a string"`,
		`1.10`, `1e400`, `-1E-400`, `0.1e+1`, `123456789012345678901234567890.123456789`, `1e100000`, `9007199254740993`,
		`"\u0000"`, `{"nul\u0000name":"\u0000\u0001\u001f"}`, `"\b\f\n\r\t\"\\/"`,
		`"é è 漢字 🎉 ` + "\u2028\u2029\u007f\u0085\ufeff\ufffd\U0010ffff" + `"`, `"é vs é"`,
		`{"b":1,"a":2,"B":3,"10":4,"9":5}`, `{"a":{"a":{"a":[{"a":1}]}}}`, `{"<script>":"</script>&amp;'\"--; DROP TABLE"}`,
		`[1,1.0,1.00,1e0]`, `["?","$1",":name","%s","{}","\\x41","E'\\\\x'"]`, `{"truncated":true,"bytes":1}`, `"[REDACTED]"`,
		strings.Repeat("[", 200) + strings.Repeat("]", 200),
		strings.Repeat(`{"d":`, 199) + `[]` + strings.Repeat(`}`, 199),
		`"` + strings.Repeat("300 KB of é ", 25000) + `"`,
		`[` + strings.Repeat(`{"id":1234567,"text":"abcdefgh"},`, 9000) + `0]`,
	}
}

func parsed(t *testing.T, text string) model.Payload {
	t.Helper()
	p, err := model.ParsePayload([]byte(text))
	require.NoError(t, err)
	return p
}

// Invariant 8: every payload is stored in these bytes on both databases and read in them again.
func TestPayloadsAreStoredAndReadInTheSameBytes(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			for i, text := range nastyPayloads() {
				in := numbered(i)
				in.Request, in.Response = parsed(t, text), parsed(t, text)
				n.append(ctx, t, in)
			}
			d := look(t, databaseURL)
			stored, err := d.Entries(t.Context(), 1, 0)
			require.NoError(t, err)
			var answer struct {
				Entries struct {
					Edges []struct {
						Node struct{ Request, Response rawValue }
					}
				}
			}
			n.ask(ctx, t, &answer, `{ entries(first: 500, orderBy: {direction: ASC}) { edges { node { request response } } } }`, nil)
			for i, text := range nastyPayloads() {
				require.Equal(t, text, *stored[i].Request)
				require.Equal(t, text, *stored[i].Response)
				require.Equal(t, text, string(answer.Entries.Edges[i].Node.Request))
				require.Equal(t, text, string(answer.Entries.Edges[i].Node.Response))
			}
			n.append(ctx, t, numbered(1000))
			after, err := d.Entries(t.Context(), 1, 0)
			require.NoError(t, err)
			require.Equal(t, stored, after[:len(stored)])
		})
	}
}

// What a client sends as a variable has no order of members any more; everything else comes back as it was.
func TestPayloadsOfVariablesComeBackEqual(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			for i, text := range nastyPayloads() {
				var answer struct {
					CreateEntry struct {
						Entry struct{ Request, Response rawValue }
					}
				}
				n.ask(ctx, t, &answer, `mutation($input: CreateEntryInput!) { createEntry(input: $input) { entry { request response } } }`,
					vars{"input": vars{"key": keyOf(i), "request": json.RawMessage(text), "response": nil}})
				require.Equal(t, decoded(t, text), decoded(t, string(answer.CreateEntry.Entry.Request)))
				require.Equal(t, "null", string(answer.CreateEntry.Entry.Response))
				stored, err := look(t, databaseURL).Entries(t.Context(), 1, int64(i))
				require.NoError(t, err)
				require.Equal(t, *stored[0].Request, string(answer.CreateEntry.Entry.Request))
			}
		})
	}
}

// decoded is a JSON value whose numbers keep their text.
func decoded(t *testing.T, text string) (value any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	require.NoError(t, d.Decode(&value))
	return value
}

func TestPayloadsThatCannotBeKeptAreRefusedWithTheirPath(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			_, errs := n.try(ctx, t, createOne, vars{"input": vars{
				"request":  json.RawMessage(`{"deep":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`),
				"response": nil,
			}})
			require.Len(t, errs, 1)
			require.Equal(t, "BAD_USER_INPUT", errs[0].Extensions["code"])
			require.Equal(t, "[input request deep]", fmt.Sprint(errs[0].Extensions["path"].([]any)[:3]))
			for _, missing := range []vars{{"request": nil}, {"response": nil}} {
				require.Equal(t, "BAD_USER_INPUT", n.refused(ctx, t, createOne, vars{"input": missing}))
			}
			for _, status := range []int{-1, 32768} {
				require.Equal(t, "BAD_USER_INPUT", n.refused(ctx, t, createOne,
					vars{"input": vars{"request": nil, "response": nil, "statusCode": status}}))
			}
		})
	}
}

// What is cut depends on the length after redaction alone, is told by the append and by the check before it, and is in front of
// the cut what the redacted payload has there.
func TestPayloadsAreRedactedThenMeasuredThenCut(t *testing.T) {
	t.Parallel()
	const limit = model.MinTruncateLimit
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			for i := range 40 { // the secret grows over the limit's edge, and over the cut
				before, after := strings.Repeat("b", 100+i*5), strings.Repeat("é", i)
				for j, secret := range []string{"s", strings.Repeat("secret", 50)} {
					in := numbered(2*i + j)
					in.Request = model.Payload(`{"before":"` + before + `","password":"` + secret + `","after":"` + after + `"}`)
					in.Truncate = limit
					redacted := model.Payload(strings.Replace(string(in.Request), `"`+secret+`"`, `"[REDACTED]"`, 1))
					want, cut := model.Truncate(redacted, limit)

					foretold, err := n.journal.Check(in)
					require.NoError(t, err)
					require.Equal(t, cut, foretold.Truncated)
					require.Equal(t, cut, n.append(ctx, t, in)[0].Truncated)
					require.False(t, n.append(ctx, t, in)[0].Truncated, "nothing was created, so nothing was cut")
					stored, err := look(t, databaseURL).Entries(t.Context(), 1, int64(2*i+j))
					require.NoError(t, err)
					require.Equal(t, string(want), *stored[0].Request)
					require.Equal(t, cut, stored[0].PayloadState == "TRUNCATED")
				}
			}
		})
	}
}

// Masked and cut payloads read as they are stored, and the state tells which is which.
func TestMaskedAndTruncatedPayloads(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{payloadLimit: 300})
			ctx := n.as(t, "default")
			var answer struct{ CreateEntry struct{ Entry row } }
			n.ask(ctx, t, &answer, `mutation($input: CreateEntryInput!) {
			createEntry(input: $input) { entry { request response payloadState redactedPaths } }
		}`, vars{"input": vars{
				"request": vars{
					"META": vars{"HTTP_COOKIE": "a=b", "a/b~c": vars{"Password": "x"}}, "note": "Authorization: Bearer abcdefghijklmnop",
				},
				"response": strings.Repeat("z", 1000),
			}})
			e := answer.CreateEntry.Entry
			require.Equal(t, "TRUNCATED", e.PayloadState)
			require.Contains(t, string(e.Response), `{"truncated":true,"bytes":1002,"sha256":"`)
			require.ElementsMatch(t, []string{
				"/request/META/HTTP_COOKIE", "/request/META/a~1b~0c/Password", "/request/note",
			}, e.RedactedPaths)
			for _, secret := range []string{"a=b", `"x"`, "abcdefgh"} {
				require.NotContains(t, string(e.Request), secret)
			}
		})
	}
}
