package search

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/ohler55/ojg/jp"

	"samjournal/internal/model"
)

const (
	maxPath  = 1000 // bytes of a path
	maxSteps = 50   // steps of a path
)

// Path leads to values in a payload: from the payload itself by names of members and places in arrays.
type Path []step

// step is one of the three ways down.
type step struct {
	name  string // of a member, when kind is byName
	index int    // in an array, when kind is byIndex
	kind  stepKind
}

type stepKind byte

const (
	byName  stepKind = iota // .name ['name']
	byIndex                 // [n]
	byAny                   // [*]: every element of an array
)

// subset is what of JSONPath (RFC 9535) is a Path. What is not is refused before a parser sees it.
var subset = regexp.MustCompile(`^\$(?:` + strings.Join([]string{
	`\.[A-Za-z0-9_\x{80}-\x{10ffff}]+`, `\[(?:0|[1-9][0-9]{0,8})\]`, `\[\*\]`,
	`\['(?:[^'\\\x00-\x1f]|` + escape + `)*'\]`, `\["(?:[^"\\\x00-\x1f]|` + escape + `)*"\]`,
}, "|") + `)*$`)

// escape is one of those that stand for a character. Halves of surrogate pairs do not: the character itself can be written.
const escape = `\\['"\\bfnrt]|\\u(?:[0-9A-CEFa-cef][0-9A-Fa-f]{3}|[Dd][0-7][0-9A-Fa-f]{2})`

// ParsePath reads a path. Errors are *model.InputError.
func ParsePath(text string) (Path, error) {
	if len(text) > maxPath {
		return nil, &model.InputError{Reason: fmt.Sprintf("has at most %d bytes, this one has %d", maxPath, len(text))}
	}
	if !utf8.ValidString(text) || !subset.MatchString(text) {
		return nil, errPath()
	}
	parsed, err := jp.ParseString(text)
	if err != nil || len(parsed) == 0 {
		return nil, errPath()
	}
	path := make(Path, 0, len(parsed)-1)
	for i, fragment := range parsed {
		switch f := fragment.(type) {
		case jp.Child:
			path = append(path, step{kind: byName, name: string(f)})
		case jp.Nth:
			path = append(path, step{kind: byIndex, index: int(f)})
		case jp.Wildcard:
			path = append(path, step{kind: byAny})
		case jp.Root:
			if i == 0 {
				continue
			}
			return nil, errPath()
		default:
			return nil, errPath()
		}
	}
	if len(path) > maxSteps {
		return nil, &model.InputError{Reason: fmt.Sprintf("has at most %d steps, this one has %d", maxSteps, len(path))}
	}
	return path, nil
}

func errPath() error {
	return &model.InputError{Reason: "must begin with $, the payload itself, and go on with steps .name, ['name'] (for any name), " +
		"[0] (an element of an array) or [*] (every one), such as $.messages[0].role"}
}
