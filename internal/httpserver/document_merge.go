package httpserver

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// mergeSteps adds to steps those that validation takes to find out whether fields of one name in one place can be merged: it
// compares them pairwise, with their arguments, and the sets below them again. It stops counting beyond the limit.
func mergeSteps(doc *ast.QueryDocument, fragments map[string]*ast.FragmentDefinition, steps, limit int) int {
	if steps > limit {
		return steps
	}

	m := merger{fragments: fragments, steps: steps, limit: limit}

	for _, op := range doc.Operations {
		m.merge([]ast.SelectionSet{op.SelectionSet})
	}

	for _, fragment := range doc.Fragments {
		m.merge([]ast.SelectionSet{fragment.SelectionSet})
	}

	return m.steps
}

// merger merges sets of selections as execution would, and counts the pairs.
type merger struct {
	fragments map[string]*ast.FragmentDefinition
	steps     int
	limit     int
}

// together are the fields of one response name in one place.
type together struct {
	fields    int
	arguments int // and one for each field
	squares   int // of the arguments of each field
	values    int
	sets      []ast.SelectionSet
}

func (m *merger) merge(sets []ast.SelectionSet) {
	place := place{fields: map[string]*together{}}

	for _, set := range sets {
		m.flatten(set, 0, true, &place)
	}

	pairs := (place.spreads*place.spreads - place.squares) / 2
	for _, t := range place.fields {
		pairs += (t.arguments*t.arguments-t.squares)/2 + (t.fields-1)*t.values/4
	}

	// What is in inline fragments is compared once more for each of them.
	m.steps = sum(m.steps, min(pairs, most)*(1+place.inline))

	for _, t := range place.fields {
		if m.steps > m.limit {
			return
		}

		if len(t.sets) > 0 {
			m.merge(t.sets)
		}
	}
}

// place is where sets of selections come together.
type place struct {
	fields  map[string]*together
	spreads int // each with those within its fragment, which are compared with those within the others
	squares int // of the same
	inline  int // how deep inline fragments nest
}

// flatten puts the fields of a set into the place, own being whether no fragment that is spread there holds it. It returns the
// number of spreads, those within fragments included.
func (m *merger) flatten(set ast.SelectionSet, inline int, own bool, into *place) (spreads int) {
	into.inline = max(into.inline, inline)

	for _, selection := range set {
		m.steps++
		if m.steps > m.limit {
			return spreads
		}

		switch sel := selection.(type) {
		case *ast.Field:
			t := into.fields[sel.Alias]
			if t == nil {
				t = &together{}
				into.fields[sel.Alias] = t
			}

			t.add(sel)
		case *ast.InlineFragment:
			spreads += m.flatten(sel.SelectionSet, inline+1, own, into)
		case *ast.FragmentSpread:
			within := 1
			if fragment := m.fragments[sel.Name]; fragment != nil {
				within += m.flatten(fragment.SelectionSet, inline, false, into)
			}

			spreads += within

			if own {
				into.spreads += within
				into.squares += within * within
			}
		}
	}

	return spreads
}

func (t *together) add(field *ast.Field) {
	own := 1 + len(field.Arguments)
	t.fields++
	t.arguments += own
	t.squares += own * own

	for _, argument := range field.Arguments {
		t.values += valueNodes(argument.Value)
	}

	if len(field.SelectionSet) > 0 {
		t.sets = append(t.sets, field.SelectionSet)
	}
}
