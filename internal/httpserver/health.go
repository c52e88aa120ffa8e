package httpserver

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// readyTimeout bounds one check of the database by /readyz.
const readyTimeout = 5 * time.Second

// health is the body of /healthz and /readyz.
type health struct {
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

const (
	statusReady       = "ready"
	statusDegraded    = "degraded"
	statusUnavailable = "unavailable"
)

// readiness remembers what /readyz has found, so that the log has each change once, however often probes ask.
type readiness struct {
	looking singleflight.Group

	mu    sync.Mutex
	known health // guarded by mu
}

// change remembers what was found and reports whether it is new.
func (k *readiness) change(found health) bool {
	k.mu.Lock()
	defer k.mu.Unlock()

	changed := k.known != found && (k.known != health{} || found.Status != statusReady)
	k.known = found

	return changed
}

// serveHealth says that the process runs and answers. It says nothing about the database: a restart would not mend that.
func (s *Server) serveHealth(w http.ResponseWriter, _ *http.Request) {
	writeHealth(w, http.StatusOK, health{Status: "ok"})
}

// serveReady says whether requests should be sent here.
func (s *Server) serveReady(w http.ResponseWriter, r *http.Request) {
	if s.work.drainingNow() {
		writeHealth(w, http.StatusServiceUnavailable, health{Status: statusUnavailable, Reason: "the server is shutting down"})

		return
	}

	found, ok := s.look(r.Context())
	if !ok {
		return // the probe is gone
	}

	if !s.cfg.LoopbackOnly {
		found = s.forStrangers(r.Context(), found)
	}

	status := http.StatusOK
	if found.Status == statusUnavailable {
		status = http.StatusServiceUnavailable
	}

	writeHealth(w, status, found)
}

// look asks the hooks, once for all probes that wait at a time: anybody may probe as often as he likes. ok is false when the
// context ends first.
func (s *Server) look(ctx context.Context) (found health, ok bool) {
	looked := s.readiness.looking.DoChan("", func() (found any, _ error) {
		defer func() { // nobody else would recover here
			if value := recover(); value != nil {
				_ = s.panicked(ctx, value) // it is logged
				found = health{Status: statusUnavailable, Reason: internalErrorMessage}
			}
		}()

		return s.ask(context.WithoutCancel(ctx)), nil
	})

	select {
	case result := <-looked:
		found, ok = result.Val.(health)

		return found, ok
	case <-ctx.Done():
		return health{}, false
	}
}

// ask asks the hooks.
func (s *Server) ask(ctx context.Context) health {
	if s.deps.Ready != nil {
		ctx, cancel := context.WithTimeout(ctx, readyTimeout)
		defer cancel()

		if err := s.deps.Ready(ctx); err != nil {
			return health{Status: statusUnavailable, Reason: err.Error()}
		}
	}

	if s.deps.Degraded != nil {
		if err := s.deps.Degraded(); err != nil {
			return health{Status: statusDegraded, Reason: err.Error()}
		}
	}

	return health{Status: statusReady}
}

// forStrangers keeps names of hosts and the database's own words from who may be anybody; the log has them.
func (s *Server) forStrangers(ctx context.Context, found health) health {
	if s.readiness.change(found) {
		s.deps.Logger.LogAttrs(ctx, slog.LevelWarn, "readiness changed",
			slog.String("status", found.Status), slog.String("reason", found.Reason))
	}

	switch found.Status {
	case statusUnavailable:
		found.Reason = "the database cannot be used; the server's log says why"
	case statusDegraded:
		found.Reason = "not everything works as it should; the server's log says what"
	}

	return found
}

// serveMetrics shows the metrics, which tell of all accounts: where strangers reach the server, to operators only.
func (s *Server) serveMetrics(w http.ResponseWriter, r *http.Request) {
	if !s.cfg.LoopbackOnly {
		var err *requestError
		if r, err = s.withViewer(r); err != nil {
			writeError(w, typeJSON, err)

			return
		}

		if s.deps.Operator == nil || !s.deps.Operator(r.Context()) {
			writeError(w, typeJSON, refuse(http.StatusForbidden, codeForbidden, "%s is for operators", pathMetrics))

			return
		}
	}

	s.metrics.handler.ServeHTTP(w, r)
}

func writeHealth(w http.ResponseWriter, status int, body health) {
	w.Header().Set("Content-Type", typeJSON+"; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)

	var b bytes.Buffer

	encodeJSON(&b, body)
	_, _ = w.Write(b.Bytes()) // a probe that has gone needs no answer
}
