package httpserver

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/klauspost/compress/gzhttp"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"samjournal/internal/export"
	"samjournal/internal/requestid"
)

const (
	// headerManifest is the trailer in which CSV has its manifest: JSON in ASCII.
	headerManifest = "X-Samjournal-Manifest"
	// exportBuffer is how much of an export is sent at a time.
	exportBuffer = 64 << 10
	// exportCost is what an export counts among the operations of its viewer.
	exportCost = 1000
)

// serveExport streams entries as a file.
func (s *Server) serveExport(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")

	if r.Method != http.MethodGet {
		methodNotAllowed(w, typeJSON, http.MethodGet)

		return
	}

	if !s.work.begin() {
		w.Header().Set("Connection", "close")
		writeError(w, typeJSON, refuse(http.StatusServiceUnavailable, codeUnavailable, "the server is shutting down"))

		return
	}
	defer s.work.end()

	op := &operation{server: s, transport: transportHTTP, started: s.now(), code: codeOK, kind: "export"}
	defer func() { op.finish(r.Context()) }()

	if err := s.export(w, r, op); err != nil {
		op.code = codeOf(err.err)
		writeError(w, typeJSON, err)
	}
}

// export begins an export and streams it. Its error is why it did not begin; what breaks it later breaks the connection.
func (s *Server) export(w http.ResponseWriter, r *http.Request, op *operation) *requestError {
	r, refused := s.withViewer(r)
	if refused != nil {
		return refused
	}

	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()

	op.ctx = ctx

	if err := s.admitExport(op); err != nil {
		return &requestError{status: statusOf(codeOf(err)), err: err}
	}

	running := &exporting{cancel: cancel}
	if err := s.openStream(running, clientOf(ctx).addr); err != nil {
		return err
	}
	defer s.work.close(running)

	giveBack, err := s.exports.take(ctx, op.viewer)
	if err != nil {
		return refuse(http.StatusServiceUnavailable, codeUnavailable,
			"as many exports run as may: %d (SAMJOURNAL_MAX_EXPORTS), of one viewer three quarters, %d",
			s.cfg.MaxExports, ofOneViewer(s.cfg.MaxExports))
	}
	defer giveBack()

	params, refused := s.exportParams(r, op)
	if refused != nil {
		return refused
	}

	limited, done := op.limit()
	x, err := s.deps.Export(limited, params)
	done()

	if err != nil {
		shown := s.present(ctx, err)

		return &requestError{status: statusOf(codeOf(shown)), err: shown}
	}

	defer s.watch(ctx, func(error) { cancel() })()

	s.sendExport(ctx, w, r, x, op)

	return nil
}

// admitExport counts an export among the operations of its viewer.
func (s *Server) admitExport(op *operation) *gqlerror.Error {
	if refused := op.enter(); refused != nil {
		return refused.Errors[0]
	}

	return s.charge(op.ctx, exportCost)
}

// exporting is an export among what runs. A shutdown waits for it, and ends it when it waits no longer.
type exporting struct{ cancel context.CancelFunc }

func (*exporting) drain() {}

func (e *exporting) abort() { e.cancel() }

// exportParams reads the query string.
func (s *Server) exportParams(r *http.Request, op *operation) (export.Params, *requestError) {
	params := export.Params{RequestID: requestid.From(r.Context())}
	bad := func(format string, args ...any) *requestError {
		return refuse(http.StatusBadRequest, codeBadUserInput, format, args...)
	}

	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return params, bad("the query string is not well-formed: %s", err)
	}

	known := []string{"format", "where", "after"}
	for name, values := range query {
		switch {
		case !slices.Contains(known, name):
			return params, bad("%q is no parameter of an export; there are %s", shorten(name), strings.Join(known, ", "))
		case len(values) > 1:
			return params, bad("%s is given %d times; give it once", name, len(values))
		case !utf8.ValidString(values[0]):
			return params, bad("%s must be valid UTF-8", name)
		}
	}

	params.Format = export.NDJSON
	if name := query.Get("format"); name != "" {
		if params.Format, err = export.ParseFormat(name); err != nil {
			return params, bad("%s", err)
		}
	}

	op.name = "export " + string(params.Format)

	if after := query.Get("after"); after != "" {
		params.After = &after
	}

	refused := s.exportWhere(r, op, query.Get("where"), &params)

	return params, refused
}

// exportWhere reads the filter, which is JSON.
func (s *Server) exportWhere(r *http.Request, op *operation, text string, params *export.Params) *requestError {
	if text == "" {
		return nil
	}

	op.input = share{intake: s.intake}

	value, err := s.decode(r.Context(), []byte(text), &op.input, "/where", "parameter where")
	if err != nil {
		return err
	}

	if value == nil {
		return nil
	}

	where, ok := value.(map[string]any)
	if !ok {
		return refuse(http.StatusBadRequest, codeBadUserInput, "where must be a JSON object, as the where of entries")
	}

	params.Where, params.WhereText = where, json.RawMessage(text)

	return nil
}

// sendExport writes the export. When it cannot be brought to its end the connection is cut off, so that no client takes what
// has come for all.
func (s *Server) sendExport(ctx context.Context, w http.ResponseWriter, r *http.Request, x *export.Export, op *operation) {
	h := w.Header()
	h.Set("Content-Type", x.Format().MediaType())
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", x.Filename()))
	h.Set("X-Accel-Buffering", "no") // nginx would read ahead of a client that is slow
	h.Set("Trailer", headerManifest)

	complete := false
	write := func(w http.ResponseWriter, _ *http.Request) {
		out := bufio.NewWriterSize(w, exportBuffer)

		manifest, err := x.Write(ctx, out)
		if err == nil {
			err = out.Flush()
		}

		if err == nil {
			err = http.NewResponseController(w).Flush() // the headers have to be gone before the trailer is set
		}

		switch {
		case err == nil:
			complete = true
			h.Set(headerManifest, asciiJSON(manifest))
		case ctx.Err() != nil:
			op.code = codeCanceled
		default:
			op.code = codeOf(s.present(ctx, err)) // which logs a cause that nobody knows
		}
	}

	s.compress(http.HandlerFunc(write)).ServeHTTP(w, r)

	if !complete {
		panic(http.ErrAbortHandler)
	}
}

// newExportCompression compresses exports for clients that accept it.
func newExportCompression() (func(http.Handler) http.HandlerFunc, error) {
	compress, err := gzhttp.NewWrapper(
		gzhttp.ContentTypes([]string{"application/x-ndjson", "text/csv"}), gzhttp.MinSize(0), gzhttp.CompressionLevel(1))
	if err != nil {
		return nil, fmt.Errorf("httpserver: compression of exports: %w", err)
	}

	return compress, nil
}

// asciiJSON is JSON that a header can carry.
func asciiJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "null" // it is made of strings and numbers
	}

	b := make([]byte, 0, len(text))

	for _, r := range string(text) {
		switch {
		case r < 0x7f:
			b = utf8.AppendRune(b, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
	}

	return string(b)
}
