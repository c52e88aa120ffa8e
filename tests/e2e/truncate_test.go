package e2e

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// payloadLimit is what a server that is not told otherwise stores whole, in bytes.
const payloadLimit = 256 << 10

const createLong = `mutation ($input: CreateEntryInput!) { createEntry(input: $input) {
	created key entry { payloadState request response redactedPaths } } }`

// marker is what is stored instead of a payload that is too long.
type marker struct {
	Truncated bool
	Bytes     int
	SHA256    string
	Head      string
}

// markerOf reads a marker as a client got it and holds it to the payload that it stands for, given as it would be stored.
func markerOf(t testing.TB, got any, limit int, whole string) marker {
	t.Helper()
	require.Len(t, got, 4)
	text, err := json.Marshal(got)
	require.NoError(t, err)
	var m marker
	require.NoError(t, json.Unmarshal(text, &m))
	require.True(t, m.Truncated)
	require.Equal(t, len(whole), m.Bytes)
	require.Equal(t, fmt.Sprintf("%x", sha256.Sum256([]byte(whole))), m.SHA256)
	require.True(t, strings.HasPrefix(whole, m.Head), "the head is the beginning of the payload: %s", tail(m.Head))
	require.Greater(t, len(m.Head), (limit-200)/2, "half of it at least, where every character is escaped")
	return m
}

// ofBytes is a text whose JSON has so many bytes.
func ofBytes(n int) string { return strings.Repeat("x", n-len(`""`)) }

func TestAPayloadIsWholeUpToTheLimitAndTruncatedBeyondIt(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			s := serve(t, db.where)
			send := func(request, response any) any {
				return value(t, s.query(t, createLong, map[string]any{
					"input": map[string]any{"request": request, "response": response},
				}), "createEntry", "entry")
			}
			fits, tooLong := ofBytes(payloadLimit), ofBytes(payloadLimit+1)
			for _, e := range []any{send(fits, nil), send(nil, fits), send(fits, fits)} {
				require.Equal(t, "STORED", value(t, e, "payloadState"))
				require.Contains(t, []any{nil, fits}, value(t, e, "request"))
				require.Contains(t, []any{nil, fits}, value(t, e, "response"))
			}
			both, request, response := send(tooLong, tooLong), send(tooLong, fits), send("short", tooLong)
			for _, e := range []any{both, request, response} {
				require.Equal(t, "TRUNCATED", value(t, e, "payloadState"))
				require.Empty(t, value(t, e, "redactedPaths"))
			}
			for _, got := range []any{
				value(t, both, "request"), value(t, both, "response"), value(t, request, "request"), value(t, response, "response"),
			} {
				markerOf(t, got, payloadLimit, quoted(tooLong))
			}
			require.Equal(t, fits, value(t, request, "response"), "what fits is whole beside what does not")
			require.Equal(t, "short", value(t, response, "request"))

			literal := s.query(t, `mutation { createEntry(input: {request: {b: 1.10, a: `+quoted(tooLong)+`}, response: null}) {
				entry { request } } }`, nil)
			markerOf(t, value(t, literal, "createEntry", "entry", "request"), payloadLimit, `{"a":`+quoted(tooLong)+`,"b":1.10}`)
			const length = "octet_length(request) > 262144 - 12 AND octet_length(request) <= 262144"
			require.Equal(t, "5", db.text(t, "SELECT count(*) FROM entries WHERE request IS NOT NULL AND "+length),
				"two requests of the limit's length and three markers that fill it")
			s.healthy(t)
		})
	}
}

// Wherever the cut falls among the bytes of a character, the head ends before it.
func TestAPayloadIsCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			s := serve(t, fresh(t).where)
			for _, character := range []string{"é", "漢", "🚀", `"`, "\n"} {
				for shift := range max(2, len(character)) {
					text := strings.Repeat("-", shift) + strings.Repeat(character, payloadLimit/len(character))
					encoded := strings.NewReplacer(`"`, `\"`, "\n", `\n`).Replace(text)
					data := s.query(t, createLong, map[string]any{"input": map[string]any{"request": text, "response": nil}})
					m := markerOf(t, value(t, data, "createEntry", "entry", "request"), payloadLimit, `"`+encoded+`"`)
					require.True(t, utf8.ValidString(m.Head))
					require.NotContains(t, m.Head, "\uFFFD")
				}
			}
			s.healthy(t)
		})
	}
}

// The limit counts what is left after redaction, and no piece of a secret is in front of the cut, wherever it falls.
func TestSecretsAreMaskedBeforePayloadsAreCut(t *testing.T) {
	t.Parallel()
	const limit = 1024
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			s := serve(t, db.where, "--payload-limit=1024")
			e := value(t, s.query(t, createLong, map[string]any{"input": map[string]any{
				"request": map[string]any{"password": ofBytes(limit)}, "response": nil,
			}}), "createEntry", "entry")
			require.Equal(t, "STORED", value(t, e, "payloadState"), "what is left is short")

			const secret = "s3cr3tUVW"
			for shift := range 60 {
				before, after := strings.Repeat("b", 840+shift), strings.Repeat("y", limit)
				var found [2]any
				for i, password := range []string{secret, strings.Repeat(secret, 3)} {
					e := value(t, s.query(t, createLong, map[string]any{"input": map[string]any{
						"request": map[string]any{"a": before, "password": password, "z": after}, "response": nil,
					}}), "createEntry", "entry")
					require.Equal(t, "TRUNCATED", value(t, e, "payloadState"))
					require.Equal(t, []any{"/request/password"}, value(t, e, "redactedPaths"))
					found[i] = value(t, e, "request")
				}
				m := markerOf(t, found[0], limit, `{"a":"`+before+`","password":"[REDACTED]","z":"`+after+`"}`)
				require.NotContains(t, m.Head, secret[:2])
				require.Equal(t, found[0], found[1], "two secrets of different length cannot be told apart")
			}
			stored := db.rows(t)
			require.Contains(t, stored, "[REDACTED]")
			require.NotContains(t, stored, secret[:4])
			s.healthy(t)
		})
	}
}

func TestARetryAfterTruncationReturnsTheFirstEntry(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			at := fresh(t).where
			long := ofBytes(2 * payloadLimit)
			input := map[string]any{
				"key": strings.Repeat("d", 64), "request": map[string]any{"a": long, "password": "hunter2"}, "response": "short",
			}
			var first any
			for i, limit := range []string{"262144", "262144", "1024", "0"} {
				s := serve(t, at, "--payload-limit="+limit)
				data := s.query(t, createLong, map[string]any{"input": input})
				require.Equal(t, i == 0, value(t, data, "createEntry", "created"))
				if i == 0 {
					first = value(t, data, "createEntry", "entry")
				}
				require.Equal(t, first, value(t, data, "createEntry", "entry"), "the limit of today changes nothing of it")
				for _, other := range []map[string]any{
					{"a": long[:len(long)-1] + "y", "password": "hunter2"}, // behind the cut
					{"a": long, "password": "hunter3"},                     // masked
				} {
					a := s.ask(t, createLong, map[string]any{"input": map[string]any{
						"key": input["key"], "request": other, "response": "short",
					}})
					require.Len(t, a.errors, 1)
					require.Equal(t, "CONFLICT", a.errors[0].code())
				}
				require.Equal(t, "1", s.size(t))
				s.stop(t)
			}
		})
	}
}

func TestLongPayloadsAmongOthersConcernNobodyElse(t *testing.T) {
	t.Parallel()
	const createMany = `mutation ($inputs: [CreateEntryInput!]!) { createEntries(inputs: $inputs) { results {
		... on CreateEntryPayload { position created entry { payloadState request } } ... on CreateEntryError { code } } } }`
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			s := serve(t, fresh(t).where)
			long, key := ofBytes(payloadLimit+1), strings.Repeat("f", 64)
			input := func(request any, more ...any) map[string]any {
				in := map[string]any{"request": request, "response": nil}
				for i := 0; i < len(more); i += 2 {
					in[more[i].(string)] = more[i+1]
				}
				return in
			}
			inputs := []any{
				input("short"), input(long), input(long, "statusCode", -1), input(long, "key", key),
				input(long[1:]+"y", "key", key), input(long, "key", key), input(ofBytes(payloadLimit)),
			}
			for round, created := range []bool{true, false} {
				results := value(t, s.query(t, createMany, map[string]any{"inputs": inputs}), "createEntries", "results")
				for i, want := range []struct{ state, code string }{
					{"STORED", ""},
					{"TRUNCATED", ""},
					{"", "BAD_USER_INPUT"},
					{"TRUNCATED", ""},
					{"", "CONFLICT"},
					{"TRUNCATED", ""},
					{"STORED", ""},
				} {
					if want.code != "" {
						require.Equal(t, want.code, value(t, results, i, "code"), i)
						continue
					}
					require.Equal(t, want.state, value(t, results, i, "entry", "payloadState"), i)
					if want.state == "TRUNCATED" {
						markerOf(t, value(t, results, i, "entry", "request"), payloadLimit, quoted(long))
					}
				}
				require.Equal(t, created, value(t, results, 3, "created"), "round %d", round)
				require.Equal(t, false, value(t, results, 5, "created"), "round %d", round)
				require.Equal(t, value(t, results, 3, "position"), value(t, results, 5, "position"))
			}
			require.Equal(t, "7", s.size(t), "three new ones without key in each round, and one under its key")
			s.healthy(t)
		})
	}
}

func TestWithoutALimitPayloadsAreWhole(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			at := fresh(t).where
			at.env = append(at.env, "SAMJOURNAL_PAYLOAD_LIMIT=0")
			s := serve(t, at)
			long := ofBytes(3 << 20)
			e := value(t, s.query(t, createLong, map[string]any{"input": map[string]any{"request": long, "response": nil}}),
				"createEntry", "entry")
			require.Equal(t, "STORED", value(t, e, "payloadState"))
			require.Equal(t, long, value(t, e, "request"))
			s.healthy(t)
		})
	}
}

// An auditor who has the original makes length and digest again, however its members are ordered.
func TestTheOriginalOfATruncatedPayloadIsRecognised(t *testing.T) {
	t.Parallel()
	at := newSQLite(t).where
	s := serve(t, at)
	long := ofBytes(payloadLimit)
	original := `{"z": 1.10, "token": "hunter2hunter2", "a": ` + quoted(long) + `}`
	a := s.post(t, `{"query": `+quoted(createLong)+`, "variables": {"input": {"request": `+original+`, "response": null}}}`)
	require.Empty(t, a.errors)
	m := markerOf(t, value(t, a.data, "createEntry", "entry", "request"), payloadLimit,
		`{"a":`+quoted(long)+`,"token":"[REDACTED]","z":1.10}`)
	digest := pipe(t, at, original, "redact", "--digest")
	require.JSONEq(t, fmt.Sprintf(`{"bytes": %d, "sha256": %q}`, m.Bytes, m.SHA256), digest)
	other := pipe(t, at, strings.Replace(original, "1.10", "1.11", 1), "redact", "--digest")
	require.NotEqual(t, digest, other)
}
