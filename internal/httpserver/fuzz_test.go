package httpserver

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// FuzzDecodeJSON shows that what is accepted is JSON, and the same JSON after it has been written again.
func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{
		`{"query":"{hello}","variables":{"a":[1.10,-0,1e400,"\u0000😀",null,true]}}`, `[[[]]]`, `"\ud83d\ude00"`, `"\ud800"`,
		`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, "\"\xff\"", `1 2`, ``, ` `, `{"":{}}`, `nul`, `01`,
	} {
		f.Add([]byte(seed))
	}

	f.Fuzz(func(t *testing.T, text []byte) {
		value, err := decodeJSON(text)
		if err != nil {
			pointer, reason := jsonFault(err, "")
			require.NotEmpty(t, reason)
			require.True(t, pointer == "" || pointer[0] == '/', pointer)

			return
		}

		require.True(t, json.Valid(text))
		require.True(t, utf8.Valid(text))

		var again bytes.Buffer

		encodeJSON(&again, value)

		second, err := decodeJSON(again.Bytes())
		require.NoError(t, err)
		require.Equal(t, value, second)
	})
}

// FuzzLoneSurrogate compares the scanner with the parser: whatever the scanner lets pass, the parser gives no U+FFFD that
// the client did not write.
func FuzzLoneSurrogate(f *testing.F) {
	for _, seed := range []string{
		`\ud83d\ude00`, `\ud800`, `\\ud800`, `\ud83d\ud83d\ude00`, `\uDE00`, `a\"\ud800`, `""\ud800""`, `") #\ud800`, `\u{d800}`,
		`\ud800\n`, `\ud800\u0041`,
	} {
		f.Add(seed)
	}

	f.Fuzz(func(t *testing.T, literal string) {
		source := `{ id(id: "` + literal + `") }`
		if strings.ContainsRune(source, utf8.RuneError) || strings.Contains(strings.ToLower(source), "fffd") {
			return // the client's own U+FFFD, or invalid UTF-8, which never gets this far
		}

		doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: source}, 1000)
		if err != nil || scan(source, len(source)).loneSurrogate >= 0 {
			return
		}

		encoded, err := json.Marshal(valuesOf(doc))
		require.NoError(t, err)
		require.NotContains(t, string(encoded), "\ufffd")
	})
}

// valuesOf lists the raw values of the arguments at a document's root.
func valuesOf(doc *ast.QueryDocument) []string {
	var values []string

	for _, op := range doc.Operations {
		for _, selection := range op.SelectionSet {
			if field, ok := selection.(*ast.Field); ok {
				for _, argument := range field.Arguments {
					values = append(values, argument.Value.Raw)
				}
			}
		}
	}

	return values
}

// FuzzNegotiate shows that no header leads to a type that we cannot write.
func FuzzNegotiate(f *testing.F) {
	for _, seed := range []string{"", "*/*", "application/json;q=NaN", "text/event-stream,,;", `application/json;q="0"`} {
		f.Add(seed)
	}

	f.Fuzz(func(t *testing.T, header string) {
		got := negotiate(http.Header{"Accept": {header}})
		require.Contains(t, []string{"", typeJSON, typeResponse, typeStream}, got.best)
		require.Contains(t, []string{"", typeJSON, typeResponse}, got.plain)
		require.Equal(t, got.best == "", got.plain == "" && !got.stream)
	})
}

// FuzzMessage shows that no WebSocket message breaks the reading of one.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		`{"type":"subscribe","id":"1","payload":{"query":"{a}"}}`, `{"type":1}`, `[]`, `{"type":"","id":null}`,
	} {
		f.Add([]byte(seed))
	}

	f.Fuzz(func(t *testing.T, text []byte) {
		value, err := decodeLenientJSON(text)
		if err != nil {
			return
		}

		m, err := messageOf(value)
		if err == nil && validOperationID(m) {
			require.NotEmpty(t, m.id)
		}

		_, _ = paramsOf(m.payload)
	})
}
