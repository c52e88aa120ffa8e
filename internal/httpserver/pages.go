package httpserver

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

const (
	pathGraphQL    = "/graphql"
	pathPlayground = "/playground"
	pathHealth     = "/healthz"
	pathReady      = "/readyz"
	pathMetrics    = "/metrics"
	pathExport     = "/export"
)

// notBuiltPage stands in for a Playground that is not in the binary.
const notBuiltPage = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>samjournal</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:4em auto;padding:0 1em}
code{background:#eee;padding:.1em .3em}</style></head>
<body>
<h1>The Playground is not built yet</h1>
<p>The server runs, and the API answers at <a href="/graphql?query=%7B__typename%7D"><code>/graphql</code></a>. This binary was
built without the Playground's files. To add them:</p>
<ol>
<li>install Node 20 or newer,</li>
<li>run <code>make web</code> in the repository,</li>
<li>start the server again with <code>make run</code>.</li>
</ol>
</body>
</html>
`

// The pages among the built files.
const (
	consolePage    = "console.html"
	playgroundPage = "index.html"
)

// serveConsole serves the console at the root, and the files that it loads. Without them the Playground's address says how to
// build both.
func (s *Server) serveConsole(w http.ResponseWriter, r *http.Request) {
	if name := strings.TrimPrefix(r.URL.Path, "/"); name != "" {
		setPageHeaders(w.Header(), r.Host, "'self'")
		s.serveFile(w, r, name)

		return
	}

	setPageHeaders(w.Header(), r.Host, "'self'", s.signIn(r).origins()...)

	page, err := s.builtPage(consolePage)
	if err != nil {
		http.Redirect(w, r, pathPlayground+"/", http.StatusFound)

		return
	}

	servePage(w, r, page)
}

// servePlayground serves the built Playground below /playground/.
func (s *Server) servePlayground(w http.ResponseWriter, r *http.Request) {
	// Monaco needs inline styles.
	setPageHeaders(w.Header(), r.Host, "'self' 'unsafe-inline'")

	name := strings.TrimPrefix(r.URL.Path, pathPlayground+"/")
	if name == "" || name == playgroundPage {
		page, err := s.builtPage(playgroundPage)
		if err != nil {
			page = []byte(notBuiltPage)
		}

		servePage(w, r, page)

		return
	}

	s.serveFile(w, r, name)
}

// serveFile serves what pages load.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request, name string) {
	if s.deps.Static == nil || !fs.ValidPath(name) {
		notFound(w, r)

		return
	}

	info, err := fs.Stat(s.deps.Static, name)
	if err != nil || !info.Mode().IsRegular() {
		notFound(w, r)

		return
	}

	// Vite puts a hash of the content in the names below assets/, so they never change.
	if path.Dir(name) == "assets" {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}

	http.ServeFileFS(w, r, s.deps.Static, name) //nolint:gosec // a valid path inside an fs.FS, see above
}

func (s *Server) builtPage(name string) ([]byte, error) {
	if s.deps.Static == nil {
		return nil, fs.ErrNotExist
	}

	return fs.ReadFile(s.deps.Static, name)
}

func servePage(w http.ResponseWriter, r *http.Request, page []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	http.ServeContent(w, r, "page.html", time.Time{}, bytes.NewReader(page))
}

// plainHost reports whether a Host header may be put in a Content-Security-Policy: it must not bring a directive of its own.
func plainHost(host string) bool {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]"

	return host != "" && strings.Trim(host, plain) == ""
}

// setPageHeaders keeps a page to this server: nothing is loaded from elsewhere, nothing is sent elsewhere, nobody frames it.
// Monaco needs data: fonts. origins are further ones that the page may send requests to.
func setPageHeaders(h http.Header, host, styles string, origins ...string) {
	connect := strings.Join(append([]string{"'self'"}, origins...), " ")
	if plainHost(host) {
		connect += fmt.Sprintf(" ws://%s wss://%s", host, host)
	}

	h.Set("Content-Security-Policy", "default-src 'self'; style-src "+styles+"; font-src 'self' data:; "+
		"img-src 'self' data:; connect-src "+connect+"; object-src 'none'; base-uri 'self'; form-action 'self'; "+
		"frame-ancestors 'none'")
	h.Set("Permissions-Policy", "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "+
		"magnetometer=(), microphone=(), midi=(), payment=(), usb=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
}

// notFound is the answer of every address that does not exist.
func notFound(w http.ResponseWriter, r *http.Request) {
	writeError(w, typeJSON, refuse(http.StatusNotFound, codeNotFound,
		"there is nothing at %s; the API is at %s, the Playground at %s/", r.URL.Path, pathGraphQL, pathPlayground))
}

// get lets GET and HEAD through and answers other methods with 405.
func get(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			methodNotAllowed(w, typeJSON, "GET, HEAD")

			return
		}

		next(w, r)
	}
}

func methodNotAllowed(w http.ResponseWriter, contentType, allow string) {
	w.Header().Set("Allow", allow)
	writeError(w, contentType, refuse(http.StatusMethodNotAllowed, codeBadUserInput, "the method must be one of: %s", allow))
}
