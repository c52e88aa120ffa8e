package httpserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
)

// Documents are the persisted documents that a server carries out, and no others. Make them with ParseDocuments.
type Documents struct {
	list []listedText
}

type listedText struct {
	id, name, text string
}

// Len is the number of documents.
func (d *Documents) Len() int { return len(d.list) }

// apolloFormat is what Apollo's generate-persisted-query-manifest writes in "format".
const apolloFormat = "apollo-persisted-query-manifest"

// ParseDocuments reads a manifest of persisted documents, as Apollo's generate-persisted-query-manifest writes it
// ({"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id", "name", "type", "body"}, …]}) or Relay's
// compiler ({"<id>": "<text>", …}). Whether the documents fit the schema is found out by New.
func ParseDocuments(manifest []byte) (*Documents, error) {
	value, err := decodeJSON(manifest)
	if err != nil {
		pointer, reason := jsonFault(err, "")

		return nil, fmt.Errorf("the manifest is no JSON: %s at %q", reason, pointer)
	}

	object, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("the manifest must be a JSON object")
	}

	var documents Documents

	if _, apollo := object["format"]; apollo {
		documents.list, err = apolloManifest(object)
	} else {
		documents.list, err = relayManifest(object)
	}

	switch {
	case err != nil:
		return nil, err
	case len(documents.list) == 0:
		return nil, errors.New("the manifest lists no operations")
	default:
		return &documents, nil
	}
}

func apolloManifest(object map[string]any) ([]listedText, error) {
	if object["format"] != apolloFormat || object["version"] != json.Number("1") {
		return nil, fmt.Errorf(`the manifest must have "format": %q and "version": 1`, apolloFormat)
	}

	operations, ok := object["operations"].([]any)
	if !ok {
		return nil, errors.New(`the manifest's "operations" must be a list`)
	}

	list := make([]listedText, 0, len(operations))

	for i, value := range operations {
		operation, _ := value.(map[string]any)
		id, _ := operation["id"].(string)
		name, _ := operation["name"].(string)
		body, _ := operation["body"].(string)

		if id == "" || body == "" {
			return nil, fmt.Errorf(`the manifest's operations[%d] (%q) must have "id" and "body", texts that are not empty`, i, name)
		}

		list = append(list, listedText{id: id, name: name, text: body})
	}

	return list, nil
}

func relayManifest(object map[string]any) ([]listedText, error) {
	list := make([]listedText, 0, len(object))

	for id, value := range object {
		text, _ := value.(string)
		if id == "" || text == "" {
			return nil, fmt.Errorf("the manifest's member %q must be a document's text, under its id", id)
		}

		list = append(list, listedText{id: id, text: text})
	}

	return list, nil
}

// listed finds persisted documents by their ids, their SHA-256 and their texts.
type listed struct {
	byID   map[string]*document
	byHash map[string]*document
}

// list parses and validates the persisted documents.
func (d *documents) list(from *Documents) (*listed, error) {
	known := &listed{byID: map[string]*document{}, byHash: map[string]*document{}}

	var faults []error

	for _, entry := range from.list {
		doc, err := d.trusted(entry.text)

		switch same := known.byID[entry.id]; {
		case err != nil:
			faults = append(faults, fmt.Errorf("operation %s: %w", entry.label(doc), err))
		case same != nil && same.text != entry.text:
			faults = append(faults, fmt.Errorf("operation %s: another one has the same id", entry.label(doc)))
		default:
			known.byID[entry.id] = doc
			known.byHash[hashOf(entry.text)] = doc
		}
	}

	if len(faults) > 0 {
		return nil, fmt.Errorf("httpserver: the persisted documents do not fit: %w", errors.Join(faults...))
	}

	return known, nil
}

// trusted reads a document whose author is the operator's own: only its cost is limited, when it runs.
func (d *documents) trusted(text string) (*document, error) {
	if scan(text, len(text)).nesting > d.limits.MaxNesting {
		return nil, fmt.Errorf("its brackets nest deeper than %d levels (SAMJOURNAL_MAX_QUERY_NESTING)", d.limits.MaxNesting)
	}

	parsed, err := parser.ParseQuery(&ast.Source{Input: text})
	if err != nil {
		return nil, err
	}

	doc := &document{QueryDocument: parsed, text: text}
	if len(parsed.Operations) == 0 {
		return doc, errors.New("it has no operation")
	}

	if faults := d.rules.validate(d.schema, parsed, true); len(faults) > 0 {
		return doc, faults[0]
	}

	m := measurer{}
	for _, fragment := range parsed.Fragments {
		m.set(fragment.SelectionSet)
	}

	for _, op := range parsed.Operations {
		m.set(op.SelectionSet)
	}

	doc.introspects = m.written.introspects

	return doc, nil
}

// label names an entry in an error.
func (l listedText) label(doc *document) string {
	if l.name == "" && doc != nil && len(doc.Operations) > 0 {
		l.name = doc.Operations[0].Name
	}

	return fmt.Sprintf("%q (id %q)", l.name, shorten(l.id))
}

// find returns the document that a request names, or whose text it has.
func (l *listed) find(params *graphql.RawParams) (*document, *gqlerror.Error) {
	id, named := documentID(params)

	if !named {
		var fault *gqlerror.Error
		if id, named, fault = persistedHash(params.Extensions); fault != nil {
			return nil, fault
		}
	}

	var doc *document

	switch {
	case named:
		doc = l.named(id)
	case params.Query != "":
		doc = l.byHash[hashOf(params.Query)]
	default:
		return nil, codedError(codeBadUserInput, "\"documentId\" must be the id of a persisted document")
	}

	switch {
	case doc == nil && named:
		return nil, codedError(codeForbidden,
			"this server carries out persisted documents only (%s), and none has the id %q", settingDocuments, shorten(id))
	case doc == nil, params.Query != "" && params.Query != doc.text:
		return nil, codedError(codeForbidden,
			"this server carries out persisted documents only (%s), and this is none of them", settingDocuments)
	default:
		return doc, nil
	}
}

func (l *listed) named(id string) *document {
	if doc := l.byID[id]; doc != nil {
		return doc
	}

	hash := strings.TrimPrefix(id, "sha256:")
	if doc := l.byID[hash]; doc != nil {
		return doc
	}

	return l.byHash[hash]
}

// extensionDocumentID is where paramsOf leaves the id of a persisted document.
const extensionDocumentID = "documentId"

// documentID returns the id by which a request names a persisted document.
func documentID(params *graphql.RawParams) (id string, named bool) {
	id, named = params.Extensions[extensionDocumentID].(string)

	return id, named
}
