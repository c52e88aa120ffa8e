package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ariga.io/atlas/sql/migrate"
	atlas "ariga.io/atlas/sql/schema"
	"ariga.io/atlas/sql/sqltool"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql/schema"

	entmigrate "samjournal/ent/migrate"
)

// diff returns the migration, in goose's format, that takes the connected database to what the Ent schema says, "" when
// nothing is to be done. The database has all migrations applied.
//
// The database differs from the Ent schema on purpose, where Ent has no words for what we want (see intended). Exactly those
// differences are left out. When one of them does not occur, the list no longer describes the schema, and diff fails.
func diff(ctx context.Context, db dialect.Driver, name string) (_ string, err error) {
	dir, err := os.MkdirTemp("", "samjournal-migration-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	files, err := sqltool.NewGooseDir(dir)
	if err != nil {
		return "", err
	}
	if err := migrate.WriteSumFile(files, nil); err != nil {
		return "", err
	}
	list := newDifferences(db.Dialect())
	m, err := schema.NewMigrate(db,
		schema.WithDir(files),
		schema.WithFormatter(sqltool.GooseFormatter),
		schema.WithMigrationMode(schema.ModeInspect),
		schema.WithDropColumn(true),
		schema.WithDropIndex(true),
		schema.WithDiffHook(list.hook))
	if err != nil {
		return "", err
	}
	tables, err := schema.CopyTables(entmigrate.Tables) // NamedDiff writes to them
	if err != nil {
		return "", err
	}
	if err := m.NamedDiff(ctx, name, tables...); err != nil {
		return "", err
	}
	written, err := filepath.Glob(filepath.Join(dir, "*.sql"))
	if err != nil || len(written) == 0 {
		return "", err
	}
	b, err := fs.ReadFile(os.DirFS(dir), filepath.Base(written[0]))
	if err != nil {
		return "", err
	}
	// There is no way back: a journal is never made smaller.
	up, _, _ := strings.Cut(string(b), "\n-- +goose Down")
	if strings.Contains(up, "`new_") {
		return "", fmt.Errorf("%w, for %s:\n%s", errRebuild, strings.Join(list.unlisted, "; "), up)
	}
	return up + "\n", nil
}

// errRebuild says that a migration has to be written by hand.
var errRebuild = errors.New("SQLite can make this change only by building the table anew, which loses its triggers, CHECKs " +
	"and keys; write both files by hand, with all of these, and without deleting from the old table. This is what Atlas " +
	"would do")

// differences are those that a database may, and must, have from the Ent schema.
type differences struct {
	expected []string
	found    []string
	unlisted []string
}

func newDifferences(d string) *differences { return &differences{expected: intended(d)} }

// hook takes the intended differences out of what is to be done.
func (d *differences) hook(next schema.Differ) schema.Differ {
	return schema.DiffFunc(func(current, desired *atlas.Schema) ([]atlas.Change, error) {
		changes, err := next.Diff(current, desired)
		if err != nil {
			return nil, err
		}
		var left []atlas.Change
		for _, change := range changes {
			table, ok := change.(*atlas.ModifyTable)
			if !ok {
				left = append(left, change)
				continue
			}
			table.Changes = slices.DeleteFunc(table.Changes, func(c atlas.Change) bool {
				if _, ok := c.(*atlas.DropCheck); ok {
					return true // Ent knows none; TestSchemaIsTheAgreedOne compares them
				}
				return d.isIntended(table.T.Name + ": " + describe(c))
			})
			if len(table.Changes) > 0 {
				left = append(left, table)
			}
		}
		if missing := d.missing(); len(missing) > 0 {
			return nil, fmt.Errorf("these differences between migrations and Ent schema are listed as intended, but are not "+
				"there (any more); change the list in internal/store/migrationgen:\n%s", strings.Join(missing, "\n"))
		}
		return left, nil
	})
}

func (d *differences) isIntended(difference string) bool {
	d.found = append(d.found, difference)
	if slices.Contains(d.expected, difference) {
		return true
	}
	d.unlisted = append(d.unlisted, difference)
	return false
}

func (d *differences) missing() []string {
	return slices.DeleteFunc(slices.Clone(d.expected), func(s string) bool { return slices.Contains(d.found, s) })
}

// describe is a change in words that are the same each time. What a change is of must be in it, else one listed difference
// would excuse another.
func describe(change atlas.Change) string {
	switch c := change.(type) {
	case *atlas.AddPrimaryKey:
		return "add primary key " + parts(c.P)
	case *atlas.DropPrimaryKey:
		return "drop primary key " + parts(c.P)
	case *atlas.ModifyPrimaryKey:
		return "primary key " + parts(c.From) + " to " + parts(c.To)
	case *atlas.ModifyColumn:
		return fmt.Sprintf("column %s to %s (%s)", column(c.From), column(c.To), kinds(c.Change))
	case *atlas.AddForeignKey:
		return "add foreign key " + foreignKey(c.F)
	case *atlas.DropForeignKey:
		return "drop foreign key " + foreignKey(c.F)
	case *atlas.ModifyForeignKey:
		return "foreign key " + foreignKey(c.From) + " to " + foreignKey(c.To)
	case *atlas.AddIndex:
		return "add index " + c.I.Name + parts(c.I)
	case *atlas.DropIndex:
		return "drop index " + c.I.Name + parts(c.I)
	case *atlas.ModifyIndex:
		return "index " + c.From.Name + parts(c.From) + " to " + parts(c.To)
	case *atlas.AddColumn:
		return "add column " + column(c.C)
	case *atlas.DropColumn:
		return "drop column " + column(c.C)
	case *atlas.AddAttr:
		return fmt.Sprintf("add attribute %T", c.A)
	case *atlas.DropAttr:
		return fmt.Sprintf("drop attribute %T", c.A)
	case *atlas.ModifyAttr:
		return fmt.Sprintf("attribute %T to %T", c.From, c.To)
	}
	return fmt.Sprintf("%T", change)
}

func parts(index *atlas.Index) string {
	names := make([]string, len(index.Parts))
	for i, p := range index.Parts {
		names[i] = "?"
		if p.C != nil {
			names[i] = p.C.Name
		}
	}
	text := "(" + strings.Join(names, ", ") + ")"
	if index.Unique {
		text += " unique"
	}
	return text
}

func foreignKey(f *atlas.ForeignKey) string {
	from, to := make([]string, len(f.Columns)), make([]string, len(f.RefColumns))
	for i, c := range f.Columns {
		from[i] = c.Name
	}
	for i, c := range f.RefColumns {
		to[i] = c.Name
	}
	return fmt.Sprintf("%s (%s) on %s (%s)", f.Symbol, strings.Join(from, ", "), f.RefTable.Name, strings.Join(to, ", "))
}

func column(c *atlas.Column) string {
	words := []string{c.Name, typeName(c.Type.Type)}
	if c.Type.Null {
		words = append(words, "null")
	}
	for _, a := range c.Attrs {
		if _, ok := a.(*atlas.Check); !ok {
			words = append(words, fmt.Sprintf("%T", a))
		}
	}
	return strings.Join(words, " ")
}

func typeName(t atlas.Type) string {
	switch t := t.(type) {
	case *atlas.StringType:
		return t.T
	case *atlas.IntegerType:
		return t.T
	case *atlas.BinaryType:
		return t.T
	case *atlas.TimeType:
		return t.T
	case *atlas.JSONType:
		return t.T
	}
	return fmt.Sprintf("%T", t)
}

func kinds(k atlas.ChangeKind) string {
	var names []string
	for kind, name := range map[atlas.ChangeKind]string{
		atlas.ChangeType: "type", atlas.ChangeNull: "null", atlas.ChangeDefault: "default", atlas.ChangeAttr: "attribute",
		atlas.ChangeCollate: "collation", atlas.ChangeCharset: "charset", atlas.ChangeComment: "comment",
		atlas.ChangeGenerated: "generated",
	} {
		if k.Is(kind) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
