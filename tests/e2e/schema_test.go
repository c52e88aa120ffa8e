package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

func TestTheVersionNamesTheProgram(t *testing.T) {
	t.Parallel()
	r := must(t, where{dir: t.TempDir()}, "version")
	require.Regexp(t, `^samjournal \S+.* \(go1\S* \w+/\w+\)\n$`, r.stdout)
	require.Empty(t, r.stderr)
}

func TestAnErrorOfTheCommandLineIsNotLostInTheUsage(t *testing.T) {
	t.Parallel()
	here := where{dir: t.TempDir()}
	for _, args := range [][]string{
		{"serve", "--lisen=127.0.0.1:0"},
		{"seed", "--entries=many"},
		{"sing"},
		{"import"},
		{"migrate"},
		{"serve", "--max-exports=0"},
	} {
		r := run(t, here, args...)
		require.Equal(t, 80, r.code, args)
		require.Contains(t, r.stderr, "Usage: samjournal", args)
		require.Regexp(t, `Run "samjournal .*--help"`, r.stderr, args)
		require.Contains(t, r.stderr, "samjournal: error: ", args)
		require.Less(t, strings.Count(r.stderr, "\n"), 8, r.stderr)
		require.Empty(t, r.stdout, args)
	}
}

func TestTheHelpIsForStdout(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"migrate", "up", "--help"}} {
		r := must(t, where{dir: t.TempDir()}, args...)
		require.Contains(t, r.stdout, "Usage: samjournal", args)
		require.Empty(t, r.stderr, args)
	}
}

func TestTheServedSchemaIsThePrintedOne(t *testing.T) {
	t.Parallel()
	at := newSQLite(t).where
	sdl := must(t, at, "schema").stdout
	printed, err := gqlparser.LoadSchema(&ast.Source{Name: "schema", Input: sdl})
	require.NoError(t, err)
	served := serve(t, at).query(t, introspection, nil)
	var got []string
	types, ok := value(t, served, "__schema", "types").([]any)
	require.True(t, ok)
	for _, v := range types {
		if name, ok := value(t, v, "name").(string); ok && !strings.HasPrefix(name, "__") {
			got = append(got, linesServed(t, v)...)
		}
	}
	var want []string
	for name, def := range printed.Types {
		if !strings.HasPrefix(name, "__") && name != "Float" { // which every parser knows and this API does not use
			want = append(want, linesPrinted(def)...)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	require.Equal(t, want, got)
	require.Greater(t, len(want), 200)
}

const introspection = `{ __schema { types {
	kind name description specifiedByURL
	interfaces { name } possibleTypes { name }
	enumValues(includeDeprecated: true) { name description }
	inputFields { ...argument }
	fields(includeDeprecated: true) { name description type { ...type } args { ...argument } }
} } }
fragment argument on __InputValue { name description defaultValue type { ...type } }
fragment type on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`

// linesServed tells all of a type as introspection shows it, a line for each of its parts.
func linesServed(t testing.TB, v any) []string {
	t.Helper()
	text := func(v any, name string) string {
		s, _ := value(t, v, name).(string)
		return s
	}
	list := func(v any, name string) []any {
		l, _ := value(t, v, name).([]any)
		return l
	}
	name := text(v, "name")
	lines := []string{fmt.Sprintf("%s %s: %s", text(v, "kind"), name, text(v, "description"))}
	for _, i := range list(v, "interfaces") {
		lines = append(lines, name+" is a "+text(i, "name"))
	}
	for _, e := range list(v, "enumValues") {
		lines = append(lines, name+"."+text(e, "name")+": "+text(e, "description"))
	}
	argument := func(of string, a any) {
		lines = append(lines, fmt.Sprintf("%s(%s: %s = %s): %s", of, text(a, "name"), typeName(t, value(t, a, "type")),
			text(a, "defaultValue"), text(a, "description")))
	}
	for _, f := range list(v, "inputFields") {
		argument(name, f)
	}
	for _, f := range list(v, "fields") {
		of := name + "." + text(f, "name")
		lines = append(lines, of+": "+typeName(t, value(t, f, "type"))+": "+text(f, "description"))
		for _, a := range list(f, "args") {
			argument(of, a)
		}
	}
	return lines
}

func typeName(t testing.TB, v any) string {
	t.Helper()
	switch value(t, v, "kind") {
	case "NON_NULL":
		return typeName(t, value(t, v, "ofType")) + "!"
	case "LIST":
		return "[" + typeName(t, value(t, v, "ofType")) + "]"
	}
	name, _ := value(t, v, "name").(string)
	return name
}

// linesPrinted tells the same of a type in the printed schema.
func linesPrinted(def *ast.Definition) []string {
	lines := []string{fmt.Sprintf("%s %s: %s", def.Kind, def.Name, def.Description)}
	for _, i := range def.Interfaces {
		lines = append(lines, def.Name+" is a "+i)
	}
	for _, e := range def.EnumValues {
		lines = append(lines, def.Name+"."+e.Name+": "+e.Description)
	}
	argument := func(of, name string, kind *ast.Type, def *ast.Value, description string) {
		value := ""
		if def != nil {
			value = def.String()
		}
		lines = append(lines, fmt.Sprintf("%s(%s: %s = %s): %s", of, name, kind, value, description))
	}
	for _, f := range def.Fields {
		if strings.HasPrefix(f.Name, "__") {
			continue
		}
		if def.Kind == ast.InputObject {
			argument(def.Name, f.Name, f.Type, f.DefaultValue, f.Description)
			continue
		}
		of := def.Name + "." + f.Name
		lines = append(lines, of+": "+f.Type.String()+": "+f.Description)
		for _, a := range f.Arguments {
			argument(of, a.Name, a.Type, a.DefaultValue, a.Description)
		}
	}
	return lines
}
