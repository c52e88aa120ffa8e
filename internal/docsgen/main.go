// Command docsgen writes what documents say about the enums from the table that the code uses, so that they cannot differ.
//
// Usage: docsgen FILE. The file has the lines <!-- spellings:begin --> and <!-- spellings:end -->; what lies between them is
// replaced.
package main

import (
	"fmt"
	"os"
	"strings"

	"samjournal/internal/model"
)

const (
	begin = "<!-- spellings:begin -->\n"
	end   = "<!-- spellings:end -->\n"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "docsgen:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("one file must be given, not %d", len(args))
	}
	name := args[0]
	old, err := os.ReadFile(name) //nolint:gosec // the file that generate.go names
	if err != nil {
		return err
	}
	text, err := replace(string(old), tables())
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if text == string(old) {
		return nil
	}
	const mode = 0o644
	return os.WriteFile(name, []byte(text), mode) //nolint:gosec // as above
}

// replace puts tables between the two marks of a document.
func replace(document, tables string) (string, error) {
	if strings.Count(document, begin) != 1 || strings.Count(document, end) != 1 {
		return "", fmt.Errorf("must have the lines %q and %q once each", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	before, rest, _ := strings.Cut(document, begin)
	_, after, found := strings.Cut(rest, end)
	if !found {
		return "", fmt.Errorf("has %q before %q", strings.TrimSpace(end), strings.TrimSpace(begin))
	}
	return before + begin + tables + end + after, nil
}

// tables are the enums' spellings in Markdown.
func tables() string {
	var b strings.Builder
	b.WriteString("\n| `Thing` | stored | label | older names |\n|---|---|---|---|\n")
	for _, s := range model.ThingSpellings() {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", s.GraphQL, s.Stored, s.Label, code(s.Old))
	}
	b.WriteString("\n| `Command` | stored | label | in a sentence | older names |\n|---|---|---|---|---|\n")
	for _, s := range model.CommandSpellings() {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", s.GraphQL, s.Stored, s.Label, s.PastTense, code(s.Old))
	}
	b.WriteString("\n")
	return b.String()
}

func code(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = "`" + name + "`"
	}
	return strings.Join(quoted, ", ")
}
