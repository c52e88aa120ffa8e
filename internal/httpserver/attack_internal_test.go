package httpserver

import (
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"samjournal/graph"
)

// productDocuments reads documents against the product's own schema.
func productDocuments(tb testing.TB, change func(*DocumentLimits)) *documents {
	tb.Helper()

	limits := defaultDocumentLimits()
	if change != nil {
		change(&limits)
	}

	schema := graph.NewSchema(&graph.Resolver{})
	d, err := newDocuments(limits, executor.New(schema), schema.Schema())
	require.NoError(tb, err)

	return d
}

// counted writes a text n times, # in it counting.
func counted(n int, text string) string {
	var b strings.Builder

	for i := range n {
		b.WriteString(strings.ReplaceAll(text, "#", fmt.Sprint(i)))
	}

	return b.String()
}

// nestedIn writes open and closing texts around the innermost.
func nestedIn(n int, open, inner, closing string) string {
	return strings.Repeat(open, n) + inner + strings.Repeat(closing, n)
}

// attack is a document that would take a careless server seconds.
type attack struct {
	text  string
	limit string // extensions.limit of the refusal, "" when it is no more than wrong
}

func attacks() map[string]attack {
	chain := "{ ...f0 } " + counted(300, "fragment f# on Query { ...f#x } fragment f#x on Query { viewer { role } } ")

	return map[string]attack{
		"3,000 repeated fields":  {"{ viewer {" + strings.Repeat(" role", 3000) + "} }", "fields"},
		"900 repeated fields":    {"{ viewer {" + strings.Repeat(" role", 900) + "} }", "checks"},
		"450 repeated subfields": {"{ viewer {" + strings.Repeat(" user { id }", 450) + "} }", "checks"},
		"fields in many operations": {counted(450, "query q# { ...f } ") + "fragment f on Query { viewer {" +
			strings.Repeat(" role", 200) + "} }", "checks"},
		"fields in inline fragments": {"{ viewer {" + nestedIn(200, "... {", strings.Repeat(" role", 150), "}") +
			"} }", "checks"},
		"long arguments, compared": {"{" + strings.Repeat(" nodes(ids: ["+strings.Repeat(`"a" `, 180)+"]) { id }",
			19) + "}", "checks"},
		"many arguments, compared": {"{" + strings.Repeat(" nodes("+counted(180, "a#: 1 ")+") { id }", 19) + "}", "checks"},
		"spreads, compared": {"{ viewer {" + strings.Repeat(" ...f", 900) +
			"} } fragment f on Viewer { role }", "checks"},
		"20,000 aliases":           {"{" + counted(20_000, " a#: viewer { role }") + "}", "tokens"},
		"900 aliases":              {"{ viewer {" + counted(900, " a#: role") + "} }", "aliases"},
		"the nested fragment bomb": {"{ ...f0 } " + doubling(30), "fields"},
		"10,000 nested fragments":  {fragmentChain(10_000), "tokens"},
		"900 nested fragments":     {fragmentChain(900), "checks"},
		"300 fragments, twice":     {chain, ""},
		"values in every fragment": {counted(400, "query q# { ...f } ") + "fragment f on Query { nodes(ids: [" +
			strings.Repeat("1 ", 9_000) + "]) { id } }", "checks"},
		"100,000 tokens":     {"{" + strings.Repeat(" a b c d", 25_000) + "}", "tokens"},
		"100,000 comments":   {"{ viewer { role } }" + strings.Repeat("#\n", 100_000), "tokens"},
		"14,000 comments":    {"{ viewer { role } }" + strings.Repeat("#\n", 14_000), "valid"},
		"directive overload": {"{ viewer { role" + strings.Repeat(" @include(if: true)", 1500) + " } }", "directives"},
		"unknown directives": {"{ viewer { role" + strings.Repeat(" @a", 7000) + " } }", "directives"},
		"unknown arguments":  {"{ viewer { role(" + counted(4000, "a#: 1 ") + ") } }", ""},
		"unknown arguments that are long": {"{ entries(" + counted(4000, strings.Repeat("a", 120)+"#: 1 ") +
			") { totalCount } }", ""},
		"a name of 4 MB":                {"{ entries(where: {" + strings.Repeat("a", 4<<20) + ": 1}) { totalCount } }", "length"},
		"a name of 1 MB":                {"{ entries(where: {" + strings.Repeat("a", 1e6) + ": 1}) { totalCount } }", ""},
		"an enum value of 1 MB":         {`{ entries(where: {thing: "` + strings.Repeat("a", 1e6) + `"}) { totalCount } }`, ""},
		"a wide filter of wrong fields": {"{ entries(where: {" + counted(4000, "positioN#: 1 ") + "}) { totalCount } }", ""},
		"a long string, deep": {"{ node(id: " + nestedIn(200, "[", `"`+strings.Repeat("a", 1e6)+`"`, "]") +
			") { id } }", "nested"},
		"deep lists":         {"{ node(id: " + nestedIn(10_000, "[", "1", "]") + ") { id } }", "tokens"},
		"7,000 deep lists":   {"{ node(id: " + nestedIn(7_000, "[", "1", "]") + ") { id } }", "nesting"},
		"3,000 deep objects": {"{ node(id: " + nestedIn(3_000, "{a: ", "1", "}") + ") { id } }", "nesting"},
		"deep types":         {"query ($v: " + nestedIn(7_000, "[", "Int", "]") + ") { viewer { role } }", "nesting"},
		"200 deep types": {"query (" + counted(30, "$v#: "+nestedIn(200, "[", "Int", "]")+" ") +
			") { viewer { role } }", ""},
		"3,000,000 open brackets": {strings.Repeat("[{(", 1_000_000), "length"},
		"1,000,000 open brackets": {strings.Repeat("[", 1_000_000), "tokens"},
		"a circle": {
			"{ ...a } fragment a on Query { ...b } fragment b on Query { ...c ...a } fragment c on Query {id}", "",
		},
		"a fragment of itself": {"{ ...a } fragment a on Query {" + strings.Repeat(" ...a", 900) + " }", ""},
		"a circle with much in it": {
			"{ ...a } fragment a on Query { nodes(ids: [" + strings.Repeat("1 ", 8_000) + "]) { id } ...b }" +
				"fragment b on Query {" + counted(400, " ...f#") + "}" + counted(400, " fragment f# on Query { ...c }") +
				"fragment c on Query { ...a }", "",
		},
		"introspection of introspection": {
			"{ __schema { types { " + nestedIn(7, "fields { type { ", "name", " } }") + " } } }", "introspectionDepth",
		},
		"introspection in circles": {
			"{ __type(name: \"Entry\") { ...t } } fragment t on __Type { possibleTypes { interfaces { ...u } } } " +
				"fragment u on __Type { fields { name } }", "introspectionDepth",
		},
		"variables, used often": {"query (" + counted(1500, "$v#: ID ") + ") { nodes(ids: [" + counted(1500, "$v# ") +
			"]) { id } }", "checks"},
		"3,500 variables": {"query (" + counted(3500, "$v#: Int ") + ") { viewer { role } }", "checks"},
		"800 operations":  {counted(800, "query q# { viewer { role } } "), "fields"},
		"deep selections": {nestedIn(100, "{ user", "", "}"), "depth"},
		"30 root fields":  {"{" + counted(30, " a#: viewer { role }") + "}", "rootFields"},
		"a literal of 14,000 values": {
			"mutation { createEntry(input: {response: 1, request: [" + strings.Repeat("1 ", 14_000) + "]}) { key } }", "valid",
		},
	}
}

func fragmentChain(n int) string {
	return "{ ...f0 } " + chainOf(n)
}

func chainOf(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "fragment f%d on Query { ...f%d } ", i, i+1)
	}

	fmt.Fprintf(&b, "fragment f%d on Query { viewer { role } }", n)

	return b.String()
}

// doubling is the bomb of so many levels, each of which has the next twice.
func doubling(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " fragment f%d on Query { ...f%d ...f%d }", i, i+1, i+1)
	}

	fmt.Fprintf(&b, " fragment f%d on Query { viewer { role } }", n)

	return b.String()
}

func BenchmarkAttacks(b *testing.B) {
	d := productDocuments(b, nil)

	for name, a := range attacks() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()

			var said string

			for b.Loop() {
				_, faults := d.read(a.text)
				said = "valid"

				if len(faults) > 0 {
					said, _ = faults[0].Extensions["limit"].(string)
				}
			}

			if said != a.limit {
				b.Errorf("refused for %q, not %q", said, a.limit)
			}
		})
	}
}

// tolerable are documents that the limits only just let pass.
func tolerable() map[string]string {
	return map[string]string{
		"fields": "{" + counted(18, " a#: viewer {"+" role"+counted(3,
			" user { id username createdAt } account { id name slug createdAt }")+"}") + "}",
		"repeated fields":    "{ viewer {" + strings.Repeat(" role", 165) + "} }",
		"repeated subfields": "{" + strings.Repeat(" viewer { user { id username } account { id name } }", 19) + "}",
		"repeated arguments": "{" + strings.Repeat(` entries(first: 1, where: {keyIn: [`+strings.Repeat(`"a" `,
			70)+`]}) { totalCount }`, 19) + "}",
		"inline fragments": "{ viewer {" + nestedIn(30, "... {", strings.Repeat(" role", 28), "}") + "} }",
		"nested fragments": fragmentChain(50),
		"spreads":          "{ viewer {" + strings.Repeat(" ...f", 90) + "} } fragment f on Viewer { role }",
		"operations":       counted(300, "query q# { viewer { role } } "),
		"operations, values": counted(2, "query q# { ...f } ") + "fragment f on Query { nodes(ids: [" + strings.Repeat("1 ",
			1_200) + "]) { id } }",
		"variables": "query (" + counted(300, "$v#: ID! ") + ") { nodes(ids: [" + counted(300, "$v# ") + "]) { id } }",
		"a literal": "mutation { createEntry(input: {response: 1, request: [" + strings.Repeat("1 ", 14_000) +
			"]}) { key } }",
		"directives":       "{ viewer {" + strings.Repeat(" role @include(if: true)", 100) + " } }",
		"long suggestions": "{ entries(where: {" + counted(2000, strings.Repeat("a", 58)+"#: 1 ") + "}) { totalCount } }",
	}
}

func BenchmarkTolerable(b *testing.B) {
	d := productDocuments(b, nil)

	for name, text := range tolerable() {
		b.Run(name, func(b *testing.B) {
			var faults gqlerror.List

			for b.Loop() {
				_, faults = d.read(text)
			}

			if len(faults) > 0 {
				b.Log(faults[0].Message)
			}
		})
	}
}
