package httpserver

import (
	"math"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// most is where counts stop: spreads can double with every fragment.
const most = math.MaxInt32

func sum(a, b int) int { return min(a+b, most) }

// measures is the size of a selection set with all fragments spread.
type measures struct {
	depth      int
	fields     int
	own        int // fields of the set itself
	aliases    int
	directives int
	lists      int // depth of introspection's lists
	nodes      int // of the tree that validation walks: selections, directives, arguments and values

	introspects   bool
	introspection int // the most lists below __schema or __type
}

// include adds a set that is spread into this one or, with levels 1, is that of one of its fields.
func (m *measures) include(other measures, levels int) {
	m.depth = max(m.depth, other.depth+levels)
	m.fields = sum(m.fields, other.fields)
	m.aliases = sum(m.aliases, other.aliases)
	m.directives = sum(m.directives, other.directives)
	m.nodes = sum(m.nodes, other.nodes)
	m.lists = max(m.lists, other.lists)
	m.introspects = m.introspects || other.introspects
	m.introspection = max(m.introspection, other.introspection)

	if levels == 0 {
		m.own = sum(m.own, other.own)
	}
}

// measured is what is known of a whole document.
type measured struct {
	introspects bool
	written     measures // everything once, as it is written
}

// memory estimates the bytes of a parsed document. The test compares it with the heap.
func (m measured) memory(text string) int64 {
	return 1<<10 + int64(len(text)) + 260*int64(m.written.nodes) + 100*int64(m.written.fields)
}

// measurer measures each fragment once.
type measurer struct {
	fragments map[string]*ast.FragmentDefinition
	done      map[string]measures
	written   measures
	deferred  bool
	circular  *ast.FragmentSpread
	open      map[string]bool // fragments that are being measured
}

// measure refuses a document whose validation or execution would cost too much, in time that is linear in its length and
// its number of steps.
func measure(doc *ast.QueryDocument, limits DocumentLimits) (measured, *gqlerror.Error) {
	m := measurer{}
	if len(doc.Fragments) > 0 {
		m.fragments = make(map[string]*ast.FragmentDefinition, len(doc.Fragments))
		m.done = make(map[string]measures, len(doc.Fragments))
		m.open = make(map[string]bool)
	}

	for _, fragment := range doc.Fragments {
		if m.fragments[fragment.Name] == nil { // as validation takes the first of two
			m.fragments[fragment.Name] = fragment
		}
	}

	checks, variables := 0, 0

	for _, op := range doc.Operations {
		size := m.operation(op)
		if fault := limits.check(size); fault != nil {
			return measured{}, fault
		}

		if size.own > limits.MaxRootFields {
			return measured{}, tooMuch(limitRootFields, size.own, limits.MaxRootFields)
		}

		checks = sum(checks, size.nodes)
		variables += len(op.VariableDefinitions)
	}

	for _, fragment := range doc.Fragments {
		size := m.definition(fragment)
		if fault := limits.check(size); fault != nil {
			return measured{}, fault
		}

		checks = sum(checks, size.nodes)
	}

	if fault := limits.check(m.written); fault != nil {
		return measured{}, fault
	}

	if fault := m.fault(); fault != nil {
		return measured{}, fault
	}

	// What validation walks through again costs as much as several comparisons. Each variable in a value is looked for among
	// those of its operation.
	steps := min(5*max(checks-m.written.nodes, 0)+variables*m.written.nodes/32, most)
	if steps = mergeSteps(doc, m.fragments, steps, limits.MaxChecks); steps > limits.MaxChecks {
		return measured{}, tooMuch(limitChecks, limits.MaxChecks, limits.MaxChecks)
	}

	return measured{written: m.written, introspects: m.written.introspects}, nil
}

// fault is what validation would find too, at a higher price.
func (m *measurer) fault() *gqlerror.Error {
	switch {
	case m.circular != nil:
		fault := codedError(codeBadUserInput, "Cannot spread fragment %q within itself.", shorten(m.circular.Name))
		fault.Locations = []gqlerror.Location{{Line: m.circular.Position.Line, Column: m.circular.Position.Column}}

		return fault
	case m.deferred:
		return codedError(codeBadUserInput, "@defer is not supported")
	default:
		return nil
	}
}

func (l DocumentLimits) check(size measures) *gqlerror.Error {
	switch {
	case size.depth > l.MaxDepth:
		return tooMuch(limitDepth, size.depth, l.MaxDepth)
	case size.fields > l.MaxFields:
		return tooMuch(limitFields, size.fields, l.MaxFields)
	case size.aliases > l.MaxAliases:
		return tooMuch(limitAliases, size.aliases, l.MaxAliases)
	case size.directives > l.MaxDirectives:
		return tooMuch(limitDirectives, size.directives, l.MaxDirectives)
	case size.introspection > l.MaxIntrospectionDepth:
		return tooMuch(limitIntrospection, size.introspection, l.MaxIntrospectionDepth)
	default:
		return nil
	}
}

func (m *measurer) operation(op *ast.OperationDefinition) measures {
	size := m.set(op.SelectionSet)
	m.directives(op.Directives, &size)

	for _, variable := range op.VariableDefinitions {
		own := 1 + typeNodes(variable.Type) + valueNodes(variable.DefaultValue)
		size.nodes = sum(size.nodes, own)
		m.written.nodes += own
		m.directives(variable.Directives, &size)
	}

	return size
}

func (m *measurer) set(selections ast.SelectionSet) measures {
	var size measures

	for _, selection := range selections {
		size.nodes = sum(size.nodes, 1)
		m.written.nodes++

		switch sel := selection.(type) {
		case *ast.Field:
			size.include(m.field(sel), 1)
			size.own = sum(size.own, 1)
		case *ast.InlineFragment:
			m.written.fields++ // it is a selection all the same
			m.directives(sel.Directives, &size)
			size.include(m.set(sel.SelectionSet), 0)
		case *ast.FragmentSpread:
			m.written.fields++
			m.directives(sel.Directives, &size)

			if fragment := m.fragments[sel.Name]; fragment != nil {
				size.include(m.definition(fragment), 0)

				if m.open[sel.Name] {
					m.circular = sel
				}
			}
		}
	}

	return size
}

// field is the size of a field with what is below, whose depth is that of what is below.
func (m *measurer) field(field *ast.Field) measures {
	size := m.set(field.SelectionSet)
	m.written.fields++
	size.fields = sum(size.fields, 1)

	if field.Alias != field.Name {
		size.aliases = sum(size.aliases, 1)
		m.written.aliases++
	}

	m.directives(field.Directives, &size)
	m.arguments(field.Arguments, &size)

	switch field.Name {
	case "fields", "interfaces", "possibleTypes", "inputFields":
		size.lists++
	case "__schema", "__type":
		size.introspects, m.written.introspects = true, true
		size.introspection = max(size.introspection, size.lists)
	}

	return size
}

func (m *measurer) definition(fragment *ast.FragmentDefinition) measures {
	if size, known := m.done[fragment.Name]; known {
		return size
	}

	// A circle meets this zero, and is refused afterwards.
	m.done[fragment.Name], m.open[fragment.Name] = measures{}, true

	size := m.set(fragment.SelectionSet)
	m.directives(fragment.Directives, &size)
	m.done[fragment.Name], m.open[fragment.Name] = size, false

	return size
}

func (m *measurer) directives(directives ast.DirectiveList, size *measures) {
	for _, directive := range directives {
		m.deferred = m.deferred || directive.Name == "defer"
		m.written.directives++
		m.written.nodes++
		size.directives = sum(size.directives, 1)
		size.nodes = sum(size.nodes, 1)
		m.arguments(directive.Arguments, size)
	}
}

func (m *measurer) arguments(arguments ast.ArgumentList, size *measures) {
	for _, argument := range arguments {
		own := 1 + valueNodes(argument.Value)
		size.nodes = sum(size.nodes, own)
		m.written.nodes += own
	}
}

// valueNodes counts a literal's parts.
func valueNodes(value *ast.Value) int {
	if value == nil {
		return 0
	}

	nodes := 1
	for _, child := range value.Children {
		nodes += valueNodes(child.Value)
	}

	return nodes
}

func typeNodes(t *ast.Type) int {
	nodes := 0
	for ; t != nil; t = t.Elem {
		nodes++
	}

	return nodes
}
