package httpserver

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
)

func TestAttacksAreRefusedByTheirLimits(t *testing.T) {
	t.Parallel()

	d := productDocuments(t, nil)

	for name, a := range attacks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, faults := d.read(a.text)

			switch a.limit {
			case "valid":
				require.Empty(t, faults)
			case "":
				require.NotEmpty(t, faults)
				require.NotEqual(t, codeQueryTooComplex, codeOf(faults[0]), faults[0].Message)
				require.LessOrEqual(t, len(faults), maxFaults)
			default:
				require.Len(t, faults, 1)
				require.Equal(t, codeQueryTooComplex, codeOf(faults[0]), faults[0].Message)
				require.Equal(t, a.limit, faults[0].Extensions["limit"], faults[0].Message)
				require.Less(t, len(faults[0].Message), 300)
			}
		})
	}
}

func TestWhatTheLimitsJustAllowIsCarriedOut(t *testing.T) {
	t.Parallel()

	d := productDocuments(t, nil)

	for name, text := range tolerable() {
		_, faults := d.read(text)
		if name == "long suggestions" {
			require.Len(t, faults, maxFaults)

			continue
		}

		require.Empty(t, faults, name)
	}
}

// Each limit lets its own number pass and nothing more, and names the number, itself and the setting.
func TestARefusalNamesWhatIsTooMuch(t *testing.T) {
	t.Parallel()

	for name, c := range map[string]struct {
		set     func(*DocumentLimits, int)
		text    string
		value   int
		message string
	}{
		"length": {
			func(l *DocumentLimits, n int) { l.MaxLength = n },
			"{ viewer { role } }", 19, "the document is 19 bytes long; send values as variables",
		},
		"nesting": {
			func(l *DocumentLimits, n int) { l.MaxNesting = n },
			`{ entries(where: {keyIn: ["a"]}) { totalCount } }`, 3, "the document's brackets nest 3 levels deep",
		},
		"nested": {
			func(l *DocumentLimits, n int) { l.MaxNested = n },
			`{ entry(key: "ab") { key } }`, len("entry") + len("key") + len(`"ab"`) + 2*len("key"),
			"the document nests long values, 18 bytes times levels; send values as variables",
		},
		"tokens": {
			func(l *DocumentLimits, n int) { l.MaxTokens = n },
			`{ a(b: "c", d: [1.5e+3, -2]) # x` + "\n" + ` ... on Q { """d""" } }`, 21, "the document has at least 21 tokens",
		},
		"depth": {
			func(l *DocumentLimits, n int) { l.MaxDepth = n },
			"{ viewer { ...v } } fragment v on Viewer { user { id } }", 3, "the document's selections nest 3 levels deep",
		},
		"fields": {
			func(l *DocumentLimits, n int) { l.MaxFields = n },
			"{ viewer { ...v ...v } } fragment v on Viewer { role subject account { id name } }", 11,
			"the document has 11 fields, with its fragments spread",
		},
		"aliases": {
			func(l *DocumentLimits, n int) { l.MaxAliases = n },
			"{ a: viewer { b: role c: role ...v ...v } } fragment v on Viewer { d: role }", 5,
			"the document has 5 aliases, with its fragments spread",
		},
		"rootFields": {
			func(l *DocumentLimits, n int) { l.MaxRootFields = n },
			"{ viewer { role } ... { __typename } ...q } fragment q on Query { viewer { role } __typename }", 4,
			"the operation has 4 root fields",
		},
		"directives": {
			func(l *DocumentLimits, n int) { l.MaxDirectives = n },
			"{ viewer @skip(if: false) { ...v @skip(if: false) ...v } } fragment v on Viewer { role @skip(if: false) }", 4,
			"the document has 4 directives, with its fragments spread",
		},
		"introspectionDepth": {
			func(l *DocumentLimits, n int) { l.MaxIntrospectionDepth = n },
			"{ __schema { types { ...t } } } fragment t on __Type { fields { type { interfaces { name } } } }", 2,
			"introspection nests lists 2 levels deep",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			refusal := func(most int) *gqlerror.Error {
				_, faults := productDocuments(t, func(l *DocumentLimits) { c.set(l, most) }).read(c.text)
				if len(faults) == 0 || codeOf(faults[0]) != codeQueryTooComplex {
					return nil
				}

				return faults[0]
			}

			require.Nil(t, refusal(c.value))

			setting := "SAMJOURNAL_MAX_QUERY_" + map[string]string{
				"rootFields": "ROOT_FIELDS", "introspectionDepth": "INTROSPECTION_DEPTH", "length": "BYTES", "nested": "NESTED_BYTES",
			}[name]
			if strings.HasSuffix(setting, "_") {
				setting += strings.ToUpper(name)
			}

			fault := refusal(c.value - 1)
			require.NotNil(t, fault)
			require.Regexp(t, "^"+c.message+`; the limit is \d+ \(`+setting+`\)$`, fault.Message)
			require.Equal(t, map[string]any{
				"code": "QUERY_TOO_COMPLEX", "limit": name, "value": c.value, "max": c.value - 1, "setting": setting,
			}, fault.Extensions)
		})
	}
}

// GraphiQL, Apollo's tools and Relay's compiler ask with graphql-js's query, all its options on.
func TestToolsMayIntrospect(t *testing.T) {
	t.Parallel()

	text, err := os.ReadFile("testdata/introspection.graphql")
	require.NoError(t, err)

	d := productDocuments(t, nil)
	doc, faults := d.read(string(text))
	require.Empty(t, faults)
	require.True(t, doc.introspects)

	cost := d.prices.operation(doc.Operations[0], nil)
	require.Less(t, cost, d.limits.MaxCost/5)
	require.Greater(t, cost, 1000)
}

func TestSuggestionsAreMadeOnlyWhereTheyAreWanted(t *testing.T) {
	t.Parallel()

	on, off := productDocuments(t, nil), productDocuments(t, func(l *DocumentLimits) { l.Suggestions = false })

	for _, text := range []string{
		"{ viewerr { role } }",
		"{ viewer }",
		"{ entries(firs: 1) { totalCount } }",
		"{ entries(where: {thing: PLUGINN}) { totalCount } }",
		"{ entries(where: {thin: PLUGIN}) { totalCount } }",
		"{ viewer { ...v } } fragment v on Viewerr { role }",
	} {
		_, faults := on.read(text)
		require.NotEmpty(t, faults, text)
		require.Contains(t, faults[0].Message, "Did you mean", text)

		_, same := off.read(text)
		require.Len(t, same, len(faults), text)

		for _, fault := range same {
			require.NotContains(t, fault.Message, "Did you mean", text)
		}
	}
}

// Hundreds of documents of an attacker, each as large as it may be, take no more memory than the cache may have.
func TestTheCacheOfDocumentsIsBoundedInBytes(t *testing.T) { //nolint:paralleltest // it looks at the heap of the whole process
	const limit = 8 << 20

	for name, text := range map[string]string{
		"fields":     "{ viewer {" + counted(4, " user { "+strings.Repeat("id username createdAt ", 30)+"}") + " } } # ##",
		"values":     "{ nodes(ids: [" + strings.Repeat(`"a" `, 3000) + `"##"]) { id } }`,
		"objects":    "{ entries(where: {or: [" + strings.Repeat(`{key: "a"} `, 1000) + `{key: "##"}]}) { totalCount } }`,
		"directives": "{ a##: __typename" + " viewer {" + strings.Repeat(" role @include(if: true) @skip(if: true)", 50) + "} }",
		"fragments": "{ a##: __typename ...f0 }" + counted(100, " fragment f# on Query { ...g }") +
			" fragment g on Query { __typename }",
		"variables": "query ($v##: Int" + counted(300, " $v#: [Int!] = 1") + ") { __typename }",
		"short":     "{ a##: __typename }",
		"long text": "{ __typename } # ##" + strings.Repeat("x", 20_000),
	} {
		d := productDocuments(t, func(l *DocumentLimits) { l.CacheBytes, l.MaxChecks = limit, 1e6 })
		before := heap()

		const documents = 300

		for i := range documents {
			parsed, err := parser.ParseQuery(&ast.Source{Input: strings.ReplaceAll(text, "##", fmt.Sprintf("x%d", i))})
			require.NoError(t, err)

			size, fault := measure(parsed, d.limits)
			require.Nil(t, fault)
			_ = d.rules.validate(d.schema, parsed, false) // it refers to the schema from then on

			source := parsed.Position.Src.Input
			d.known.add(&document{QueryDocument: parsed, text: source, weight: size.memory(source)})
		}

		taken := heap() - before
		t.Logf("%s: %.1f MiB, weighed %.1f MiB", name, float64(taken)/(1<<20), float64(d.known.kept.WeightedSize())/(1<<20))
		require.Less(t, taken, int64(limit*5/4), name)

		if name != "short" { // the bound is not kept by keeping nothing
			require.Greater(t, taken, int64(limit/4), name)
		}

		runtime.KeepAlive(d)
	}
}

// heap is the memory of what can be reached.
func heap() int64 {
	runtime.GC()
	runtime.GC()

	var stats runtime.MemStats

	runtime.ReadMemStats(&stats)

	return int64(stats.HeapAlloc)
}

// FuzzScan compares the scanner with the parser: for whatever the parser takes, both count the same tokens.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		`{ a(b: "c\"", d: [1.5e+3, -2]) # x` + "\n" + ` ... on Q { e } }`, `"""a""" { a }`, `{a(b:"""\""" # """)}`,
		"\ufeff{a}", `{a(b:1-2)}`, `{a...b}`,
	} {
		f.Add(seed)
	}

	f.Fuzz(func(t *testing.T, text string) {
		found := scan(text, len(text))

		if _, err := parser.ParseQuery(&ast.Source{Input: text}); err != nil {
			return
		}

		// The token at the end is counted by neither; a byte order mark is none.
		_, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, found.tokens)
		require.NoError(t, err)
		require.Zero(t, strings.Count(text, "\x00"))
	})
}

func BenchmarkMeasure(b *testing.B) {
	d := productDocuments(b, nil)
	doc, err := parser.ParseQuery(&ast.Source{Input: readmeQuery})
	require.NoError(b, err)
	b.ReportAllocs()

	for b.Loop() {
		if _, fault := measure(doc, d.limits); fault != nil {
			b.Fatal(fault)
		}
	}
}

// The limit of variables lets its own number pass, too.
func TestVariablesThatTakeTooManyStepsAreRefused(t *testing.T) {
	t.Parallel()

	const text = "query($ids: [ID!]!, $order: UserOrder) { nodes(ids: $ids) { id } users(orderBy: $order) { totalCount } }"

	// The list and three items, the order and the two fields that it has.
	params := &graphql.RawParams{Query: text, Variables: map[string]any{
		"ids": []any{"a", "b", "c"}, "order": map[string]any{},
	}}
	refusal := func(most int) *gqlerror.Error {
		d := productDocuments(t, func(l *DocumentLimits) { l.MaxVariables = most })
		doc, faults := d.read(text)
		require.Empty(t, faults)

		return d.checkVariables(doc, params)
	}

	require.Nil(t, refusal(7))

	fault := refusal(6)
	require.NotNil(t, fault)
	require.Equal(t, "the variables take at least 7 steps to check: their lists, times the fields that input objects may have; "+
		"the limit is 6 (SAMJOURNAL_MAX_QUERY_VARIABLES)", fault.Message)
	require.Equal(t, map[string]any{
		"code": "QUERY_TOO_COMPLEX", "limit": "variables", "value": 7, "max": 6, "setting": "SAMJOURNAL_MAX_QUERY_VARIABLES",
	}, fault.Extensions)
}
