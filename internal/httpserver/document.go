package httpserver

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
)

// DocumentLimits say which documents are carried out, and what one may cost. The counts are those of a document as it is
// written and, where fragments make it grow, of each operation with its fragments spread.
type DocumentLimits struct {
	// MaxLength limits a document's text, in bytes: what is longer holds values, and those belong in the variables. Default
	// 1 MiB.
	MaxLength int
	// MaxNesting limits how deep brackets nest in a document, whatever they hold; JSON in it may be 200 deep. Default 256.
	MaxNesting int
	// MaxNested limits the text in nested literals, in bytes, each of which counts as often as brackets are around it: a
	// validation error quotes a literal and copies it once for each level. Default 32 MiB.
	MaxNested int
	// MaxTokens limits the lexical tokens of a document. Default 15,000.
	MaxTokens int
	// MaxDepth limits how deep selections nest, fragments included. Default 32.
	MaxDepth int
	// MaxFields limits the selections as written and the fields spread. Default 1,000.
	MaxFields int
	// MaxAliases limits the fields with an alias. Default 100.
	MaxAliases int
	// MaxRootFields limits the fields of an operation itself. Default 20.
	MaxRootFields int
	// MaxDirectives limits the directives. Default 100.
	MaxDirectives int
	// MaxIntrospectionDepth limits how deep lists nest (fields, interfaces, possibleTypes, inputFields) below __schema and
	// __type. Default 2, as graphql-js has it.
	MaxIntrospectionDepth int
	// MaxChecks limits the steps of validation beyond those that follow from a document's length, about 0.2 µs each: it compares
	// fields of one name in one place pairwise, and walks through every fragment from each operation and fragment that reaches
	// it. Default 15,000.
	MaxChecks int
	// MaxVariables limits the steps of checking variables against their types: one for each item of a list, and one for each
	// field that an input object may have, whether it has it or not; each takes about a third of a microsecond. 500 conditions
	// of a filter take 30,000, createEntries with 1,000 inputs 10,000. Default 40,000.
	MaxVariables int
	// MaxCost limits what an operation costs with its variables: the weights of its fields (@cost), times the sizes of the
	// lists that they are in (@listSize). A page of 500 entries with everything selected costs about 25,000. Default 100,000.
	MaxCost int

	// CacheBytes bounds the memory of the parsed and validated documents that are kept, in bytes; 0: none. Default 32 MiB.
	CacheBytes int64
	// PersistedBytes bounds the memory of automatic persisted queries, in bytes; 0: there are none. Default 16 MiB.
	PersistedBytes int64
	// Documents are the only documents that are carried out. Nil: any. Default nil.
	Documents *Documents

	// Introspection allows __schema and __type. Default true.
	Introspection bool
	// Suggestions has errors about a document name what may have been meant. Default true.
	Suggestions bool
}

func defaultDocumentLimits() DocumentLimits {
	return DocumentLimits{
		MaxLength:             1 << 20,
		MaxNesting:            256,
		MaxNested:             32 << 20,
		MaxTokens:             15_000,
		MaxDepth:              32,
		MaxFields:             1_000,
		MaxAliases:            100,
		MaxRootFields:         20,
		MaxDirectives:         100,
		MaxIntrospectionDepth: 2,
		MaxChecks:             15_000,
		MaxVariables:          40_000,
		MaxCost:               100_000,
		CacheBytes:            32 << 20,
		PersistedBytes:        16 << 20,
		Introspection:         true,
		Suggestions:           true,
	}
}

func (l DocumentLimits) validate() error {
	for _, limit := range []struct {
		name  string
		value int64
		least int64
	}{
		{"MaxLength", int64(l.MaxLength), 1},
		{"MaxNesting", int64(l.MaxNesting), 1},
		{"MaxNested", int64(l.MaxNested), 1},
		{"MaxTokens", int64(l.MaxTokens), 1},
		{"MaxDepth", int64(l.MaxDepth), 1},
		{"MaxFields", int64(l.MaxFields), 1},
		{"MaxAliases", int64(l.MaxAliases), 0},
		{"MaxRootFields", int64(l.MaxRootFields), 1},
		{"MaxDirectives", int64(l.MaxDirectives), 0},
		{"MaxIntrospectionDepth", int64(l.MaxIntrospectionDepth), 0},
		{"MaxChecks", int64(l.MaxChecks), 1},
		{"MaxVariables", int64(l.MaxVariables), 1},
		{"MaxCost", int64(l.MaxCost), 1},
		{"CacheBytes", l.CacheBytes, 0},
		{"PersistedBytes", l.PersistedBytes, 0},
	} {
		if limit.value < limit.least {
			return fmt.Errorf("httpserver: Config.Document.%s must be at least %d, it is %d", limit.name, limit.least, limit.value)
		}
	}

	return nil
}

// document is one that has been parsed and validated. It is shared by operations and never changes.
type document struct {
	*ast.QueryDocument

	text        string
	introspects bool  // it asks for __schema or __type
	weight      int64 // its memory, roughly
}

// documents makes operations of requests: it finds the document, refuses what it may not cost, and hands it to gqlgen's executor.
// It is safe for concurrent use.
type documents struct {
	*executor.Executor

	limits    DocumentLimits
	schema    *ast.Schema
	rules     ruleBook
	prices    prices
	known     *documentCache
	persisted *persistedQueries // nil: none
	listed    *listed           // nil: any document
	recovered graphql.RecoverFunc

	// charge counts an operation's cost against what its viewer may spend.
	charge func(ctx context.Context, cost int) *gqlerror.Error
}

func newDocuments(limits DocumentLimits, exec *executor.Executor, schema *ast.Schema) (*documents, error) {
	d := &documents{Executor: exec, limits: limits, schema: schema, rules: newRuleBook()}

	var err error
	if d.prices, err = pricesOf(schema); err != nil {
		return nil, err
	}

	if d.known, err = newDocumentCache(limits.CacheBytes); err != nil {
		return nil, err
	}

	if limits.Documents != nil {
		d.listed, err = d.list(limits.Documents)
	} else {
		d.persisted, err = newPersistedQueries(limits.PersistedBytes)
	}

	exec.SetQueryCache(handedOver{})

	return d, err
}

type documentKey struct{}

// handedOver gives the executor the document that documents has found for the request, parsed and validated.
type handedOver struct{}

// Get implements graphql.Cache.
func (handedOver) Get(ctx context.Context, _ string) (*ast.QueryDocument, bool) {
	doc, ok := ctx.Value(documentKey{}).(*document)
	if !ok {
		return nil, false
	}

	return doc.QueryDocument, true
}

// Add implements graphql.Cache.
func (handedOver) Add(context.Context, string, *ast.QueryDocument) {}

// CreateOperationContext takes the place of the executor's own.
func (d *documents) CreateOperationContext(ctx context.Context, params *graphql.RawParams) (
	*graphql.OperationContext, gqlerror.List,
) {
	doc, faults := d.find(params)
	if len(faults) == 0 {
		faults = listOf(d.checkVariables(doc, params))
	}

	if len(faults) > 0 {
		refused := &graphql.OperationContext{
			RawQuery: params.Query, OperationName: params.OperationName, Extensions: params.Extensions, Headers: params.Headers,
			RecoverFunc: d.recovered, DisableIntrospection: true,
		}

		return refused, faults
	}

	op, faults := d.Executor.CreateOperationContext(context.WithValue(ctx, documentKey{}, doc), params)
	if len(faults) > 0 {
		return op, faults
	}

	cost := d.prices.operation(op.Operation, op.Variables)
	if cost > d.limits.MaxCost {
		return op, gqlerror.List{tooMuch(limitCost, cost, d.limits.MaxCost)}
	}

	if d.charge != nil {
		if fault := d.charge(ctx, cost); fault != nil {
			return op, gqlerror.List{fault}
		}
	}

	return op, nil
}

// find returns the document that a request means, known or new, and puts its text in the parameters.
func (d *documents) find(params *graphql.RawParams) (*document, gqlerror.List) {
	if d.listed != nil {
		doc, fault := d.listed.find(params)
		if fault == nil {
			params.Query, fault = doc.text, d.checkIntrospection(doc)
		}

		return doc, listOf(fault)
	}

	register, fault := d.persisted.resolve(params)
	if fault != nil {
		return nil, gqlerror.List{fault}
	}

	doc, known := d.known.get(params.Query)
	if !known {
		var faults gqlerror.List
		if doc, faults = d.read(params.Query); len(faults) > 0 {
			return nil, faults
		}

		d.known.add(doc)
	}

	if fault := d.checkIntrospection(doc); fault != nil {
		return nil, gqlerror.List{fault}
	}

	// Only what is valid is kept for later: the hash of anything else is not worth its place.
	if register {
		d.persisted.add(params.Query)
	}

	return doc, nil
}

func (d *documents) checkIntrospection(doc *document) *gqlerror.Error {
	if doc.introspects && !d.limits.Introspection {
		return codedError(codeForbidden, "introspection is switched off on this server (%s)", settingIntrospection)
	}

	return nil
}

// read parses and validates a document after it has made sure, each time before it goes on, that the next step is cheap.
func (d *documents) read(text string) (*document, gqlerror.List) {
	if len(text) > d.limits.MaxLength {
		return nil, gqlerror.List{tooMuch(limitLength, len(text), d.limits.MaxLength)}
	}

	found := scan(text, d.limits.MaxTokens)
	if fault := d.checkText(found); fault != nil {
		return nil, gqlerror.List{fault}
	}

	parsed, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, d.limits.MaxTokens)
	if err != nil {
		return nil, gqlerror.List{d.parseFault(err)}
	}

	if len(parsed.Operations) == 0 {
		return nil, gqlerror.List{codedError(codeBadUserInput, "no operation provided")}
	}

	size, fault := measure(parsed, d.limits)
	if fault != nil {
		return nil, gqlerror.List{fault}
	}

	faults := d.rules.validate(d.schema, parsed, d.limits.Suggestions && found.longest <= maxSuggested)
	if len(faults) > 0 {
		return nil, faults
	}

	return &document{QueryDocument: parsed, text: text, introspects: size.introspects, weight: size.memory(text)}, nil
}

func (d *documents) checkText(found scanned) *gqlerror.Error {
	switch {
	case found.loneSurrogate >= 0:
		return codedError(codeBadUserInput, "a string in the document has a lone surrogate escape (at byte %d)", found.loneSurrogate)
	case found.tokens > d.limits.MaxTokens:
		return tooMuch(limitTokens, found.tokens, d.limits.MaxTokens)
	case found.nesting > d.limits.MaxNesting:
		return tooMuch(limitNesting, found.nesting, d.limits.MaxNesting)
	case found.nested > d.limits.MaxNested:
		return tooMuch(limitNested, found.nested, d.limits.MaxNested)
	default:
		return nil
	}
}

func (d *documents) parseFault(err error) *gqlerror.Error {
	fault, ok := errors.AsType[*gqlerror.Error](err)
	if !ok {
		fault = gqlerror.Wrap(err)
	}

	// The scanner and the parser may differ in what they count as a token of what is none.
	if strings.Contains(fault.Message, "exceeded token limit") {
		return tooMuch(limitTokens, d.limits.MaxTokens+1, d.limits.MaxTokens)
	}

	errcode.Set(fault, errcode.ParseFailed)

	return fault
}

func listOf(fault *gqlerror.Error) gqlerror.List {
	if fault == nil {
		return nil
	}

	return gqlerror.List{fault}
}
