package httpserver

import (
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The settings that errors name, beside those of limits.
const (
	settingIntrospection = "SAMJOURNAL_INTROSPECTION"
	settingDocuments     = "SAMJOURNAL_DOCUMENTS"
)

const (
	// maxLength bounds a document's text, in bytes: what is longer holds values, and those belong in the variables.
	maxLength = 1 << 20
	// maxNesting bounds how deep brackets nest in a document, whatever they hold. JSON in it may be 200 deep.
	maxNesting = 256
	// maxNested bounds the text in nested literals: each byte counts as often as brackets are around it. A validation error
	// quotes a literal and copies it once for each level.
	maxNested = 32 << 20
	// maxSuggested is the longest token, in bytes, in a document whose errors suggest names: a suggestion compares what is
	// written with every name that could be meant, letter by letter.
	maxSuggested = 64
)

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

// text returns what the message says, %d being the value, and the setting, "" when the limit is fixed.
func (l limit) text() (message, setting string) {
	switch l {
	case limitLength:
		return "the document is %d bytes long; send values as variables", ""
	case limitTokens:
		return "the document has at least %d tokens", "SAMJOURNAL_MAX_QUERY_TOKENS"
	case limitNesting:
		return "the document's brackets nest %d levels deep", ""
	case limitNested:
		return "the document nests long values, %d bytes times levels; send values as variables", ""
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
		return "the variables take at least %d steps to check: their lists, times the fields that input objects may have", ""
	default:
		return "the operation costs %d: its fields, times the sizes of the lists that they are in", "SAMJOURNAL_MAX_QUERY_COST"
	}
}

// tooMuch refuses a document that is beyond a limit.
func tooMuch(l limit, value, most int) *gqlerror.Error {
	message, setting := l.text()
	extensions := map[string]any{"limit": string(l), "value": value, "max": most, "code": codeQueryTooComplex}
	end := "; the limit is %d"

	if setting != "" {
		extensions["setting"] = setting
		end += " (" + setting + ")"
	}

	err := codedError(codeQueryTooComplex, message+end, value, most)
	err.Extensions = extensions

	return err
}
