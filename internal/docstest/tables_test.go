package docstest_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	graphql "github.com/vektah/gqlparser/v2/ast"

	"samjournal/graph"
)

const schemaTour = "docs/schema.md"

// codesOf reads the error codes that a file of the product declares: string constants named code….
func codesOf(t *testing.T, name string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, 0)
	require.NoError(t, err)
	var codes []string
	for _, decl := range file.Decls {
		consts, ok := decl.(*ast.GenDecl)
		if !ok || consts.Tok != token.CONST {
			continue
		}
		for _, spec := range consts.Specs {
			value := spec.(*ast.ValueSpec)
			if !strings.HasPrefix(value.Names[0].Name, "code") || len(value.Values) == 0 {
				continue
			}
			code, err := strconv.Unquote(value.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			codes = append(codes, code)
		}
	}
	require.NotEmpty(t, codes, name)
	return codes
}

func TestTheTableOfErrorsListsEveryCode(t *testing.T) {
	t.Parallel()
	onlyLogged := []string{"OK", "CANCELED"}
	var codes []string
	for _, file := range []string{"graph/errors.go", "internal/httpserver/errors.go"} {
		codes = append(codes, codesOf(t, file)...)
	}
	codes = slices.DeleteFunc(codes, func(code string) bool { return slices.Contains(onlyLogged, code) })
	slices.Sort(codes)

	_, section, found := strings.Cut(read(t, schemaTour), "\n## Errors\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	rows := regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|").FindAllStringSubmatch(section, -1)
	listed := make([]string, 0, len(rows))
	for _, row := range rows {
		listed = append(listed, row[1])
	}
	require.ElementsMatch(t, slices.Compact(codes), listed)
}

// scalars returns what each of our scalars is in TypeScript, by the schema's own descriptions.
func scalars(t *testing.T) map[string]string {
	t.Helper()
	types := map[string]string{}
	for _, def := range graph.NewSchema(&graph.Resolver{}).Schema().Types {
		if def.Kind != graphql.Scalar || def.BuiltIn {
			continue
		}
		said := regexp.MustCompile("Code generators: map to `(\\w+)`").FindStringSubmatch(def.Description)
		require.NotNil(t, said, def.Name)
		types[def.Name] = said[1]
	}
	require.Len(t, types, 5)
	return types
}

func TestTheConfigurationsOfCodeGeneratorsMapEveryScalar(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, b := range blocksOf(t, read(t, schemaTour)) {
		mapped := map[string]string{}
		switch {
		case b.language == "ts" && strings.Contains(b.text, "CodegenConfig"):
			line := regexp.MustCompile(`scalars: \{ (.*) \}`).FindStringSubmatch(b.text)
			require.NotNil(t, line)
			for pair := range strings.SplitSeq(line[1], ", ") {
				name, text, _ := strings.Cut(pair, ": ")
				mapped[name] = strings.Trim(text, "'")
			}
		case b.language == "json" && strings.Contains(b.text, "customScalarTypes"):
			var config struct{ CustomScalarTypes map[string]string }
			require.NoError(t, json.Unmarshal([]byte(b.text), &config))
			mapped = config.CustomScalarTypes
		default:
			continue
		}
		require.Equal(t, scalars(t), mapped, "line %d", b.line)
		seen++
	}
	require.Equal(t, 2, seen)
}

func TestTheTableOfFiltersKnowsEveryFilter(t *testing.T) {
	t.Parallel()
	for _, field := range graph.NewSchema(&graph.Resolver{}).Schema().Types["EntryWhereInput"].Fields {
		base := regexp.MustCompile(`(NEQ|NotIn|In|GTE|GT|LTE|LT|IsNil)$`).ReplaceAllString(field.Name, "")
		require.Contains(t, read(t, schemaTour), "`"+base+"`", field.Name)
	}
}
