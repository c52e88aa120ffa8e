package search_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"samjournal/internal/model"
	"samjournal/internal/search"
)

func payload(text string) *model.Payload {
	p := model.Payload(text)
	return &p
}

func entry(request string) *search.Entry {
	return &search.Entry{Request: payload(request), Response: payload(`{"outcome":"created"}`), Summary: "zoë applied Plugin"}
}

func TestTextMatches(t *testing.T) {
	t.Parallel()
	e := entry(`{"POST":{"messages":[{"role":"user","content":"Don't PANIC, the Straße to example.com is long"}],` +
		`"chat_config":1.10,"ok":true,"none":null,"thai":"ภาษาไทย","e\u0301":"caf\u00e9"}}`)
	for text, want := range map[string]bool{
		"panic":                       true,
		"PANIC the":                   true,
		`"panic the"`:                 true,
		`"the panic"`:                 false,
		"the panic":                   true,
		"pan":                         false,
		"pan*":                        true,
		"pan* nothing":                false,
		"strasse":                     true,
		"STRASSE":                     true,
		"example.com":                 true,
		"example":                     true,
		"com.example":                 false,
		"exampl*":                     true,
		"example.co*":                 true,
		"config":                      true,
		"1.10":                        true,
		"1.1":                         false,
		"1.1*":                        true,
		"true null":                   true,
		"don't":                       true,
		"created":                     true, // in the response
		"zoe\u0308":                   true, // in the summary
		"applied plugin":              true,
		`"plugin created"`:            false, // each text is one for itself
		"ไทย":                         true,
		"cafe\u0301":                  true,
		"\u00e9":                      true,
		`role"user"`:                  true,
		"messages - * , content":      true,
		`"content"  "role" role role`: true,
		"absent":                      false,
	} {
		parsed, err := search.ParseText(text)
		require.NoError(t, err, text)
		require.Equal(t, want, parsed.Match(e), text)
	}
}

func TestAnErasedEntryIsFoundByItsSummary(t *testing.T) {
	t.Parallel()
	erased := &search.Entry{Summary: "zoë applied Plugin"}
	applied, err := search.ParseText("applied")
	require.NoError(t, err)
	require.True(t, applied.Match(erased))
	created, err := search.ParseText("created")
	require.NoError(t, err)
	require.False(t, created.Match(erased))
}

func TestTextsThatAreRefused(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"":                             "must have a word",
		" - * ! ":                      "must have a word",
		`""`:                           "must have a word",
		`say "hello`:                   "has a quotation mark without a second one",
		strings.Repeat("a", 1001):      "has at most 1000 bytes, this one has 1001",
		strings.Repeat("a ", 21):       "has at most 20 words or phrases, this one has 21",
		"\xff":                         "must be valid UTF-8",
		"\x00":                         "must have a word",
		strings.Repeat(`"a" `, 21)[1:]: "has",
	} {
		_, err := search.ParseText(text)
		var input *model.InputError
		require.ErrorAs(t, err, &input, text)
		require.Contains(t, input.Reason, says)
	}
}

func TestPathsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"", "a", "$.", "$..a", "$.*", "$*", "$[", "$[]", "$[-1]", "$[01]", "$[1,2]", "$[1:2]", "$[:]", "$['a','b']", "$['a", "$['a'",
		"$[a]", "$.a b", "$.a-b", "@.a", "$[?(@.a == 1)]", "$[?@.a]", "$[(@.length-1)]", "$.a.$", "$$", " $", "$ ", "$.a'", `$["a']`,
		`$['\x41']`, `$['\ud800']`, `$['\uDFFF']`, "$['\x00']", "$.\x00",
		"$['\xff']", "$.\xff", "$; DROP TABLE entries", "$' OR 1=1 --",
		"$[99999999999999999999]", "$[1e3]", "$[ 1 ]", "$" + strings.Repeat(".a", 500), "$" + strings.Repeat("[0]", 51),
		"$.a[?(@ =~ /(/)]",
	} {
		_, err := search.ParsePath(path)
		var input *model.InputError
		require.ErrorAs(t, err, &input, "%q", path)
	}
}

// operand is what a filter compares with, as JSON; empty for none.
func filter(t require.TestingT, path, op, operand string) *search.PathFilter {
	parsed, err := search.ParsePath(path)
	require.NoError(t, err, path)
	f := &search.PathFilter{Side: search.Request, Path: parsed}
	switch op {
	case "eq":
		f.EQ = payload(operand)
	case "neq":
		f.NEQ = payload(operand)
	case "gt":
		f.GT = payload(operand)
	case "lt":
		f.LT = payload(operand)
	case "contains":
		f.Contains = &operand
	case "exists":
		exists := operand == "true"
		f.Exists = &exists
	}
	require.NoError(t, f.Check())
	return f
}

func TestPathFiltersMatch(t *testing.T) {
	t.Parallel()
	e := entry(`{"a":{"b":[1,{"c":"x"},[2.50,null]]},"it's":"q\"","$":{"":0},"big":1e400,"tiny":-0.0,"e\u0301":{"ä.ö":true},` +
		`"many":[0,1,2,3,4,5,6,7,8,"nine"],"o":{"x":1,"y":[{}]},"text":"2026-06-19T16:11:03Z"}`)
	for _, c := range []struct {
		path, op, operand string
		want              bool
	}{
		{"$", "exists", "true", true},
		{"$.a", "exists", "true", true},
		{"$.a", "exists", "false", false},
		{"$.z", "exists", "false", true},
		{"$.a.b[0]", "eq", "1", true},
		{"$.a.b[0]", "eq", "1.000", true},
		{"$.a.b[0]", "eq", "10e-1", true},
		{"$.a.b[0]", "eq", `"1"`, false},
		{"$.a.b[3]", "exists", "true", false},
		{"$.a[0]", "exists", "true", false},
		{"$.a.b.c", "exists", "true", false},
		{"$.a.b[1].c", "eq", `"x"`, true},
		{"$.a.b[1].c", "eq", `"X"`, false},
		{"$.a.b[*].c", "eq", `"\u0078"`, true},
		{"$.a.b[*]", "eq", "1", true},
		{"$.a.b[*][0]", "eq", "2.5", true},
		{"$.a.b[2][*]", "eq", "null", true},
		{"$.a.b[*]", "neq", "1", false},
		{"$.a.b[*]", "neq", "7", true},
		{"$.z", "neq", "7", true},
		{"$.z", "eq", "null", false},
		{"$.a.b[0]", "gt", "0.999999999999999999999999999999", true},
		{"$.a.b[0]", "gt", "1", false},
		{"$.a.b[*]", "lt", `"z"`, false},
		{"$.big", "gt", "9e399", true},
		{"$.big", "lt", "1" + strings.Repeat("0", 401), true},
		{"$.big", "eq", "1" + strings.Repeat("0", 400), true},
		{"$.big", "lt", "1e99999999999999999999", true},
		{"$.tiny", "eq", "0", true},
		{"$.tiny", "gt", "-1e-99999999999999999999", true},
		{"$.text", "gt", `"2026-06"`, true},
		{"$.text", "contains", "19T", true},
		{"$.text", "contains", "t", false},
		{"$.text", "contains", "", true},
		{"$.a", "contains", "", false},
		{`$['it\'s']`, "eq", `"q\""`, true},
		{`$["it's"]`, "contains", `"`, true},
		{"$['$']['']", "eq", "-0", true},
		{"$.é['ä.ö']", "exists", "true", false}, // another spelling of the same letter
		{"$.e\u0301['ä.ö']", "eq", "true", true},
		{`$['e\u0301']["\u00e4.ö"]`, "eq", "true", true},
		{"$.many[9]", "eq", `"nine"`, true},
		{"$.many[8]", "eq", `"nine"`, false},
		{"$.o", "eq", `{"y":[{}],"x":1.0}`, true},
		{"$.o", "eq", `{"x":1}`, false},
		{"$.o", "eq", `{"x":1,"y":[{"z":1}]}`, false},
		{"$.o", "eq", "1", false},
		{"$.o.y", "eq", "[]", false},
		{"$.a.b[2]", "eq", "[25e-1,null]", true},
	} {
		f := filter(t, c.path, c.op, c.operand)
		require.Equal(t, c.want, f.Match(e), "%s %s %s", c.path, c.op, c.operand)
		if c.want {
			requireTerms(t, f.Terms(), e)
		}
	}
}

func TestConditionsOfAPathFilterHoldForTheSameValue(t *testing.T) {
	t.Parallel()
	f := filter(t, "$[*]", "gt", "1")
	f.LT = payload("4")
	require.True(t, f.Match(entry("[0,3,9]")))
	require.False(t, f.Match(entry("[0,9]")))
	f.NEQ = payload("0")
	require.False(t, f.Match(entry("[3,0]")))
	require.True(t, f.Match(entry("[3,1]")))
	f.Side = search.Response
	require.False(t, f.Match(entry("[3,1]")))
}

func TestAnErasedPayloadHasNothing(t *testing.T) {
	t.Parallel()
	e := &search.Entry{}
	require.False(t, filter(t, "$", "exists", "true").Match(e))
	require.True(t, filter(t, "$", "exists", "false").Match(e))
	require.True(t, filter(t, "$.a", "neq", "1").Match(e))
	require.False(t, filter(t, "$.a", "eq", "null").Match(e))
}

func TestPathFiltersThatAreRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 10_001)
	for says, f := range map[string]search.PathFilter{
		"must have at least one of eq, neq, gt, lt, contains and exists": {},
		"gt: must be a number or a string":                               {GT: payload("null")},
		"lt: must be a number or a string":                               {LT: payload("[1]")},
		"eq: has at most 10000 bytes":                                    {EQ: payload(`"` + long + `"`)},
		"contains: has at most 10000 bytes":                              {Contains: &long},
	} {
		require.EqualError(t, f.Check(), says)
	}
}

func requireTerms(t require.TestingT, want []search.Term, e *search.Entry) {
	terms, partial := search.Terms(e)
	if partial {
		return
	}
	for _, w := range want {
		require.True(t, slices.ContainsFunc(terms, func(term string) bool {
			return term == w.Text || w.Prefix && strings.HasPrefix(term, w.Text)
		}), "term %v of %v in %v", w, e, terms)
	}
}

func TestTermsAreOfLettersAndDigitsAndComeOnce(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long", 50)
	terms, partial := search.Terms(entry(`{"a\u0000'b":["é ' \" \\ zebra","éa",7,"` + long + `"],"c":["7","7"]}`))
	require.False(t, partial)
	slices.Sort(terms)
	require.Equal(t, slices.Compact(slices.Clone(terms)), terms)
	require.Contains(t, terms, "wz7aebra")
	require.Contains(t, terms, "w7")
	for _, term := range terms {
		require.Regexp(t, "^[wpv][a-z0-9]{1,120}$", term)
	}
}

// An index that is there has these: who changes them raises search.Version.
func TestTheTermsOfThisVersion(t *testing.T) {
	t.Parallel()
	terms, _ := search.Terms(&search.Entry{Request: payload(`{"a":[1.0,"é"]}`), Summary: "bob got Plugin"})
	slices.Sort(terms)
	require.Equal(t, 1, search.Version)
	require.Equal(t, []string{
		"p2gi8t3s2", "p3upjansl", "p7j6nf713", "v4fun3gc4", "v9dbkue1a", "w0", "w1", "wa", "wbob", "wgot", "wplugin", "wzc3za9",
	}, terms)
}

func TestAnEntryWithTooManyTermsHasNone(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 12_000 {
		fmt.Fprintf(&b, "word%d ", i)
	}
	terms, partial := search.Terms(entry(strconv.Quote(b.String())))
	require.True(t, partial)
	require.Empty(t, terms)
}

// Any entry that a search matches has the terms of the search.
func TestTermsOfASearchAreInWhatItMatches(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		e := &search.Entry{Request: payload(drawJSON(rt, 3)), Summary: "zoë applied Plugin"}
		f := &search.PathFilter{Side: search.Request}
		var err error
		f.Path, err = search.ParsePath(drawPath(rt))
		require.NoError(rt, err)
		switch rapid.IntRange(0, 3).Draw(rt, "op") {
		case 0:
			f.EQ = payload(drawJSON(rt, 1))
		case 1:
			f.GT = payload("0")
		case 2:
			f.Contains = new(string)
		case 3:
			f.Exists = new(bool)
			*f.Exists = rapid.Bool().Draw(rt, "exists")
		}
		if f.Match(e) {
			requireTerms(rt, f.Terms(), e)
		}
		text, err := search.ParseText(rapid.StringMatching(`"?[abÉé1ภ.]{1,3}( [abÉé1ภ.]{1,3})?"?\*?`).Draw(rt, "text"))
		if err == nil && text.Match(e) {
			requireTerms(rt, text.Terms(), e)
		}
	})
}

// What a path leads to is what a straightforward walk through the decoded payload finds.
func TestPathsLeadWhereTheySay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p, path, operand := drawJSON(rt, 3), drawPath(rt), drawJSON(rt, 1)
		var value, want any
		require.NoError(rt, json.Unmarshal([]byte(p), &value))
		require.NoError(rt, json.Unmarshal([]byte(operand), &want))
		found := lookup([]any{value}, path[1:])
		e := entry(p)
		require.Equal(rt, len(found) > 0, filter(rt, path, "exists", "true").Match(e))
		require.Equal(rt, len(found) == 0, filter(rt, path, "exists", "false").Match(e))
		same := func(v any) bool { return reflect.DeepEqual(v, want) }
		require.Equal(rt, slices.ContainsFunc(found, same), filter(rt, path, "eq", operand).Match(e))
		require.Equal(rt, !slices.ContainsFunc(found, same), filter(rt, path, "neq", operand).Match(e))
	})
}

// lookup follows steps of one letter each: .a, [3] or [*].
func lookup(values []any, path string) []any {
	if path == "" {
		return values
	}
	var below []any
	width := 3
	if path[0] == '.' {
		width = 2
	}
	for _, v := range values {
		object, isObject := v.(map[string]any)
		array, isArray := v.([]any)
		switch {
		case path[0] == '.' && isObject:
			if member, ok := object[path[1:2]]; ok {
				below = append(below, member)
			}
		case path[:width] == "[*]" && isArray:
			below = append(below, array...)
		case path[0] == '[' && path[1] != '*' && isArray:
			if i := int(path[1] - '0'); i < len(array) {
				below = append(below, array[i])
			}
		}
	}
	return lookup(below, path[width:])
}

func drawPath(rt *rapid.T) string {
	step := rapid.SampledFrom([]string{".a", ".b", "[0]", "[1]", "[9]", "[*]"})
	return "$" + strings.Join(rapid.SliceOfN(step, 0, 3).Draw(rt, "path"), "")
}

func drawJSON(rt *rapid.T, depth int) string {
	switch kind := rapid.IntRange(0, 7).Draw(rt, "kind"); {
	case kind < 2 && depth > 0:
		var members []string
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "É"}), 0, 3, rapid.ID).Draw(rt, "names") {
			members = append(members, strconv.Quote(name)+":"+drawJSON(rt, depth-1))
		}
		return "{" + strings.Join(members, ",") + "}"
	case kind < 4 && depth > 0:
		var elements []string
		for range rapid.SampledFrom([]int{0, 1, 2, 11}).Draw(rt, "elements") {
			elements = append(elements, drawJSON(rt, depth-1))
		}
		return "[" + strings.Join(elements, ",") + "]"
	case kind == 4:
		return rapid.SampledFrom([]string{"true", "false", "null"}).Draw(rt, "literal")
	case kind == 5:
		return rapid.SampledFrom([]string{"0", "1", "1.0", "10e-1", "-1", "1e2", "100"}).Draw(rt, "number")
	default:
		return strconv.Quote(rapid.StringMatching(`[abÉé1ภ. ]{0,6}`).Draw(rt, "string"))
	}
}

// Whatever a payload's numbers are, they are compared in a time that grows with their length.
func TestNumbersOfAnySizeAreCompared(t *testing.T) {
	t.Parallel()
	nines := strings.Repeat("9", 500_000)
	for _, number := range []string{nines, "0." + nines, "1e" + nines, "-1e-" + nines, nines + "e" + nines} {
		e := entry(`{"n":` + number + `}`)
		require.True(t, filter(t, "$.n", "gt", "-1").Match(e))
		f := filter(t, "$.n", "exists", "true")
		f.EQ = payload(number)
		require.True(t, f.Match(e))
		requireTerms(t, f.Terms(), e)
	}
}
