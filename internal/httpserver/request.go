package httpserver

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// readRequest takes the GraphQL parameters out of a POST's body or a GET's query string.
func (s *Server) readRequest(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *requestError) {
	if r.Method == http.MethodGet {
		return paramsOfQuery(r)
	}

	if err := checkContentType(r.Header); err != nil {
		return nil, err
	}

	body, err := s.readBody(w, r)
	if err != nil {
		return nil, err
	}

	value, decodeErr := decodeJSON(body)
	if decodeErr != nil {
		return nil, &requestError{status: http.StatusBadRequest, err: badJSON(decodeErr, "", "request body")}
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

// readBody reads the whole body within its limits of size and time.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request) ([]byte, *requestError) {
	tooLarge := refuse(http.StatusRequestEntityTooLarge, codePayloadTooLarge,
		"the request body is larger than %d bytes", s.cfg.MaxBodyBytes)

	if r.ContentLength > s.cfg.MaxBodyBytes {
		return nil, tooLarge
	}

	// net/http lifts this deadline at the body's end. http.Server.ReadTimeout is no substitute: it would count from the
	// request's first byte.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.cfg.ReadTimeout))

	// What the client says of the length is room to begin with, not memory to be had for the asking.
	room := min(max(r.ContentLength, 0), keptBuffer) + bytes.MinRead
	body := bytes.NewBuffer(make([]byte, 0, room))
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, s.cfg.MaxBodyBytes))

	var exceeded *http.MaxBytesError

	switch {
	case errors.As(err, &exceeded):
		return nil, tooLarge
	case err != nil:
		return nil, refuse(http.StatusBadRequest, codeBadUserInput, "the request body could not be read to its end")
	default:
		return body.Bytes(), nil
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

	if params.Query, ok = object["query"].(string); !ok || params.Query == "" {
		return nil, badMember("query", "a string that is not empty")
	}

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

	return &params, nil
}

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
func paramsOfQuery(r *http.Request) (*graphql.RawParams, *requestError) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, codeBadUserInput, "the query string cannot be parsed")
	}

	object := map[string]any{}

	for _, name := range []string{"query", "operationName", "variables", "extensions"} {
		given := values[name]

		switch {
		case len(given) == 0 || given[0] == "" && name != "query":
			continue
		case len(given) > 1:
			return nil, refuse(http.StatusBadRequest, codeBadUserInput, "%q is given more than once", name)
		case !utf8.ValidString(given[0]):
			return nil, refuse(http.StatusBadRequest, codeBadUserInput, "%q is not valid UTF-8", name)
		}

		if name == "query" || name == "operationName" {
			object[name] = given[0]

			continue
		}

		if object[name], err = decodeJSON([]byte(given[0])); err != nil {
			return nil, &requestError{status: http.StatusBadRequest, err: badJSON(err, "/"+name, name+" parameter")}
		}
	}

	params, fault := paramsOf(object)
	if fault != nil {
		return nil, &requestError{status: http.StatusBadRequest, err: fault}
	}

	params.Headers = r.Header

	return params, nil
}
