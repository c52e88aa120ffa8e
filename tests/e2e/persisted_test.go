package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const persistedQuery = `query Who { viewer { role } }`

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestOnlyListedDocumentsAreCarriedOut(t *testing.T) {
	t.Parallel()
	hash := hashOf(persistedQuery)
	for format, manifest := range map[string]string{
		"Apollo": `{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [
			{"id": "` + hash + `", "name": "Who", "type": "query", "body": ` + quoted(persistedQuery) + `}]}`,
		"Relay": `{"` + hash + `": ` + quoted(persistedQuery) + `}`,
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			db := newSQLite(t)
			file := filepath.Join(db.dir, "documents.json")
			require.NoError(t, os.WriteFile(file, []byte(manifest), 0o600))
			s := serve(t, db.where, "--documents="+file)
			for _, body := range []string{
				`{"documentId": "` + hash + `"}`,
				`{"documentId": "sha256:` + hash + `"}`,
				`{"id": "` + hash + `"}`,
				`{"doc_id": "` + hash + `"}`,
				`{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "` + hash + `"}}}`,
				`{"query": ` + quoted(persistedQuery) + `}`,
			} {
				a := s.post(t, body)
				require.Empty(t, a.errors, body)
				require.Equal(t, "OPERATOR", value(t, a.data, "viewer", "role"), body)
			}
			require.Equal(t, http.StatusOK, s.get(t, "/graphql?documentId="+hash).status)
			for _, body := range []string{
				`{"query": "{ viewer { role } }"}`,
				`{"documentId": "` + hashOf("another") + `"}`,
				`{"query": "{ viewer { subject } }", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "` +
					hashOf("{ viewer { subject } }") + `"}}}`,
			} {
				a := s.post(t, body)
				require.NotEmpty(t, a.errors, body)
				require.Equal(t, "FORBIDDEN", a.errors[0].code(), body)
				require.Contains(t, a.errors[0].Message, "SAMJOURNAL_DOCUMENTS")
			}
		})
	}
}

func TestAManifestThatDoesNotFitStopsTheServer(t *testing.T) {
	t.Parallel()
	db := newSQLite(t)
	for manifest, want := range map[string]string{
		``:                          "documents.json",
		`[]`:                        "documents.json",
		`{}`:                        "lists no operations",
		`{"a": "{ nosuch }"}`:       "nosuch",
		`{"a": "query A { viewer"}`: "a",
	} {
		file := filepath.Join(db.dir, "documents.json")
		require.NoError(t, os.WriteFile(file, []byte(manifest), 0o600))
		r := run(t, db.where, "serve", "--listen=127.0.0.1:0", "--documents="+file)
		require.NotZero(t, r.code, manifest)
		require.Contains(t, r.stderr, want, manifest)
	}
}

func TestAClientMaySendTheHashOfADocumentThatIsKnown(t *testing.T) {
	t.Parallel()
	s := serve(t, newSQLite(t).where)
	extensions := func(hash string) string { return `{"persistedQuery": {"version": 1, "sha256Hash": "` + hash + `"}}` }
	hash := hashOf(persistedQuery)
	short := `{"extensions": ` + extensions(hash) + `}`
	full := `{"query": ` + quoted(persistedQuery) + `, "extensions": ` + extensions(hash) + `}`

	unknown := s.post(t, short)
	require.Equal(t, "PersistedQueryNotFound", unknown.errors[0].Message)
	require.Equal(t, "PERSISTED_QUERY_NOT_FOUND", unknown.errors[0].code())
	wrong := s.post(t, fmt.Sprintf(`{"query": "{ viewer { subject } }", "extensions": %s}`, extensions(hash)))
	require.NotEmpty(t, wrong.errors, "a hash of something else")
	require.NotEmpty(t, s.post(t, short).errors, "and it is not kept")

	require.Empty(t, s.post(t, full).errors)
	require.Equal(t, "OPERATOR", value(t, s.post(t, short).data, "viewer", "role"))
	require.Equal(t, "OPERATOR", value(t, s.get(t, "/graphql?extensions="+url.QueryEscape(extensions(hash))).data, "viewer", "role"))

	off := serve(t, newSQLite(t).where, "--persisted-query-bytes=0")
	require.NotEmpty(t, off.post(t, short).errors)
	require.NotEmpty(t, off.post(t, short).errors)
}

func TestIntrospectionAndSuggestionsCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	s := serve(t, newSQLite(t).where, "--no-introspection", "--no-suggestions")
	a := s.ask(t, `{ __schema { types { name } } }`, nil)
	require.Equal(t, "FORBIDDEN", a.errors[0].code())
	require.Contains(t, a.errors[0].Message, "SAMJOURNAL_INTROSPECTION")
	require.Equal(t, "Query", s.query(t, `{ __typename }`, nil)["__typename"])
	a = s.ask(t, `{ viewers { role } }`, nil)
	require.NotContains(t, a.body, "Did you mean")
	require.Contains(t, serve(t, newSQLite(t).where).ask(t, `{ viewers { role } }`, nil).body, "Did you mean")
}
