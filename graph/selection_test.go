package graph

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/ent/entry"
	"samjournal/ent/token"
	"samjournal/ent/user"
)

// A field whose columns the switch forgets would be read as its zero value, silently.
func TestEveryFieldNamesTheColumnsItIsMadeOf(t *testing.T) {
	t.Parallel()
	for _, object := range []struct {
		name    string
		columns func(field string) []string
		always  []string // made of the columns that are always read
		exist   []string
	}{
		{"Entry", entryColumns, []string{"id", "key", "position"}, entry.Columns},
		{"User", userColumns, []string{"id"}, user.Columns},
		{"Token", tokenColumns, []string{"id"}, token.Columns},
	} {
		fields := parsed().Types[object.name].Fields
		require.NotEmpty(t, fields)
		for _, field := range fields {
			columns := object.columns(field.Name)
			if slices.Contains(object.always, field.Name) {
				require.Empty(t, columns, "%s.%s", object.name, field.Name)
				continue
			}
			require.NotEmpty(t, columns, "%s.%s: which columns is it made of?", object.name, field.Name)
			require.Subset(t, object.exist, columns, "%s.%s", object.name, field.Name)
		}
		require.Empty(t, object.columns("__typename"))
	}
}

// A field that carries its column's name is made of that column, whatever else it takes.
func TestFieldsNamedAfterAColumnReadIt(t *testing.T) {
	t.Parallel()
	for name, object := range map[string]struct {
		columns func(field string) []string
		exist   []string
	}{"Entry": {entryColumns, entry.Columns}, "User": {userColumns, user.Columns}, "Token": {tokenColumns, token.Columns}} {
		for _, field := range parsed().Types[name].Fields {
			column := snake(field.Name)
			if slices.Contains(object.exist, column) && len(object.columns(field.Name)) > 0 {
				require.Contains(t, object.columns(field.Name), column, "%s.%s", name, field.Name)
			}
		}
	}
}

func snake(camel string) string {
	var b strings.Builder
	for _, r := range camel {
		if 'A' <= r && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}
