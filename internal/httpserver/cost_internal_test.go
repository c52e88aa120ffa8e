package httpserver

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
)

const pricedSDL = `
directive @cost(weight: String!) on FIELD_DEFINITION | ARGUMENT_DEFINITION
directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!],
  requireOneSlicingArgument: Boolean = false) on FIELD_DEFINITION
scalar Long
type Query {
  one: Int!
  ten: Int! @cost(weight: "10")
  free: Int! @cost(weight: "0")
  half: Int! @cost(weight: "0.5")
  self: Query!
  page(first: Int, last: Int, big: Long, preset: Int = 7): Page!
    @cost(weight: "3") @listSize(assumedSize: 50, slicingArguments: ["first", "last", "big", "preset"], sizedFields: ["edges"])
  list(first: Int): [Query!]! @listSize(assumedSize: 20, slicingArguments: ["first"])
  nodes(ids: [ID!]!): [Query]! @listSize(slicingArguments: ["ids"])
  pairs: [Query!]!
  numbers: [Int!]!
  filtered(by: Int @cost(weight: "15"), free: Int): Int!
  filled(by: Int = 1 @cost(weight: "15")): Query!
  put(items: [ID] @cost(weight: "5")): Page! @cost(weight: "20") @listSize(slicingArguments: ["items"], sizedFields: ["edges"])
}
type Page { edges: [Query!]! others: [Query!]! total: Int! @cost(weight: "100") }
type Subscription { log(first: Int): Query! @cost(weight: "5") }
`

func priced(tb testing.TB) (*ast.Schema, prices) {
	tb.Helper()

	schema, err := gqlparser.LoadSchema(&ast.Source{
		Name:  "priced.graphql",
		Input: strings.NewReplacer(", preset: Int = 7", "", `, "preset"`, "").Replace(pricedSDL),
	})
	require.NoError(tb, err)

	p, err := pricesOf(schema)
	require.NoError(tb, err)

	return schema, p
}

// costOf reads variables as a request's are read. It returns -1 for what is not valid.
func costOf(tb testing.TB, schema *ast.Schema, p prices, text, variables string) int {
	tb.Helper()

	doc, faults := gqlparser.LoadQueryWithRules(schema, text, nil)
	if faults != nil {
		return -1
	}

	var given map[string]any

	if variables != "" {
		value, err := decodeJSON([]byte(variables))
		require.NoError(tb, err)

		given, _ = value.(map[string]any)
	}

	coerced, err := validator.VariableValues(schema, doc.Operations[0], given)
	if err != nil {
		return -1
	}

	return p.operation(doc.Operations[0], coerced)
}

func TestCost(t *testing.T) {
	t.Parallel()

	schema, p := priced(t)

	for text, want := range map[string]int{
		"{ one }":                                                                  1,
		"{ one ten free half }":                                                    12, // rounded up
		"{ __typename numbers }":                                                   2,
		"{ self { one ten } }":                                                     12,
		"{ a: one b: one one one @skip(if: true) }":                                4,
		"{ pairs { one } }":                                                        1 + unsized,
		"{ list { one } }":                                                         21,
		"{ list(first: 3) { list(first: 4) { one } } }":                            1 + 3*(1+4),
		"{ page { total } }":                                                       103,
		"{ page { edges { one } total } }":                                         3 + 1 + 50 + 100,
		"{ page(first: 2) { edges { one ten } others { one } } }":                  3 + (1 + 2*11) + (1 + unsized),
		"{ page(first: 2, last: 5) { edges { one } } }":                            3 + 1 + 5,
		"{ page(first: 0) { edges { one } } }":                                     3 + 1 + 1,
		"{ page(first: null) { edges { one } } }":                                  3 + 1 + 50,
		"{ page(first: -9) { edges { one } } }":                                    3 + 1 + 50,
		"{ page(first: null, last: 4) { edges { one } } }":                         3 + 1 + 4,
		`{ page(big: "x") { edges { one } } }`:                                     3 + 1 + 50,
		`{ page(big: 1e400) { edges { one } } }`:                                   math.MaxInt32,
		"{ page(first: 2) { x: edges { one } edges { ten } } }":                    3 + 3 + 1 + 20,
		"{ page(first: 2) { ... { ...p } } } fragment p on Page { edges { one } }": 3 + 1 + 2,
		"{ page(first: 2) { ...p } b: page(first: 9) { ...p } } fragment p on Page { edges { one } }": 3 + 1 + 2 + 3 + 1 + 9,
		"{ ...q self { ...q } } fragment q on Query { list(first: 2) { ten } }":                       21 + 1 + 21,
		`{ nodes(ids: ["a", "b", "c"]) { one } }`:                                                     4,
		`{ nodes(ids: "a") { one } }`:                                                                 2,
		`{ nodes(ids: []) { one } }`:                                                                  2,
		"{ filtered }":                                                                                1,
		"{ filtered(free: 1) }":                                                                       1,
		"{ filtered(by: 0) }":                                                                         16,
		"{ filtered(by: null) }":                                                                      1,
		"{ filled { one } }":                                                                          17,
		"{ filled(by: null) { one } }":                                                                2,
		"{ list(first: 3) { filtered(by: 1) } }":                                                      1 + 3*16,
		`{ put { __typename } }`:                                                                      21,
		`{ put(items: null) { __typename } }`:                                                         21,
		`{ put(items: []) { __typename } }`:                                                           21,
		`{ put(items: "a") { __typename } }`:                                                          26,
		`{ put(items: ["a", "b", null]) { __typename } }`:                                             36,
		`{ put(items: ["a", "b", "c"]) { edges { ten } } }`:                                           20 + 3*5 + 1 + 3*10,
		"subscription { log { one ten } }":                                                            16,
		"{" + strings.Repeat(" list(first: 2147483647) {", 9) + " one" + strings.Repeat("}", 9) + " }": math.MaxInt32,
	} {
		require.Equal(t, want, costOf(t, schema, p, text, ""), text)
	}
}

func TestCostWithVariables(t *testing.T) {
	t.Parallel()

	schema, p := priced(t)

	const (
		page   = "query ($n: Int) { page(first: $n) { edges { one } } }"
		preset = "query ($n: Int = 8) { page(first: $n) { edges { one } } }"
		big    = "query ($n: Long) { page(big: $n) { edges { one } } }"
		nodes  = "query ($n: [ID!]!) { nodes(ids: $n) { one } }"
		by     = "query ($n: Int) { filtered(by: $n) }"
		put    = "query ($n: [ID]) { put(items: $n) { __typename } }"
	)

	for _, c := range []struct {
		text, variables string
		want            int
	}{
		{page, `{"n": 12}`, 3 + 1 + 12},
		{page, `{"n": "12"}`, 3 + 1 + 12}, // as the executor takes it
		{page, `{}`, 3 + 1 + 50},
		{page, `{"n": null}`, 3 + 1 + 50},
		{page, `{"n": -12}`, 3 + 1 + 50},
		{page, `{"n": 9007199254740993}`, math.MaxInt32},
		{preset, `{}`, 3 + 1 + 8},
		{preset, `{"n": null}`, 3 + 1 + 50},
		{preset, `{"n": 2}`, 3 + 1 + 2},
		{big, `{"n": 123456789012345678901234567890}`, math.MaxInt32},
		{big, `{"n": 1e999}`, math.MaxInt32},
		{big, `{"n": -1e999}`, 3 + 1 + 50},
		{big, `{"n": true}`, 3 + 1 + 50},
		{big, `{"n": {"a": 1}}`, 3 + 1 + 50},
		{big, `{"n": ["9"]}`, 3 + 1 + 50},
		{big, `{"n": "NaN"}`, 3 + 1 + 50},
		{nodes, `{"n": ["a", "b", "c"]}`, 4},
		{nodes, `{"n": "a"}`, 2},
		{nodes, `{"n": []}`, 2},
		{by, `{}`, 1},
		{by, `{"n": null}`, 1},
		{by, `{"n": 0}`, 16},
		{put, `{}`, 21},
		{put, `{"n": null}`, 21},
		{put, `{"n": []}`, 21},
		{put, `{"n": "a"}`, 26},
		{put, `{"n": ["a", "b", null]}`, 36},
		{`query ($a: ID!) { nodes(ids: [$a, $a]) { one } }`, `{"a": "x"}`, 3},
	} {
		require.Equal(t, c.want, costOf(t, schema, p, c.text, c.variables), "%s %s", c.text, c.variables)
	}
}

func TestTheDefaultOfAnArgumentCounts(t *testing.T) {
	t.Parallel()

	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "priced.graphql", Input: pricedSDL})
	require.NoError(t, err)

	p, err := pricesOf(schema)
	require.NoError(t, err)

	require.Equal(t, 3+1+7, costOf(t, schema, p, "{ page { edges { one } } }", ""))
	require.Equal(t, 3+1+7, costOf(t, schema, p, "query ($n: Int) { page(preset: $n) { edges { one } } }", "{}"))
	require.Equal(t, 3+1+9, costOf(t, schema, p, "query ($n: Int) { page(preset: $n) { edges { one } } }", `{"n": 9}`))
	require.Equal(t, 3+1+50, costOf(t, schema, p, "{ page(preset: null) { edges { one } } }", ""))
}

func TestAWrongDirectiveIsFoundWhenTheServerStarts(t *testing.T) {
	t.Parallel()

	for directive, message := range map[string]string{
		`@cost(weight: "-1")`:                      "the cost of Query.a: @cost(weight: \"-1\") must be a number",
		`@cost(weight: "NaN")`:                     "must be a number",
		`@cost(weight: "many")`:                    "must be a number",
		`@listSize(assumedSize: -1)`:               "@listSize(assumedSize: -1) must be a number",
		`@listSize(slicingArguments: ["n", "no"])`: `names "no", which is no argument`,
	} {
		head, _, _ := strings.Cut(pricedSDL, "type Query")
		schema, err := gqlparser.LoadSchema(&ast.Source{Name: "wrong.graphql", Input: head +
			"type Query { a(n: Int): [Int] " + directive + " }"})
		require.NoError(t, err)

		_, err = pricesOf(schema)
		require.ErrorContains(t, err, message)
	}

	head, _, _ := strings.Cut(pricedSDL, "type Query")
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "wrong.graphql", Input: head +
		`type Query { a(n: Int @cost(weight: "-1")): [Int] }`})
	require.NoError(t, err)

	_, err = pricesOf(schema)
	require.ErrorContains(t, err, "the cost of Query.a: the argument n: @cost(weight: \"-1\") must be a number")
}

// everything selects all there is of an entry.
const everything = `id key position createdAt recordedAt origin thing thingLabel command commandLabel summary statusCode
	user { id username email displayName createdAt disabledAt } request response payloadState redactedPaths`

// readmeQuery is about what a front end asks all day.
const readmeQuery = `query Page($after: Cursor) { entries(first: 50, after: $after, where: {command: APPLY}) {
	edges { cursor node { id key createdAt thing command statusCode user { id username } } }
	pageInfo { hasNextPage endCursor } headCursor } }`

func TestTheLargestPageIsAllowedButNotTenOfThem(t *testing.T) {
	t.Parallel()

	d := productDocuments(t, nil)
	page := "entries(first: 500) { edges { cursor node { " + everything + " } } " +
		"pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount headCursor }"
	cost := func(text string) int {
		doc, faults := d.read(text)
		require.Empty(t, faults)

		return d.prices.operation(doc.Operations[0], nil)
	}

	one := cost("{ " + page + " }")
	t.Logf("a page of 500 with everything costs %d, one of 50 as front ends ask for it %d", one, cost(readmeQuery))
	require.Less(t, one, d.limits.MaxCost/2)
	require.Greater(t, cost("{"+counted(10, " a#: "+page)+"}"), d.limits.MaxCost)
	require.Less(t, cost("mutation { createEntries(inputs: ["+strings.Repeat("{request: 1, response: 1} ", 1000)+
		"]) { results { ... on CreateEntryPayload { key position createdAt created entry { "+everything+" } } "+
		"... on CreateEntryError { code message path } } } }"),
		d.limits.MaxCost)
}

// Who selects nothing of what is appended pays for it all the same.
func TestAppendsCostWhatIsAppended(t *testing.T) {
	t.Parallel()

	d := productDocuments(t, nil)
	doc, faults := d.read("mutation ($v: [CreateEntryInput!]!) { createEntries(inputs: $v) { __typename } }")
	require.Empty(t, faults)

	for inputs, want := range map[int]int{0: 21, 1: 26, 1000: 5021} {
		given := map[string]any{"v": slices.Repeat([]any{map[string]any{"request": 1, "response": 1}}, inputs)}
		require.Equal(t, want, d.prices.operation(doc.Operations[0], given))
	}
}

// Whatever is a list of objects in the product's schema has a size.
func TestEveryListOfTheSchemaHasASize(t *testing.T) {
	t.Parallel()

	d := productDocuments(t, nil)
	lists := 0

	sized := map[string]bool{}

	for _, def := range d.schema.Types {
		for _, field := range def.Fields {
			if of := d.prices.fields[field]; of.size != nil {
				for _, name := range of.size.sized {
					sized[field.Type.Name()+"."+name] = true
				}
			}
		}
	}

	for _, def := range d.schema.Types {
		for _, field := range def.Fields {
			if of := d.prices.fields[field]; of.list {
				require.True(t, of.size != nil || sized[def.Name+"."+field.Name], "%s.%s", def.Name, field.Name)

				lists++
			}
		}
	}

	require.Greater(t, lists, 10)
}

// FuzzCost shows that no document and no variables make the pass panic, that it ends, and that one more field never lowers the
// cost.
func FuzzCost(f *testing.F) {
	for _, seed := range []struct{ text, variables string }{
		{"query ($n: Int) { page(first: $n) { edges { one } } }", `{"n": 1}`},
		{
			"query ($n: Long = 3) { page(big: $n, first: 2) { ...p } } " +
				"fragment p on Page { edges { ...q } } fragment q on Query { ten }", `{"n": -1}`,
		},
		{"query ($n: [ID!]!) { nodes(ids: $n) { list { one } } }", `{"n": ["a"]}`},
		{"{ ...a } fragment a on Query { self { ...b ...b } } fragment b on Query { pairs { __typename } }", `{}`},
		{"subscription { log(first: -1) { one } }", `null`},
		{"{ list(first: 99999999999999999999) { one } }", `{"n": {}}`},
	} {
		f.Add(seed.text, seed.variables)
	}

	schema, p := priced(f)
	limits := defaultDocumentLimits()

	f.Fuzz(func(t *testing.T, text, variables string) {
		if _, err := decodeJSON([]byte(variables)); err != nil || scan(text, limits.MaxTokens).nesting > limits.MaxNesting {
			return
		}

		doc, faults := gqlparser.LoadQueryWithRules(schema, text, nil)
		if faults != nil || len(doc.Operations) == 0 {
			return
		}

		if _, fault := measure(doc, limits); fault != nil {
			return
		}

		cost := costOf(t, schema, p, text, variables)
		if cost < 0 {
			return
		}

		end := strings.LastIndexByte(text, '}')
		more := text[:end] + " zz: __typename }" + text[end+1:]

		if dearer := costOf(t, schema, p, more, variables); dearer >= 0 {
			require.GreaterOrEqual(t, dearer, cost, more)
		}
	})
}

// FuzzPageSize shows that a size that no resolver takes costs no less than none.
func FuzzPageSize(f *testing.F) {
	for _, seed := range []string{"1", "-1", "null", `"5"`, "1e400", "[]", `{"a":1}`, "true", "1.5"} {
		f.Add(seed)
	}

	schema, p := priced(f)
	const text = "query ($n: Long) { page(big: $n) { edges { one } } }"
	none := costOf(f, schema, p, text, "{}")

	f.Fuzz(func(t *testing.T, size string) {
		variables := fmt.Sprintf(`{"n": %s}`, size)
		if _, err := decodeJSON([]byte(variables)); err != nil {
			return
		}

		cost := costOf(t, schema, p, text, variables)
		require.Positive(t, cost)

		if n, err := strconv.ParseFloat(strings.Trim(size, "\" \t\r\n"), 64); err != nil || n < 0 {
			require.GreaterOrEqual(t, cost, none, size)
		}
	})
}

func BenchmarkCost(b *testing.B) {
	d := productDocuments(b, nil)
	introspection, _ := d.read("{ __schema { types { ...t } } } fragment t on __Type { name fields { name type { name } } }")

	for name, doc := range map[string]*document{"page": first(d.read(readmeQuery)), "fragments": introspection} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()

			for b.Loop() {
				d.prices.operation(doc.Operations[0], nil)
			}
		})
	}
}

func first[A, B any](a A, _ B) A { return a }
