package httpserver

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

const (
	typeJSON     = "application/json"
	typeResponse = "application/graphql-response+json"
	typeStream   = "text/event-stream"

	// sizePerAllowance is what a client has to receive in one Config.WriteTimeout.
	sizePerAllowance = 256 << 10
)

// encodeResponse writes a response as JSON. The data goes out as the resolvers wrote it: encoding it again would cost time
// and change its bytes. It is absent, not null, when the request was not carried out.
func encodeResponse(resp *graphql.Response) []byte {
	var b bytes.Buffer

	b.Grow(len(resp.Data) + 64)
	b.WriteByte('{')

	if len(resp.Errors) > 0 {
		b.WriteString(`"errors":`)
		encodeJSON(&b, resp.Errors)
	}

	if resp.Data != nil {
		separate(&b)
		b.WriteString(`"data":`)
		b.Write(resp.Data)
	}

	if len(resp.Extensions) > 0 {
		separate(&b)
		b.WriteString(`"extensions":`)
		encodeJSON(&b, resp.Extensions)
	}

	b.WriteByte('}')

	return b.Bytes()
}

func separate(b *bytes.Buffer) {
	if b.Len() > 1 {
		b.WriteByte(',')
	}
}

// encodeJSON writes v without HTML escapes. What cannot be encoded (only an extension that is not made of JSON values could
// be) becomes null, so that the answer stays an answer.
func encodeJSON(b *bytes.Buffer, v any) {
	start := b.Len()
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)

	if err := enc.Encode(v); err != nil {
		b.Truncate(start)
		b.WriteString("null")

		return
	}

	b.Truncate(b.Len() - 1) // the newline that Encode adds
}

// writeResponse sends one complete answer.
func writeResponse(w http.ResponseWriter, contentType string, status int, resp *graphql.Response) {
	body := encodeResponse(resp)

	if len(resp.Errors) > 0 {
		tell(w.Header(), status, resp.Errors[0])
	}

	w.Header().Set("Content-Type", contentType+"; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone; its context tells the rest
}

// writeWithin sends one complete answer and gives up on a client that does not take it.
func (s *Server) writeWithin(w http.ResponseWriter, contentType string, status int, resp *graphql.Response) {
	// Where deadlines are not supported there is no connection either (a recorder in a test). net/http lifts this one before
	// the connection's next request.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.allowance(len(resp.Data))))
	writeResponse(w, contentType, status, resp)
}

// allowance is how long the client may take to receive n bytes.
func (s *Server) allowance(n int) time.Duration {
	return s.cfg.WriteTimeout * time.Duration(1+n/sizePerAllowance)
}
