package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func grep(text, part string) bool { return strings.Contains(text, part) }

// operations are the log lines of operations so far.
func (s *server) operations(t testing.TB) []map[string]any {
	t.Helper()
	var found []map[string]any
	for line := range strings.Lines(s.stderr.String()) {
		if !strings.HasSuffix(line, "\n") {
			break // it is being written
		}
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &fields), "every line of the log is JSON")
		if fields["msg"] == "operation" {
			found = append(found, fields)
		}
	}
	return found
}

func TestEachOperationIsOneLineOfJSON(t *testing.T) {
	t.Parallel()
	s := serve(t, newSQLite(t).where)
	first := s.post(t, `{"query": "query mine { viewer { role } }"}`, "X-Request-Id", "my-own-id")
	require.Equal(t, "my-own-id", first.header.Get("X-Request-Id"))
	second := s.post(t, `{"query": "mutation wrong { createEntry(input: {request: 1, response: 2, statusCode: -1}) { key } }"}`)
	drawn := second.header.Get("X-Request-Id")
	require.NotEmpty(t, drawn)
	third := s.post(t, `{`, "X-Request-Id", "bad\tid")
	require.NotEqual(t, "bad\tid", third.header.Get("X-Request-Id"))
	require.Equal(t, http.StatusBadRequest, third.status)

	eventually(t, "three lines", func() bool { return len(s.operations(t)) >= 3 })
	lines := s.operations(t)
	require.Len(t, lines, 3)
	for i, want := range []struct{ name, kind, code, id string }{
		{"mine", "query", "OK", "my-own-id"},
		{"wrong", "mutation", "BAD_USER_INPUT", drawn},
		{"", "", "BAD_USER_INPUT", third.header.Get("X-Request-Id")},
	} {
		require.Equal(t, want.name, lines[i]["name"])
		require.Equal(t, want.kind, lines[i]["type"])
		require.Equal(t, want.code, lines[i]["code"])
		require.Equal(t, want.id, lines[i]["requestId"])
		require.IsType(t, float64(0), lines[i]["ms"])
		require.Equal(t, "INFO", lines[i]["level"])
		require.NotEmpty(t, lines[i]["time"])
	}
}

func TestTheLogSpeaksTextWhenAskedTo(t *testing.T) {
	t.Parallel()
	s := serve(t, newSQLite(t).where, "--log-format=text")
	s.query(t, `query mine { viewer { role } }`, nil)
	eventually(t, "a line", func() bool { return grep(s.stderr.String(), "msg=operation name=mine") })
}
