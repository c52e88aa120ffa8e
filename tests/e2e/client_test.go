package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// client has connections of its own, one for each request, so that none outlives its test.
func client(t testing.TB) *http.Client {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// answer is an HTTP answer, decoded as GraphQL's when it is JSON.
type answer struct {
	status int
	header http.Header
	body   string
	data   map[string]any
	errors []fault
}

type fault struct {
	Message    string         `json:"message"`
	Path       []any          `json:"path"`
	Extensions map[string]any `json:"extensions"`
}

func (f fault) code() string {
	code, _ := f.Extensions["code"].(string)
	return code
}

// post sends a body to /graphql as it is. Headers come in pairs.
func (s *server) post(t testing.TB, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/graphql", strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	return s.send(t, req, headers...)
}

// get requests a path. Headers come in pairs.
func (s *server) get(t testing.TB, path string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	require.NoError(t, err)
	return s.send(t, req, headers...)
}

// send sends a request with the server's token, unless the headers have another.
func (s *server) send(t testing.TB, req *http.Request, headers ...string) answer {
	t.Helper()
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	return send(t, req, headers...)
}

func send(t testing.TB, req *http.Request, headers ...string) answer {
	t.Helper()
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := client(t).Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(body)}
	if strings.Contains(resp.Header.Get("Content-Type"), "json") {
		var decodedBody struct {
			Data   map[string]any `json:"data"`
			Errors []fault        `json:"errors"`
		}
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.UseNumber()
		require.NoError(t, decoder.Decode(&decodedBody), a.body)
		a.data, a.errors = decodedBody.Data, decodedBody.Errors
	}
	return a
}

// ask sends an operation with variables and returns the answer, errors included.
func (s *server) ask(t testing.TB, query string, variables any) answer {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	require.NoError(t, err)
	return s.post(t, string(body))
}

// query sends an operation that must succeed and returns its data.
func (s *server) query(t testing.TB, query string, variables any) map[string]any {
	t.Helper()
	a := s.ask(t, query, variables)
	require.Empty(t, a.errors)
	require.Equal(t, http.StatusOK, a.status, a.body)
	return a.data
}

// value goes into decoded JSON: by name into objects, by index into arrays.
func value(t testing.TB, v any, steps ...any) any {
	t.Helper()
	for _, step := range steps {
		switch step := step.(type) {
		case string:
			object, ok := v.(map[string]any)
			require.True(t, ok, "no object at %v of %v", step, steps)
			v = object[step]
		case int:
			list, ok := v.([]any)
			require.True(t, ok, "no array at %v of %v", step, steps)
			require.Less(t, step, len(list))
			v = list[step]
		}
	}
	return v
}

const createEntry = `mutation create($input: CreateEntryInput!) {
	createEntry(input: $input) { key position created entry { request response redactedPaths } } }`

// append appends an entry with payloads that say nothing and returns its key.
func (s *server) append(t testing.TB, input map[string]any) string {
	t.Helper()
	full := map[string]any{"request": nil, "response": nil}
	maps.Copy(full, input)
	key, ok := value(t, s.query(t, createEntry, map[string]any{"input": full}), "createEntry", "key").(string)
	require.True(t, ok)
	return key
}

// size is the number of entries in the journal.
func (s *server) size(t testing.TB) string {
	t.Helper()
	n, ok := value(t, s.query(t, `{ entries { totalCount } }`, nil), "entries", "totalCount").(json.Number)
	require.True(t, ok)
	return n.String()
}

// all reads the whole journal, oldest first, page by page.
func (s *server) all(t testing.TB, fields string) []map[string]any {
	t.Helper()
	var (
		found []map[string]any
		after any
	)
	for {
		page := value(t, s.query(t, `query page($after: Cursor) {
			entries(first: 250, after: $after, orderBy: {field: POSITION, direction: ASC}) {
				pageInfo { hasNextPage endCursor } edges { node { `+fields+` } } } }`, map[string]any{"after": after}), "entries")
		edges, ok := value(t, page, "edges").([]any)
		require.True(t, ok)
		for _, edge := range edges {
			node, ok := value(t, edge, "node").(map[string]any)
			require.True(t, ok)
			found = append(found, node)
		}
		if value(t, page, "pageInfo", "hasNextPage") != true {
			return found
		}
		after = value(t, page, "pageInfo", "endCursor")
	}
}
