package docstest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the module's directory: a test runs in that of its package.
const root = "../.."

// block is a fenced block of a document.
type block struct {
	line     int
	language string   // first word of the info string
	marks    []string // the others
	text     string
}

// example is an operation of a document with the blocks that belong to it.
type example struct {
	line      int
	name      string // the operation's, for the test's output
	query     string
	expect    string          // code that the operation fails with; "" when it succeeds
	live      bool            // a subscription whose results come with the next operation
	variables json.RawMessage // nil: none
	result    json.RawMessage // nil: not shown. Of a subscription a list, else one response
}

func (e example) isSubscription() bool {
	return strings.HasPrefix(strings.TrimSpace(e.query), "subscription")
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return string(text)
}

// blocksOf returns the fenced blocks of a Markdown text in order.
func blocksOf(t *testing.T, text string) []block {
	t.Helper()
	var (
		blocks []block
		open   *block
	)
	for i, line := range strings.Split(text, "\n") {
		info, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && open == nil:
			words := append(strings.Fields(info), "")
			open = &block{line: i + 1, language: words[0], marks: slices.DeleteFunc(words[1:], func(w string) bool { return w == "" })}
		case isFence:
			blocks, open = append(blocks, *open), nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	require.Nil(t, open, "a block is not closed")
	return blocks
}

// examplesOf returns the operations of a document. `graphql` begins one; `expect=CODE` and `live` beside it say how it ends;
// `json variables` and `json result` behind it belong to it.
func examplesOf(t *testing.T, text string) []example {
	t.Helper()
	var examples []example
	for _, b := range blocksOf(t, text) {
		if b.language == "graphql" {
			examples = append(examples, newExample(t, b))
			continue
		}
		if b.language != "json" || len(b.marks) == 0 {
			continue
		}
		require.NotEmpty(t, examples, "line %d: belongs to no query", b.line)
		require.True(t, json.Valid([]byte(b.text)), "line %d: is not JSON", b.line)
		last := &examples[len(examples)-1]
		switch b.marks[0] {
		case "variables":
			require.Nil(t, last.variables, "line %d: variables twice", b.line)
			last.variables = json.RawMessage(b.text)
		case "result":
			require.Nil(t, last.result, "line %d: result twice", b.line)
			last.result = json.RawMessage(b.text)
		default:
			require.Fail(t, "unknown mark", "line %d: %s", b.line, b.marks[0])
		}
	}
	return examples
}

func newExample(t *testing.T, b block) example {
	t.Helper()
	e := example{line: b.line, query: b.text, name: "query"}
	if name := regexp.MustCompile(`^(?:query|mutation|subscription) (\w+)`).FindStringSubmatch(b.text); name != nil {
		e.name = name[1]
	}
	for _, mark := range b.marks {
		if code, ok := strings.CutPrefix(mark, "expect="); ok {
			e.expect = code
			continue
		}
		require.Equal(t, "live", mark, "line %d: unknown mark", b.line)
		e.live = true
	}
	return e
}
