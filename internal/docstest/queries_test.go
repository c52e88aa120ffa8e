// Package docstest_test proves that the documents tell the truth: their queries run, and answer what is shown.
package docstest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryDocumentedQueryAnswersWhatIsShown(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	ran := map[string]int{}
	for _, file := range files {
		name, err := filepath.Rel(root, file)
		require.NoError(t, err)
		examples := examplesOf(t, read(t, name))
		if len(examples) == 0 {
			continue
		}
		ran[name] = len(examples)
		for kind, databaseURL := range databases(t) {
			t.Run(name+" on "+kind, func(t *testing.T) {
				t.Parallel()
				(&reader{url: serve(t, databaseURL)}).follow(t, examples)
			})
		}
	}
	require.Greater(t, ran["docs/schema.md"], 20)
}

// reader runs a document's examples in order, as somebody who follows it.
type reader struct {
	url     string
	waiting []waiting
}

// waiting is a live subscription whose results come with the next operation.
type waiting struct {
	example example
	stream  *stream
}

func (r *reader) follow(t *testing.T, examples []example) {
	t.Helper()
	for _, e := range examples {
		about := fmt.Sprintf("line %d, %s", e.line, e.name)
		body := requestOf(t, e)
		if !e.isSubscription() {
			checkResponse(t, e, e.result, readAll(t, r.url, body), about)
			r.settle(t)
			continue
		}
		require.NotNil(t, e.result, "%s: show what a subscription sends", about)
		s := openStream(t, r.url, body)
		if e.live {
			r.waiting = append(r.waiting, waiting{e, s})
			continue
		}
		checkStream(t, e, s, about)
	}
	require.Empty(t, r.waiting, "nothing follows a live subscription")
}

// settle awaits the results of live subscriptions.
func (r *reader) settle(t *testing.T) {
	t.Helper()
	for _, w := range r.waiting {
		checkStream(t, w.example, w.stream, fmt.Sprintf("line %d, %s", w.example.line, w.example.name))
	}
	r.waiting = nil
}

func checkStream(t *testing.T, e example, s *stream, about string) {
	t.Helper()
	defer s.close()
	var shown []json.RawMessage
	require.NoError(t, json.Unmarshal(e.result, &shown), "%s: show a list of results", about)
	for i, got := range s.take(t, len(shown)) {
		checkResponse(t, e, shown[i], got, about)
	}
}

func requestOf(t *testing.T, e example) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": e.query, "variables": e.variables})
	require.NoError(t, err)
	return body
}

func readAll(t *testing.T, url string, body []byte) []byte {
	t.Helper()
	text, err := io.ReadAll(send(t, url, "application/json", body).Body)
	require.NoError(t, err)
	return text
}

func checkResponse(t *testing.T, e example, shown, got []byte, about string) {
	t.Helper()
	require.Equal(t, e.expect, codeOf(t, got), "%s: %s", about, got)
	if shown != nil {
		require.Empty(t, difference(decode(t, shown), decode(t, got), "result"), "%s: %s", about, got)
	}
}

// codeOf returns the code of a response's errors, "" when it has none.
func codeOf(t *testing.T, response []byte) string {
	t.Helper()
	var answer struct {
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
	}
	require.NoError(t, json.Unmarshal(response, &answer), string(response))
	if len(answer.Errors) == 0 {
		return ""
	}
	require.NotEmpty(t, answer.Errors[0].Extensions.Code, "an error without code: %s", response)
	return answer.Errors[0].Extensions.Code
}

// curl finds the address and the body of a documented curl command.
func curls(text string) [][]string {
	return regexp.MustCompile(`(?s)curl [^']*?(http://[^ ]*/graphql)[^\n]*? -d '(.*?)'`).FindAllStringSubmatch(text, -1)
}

func TestTheCurlCommandsOfTheReadmeWork(t *testing.T) {
	t.Parallel()
	url := serve(t, sqlite(t))
	ran := 0
	for _, b := range blocksOf(t, read(t, "README.md")) {
		if b.language != "sh" {
			continue
		}
		found := curls(b.text)
		require.Len(t, found, strings.Count(b.text, "curl "), "line %d: a curl command that this test does not understand", b.line)
		for _, command := range found {
			require.Equal(t, "http://127.0.0.1:8080/graphql", command[1])
			got := readAll(t, url, []byte(command[2]))
			require.Empty(t, codeOf(t, got), "line %d: %s", b.line, got)
			ran++
		}
	}
	require.GreaterOrEqual(t, ran, 2)
}
