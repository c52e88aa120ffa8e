package graph

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// parsed is the schema as clients see it.
func parsed() *ast.Schema { return NewSchema(&Resolver{}).Schema() }

// ours lists the types that every GraphQL schema does not have anyway.
func ours(s *ast.Schema) []*ast.Definition {
	var types []*ast.Definition
	for _, def := range s.Types {
		if !def.BuiltIn {
			types = append(types, def)
		}
	}
	slices.SortFunc(types, func(a, b *ast.Definition) int { return strings.Compare(a.Name, b.Name) })
	return types
}

func TestEverythingInTheSchemaIsDescribed(t *testing.T) {
	t.Parallel()
	var bare []string
	check := func(description string, path ...string) {
		if strings.TrimSpace(description) == "" {
			bare = append(bare, strings.Join(path, "."))
		}
	}
	types := ours(parsed())
	require.Greater(t, len(types), 20)
	for _, def := range types {
		check(def.Description, def.Name)
		for _, value := range def.EnumValues {
			check(value.Description, def.Name, value.Name)
		}
		for _, field := range def.Fields {
			if strings.HasPrefix(field.Name, "__") {
				continue // introspection
			}
			check(field.Description, def.Name, field.Name)
			for _, arg := range field.Arguments {
				check(arg.Description, def.Name, field.Name, arg.Name)
			}
		}
	}
	require.Empty(t, bare)
}

// Clients keep a default branch only where they are told to.
func TestEnumsThatMayGrowSaySo(t *testing.T) {
	t.Parallel()
	closed := []string{"OrderDirection", "EntryOrderField", "UserOrderField"} // inputs: a client only ever sends them
	for _, def := range ours(parsed()) {
		if def.Kind == ast.Enum && !slices.Contains(closed, def.Name) {
			require.Contains(t, def.Description, "New values may appear in any release: keep a default branch.", def.Name)
		}
	}
}

func TestScalarsSayWhatCodeGeneratorsMapThemTo(t *testing.T) {
	t.Parallel()
	for _, def := range ours(parsed()) {
		if def.Kind == ast.Scalar {
			require.Contains(t, def.Description, "Code generators: map to `", def.Name)
		}
	}
}

func TestTheFiltersOfTheSchemaAreThoseOfTheJournal(t *testing.T) {
	t.Parallel()
	for input, filters := range map[string][]string{
		"EntryWhereInput": journal.EntryFilterNames(),
		"UserWhereInput":  journal.UserFilterNames(),
	} {
		var names []string
		for _, field := range parsed().Types[input].Fields {
			names = append(names, field.Name)
		}
		require.ElementsMatch(t, append(filters, "and", "or", "not"), names, input)
	}
}

func TestTheEnumsOfTheSchemaAreThoseOfTheModel(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string][]model.Spelling{"Thing": model.ThingSpellings(), "Command": model.CommandSpellings()} {
		var values, spellings []string
		for _, value := range parsed().Types[name].EnumValues {
			values = append(values, value.Name)
		}
		for _, row := range rows {
			spellings = append(spellings, row.GraphQL)
		}
		require.Equal(t, spellings, values, name)
	}
	for name, stored := range map[string][]string{
		"Origin": model.Origin("").Values(),
		"PayloadState": append(model.PayloadState("").Values(), // the other two follow from the entry and the viewer
			string(model.PayloadErased), string(model.PayloadHidden)),
	} {
		var values []string
		for _, value := range parsed().Types[name].EnumValues {
			values = append(values, value.Name)
		}
		require.ElementsMatch(t, stored, values, name)
	}
}

// What `samjournal schema` prints is a schema that tools can load, the same one.
func TestThePrintedSDLIsTheWholeSchema(t *testing.T) {
	t.Parallel()
	printed, err := gqlparser.LoadSchema(&ast.Source{Name: "printed.graphql", Input: SDL()})
	require.NoError(t, err)
	require.Equal(t, outline(parsed()), outline(printed))
}

// Clients may use whatever introspection shows.
func TestTheSchemaOffersOnlyWhatItHas(t *testing.T) {
	t.Parallel()
	directives := slices.Collect(maps.Keys(parsed().Directives))
	require.ElementsMatch(t,
		[]string{"cost", "deprecated", "include", "listSize", "needs", "oneOf", "skip", "specifiedBy"}, directives)
	var scalars []string
	for _, def := range parsed().Types {
		if def.BuiltIn && def.Kind == ast.Scalar {
			scalars = append(scalars, def.Name)
		}
	}
	require.ElementsMatch(t, []string{"Boolean", "ID", "Int", "String"}, scalars)
}

// A field that somebody adds to the schema is for everybody only where that is meant.
func TestEveryRootFieldSaysWhatItNeeds(t *testing.T) {
	t.Parallel()
	forEverybody := []string{"viewer", "__schema", "__type"}
	fields := 0
	for _, root := range []*ast.Definition{parsed().Query, parsed().Mutation, parsed().Subscription} {
		for _, field := range root.Fields {
			if !slices.Contains(forEverybody, field.Name) {
				require.NotNil(t, field.Directives.ForName("needs"), "%s.%s", root.Name, field.Name)
			}
			fields++
		}
	}
	require.Greater(t, fields, 10)
}

func TestEveryCapabilityIsSomeRolesAndTheErrorNamesThem(t *testing.T) {
	t.Parallel()
	for capability, want := range map[Capability]string{
		CapabilityRead:       "this is for the role READER, AUDITOR, ADMIN or OPERATOR; a WRITER appends entries",
		CapabilityAppend:     "this is for the role WRITER or OPERATOR; a READER reads",
		CapabilityAdminister: "this is for the role ADMIN or OPERATOR; an AUDITOR reads",
		CapabilityOperate:    "this is for the role OPERATOR; an ADMIN reads",
	} {
		var lacking model.Role
		for _, role := range lacking.Values() {
			if !can(model.Viewer{Role: model.Role(role)}.Scope(), capability) {
				lacking = model.Role(role)
			}
		}
		if capability == CapabilityAppend {
			lacking = model.RoleReader
		}
		require.Contains(t, (&forbiddenError{role: lacking, needs: capability}).Error(), want)
	}
	require.Len(t, AllCapability, 4)
}

// outline lists the types, their descriptions and their fields.
func outline(s *ast.Schema) []string {
	var lines []string
	for _, def := range ours(s) {
		lines = append(lines, def.Name+": "+def.Description)
		for _, field := range def.Fields {
			lines = append(lines, def.Name+"."+field.Name+" "+field.Type.String()+": "+field.Description)
		}
	}
	return lines
}
