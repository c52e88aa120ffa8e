package httpserver

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
)

const (
	typeJSON     = "application/json"
	typeResponse = "application/graphql-response+json"
	typeStream   = "text/event-stream"

	// pieceSize is what a client has to receive in one Config.WriteTimeout, in bytes.
	pieceSize = 256 << 10
)

// encodeResponse writes a response as JSON. The data goes out as the resolvers wrote it: encoding it again would cost time
// and change its bytes. It is absent, not null, when the request was not carried out.
func encodeResponse(resp *graphql.Response) []byte {
	var b bytes.Buffer

	appendResponse(&b, resp)

	return b.Bytes()
}

// appendResponse is encodeResponse into a buffer.
func appendResponse(b *bytes.Buffer, resp *graphql.Response) {
	before, after := around(resp)

	b.Grow(len(before) + len(resp.Data) + len(after) + 1) // and the brace that ends a message
	b.Write(before)
	b.Write(resp.Data)
	b.Write(after)
}

// around is what stands before and after the data of a response: the data, which may be large, need not be copied.
func around(resp *graphql.Response) (before, after []byte) {
	var b bytes.Buffer

	b.WriteByte('{')

	if len(resp.Errors) > 0 {
		b.WriteString(`"errors":`)
		encodeJSON(&b, resp.Errors)
	}

	if resp.Data != nil {
		separate(&b)
		b.WriteString(`"data":`)
	}

	length := b.Len()

	if len(resp.Extensions) > 0 {
		separate(&b)
		b.WriteString(`"extensions":`)
		encodeJSON(&b, resp.Extensions)
	}

	b.WriteByte('}')

	return b.Bytes()[:length], b.Bytes()[length:]
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
	before, after := around(resp)

	if len(resp.Errors) > 0 {
		tell(w.Header(), status, resp.Errors[0])
	}

	w.Header().Set("Content-Type", contentType+"; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(before)+len(resp.Data)+len(after)))
	w.WriteHeader(status)

	for _, part := range [][]byte{before, resp.Data, after} {
		if _, err := w.Write(part); err != nil {
			return // the client is gone; its context tells the rest
		}
	}
}

// inPieces writes a text piece by piece, so that a client that stops receiving is given up after the time of one.
func inPieces(text []byte, write func(piece []byte) (int, error)) (n int, err error) {
	for piece := range slices.Chunk(text, pieceSize) {
		written, err := write(piece)
		n += written

		if err != nil {
			return n, err
		}
	}

	return n, nil
}
