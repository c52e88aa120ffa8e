package httpserver_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/httpserver"
	"samjournal/internal/httpserver/internal/testschema"
)

func sha(text string) string {
	digest := sha256.Sum256([]byte(text))

	return hex.EncodeToString(digest[:])
}

// byHash is a request's body with Apollo's extension, and the document unless that is "".
func byHash(t *testing.T, hash, query string) string {
	t.Helper()

	body := map[string]any{"extensions": map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hash}}}
	if query != "" {
		body["query"] = query
	}

	text, err := json.Marshal(body)
	require.NoError(t, err)

	return string(text)
}

func hashParameter(hash string) string {
	return "extensions=" + url.QueryEscape(`{"persistedQuery":{"version":1,"sha256Hash":"`+hash+`"}}`)
}

const greeting = `{ hello(name: "Ada") }`

func TestADocumentIsRegisteredOnceAndThenNamedByItsHash(t *testing.T) {
	t.Parallel()

	s := start(t, nil)

	unknown := s.post(t, byHash(t, sha(greeting), ""))
	require.Equal(t, http.StatusOK, unknown.status)
	require.Equal(t, "PERSISTED_QUERY_NOT_FOUND", unknown.code(t))
	require.Equal(t, "PersistedQueryNotFound", unknown.Errors[0].Message)

	require.Equal(t, "hello Ada", s.post(t, byHash(t, sha(greeting), greeting)).Data["hello"])

	for range 2 {
		require.Equal(t, "hello Ada", s.post(t, byHash(t, sha(greeting), "")).Data["hello"])
	}

	require.Equal(t, "hello Ada", s.do(t, http.MethodGet, "/graphql?"+hashParameter(sha(greeting)), "").Data["hello"])
}

func TestAHashServesEveryTransport(t *testing.T) {
	t.Parallel()

	const counting = `subscription { count(to: 1) }`

	s := start(t, nil)
	w := s.connect(t)

	w.send(`{"type":"subscribe","id":"1","payload":` + byHash(t, sha(counting), "") + `}`)
	require.Equal(t, "PERSISTED_QUERY_NOT_FOUND", w.expectError("1"))

	w.send(`{"type":"subscribe","id":"2","payload":` + byHash(t, sha(counting), counting) + `}`)
	w.expect(`{"id":"2","type":"next","payload":{"data":{"count":0}}}`)
	w.expect(`{"id":"2","type":"complete"}`)

	w.send(`{"type":"subscribe","id":"3","payload":` + byHash(t, sha(counting), "") + `}`)
	w.expect(`{"id":"3","type":"next","payload":{"data":{"count":0}}}`)

	require.Contains(t, s.events(t, hashParameter(sha(counting))), `data: {"data":{"count":0}}`)
}

// events is a whole event stream.
func (s *site) events(t *testing.T, parameters string) string {
	t.Helper()

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()

	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url("/graphql?"+parameters), http.NoBody)
	require.NoError(t, err)
	r.Header.Set("Accept", eventStream)

	resp, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)

	defer resp.Body.Close()

	var text strings.Builder

	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		text.WriteString(lines.Text() + "\n")
	}

	return text.String()
}

func TestOnlyTheRightHashOfAValidDocumentIsRegistered(t *testing.T) {
	t.Parallel()

	s := start(t, nil)

	wrong := s.post(t, byHash(t, sha("{ id }"), greeting))
	require.Equal(t, "BAD_USER_INPUT", wrong.code(t))
	require.Contains(t, wrong.Errors[0].Message, "is not the SHA-256")
	require.Equal(t, "PERSISTED_QUERY_NOT_FOUND", s.post(t, byHash(t, sha("{ id }"), "")).code(t))
	require.Equal(t, "PERSISTED_QUERY_NOT_FOUND", s.post(t, byHash(t, sha(greeting), "")).code(t))

	const invalid = "{ nope }"
	require.Equal(t, "BAD_USER_INPUT", s.post(t, byHash(t, sha(invalid), invalid)).code(t))
	require.Equal(t, "PERSISTED_QUERY_NOT_FOUND", s.post(t, byHash(t, sha(invalid), "")).code(t))
}

func TestAMutationNamedByItsHashNeedsPOST(t *testing.T) {
	t.Parallel()

	const bump = "mutation { bump }"

	s := start(t, nil)
	require.Empty(t, s.post(t, byHash(t, sha(bump), bump)).Errors)

	require.Equal(t, http.StatusMethodNotAllowed, s.do(t, http.MethodGet, "/graphql?"+hashParameter(sha(bump)), "").status)
	require.EqualValues(t, 1, s.resolver.Bumped.Load())
}

func TestMalformedPersistedQueriesSayWhatIsWrong(t *testing.T) {
	t.Parallel()

	s := start(t, nil)

	for extension, pointer := range map[string]string{
		`1`:                               "/extensions/persistedQuery",
		`{"sha256Hash":"aa"}`:             "/extensions/persistedQuery/version",
		`{"version":2,"sha256Hash":"aa"}`: "/extensions/persistedQuery/version",
		`{"version":1}`:                   "/extensions/persistedQuery/sha256Hash",
		`{"version":1,"sha256Hash":7}`:    "/extensions/persistedQuery/sha256Hash",
		`null`:                            "/query",
	} {
		a := s.post(t, `{"extensions":{"persistedQuery":`+extension+`}}`)
		require.Equal(t, "BAD_USER_INPUT", a.code(t), extension)
		require.Equal(t, pointer, a.Errors[0].Extensions["pointer"], extension)
	}
}

func TestPersistedQueriesCanBeOff(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.Document.PersistedBytes = 0 })

	a := s.post(t, byHash(t, sha(greeting), ""))
	require.Equal(t, "PERSISTED_QUERY_NOT_SUPPORTED", a.code(t))
	require.Equal(t, "PersistedQueryNotSupported", a.Errors[0].Message)
	require.Equal(t, "hello Ada", s.post(t, byHash(t, sha(greeting), greeting)).Data["hello"])
}

func TestPersistedQueriesAreForgottenBeforeTheyTakeTooMuchMemory(t *testing.T) {
	t.Parallel()

	const room = 64 << 10

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.Document.PersistedBytes = room })
	kept, longest := 0, strings.Repeat("x", 10_000)

	texts := make([]string, 0, 30)
	for i := range cap(texts) {
		texts = append(texts, "{ hello } # "+longest+strings.Repeat("y", i))
		require.Empty(t, s.post(t, byHash(t, sha(texts[i]), texts[i])).Errors)
	}

	for _, text := range texts {
		if len(s.post(t, byHash(t, sha(text), "")).Errors) == 0 {
			kept++
		}
	}

	require.Positive(t, kept)
	require.LessOrEqual(t, kept, room/len(longest))
}

// The manifests of both tools, with the same documents.
const (
	listedGreeting = `query Greet($name: String) { hello(name: $name) }`
	listedCounting = `subscription Count { count(to: 1) }`
)

func apolloManifest(t *testing.T) *httpserver.Documents {
	t.Helper()

	documents, err := httpserver.ParseDocuments([]byte(`{
		"format": "apollo-persisted-query-manifest", "version": 1, "operations": [
		{"id": "greet-1", "name": "Greet", "type": "query", "body": "` + listedGreeting + `"},
		{"id": "` + sha(listedCounting) + `", "name": "Count", "type": "subscription", "body": "` + listedCounting + `"}]}`))
	require.NoError(t, err)
	require.Equal(t, 2, documents.Len())

	return documents
}

func TestAPersistedDocumentIsFoundByEveryNameItHas(t *testing.T) {
	t.Parallel()

	relay, err := httpserver.ParseDocuments([]byte(`{"greet-1": "` + listedGreeting + `", "other": "` + listedCounting + `"}`))
	require.NoError(t, err)

	for _, documents := range []*httpserver.Documents{apolloManifest(t), relay} {
		s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.Document.Documents = documents })

		for _, body := range []string{
			`"documentId": "greet-1"`,
			`"documentId": "` + sha(listedGreeting) + `"`,
			`"documentId": "sha256:` + sha(listedGreeting) + `"`,
			`"doc_id": "greet-1"`,
			`"id": "greet-1"`,
			`"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "greet-1"}}`,
			`"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "` + sha(listedGreeting) + `"}}`,
			`"query": "` + listedGreeting + `"`,
			`"query": "` + listedGreeting + `", "documentId": "greet-1"`,
			`"query": "` + listedGreeting + `", "operationName": "Greet"`,
			`"query": null, "id": "greet-1"`,
		} {
			a := s.post(t, `{`+body+`, "variables": {"name": "Ada"}}`)
			require.Equal(t, "hello Ada", a.Data["hello"], "%s: %s", body, a.text)
		}
	}
}

func TestPersistedDocumentsServeEveryTransport(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.Document.Documents = apolloManifest(t) })

	for _, name := range []string{"documentId", "doc_id", "id"} {
		a := s.do(t, http.MethodGet, "/graphql?"+name+"=greet-1&variables="+url.QueryEscape(`{"name":"Ada"}`), "")
		require.Equal(t, "hello Ada", a.Data["hello"], "%s: %s", name, a.text)
	}

	require.Equal(t, "hello world", s.do(t, http.MethodGet, "/graphql?"+hashParameter("greet-1"), "").Data["hello"])
	require.Contains(t, s.events(t, "documentId="+sha(listedCounting)), `data: {"data":{"count":0}}`)

	w := s.connect(t)
	w.send(`{"type":"subscribe","id":"1","payload":{"documentId":"` + sha(listedCounting) + `"}}`)
	w.expect(`{"id":"1","type":"next","payload":{"data":{"count":0}}}`)
	w.expect(`{"id":"1","type":"complete"}`)

	w.subscribe("2", `subscription { forever }`)
	require.Equal(t, "FORBIDDEN", w.expectError("2"))
}

func TestNothingButPersistedDocumentsIsCarriedOut(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.Document.Documents = apolloManifest(t) })

	for _, body := range []string{
		`{"query": "{ hello }"}`,
		`{"query": "{ __typename }"}`,
		`{"query": "{ not even graphql"}`,
		`{"query": "` + listedGreeting + ` "}`,
		`{"query": "` + listedGreeting + `", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "` + sha("{ id }") + `"}}}`,
		`{"query": "{ hello }", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "greet-1"}}}`,
		`{"documentId": "greet-2"}`,
		byHash(t, sha(greeting), greeting), // no registration
		byHash(t, sha(greeting), ""),
	} {
		a := s.post(t, body)
		require.Equal(t, "FORBIDDEN", a.code(t), "%s: %s", body, a.text)
		require.Contains(t, a.Errors[0].Message, "persisted documents only (SAMJOURNAL_DOCUMENTS)", body)
	}

	require.Equal(t, "BAD_USER_INPUT", s.post(t, `{"variables": {}}`).code(t))
}

func TestAServerWithoutPersistedDocumentsSaysSo(t *testing.T) {
	t.Parallel()

	a := start(t, nil).post(t, `{"documentId": "greet-1"}`)
	require.Equal(t, "BAD_USER_INPUT", a.code(t))
	require.Contains(t, a.Errors[0].Message, "no persisted documents (SAMJOURNAL_DOCUMENTS)")
}

func TestManifestsThatCannotBeUsedSayWhy(t *testing.T) {
	t.Parallel()

	apollo := func(rest string) string { return `{"format": "apollo-persisted-query-manifest", ` + rest + `}` }

	for manifest, message := range map[string]string{
		``:                                       "no JSON",
		`{"a": "{ hello }", "a": "{ b }"}`:       "duplicate member name",
		`[]`:                                     "must be a JSON object",
		`{}`:                                     "lists no operations",
		`{"a": 1}`:                               `member "a" must be a document's text`,
		`{"": "{ hello }"}`:                      "must be a document's text",
		`{"format": "x", "version": 1}`:          `"format": "apollo-persisted-query-manifest"`,
		apollo(`"version": 2`):                   `"version": 1`,
		apollo(`"version": 1`):                   `"operations" must be a list`,
		apollo(`"version": 1, "operations": []`): "lists no operations",
		apollo(`"version": 1, "operations": [{"id": "a", "name": "N"}]`):            `operations[0] ("N")`,
		apollo(`"version": 1, "operations": [{"name": "N", "body": "{ hello }"}]`):  `operations[0] ("N")`,
		apollo(`"version": 1, "operations": [{"id": "a", "body": "{ hello }"}, 7]`): "operations[1]",
	} {
		_, err := httpserver.ParseDocuments([]byte(manifest))
		require.ErrorContains(t, err, message, manifest)
	}
}

func TestDocumentsThatDoNotFitTheSchemaKeepTheServerFromStarting(t *testing.T) {
	t.Parallel()

	for body, message := range map[string]string{
		`query Greet { nope }`:                `operation "Greet" (id "1"): input:1:15: Cannot query field "nope"`,
		`query Greet {`:                       `operation "Greet" (id "1"): input:1:`,
		`fragment f on Query { hello }`:       "it has no operation",
		strings.Repeat("{ nested ", 300):      "nest deeper than 256 levels",
		`query A { hello } query A { hello }`: `There can be only one operation named "A"`,
	} {
		text, err := json.Marshal(map[string]any{
			"format": "apollo-persisted-query-manifest", "version": 1,
			"operations": []any{
				map[string]any{"id": "0", "name": "Good", "body": "query Good { hello }"},
				map[string]any{"id": "1", "name": "Greet", "body": body},
			},
		})
		require.NoError(t, err)

		cfg := httpserver.DefaultConfig()
		cfg.Document.Documents, err = httpserver.ParseDocuments(text)
		require.NoError(t, err)

		_, err = httpserver.New(cfg, testschema.NewExecutableSchema(testschema.Config{Resolvers: testschema.New()}),
			httpserver.Deps{Present: present, Logger: slog.New(slog.DiscardHandler)})
		require.ErrorContains(t, err, message, body)
		require.NotContains(t, err.Error(), "Good")
	}
}

// A manifest's author is trusted with the shape of a document, not with what its variables make it cost.
func TestPersistedDocumentsHaveNoLimitButCost(t *testing.T) {
	t.Parallel()

	documents, err := httpserver.ParseDocuments([]byte(
		`{"deep": "{ nested { nested { nested { hello } } } }", "wide": "{ a: hello b: hello c: hello d: hello e: hello }"}`))
	require.NoError(t, err)

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) {
		c.Document.Documents, c.Document.MaxDepth, c.Document.MaxAliases, c.Document.MaxCost = documents, 1, 0, 4
	})

	require.Empty(t, s.post(t, `{"documentId": "deep"}`).Errors)

	a := s.post(t, `{"documentId": "wide"}`)
	require.Equal(t, "QUERY_TOO_COMPLEX", a.code(t))
	require.Equal(t, "cost", a.Errors[0].Extensions["limit"])
}
