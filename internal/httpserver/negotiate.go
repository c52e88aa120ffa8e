package httpserver

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// accepted is what a client can read, from its Accept headers.
type accepted struct {
	// best is the media type to answer with, or "" when we have none that the client accepts.
	best string
	// plain is the best type for one answer, event streams left aside.
	plain string
	// stream says that an event stream is accepted at all.
	stream bool
}

// negotiate reads the Accept headers. Higher quality wins, then the order of the header. No header, and wildcards, mean
// application/json, as GraphQL over HTTP wants it until its watershed date.
func negotiate(h http.Header) accepted {
	values := h.Values("Accept")
	if len(values) == 0 {
		return accepted{best: typeJSON, plain: typeJSON}
	}

	var (
		out            accepted
		bestQ, plainQ  float64
		offered, media string
	)

	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		var q float64
		media, q = acceptPart(part)

		switch media {
		case typeStream, typeResponse, typeJSON:
			offered = media
		case "*/*", "application/*":
			offered = typeJSON
		default:
			continue
		}

		if q <= 0 {
			continue
		}

		if q > bestQ {
			out.best, bestQ = offered, q
		}

		if offered == typeStream {
			out.stream = true
		} else if q > plainQ {
			out.plain, plainQ = offered, q
		}
	}

	return out
}

// acceptPart reads one element of an Accept header: its media type and its quality.
func acceptPart(part string) (media string, q float64) {
	media, params, err := mime.ParseMediaType(part)
	if err != nil {
		return "", 0
	}

	q = 1

	if text, ok := params["q"]; ok {
		q, err = strconv.ParseFloat(text, 64)
		if err != nil {
			return "", 0
		}
	}

	return media, q
}

// checkContentType refuses a body that is not JSON in UTF-8. Forms, multipart and text/plain are what a page of another site
// can send without asking first; they stay out.
func checkContentType(h http.Header) *requestError {
	media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || media != typeJSON {
		return refuse(http.StatusUnsupportedMediaType, codeBadUserInput,
			"the Content-Type of a POST must be application/json")
	}

	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8") {
		return refuse(http.StatusUnsupportedMediaType, codeBadUserInput, "the charset of a request must be utf-8")
	}

	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return refuse(http.StatusUnsupportedMediaType, codeBadUserInput, "a compressed request is not supported")
	}

	return nil
}
