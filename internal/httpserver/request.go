package httpserver

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// readRequest takes the GraphQL parameters out of a POST's body or a GET's query string. What they take of memory is added to
// the share, which the caller releases when nothing of them is used any more.
func (s *Server) readRequest(w http.ResponseWriter, r *http.Request, h *share) (*graphql.RawParams, *requestError) {
	if r.Method == http.MethodGet {
		return s.paramsOfQuery(r, h)
	}

	if err := checkContentType(r.Header); err != nil {
		return nil, err
	}

	body, err := s.readBody(w, r, h)
	if err != nil {
		return nil, err
	}

	value, err := s.decode(r.Context(), body, h, "", "request body")
	if err != nil {
		return nil, err
	}

	if _, batch := value.([]any); batch {
		return nil, refuse(http.StatusBadRequest, codeBadUserInput,
			"batches are not supported: send one JSON object a request")
	}

	params, fault := paramsOf(value)
	if fault != nil {
		return nil, &requestError{status: http.StatusBadRequest, err: fault}
	}

	params.Headers = r.Header

	return params, nil
}

// decode decodes a body or a parameter and gives the room of its text back.
func (s *Server) decode(ctx context.Context, text []byte, h *share, prefix, what string) (any, *requestError) {
	value, err := decodeWithin(ctx, text, h)
	if err == nil {
		h.shrink(int64(cap(text)))

		return value, nil
	}

	if refused := s.intakeRefusal(err); refused != nil {
		return nil, refused
	}

	return nil, &requestError{status: http.StatusBadRequest, err: badJSON(err, prefix, what)}
}

// readBody reads the whole body within its limits of size, time and memory.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, h *share) ([]byte, *requestError) {
	tooLarge := refuse(http.StatusRequestEntityTooLarge, codePayloadTooLarge,
		"the request body is larger than %d bytes, which is the limit (SAMJOURNAL_MAX_BODY_BYTES)", s.cfg.MaxBodyBytes)

	if r.ContentLength > s.cfg.MaxBodyBytes {
		return nil, tooLarge
	}

	// net/http lifts these deadlines at the body's end. http.Server.ReadTimeout is no substitute: it would count from the
	// request's first byte.
	body, err := readAll(r.Context(), http.MaxBytesReader(bare(w), r.Body, s.cfg.MaxBodyBytes),
		extent{said: max(r.ContentLength, 0), most: s.cfg.MaxBodyBytes}, h,
		pacer{began: time.Now(), longest: s.cfg.ReadTimeout}, http.NewResponseController(w).SetReadDeadline)

	var exceeded *http.MaxBytesError

	switch refused := s.intakeRefusal(err); {
	case refused != nil:
		return nil, refused
	case errors.As(err, &exceeded):
		return nil, tooLarge
	case err != nil:
		return nil, refuse(http.StatusBadRequest, codeBadUserInput, "the request body could not be read to its end")
	default:
		return body, nil
	}
}

// badJSON describes undecodable JSON with the pointer to the spot.
func badJSON(err error, prefix, what string) *gqlerror.Error {
	pointer, reason := jsonFault(err, prefix)
	out := codedError(codeBadUserInput, "invalid JSON in the %s: %s", what, reason)
	out.Extensions["pointer"] = pointer

	return out
}

// paramsOf checks the members that GraphQL over HTTP defines; it ignores others, as the specification wants it.
func paramsOf(value any) (*graphql.RawParams, *gqlerror.Error) {
	object, ok := value.(map[string]any)
	if !ok {
		return nil, codedError(codeBadUserInput, "a request must be a JSON object")
	}

	var (
		params graphql.RawParams
		fault  *gqlerror.Error
	)

	if name, present := object["operationName"]; present && name != nil {
		if params.OperationName, ok = name.(string); !ok {
			return nil, badMember("operationName", "a string or null")
		}
	}

	if params.Variables, fault = objectMember(object, "variables"); fault != nil {
		return nil, fault
	}

	if params.Extensions, fault = objectMember(object, "extensions"); fault != nil {
		return nil, fault
	}

	if params.Query, ok = object["query"].(string); ok && params.Query != "" {
		return &params, nil
	}

	if value, present := object["query"]; present && value != nil || !nameDocument(&params, object) {
		return nil, badMember("query", "a string that is not empty")
	}

	return &params, nil
}

// nameDocument notes by which id a request without "query" names its document, and reports whether it does: "documentId" of
// GraphQL over HTTP's proposal, Relay's "doc_id" or "id", or Apollo's extension.
func nameDocument(params *graphql.RawParams, object map[string]any) bool {
	for _, member := range documentMembers() {
		id, ok := object[member].(string)
		if !ok || id == "" {
			continue
		}

		extensions := maps.Clone(params.Extensions)
		if extensions == nil {
			extensions = map[string]any{}
		}

		extensions[extensionDocumentID] = id
		params.Extensions = extensions

		return true
	}

	return params.Extensions[extensionPersisted] != nil
}

func documentMembers() []string { return []string{"documentId", "doc_id", "id"} }

func objectMember(object map[string]any, name string) (map[string]any, *gqlerror.Error) {
	value, present := object[name]
	if !present || value == nil {
		return nil, nil
	}

	member, ok := value.(map[string]any)
	if !ok {
		return nil, badMember(name, "an object or null")
	}

	return member, nil
}

func badMember(name, want string) *gqlerror.Error {
	err := codedError(codeBadUserInput, "%q must be %s", name, want)
	err.Extensions["pointer"] = "/" + name

	return err
}

// paramsOfQuery reads a GET: variables and extensions are JSON in the query string.
func (s *Server) paramsOfQuery(r *http.Request, h *share) (*graphql.RawParams, *requestError) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, codeBadUserInput, "the query string cannot be parsed")
	}

	object := map[string]any{}

	for _, name := range append(documentMembers(), "query", "operationName", "variables", "extensions") {
		given := values[name]

		switch {
		case len(given) == 0 || given[0] == "" && name != "query":
			continue
		case len(given) > 1:
			return nil, refuse(http.StatusBadRequest, codeBadUserInput, "%q is given more than once", name)
		case !utf8.ValidString(given[0]):
			return nil, refuse(http.StatusBadRequest, codeBadUserInput, "%q is not valid UTF-8", name)
		}

		if name != "variables" && name != "extensions" {
			object[name] = given[0]

			continue
		}

		var refused *requestError
		if object[name], refused = s.decode(r.Context(), []byte(given[0]), h, "/"+name, name+" parameter"); refused != nil {
			return nil, refused
		}
	}

	params, fault := paramsOf(object)
	if fault != nil {
		return nil, &requestError{status: http.StatusBadRequest, err: fault}
	}

	params.Headers = r.Header

	return params, nil
}
