//nolint:lll // a field's tags stay on its line
package config

// Documents says which GraphQL documents are carried out, and what one may cost.
type Documents struct {
	// File is the manifest of the only documents that are carried out. Default none: any.
	File string `name:"documents" env:"SAMJOURNAL_DOCUMENTS" placeholder:"FILE" help:"Manifest of persisted documents, as Apollo's or Relay's tools write it: no others are carried out."`
	// Introspection allows to ask for the schema. Default true.
	Introspection bool `env:"SAMJOURNAL_INTROSPECTION" default:"true" negatable:"" help:"Answer introspection (__schema and __type), which the Playground needs. Default: ${default}"`
	// Suggestions has errors name what may have been meant. Default true.
	Suggestions bool `env:"SAMJOURNAL_SUGGESTIONS" default:"true" negatable:"" help:"Let errors about a document say what may have been meant. Default: ${default}"`

	// MaxBytes limits the text of a document, in bytes. Default 1 MiB.
	MaxBytes int `name:"max-query-bytes" env:"SAMJOURNAL_MAX_QUERY_BYTES" default:"1048576" placeholder:"BYTES" help:"Length of a document, 1 to 64 MiB. Default: ${default}"`
	// MaxNesting limits how deep brackets nest. Default 256.
	MaxNesting int `name:"max-query-nesting" env:"SAMJOURNAL_MAX_QUERY_NESTING" default:"256" placeholder:"N" help:"Levels that brackets nest in a document, values included, 1 to 1000. Default: ${default}"`
	// MaxNestedBytes limits the text in nested values. Default 32 MiB.
	MaxNestedBytes int `name:"max-query-nested-bytes" env:"SAMJOURNAL_MAX_QUERY_NESTED_BYTES" default:"33554432" placeholder:"BYTES" help:"Names and values of a document, each byte as often as brackets are around it, 1 to 1 GiB. Default: ${default}"`
	// MaxTokens limits the lexical tokens of a document. Default 15,000.
	MaxTokens int `name:"max-query-tokens" env:"SAMJOURNAL_MAX_QUERY_TOKENS" default:"15000" placeholder:"N" help:"Lexical tokens of a document, 1 to 1000000. Default: ${default}"`
	// MaxDepth limits how deep selections nest. Default 32.
	MaxDepth int `name:"max-query-depth" env:"SAMJOURNAL_MAX_QUERY_DEPTH" default:"32" placeholder:"N" help:"Levels that selections nest, fragments included, 1 to 1000. Default: ${default}"`
	// MaxFields limits the fields of a document. Default 1,000.
	MaxFields int `name:"max-query-fields" env:"SAMJOURNAL_MAX_QUERY_FIELDS" default:"1000" placeholder:"N" help:"Fields of an operation with its fragments spread, 1 to 100000. Default: ${default}"`
	// MaxAliases limits the fields with an alias. Default 100.
	MaxAliases int `name:"max-query-aliases" env:"SAMJOURNAL_MAX_QUERY_ALIASES" default:"100" placeholder:"N" help:"Fields with an alias, 0 to 100000. Default: ${default}"`
	// MaxRootFields limits the fields of an operation itself. Default 20.
	MaxRootFields int `name:"max-query-root-fields" env:"SAMJOURNAL_MAX_QUERY_ROOT_FIELDS" default:"20" placeholder:"N" help:"Fields at the top of an operation, 1 to 1000. Default: ${default}"`
	// MaxDirectives limits the directives. Default 100.
	MaxDirectives int `name:"max-query-directives" env:"SAMJOURNAL_MAX_QUERY_DIRECTIVES" default:"100" placeholder:"N" help:"Directives of a document, 0 to 100000. Default: ${default}"`
	// MaxIntrospectionDepth limits how deep lists of the schema nest. Default 2.
	MaxIntrospectionDepth int `name:"max-query-introspection-depth" env:"SAMJOURNAL_MAX_QUERY_INTROSPECTION_DEPTH" default:"2" placeholder:"N" help:"Levels that lists (fields, interfaces, possibleTypes, inputFields) nest in introspection, 0 to 100. Default: ${default}"`
	// MaxChecks limits the steps of validation. Default 15,000.
	MaxChecks int `name:"max-query-checks" env:"SAMJOURNAL_MAX_QUERY_CHECKS" default:"15000" placeholder:"N" help:"Steps that validating a document and its variables takes beyond its length, 1 to 100000000. Default: ${default}"`
	// MaxVariables limits the steps of checking variables. Default 40,000.
	MaxVariables int `name:"max-query-variables" env:"SAMJOURNAL_MAX_QUERY_VARIABLES" default:"40000" placeholder:"N" help:"Items of lists in the variables, and fields that their input objects may have, 1 to 100000000. Default: ${default}"`
	// MaxCost limits the cost of an operation. Default 100,000.
	MaxCost int `name:"max-query-cost" env:"SAMJOURNAL_MAX_QUERY_COST" default:"100000" placeholder:"N" help:"Cost of an operation: the weights of its fields times the sizes of their lists, 1 to 1000000000; a page of 500 entries with everything costs about 25000. Default: ${default}"`

	// CacheBytes bounds the documents that are kept parsed. Default 32 MiB.
	CacheBytes int64 `name:"document-cache-bytes" env:"SAMJOURNAL_DOCUMENT_CACHE_BYTES" default:"33554432" placeholder:"BYTES" help:"Memory for parsed documents, 0 (none) to 1 TiB. Default: ${default}"`
	// PersistedBytes bounds automatic persisted queries. Default 16 MiB.
	PersistedBytes int64 `name:"persisted-query-bytes" env:"SAMJOURNAL_PERSISTED_QUERY_BYTES" default:"16777216" placeholder:"BYTES" help:"Memory for automatic persisted queries, 0 (there are none) to 1 TiB. Default: ${default}"`
}

// Validate names the first value that is out of range.
func (d Documents) Validate() error {
	const tib = 1 << 40
	return inRange([]within{
		{"max-query-bytes", int64(d.MaxBytes), 1, 64 << 20},
		{"max-query-nesting", int64(d.MaxNesting), 1, 1000},
		{"max-query-nested-bytes", int64(d.MaxNestedBytes), 1, 1 << 30},
		{"max-query-tokens", int64(d.MaxTokens), 1, 1_000_000},
		{"max-query-depth", int64(d.MaxDepth), 1, 1000},
		{"max-query-fields", int64(d.MaxFields), 1, 100_000},
		{"max-query-aliases", int64(d.MaxAliases), 0, 100_000},
		{"max-query-root-fields", int64(d.MaxRootFields), 1, 1000},
		{"max-query-directives", int64(d.MaxDirectives), 0, 100_000},
		{"max-query-introspection-depth", int64(d.MaxIntrospectionDepth), 0, 100},
		{"max-query-checks", int64(d.MaxChecks), 1, 100_000_000},
		{"max-query-variables", int64(d.MaxVariables), 1, 100_000_000},
		{"max-query-cost", int64(d.MaxCost), 1, 1_000_000_000},
		{"document-cache-bytes", d.CacheBytes, 0, tib},
		{"persisted-query-bytes", d.PersistedBytes, 0, tib},
	})
}
