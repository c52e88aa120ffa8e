package httpserver

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// What a field costs is written in the schema, with the directives of the GraphQL Cost Specification
// (https://ibm.github.io/graphql-specs/cost-spec.html): @cost(weight:) is what the field itself costs, and what an argument
// adds to that, @listSize how many times what is selected below it does. A field without @cost costs 1, an argument nothing.
// Where that specification leaves a choice, the higher cost is taken: an argument that is a list adds its weight for each item,
// selections for several types are added up, @skip and @include are not looked at.

const (
	// unsized is assumed of a list of objects whose size nothing in the schema tells.
	unsized = 10
	// maxUnits is where costs stop. Its square is still exact enough to stay above every limit.
	maxUnits = 1e12
)

// prices knows what each field of a schema costs.
type prices struct {
	fields map[*ast.FieldDefinition]price
}

type price struct {
	weight    float64
	arguments []pricedArgument // those with a weight
	list      bool             // of objects
	size      *listSize        // nil: the schema does not say
}

type pricedArgument struct {
	argument

	weight float64
}

// listSize is a @listSize directive.
type listSize struct {
	assumed   float64
	arguments []argument
	sized     []string // fields below that are of this size, instead of the field itself
}

// argument is one that a cost depends on.
type argument struct {
	name   string
	preset *ast.Value // the schema's default
	list   bool       // its length counts
}

func argumentOf(def *ast.ArgumentDefinition) argument {
	return argument{name: def.Name, preset: def.DefaultValue, list: def.Type.Elem != nil}
}

// pricesOf reads the directives of a schema. Its error names the field whose directive cannot be understood.
func pricesOf(schema *ast.Schema) (prices, error) {
	p := prices{fields: map[*ast.FieldDefinition]price{}}

	for _, def := range schema.Types {
		for _, field := range def.Fields {
			of, err := priceOf(schema, field)
			if err != nil {
				return p, fmt.Errorf("httpserver: the cost of %s.%s: %w", def.Name, field.Name, err)
			}

			p.fields[field] = of
		}
	}

	p.introspection(schema)

	return p, nil
}

// introspection prices what has no directives: the schema is in memory, and a list of it has about so many members.
func (p prices) introspection(schema *ast.Schema) {
	sizes := map[string]float64{
		"types": float64(len(schema.Types)), "directives": float64(len(schema.Directives)), "fields": 8, "inputFields": 4,
		"args": 2, "enumValues": 4, "possibleTypes": 2, "interfaces": 2,
	}

	for _, name := range []string{"__Schema", "__Type", "__Field", "__InputValue", "__EnumValue", "__Directive"} {
		def := schema.Types[name]
		if def == nil {
			continue
		}

		for _, field := range def.Fields {
			of := price{weight: 0.1, list: p.fields[field].list}
			if size, ok := sizes[field.Name]; ok {
				of.size = &listSize{assumed: size}
			}

			p.fields[field] = of
		}
	}
}

func priceOf(schema *ast.Schema, field *ast.FieldDefinition) (price, error) {
	var of price
	if result := schema.Types[field.Type.Name()]; result != nil {
		of.list = field.Type.Elem != nil && result.IsCompositeType()
	}

	var err error
	if of.weight, err = weightOf(field.Directives, 1); err != nil {
		return of, err
	}

	for _, def := range field.Arguments {
		weight, err := weightOf(def.Directives, 0)
		if err != nil {
			return of, fmt.Errorf("the argument %s: %w", def.Name, err)
		}

		if weight > 0 {
			of.arguments = append(of.arguments, pricedArgument{argument: argumentOf(def), weight: weight})
		}
	}

	directive := field.Directives.ForName("listSize")
	if directive == nil {
		return of, nil
	}

	of.size, err = listSizeOf(field, directive)

	return of, err
}

// weightOf reads @cost, without which the weight is the other.
func weightOf(directives ast.DirectiveList, otherwise float64) (float64, error) {
	cost := directives.ForName("cost")
	if cost == nil {
		return otherwise, nil
	}

	argument := cost.Arguments.ForName("weight")
	if argument == nil {
		return 0, fmt.Errorf("@cost has no weight")
	}

	weight, err := strconv.ParseFloat(argument.Value.Raw, 64)
	if err != nil || !(weight >= 0 && weight <= maxUnits) {
		return 0, fmt.Errorf("@cost(weight: %q) must be a number from 0 to %g", argument.Value.Raw, maxUnits)
	}

	return weight, nil
}

func listSizeOf(field *ast.FieldDefinition, directive *ast.Directive) (*listSize, error) {
	size := &listSize{assumed: 1}

	for _, argument := range directive.Arguments {
		switch argument.Name {
		case "assumedSize":
			n, err := strconv.ParseUint(argument.Value.Raw, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("@listSize(assumedSize: %s) must be a number from 0 to %d", argument.Value, math.MaxUint32)
			}

			size.assumed = float64(n)
		case "slicingArguments":
			for _, name := range argument.Value.Children {
				def := field.Arguments.ForName(name.Value.Raw)
				if def == nil {
					return nil, fmt.Errorf("@listSize(slicingArguments:) names %q, which is no argument", name.Value.Raw)
				}

				size.arguments = append(size.arguments, argumentOf(def))
			}
		case "sizedFields":
			for _, name := range argument.Value.Children {
				size.sized = append(size.sized, name.Value.Raw)
			}
		}
	}

	return size, nil
}

// operation returns what an operation costs with these variables, which the executor has coerced, defaults included.
func (p prices) operation(op *ast.OperationDefinition, variables map[string]any) int {
	c := costing{prices: p.fields, variables: variables}

	return int(min(math.Ceil(c.set(op.SelectionSet, nil, 1)), math.MaxInt32))
}

// costing is the pass over one operation. Each fragment is measured once for each size that its fields may have from the
// field around it.
type costing struct {
	prices    map[*ast.FieldDefinition]price
	variables map[string]any
	fragments map[spread]float64
}

type spread struct {
	fragment *ast.FragmentDefinition
	around   *listSize
	times    float64
}

// set is the cost of a selection set. around is the @listSize of the field that the set belongs to, if it gives sizes to some
// of its fields, and times is that size.
func (c *costing) set(selections ast.SelectionSet, around *listSize, times float64) float64 {
	total := 0.0

	for _, selection := range selections {
		switch sel := selection.(type) {
		case *ast.Field:
			total += c.field(sel, around, times)
		case *ast.InlineFragment:
			total += c.set(sel.SelectionSet, around, times)
		case *ast.FragmentSpread:
			total += c.spread(sel, around, times)
		}
	}

	return min(total, maxUnits)
}

func (c *costing) spread(sel *ast.FragmentSpread, around *listSize, times float64) float64 {
	if sel.Definition == nil {
		return 0
	}

	key := spread{fragment: sel.Definition, around: around, times: times}
	if cost, known := c.fragments[key]; known {
		return cost
	}

	if c.fragments == nil {
		c.fragments = map[spread]float64{}
	}

	c.fragments[key] = 0 // validation lets no circle pass

	cost := c.set(sel.Definition.SelectionSet, around, times)
	c.fragments[key] = cost

	return cost
}

func (c *costing) field(field *ast.Field, around *listSize, times float64) float64 {
	of, known := c.prices[field.Definition]
	if !known { // __typename
		return 1
	}

	own := c.own(of, field)
	if len(field.SelectionSet) == 0 {
		return own
	}

	size := 1.0

	switch {
	case around != nil && around.sizes(field.Name):
		size = times
	case of.size != nil && len(of.size.sized) > 0:
		return min(own+c.set(field.SelectionSet, of.size, c.size(of.size, field)), maxUnits)
	case of.size != nil:
		size = c.size(of.size, field)
	case of.list:
		size = unsized
	}

	return min(own+size*c.set(field.SelectionSet, nil, 1), maxUnits)
}

// own is what a field costs whatever is selected below it: its weight, and those of the arguments that are given.
func (c *costing) own(of price, field *ast.Field) float64 {
	cost := of.weight

	for _, argument := range of.arguments {
		switch value := c.value(argument.argument, field); {
		case argument.list:
			items, _ := c.number(value, true)
			cost += argument.weight * items
		case c.given(value):
			cost += argument.weight
		}
	}

	return min(cost, maxUnits)
}

func (l *listSize) sizes(field string) bool {
	return slices.Contains(l.sized, field)
}
