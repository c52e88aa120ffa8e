package httpserver

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
)

// maxCachedDocument is the longest document text that is kept, in bytes, so that the cache's memory is bounded by its size:
// real clients' documents are far shorter.
const maxCachedDocument = 16 << 10

// documentCache keeps parsed and validated documents.
type documentCache struct {
	kept *lru.LRU[*ast.QueryDocument]
}

func newDocumentCache(size int) documentCache {
	return documentCache{kept: lru.New[*ast.QueryDocument](size)}
}

// Get implements graphql.Cache.
func (c documentCache) Get(ctx context.Context, query string) (*ast.QueryDocument, bool) {
	return c.kept.Get(ctx, query)
}

// Add implements graphql.Cache.
func (c documentCache) Add(ctx context.Context, query string, doc *ast.QueryDocument) {
	if len(query) <= maxCachedDocument {
		c.kept.Add(ctx, query, doc)
	}
}

// documentGuard is an executor extension that looks at a document before it is validated. Validation compares fields with
// each other and follows every spread again, so that a small document can cost seconds there; the guard's one pass, with each
// fragment measured once, is linear.
type documentGuard struct {
	cache     documentCache
	maxTokens int
	maxDepth  int
	maxFields int
}

// ExtensionName implements graphql.HandlerExtension.
func (documentGuard) ExtensionName() string { return "DocumentGuard" }

// Validate implements graphql.HandlerExtension.
func (documentGuard) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements graphql.OperationParameterMutator. A document that cannot be parsed is left for the
// executor to report.
func (g documentGuard) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	if _, known := g.cache.Get(ctx, params.Query); known {
		return nil
	}

	if at := loneSurrogate(params.Query); at >= 0 {
		return codedError(codeBadUserInput, "a string in the document has a lone surrogate escape (at byte %d)", at)
	}

	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: params.Query}, g.maxTokens)
	if err != nil {
		if strings.Contains(err.Error(), fmt.Sprintf("exceeded token limit of %d", g.maxTokens)) {
			return codedError(codeQueryTooComplex, "the document has more than %d tokens", g.maxTokens)
		}

		return nil
	}

	m := measurer{fragments: doc.Fragments, done: make(map[string]measure, len(doc.Fragments))}

	for _, op := range doc.Operations {
		if fault := g.check(m.set(op.SelectionSet)); fault != nil {
			return fault
		}
	}

	for _, fragment := range doc.Fragments {
		if fault := g.check(m.fragment(fragment)); fault != nil {
			return fault
		}
	}

	if fault := g.check(measure{fields: m.written}); fault != nil {
		return fault
	}

	if m.deferred {
		return codedError(codeBadUserInput, "@defer is not supported")
	}

	return nil
}

func (g documentGuard) check(size measure) *gqlerror.Error {
	if size.depth > g.maxDepth {
		return codedError(codeQueryTooComplex, "the document nests deeper than %d levels", g.maxDepth)
	}

	if size.fields > g.maxFields {
		return codedError(codeQueryTooComplex, "the document has more than %d fields, fragments included", g.maxFields)
	}

	return nil
}

// measure is the size of a selection set with all fragments spread.
type measure struct {
	depth  int
	fields int
}

func (m *measure) include(other measure, levels int) {
	m.depth = max(m.depth, other.depth+levels)

	// Spreads can double with every fragment: the sum saturates before it overflows.
	if m.fields += other.fields; m.fields > math.MaxInt32 {
		m.fields = math.MaxInt32
	}
}

// measurer measures each fragment once.
type measurer struct {
	fragments ast.FragmentDefinitionList
	done      map[string]measure
	written   int // selections, each counted where it is written
	deferred  bool
}

func (m *measurer) set(selections ast.SelectionSet) measure {
	var size measure

	for _, selection := range selections {
		m.written++

		switch sel := selection.(type) {
		case *ast.Field:
			size.include(measure{fields: 1}, 1)
			size.include(m.set(sel.SelectionSet), 1)
		case *ast.InlineFragment:
			m.note(sel.Directives)
			size.include(m.set(sel.SelectionSet), 0)
		case *ast.FragmentSpread:
			m.note(sel.Directives)

			if fragment := m.fragments.ForName(sel.Name); fragment != nil {
				size.include(m.fragment(fragment), 0)
			}
		}
	}

	return size
}

func (m *measurer) fragment(fragment *ast.FragmentDefinition) measure {
	if size, known := m.done[fragment.Name]; known {
		return size
	}

	// A cycle meets this zero; validation refuses it afterwards.
	m.done[fragment.Name] = measure{}
	size := m.set(fragment.SelectionSet)
	m.done[fragment.Name] = size

	return size
}

func (m *measurer) note(directives ast.DirectiveList) {
	m.deferred = m.deferred || directives.ForName("defer") != nil
}

// loneSurrogate returns the byte offset of the first \uD800 to \uDFFF escape in a string literal that is no half of a pair,
// or -1. The parser would put U+FFFD in its place, and a client would get back something else than it sent.
func loneSurrogate(doc string) int {
	if !strings.Contains(doc, `\ud`) && !strings.Contains(doc, `\uD`) {
		return -1
	}

	for i := 0; i < len(doc); {
		switch {
		case doc[i] == '#':
			i += lineLength(doc[i:])
		case strings.HasPrefix(doc[i:], `"""`):
			i += blockLength(doc[i:])
		case doc[i] == '"':
			length, lone := stringLength(doc[i:])
			if lone >= 0 {
				return i + lone
			}

			i += length
		default:
			i++
		}
	}

	return -1
}

func lineLength(text string) int {
	if end := strings.IndexAny(text, "\r\n"); end >= 0 {
		return end
	}

	return len(text)
}

// blockLength is the length of the block string that text starts with.
func blockLength(text string) int {
	for i := 3; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], `\"""`):
			i += 3
		case strings.HasPrefix(text[i:], `"""`):
			return i + 3
		}
	}

	return len(text)
}

// stringLength is the length of the string that text starts with, and the offset of a lone surrogate in it, or -1.
func stringLength(text string) (length, lone int) {
	for i := 1; i < len(text); {
		switch text[i] {
		case '"', '\r', '\n':
			return i + 1, -1
		case '\\':
			unit, ok := escapedUnit(text[i:])

			switch {
			case !ok:
				i += 2
			case unit >= 0xDC00 && unit <= 0xDFFF:
				return i, i
			case unit >= 0xD800 && unit <= 0xDBFF:
				low, ok := escapedUnit(text[i+6:])
				if !ok || low < 0xDC00 || low > 0xDFFF {
					return i, i
				}

				i += 12
			default:
				i += 6
			}
		default:
			i++
		}
	}

	return len(text), -1
}

// escapedUnit reads a \uXXXX escape at the start of text.
func escapedUnit(text string) (unit uint64, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}

	unit, err := strconv.ParseUint(text[2:6], 16, 32)

	return unit, err == nil
}
