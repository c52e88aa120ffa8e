package docstest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ellipsis stands in documents for what they leave out: the rest of a text, of a list, of an object.
const ellipsis = "…"

const timeLayout = "2006-01-02T15:04:05.000000Z"

func decode(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	require.NoError(t, d.Decode(&v), string(text))
	return v
}

// difference says where an answer is not what a document shows; "" when it is. Times need only be times.
func difference(shown, got any, path string) string {
	switch shown := shown.(type) {
	case map[string]any:
		return differenceOfObjects(shown, got, path)
	case []any:
		return differenceOfLists(shown, got, path)
	case string:
		text, ok := got.(string)
		if ok && sameText(shown, text) {
			return ""
		}
	default:
		if shown == got {
			return ""
		}
	}
	return fmt.Sprintf("%s: shown %v, got %v", path, shown, got)
}

func sameText(shown, got string) bool {
	if _, err := time.Parse(timeLayout, shown); err == nil {
		_, err := time.Parse(timeLayout, got)
		return err == nil
	}
	begin, end, cut := strings.Cut(shown, ellipsis)
	return shown == got || cut && len(got) >= len(begin)+len(end) && strings.HasPrefix(got, begin) && strings.HasSuffix(got, end)
}

func differenceOfObjects(shown map[string]any, got any, path string) string {
	object, ok := got.(map[string]any)
	if !ok {
		return fmt.Sprintf("%s: shown an object, got %v", path, got)
	}
	for name, value := range shown {
		if name == ellipsis {
			continue
		}
		member, there := object[name]
		if !there {
			return fmt.Sprintf("%s.%s: is shown, but not in the answer", path, name)
		}
		if d := difference(value, member, path+"."+name); d != "" {
			return d
		}
	}
	_, open := shown[ellipsis]
	for name := range object {
		_, isShown := shown[name]
		if !isShown && !open && name != "locations" { // where in the document: of no interest to readers
			return fmt.Sprintf("%s.%s: is in the answer, but not shown", path, name)
		}
	}
	return ""
}

func differenceOfLists(shown []any, got any, path string) string {
	list, ok := got.([]any)
	if !ok {
		return fmt.Sprintf("%s: shown a list, got %v", path, got)
	}
	if n := len(shown); n > 0 && shown[n-1] == ellipsis {
		shown = slices.Clone(shown[:n-1])
		if len(list) <= len(shown) {
			return fmt.Sprintf("%s: shown more than %d, got %d", path, len(shown), len(list))
		}
		list = list[:len(shown)]
	}
	if len(shown) != len(list) {
		return fmt.Sprintf("%s: shown %d, got %d", path, len(shown), len(list))
	}
	for i := range shown {
		if d := difference(shown[i], list[i], fmt.Sprintf("%s[%d]", path, i)); d != "" {
			return d
		}
	}
	return ""
}

func TestDifferencesAreSeen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		shown, got string
		same       bool
	}{
		{`{"a": 1}`, `{"a": 1}`, true},
		{`{"a": 1}`, `{"a": 1.0}`, false},
		{`{"a": 1}`, `{"a": 1, "b": 2}`, false},
		{`{"a": 1, "b": 2}`, `{"a": 1}`, false},
		{`{"a": 1, "…": 0}`, `{"a": 1, "b": 2}`, true},
		{`[1, "…"]`, `[1, 2, 3]`, true},
		{`[1, "…"]`, `[1]`, false},
		{`[1]`, `[1, 2]`, false},
		{`"ab…"`, `"abc"`, true},
		{`"ab…"`, `"acc"`, false},
		{`"…"`, `null`, false},
		{`null`, `[]`, false},
		{`"2026-06-19T16:11:03.123456Z"`, `"2027-01-01T00:00:00.000000Z"`, true},
		{`"2026-06-19T16:11:03.123456Z"`, `"2027-01-01T00:00:00Z"`, false},
	} {
		d := difference(decode(t, []byte(c.shown)), decode(t, []byte(c.got)), "")
		require.Equal(t, c.same, d == "", "%s and %s: %s", c.shown, c.got, d)
	}
}
