package httpserver

import (
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The settings that errors name, beside those of limits.
const (
	settingIntrospection = "SAMJOURNAL_INTROSPECTION"
	settingDocuments     = "SAMJOURNAL_DOCUMENTS"
)

// maxSuggested is the longest token, in bytes, in a document whose errors suggest names: a suggestion compares what is written
// with every name that could be meant, letter by letter.
const maxSuggested = 64

// limit is one of the limits, by the name that errors have in extensions.limit.
type limit string

const (
	limitLength        limit = "length"
	limitTokens        limit = "tokens"
	limitNesting       limit = "nesting"
	limitNested        limit = "nested"
	limitDepth         limit = "depth"
	limitFields        limit = "fields"
	limitAliases       limit = "aliases"
	limitRootFields    limit = "rootFields"
	limitDirectives    limit = "directives"
	limitIntrospection limit = "introspectionDepth"
	limitChecks        limit = "checks"
	limitVariables     limit = "variables"
	limitCost          limit = "cost"
)

// text returns what the message says, %d being the value, and the setting.
func (l limit) text() (message, setting string) {
	switch l {
	case limitLength:
		return "the document is %d bytes long; send values as variables", "SAMJOURNAL_MAX_QUERY_BYTES"
	case limitTokens:
		return "the document has at least %d tokens", "SAMJOURNAL_MAX_QUERY_TOKENS"
	case limitNesting:
		return "the document's brackets nest %d levels deep", "SAMJOURNAL_MAX_QUERY_NESTING"
	case limitNested:
		return "the document nests long values, %d bytes times levels; send values as variables",
			"SAMJOURNAL_MAX_QUERY_NESTED_BYTES"
	case limitDepth:
		return "the document's selections nest %d levels deep", "SAMJOURNAL_MAX_QUERY_DEPTH"
	case limitFields:
		return "the document has %d fields, with its fragments spread", "SAMJOURNAL_MAX_QUERY_FIELDS"
	case limitAliases:
		return "the document has %d aliases, with its fragments spread", "SAMJOURNAL_MAX_QUERY_ALIASES"
	case limitRootFields:
		return "the operation has %d root fields", "SAMJOURNAL_MAX_QUERY_ROOT_FIELDS"
	case limitDirectives:
		return "the document has %d directives, with its fragments spread", "SAMJOURNAL_MAX_QUERY_DIRECTIVES"
	case limitIntrospection:
		return "introspection nests lists %d levels deep", "SAMJOURNAL_MAX_QUERY_INTROSPECTION_DEPTH"
	case limitChecks:
		return "the document takes more than %d steps to validate: it repeats fields in one place, has fragments within fragments " +
			"or many variables", "SAMJOURNAL_MAX_QUERY_CHECKS"
	case limitVariables:
		return "the variables take at least %d steps to check: their lists, times the fields that input objects may have",
			"SAMJOURNAL_MAX_QUERY_VARIABLES"
	default:
		return "the operation costs %d: its fields, times the sizes of the lists that they are in", "SAMJOURNAL_MAX_QUERY_COST"
	}
}

// tooMuch refuses a document that is beyond a limit.
func tooMuch(l limit, value, most int) *gqlerror.Error {
	message, setting := l.text()
	err := codedError(codeQueryTooComplex, message+"; the limit is %d ("+setting+")", value, most)
	err.Extensions["limit"], err.Extensions["value"] = string(l), value
	err.Extensions["max"], err.Extensions["setting"] = most, setting

	return err
}
