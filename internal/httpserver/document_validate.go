package httpserver

import (
	"cmp"
	"slices"

	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// maxFaults ends validation: each fault of a document costs time, one with a suggestion much of it.
const maxFaults = 11

// ruleBook holds the rules of validation in the order in which they find faults.
type ruleBook struct {
	suggesting []core.Rule
	plain      []core.Rule // the same without suggestions
}

func newRuleBook() ruleBook {
	// Introspection's depth is measured before.
	inner := rules.NewDefaultRules().GetInner()
	delete(inner, rules.MaxIntrospectionDepth.Name)

	var book ruleBook

	for name, check := range inner {
		book.suggesting = append(book.suggesting, core.Rule{Name: name, RuleFunc: check})
	}

	slices.SortFunc(book.suggesting, func(a, b core.Rule) int { return cmp.Compare(a.Name, b.Name) })

	book.plain = slices.Clone(book.suggesting)

	for i, rule := range book.plain {
		switch rule.Name {
		case rules.FieldsOnCorrectTypeRule.Name:
			book.plain[i].RuleFunc = rules.FieldsOnCorrectTypeRuleWithoutSuggestions.RuleFunc
		case rules.KnownArgumentNamesRule.Name:
			book.plain[i].RuleFunc = rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc
		case rules.KnownTypeNamesRule.Name:
			book.plain[i].RuleFunc = rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc
		case rules.ScalarLeafsRule.Name:
			book.plain[i].RuleFunc = rules.ScalarLeafsRuleWithoutSuggestions.RuleFunc
		case rules.ValuesOfCorrectTypeRule.Name:
			book.plain[i].RuleFunc = rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc
		}
	}

	return book
}

// enough is how a rule that has found the last fault leaves the walk through the document.
type enough struct{}

// validate returns the first faults of a document, which it completes with what the schema says of its parts.
func (b ruleBook) validate(schema *ast.Schema, doc *ast.QueryDocument, suggest bool) (faults gqlerror.List) {
	book := b.plain
	if suggest {
		book = b.suggesting
	}

	defer func() {
		if value := recover(); value != nil && value != (enough{}) {
			panic(value)
		}
	}()

	events := &core.Events{}

	for _, rule := range book {
		rule.RuleFunc(events, func(options ...core.ErrorOption) {
			fault := &gqlerror.Error{Rule: rule.Name}
			for _, option := range options {
				option(fault)
			}

			errcode.Set(fault, errcode.ValidationFailed)

			if faults = append(faults, fault); len(faults) == maxFaults {
				panic(enough{})
			}
		})
	}

	validator.Walk(schema, doc, events)

	return faults
}
