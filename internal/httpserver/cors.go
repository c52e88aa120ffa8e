package httpserver

import (
	"net/http"

	"github.com/rs/cors"
)

// preflightAge is how long a browser may keep the answer to a preflight, in seconds.
const preflightAge = 600

// origins are those whose pages may use the API besides the server's own.
type origins map[string]struct{}

func newOrigins(allowed []string) origins {
	o := make(origins, len(allowed))
	for _, origin := range allowed {
		o[origin] = struct{}{}
	}

	return o
}

func (o origins) allow(origin string) bool {
	_, allowed := o[origin]

	return allowed
}

// withCORS lets the pages of the allowed origins send what the API takes and read its answers. Others have been refused before.
// A token goes in a header, never in a cookie, so credentials stay off.
func (o origins) withCORS(next http.Handler) http.Handler {
	if len(o) == 0 {
		return next
	}

	crossOrigin := cors.New(cors.Options{
		AllowOriginFunc: o.allow,
		AllowedMethods:  []string{http.MethodGet, http.MethodPost},
		AllowedHeaders:  []string{"Authorization", "Content-Type", "Accept", headerRequestID, "X-Samjournal-Account"},
		ExposedHeaders:  []string{headerRequestID, "Retry-After"},
		MaxAge:          preflightAge,
	}).Handler(next)

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == pathGraphQL {
			crossOrigin.ServeHTTP(w, r)
		} else {
			next.ServeHTTP(w, r)
		}
	})
}
