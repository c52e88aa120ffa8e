package httpserver

import (
	"bytes"
	"context"
	"net/http"
	"time"
)

// readyTimeout bounds one check of the database by /readyz.
const readyTimeout = 5 * time.Second

// health is the body of /healthz and /readyz.
type health struct {
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// serveHealth says that the process runs and answers. It says nothing about the database: a restart would not mend that.
func (s *Server) serveHealth(w http.ResponseWriter, _ *http.Request) {
	writeHealth(w, http.StatusOK, health{Status: "ok"})
}

// serveReady says whether requests should be sent here.
func (s *Server) serveReady(w http.ResponseWriter, r *http.Request) {
	if s.work.drainingNow() {
		writeHealth(w, http.StatusServiceUnavailable, health{Status: "unavailable", Reason: "the server is shutting down"})

		return
	}

	if s.deps.Ready != nil {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()

		if err := s.deps.Ready(ctx); err != nil {
			writeHealth(w, http.StatusServiceUnavailable, health{Status: "unavailable", Reason: err.Error()})

			return
		}
	}

	if s.deps.Degraded != nil {
		if err := s.deps.Degraded(); err != nil {
			writeHealth(w, http.StatusOK, health{Status: "degraded", Reason: err.Error()})

			return
		}
	}

	writeHealth(w, http.StatusOK, health{Status: "ready"})
}

func writeHealth(w http.ResponseWriter, status int, body health) {
	w.Header().Set("Content-Type", typeJSON+"; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)

	var b bytes.Buffer

	encodeJSON(&b, body)
	_, _ = w.Write(b.Bytes()) // a probe that has gone needs no answer
}
