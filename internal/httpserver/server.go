package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/extension"
)

// abortGrace is how long Shutdown waits for operations that it has cancelled.
const abortGrace = 2 * time.Second

// Server serves the GraphQL API and what belongs around it. It is safe for concurrent use.
type Server struct {
	cfg         Config
	deps        Deps
	executor    *documents
	metrics     *metrics
	work        *work
	broadcasts  *broadcasts
	crossOrigin *http.CrossOriginProtection
	origins     origins
	proxies     proxies
	certificate *certificate // nil: no TLS
	connections *connections
	rates       rates
	logins      *logins
	turns       *turns
	intake      *intake
	exports     *turns // nobody waits for one
	compress    func(http.Handler) http.HandlerFunc
	readiness   readiness
	buffers     buffers
	handler     http.Handler
	http        *http.Server
	now         func() time.Time
}

// New builds the server; it listens to nothing yet.
func New(cfg Config, es graphql.ExecutableSchema, deps Deps) (*Server, error) {
	if err := errors.Join(cfg.validate(), deps.validate()); err != nil {
		return nil, err
	}

	numbers, err := newMetrics(deps.Registry)
	if err != nil {
		return nil, err
	}

	s := &Server{
		cfg:         cfg,
		deps:        deps,
		metrics:     numbers,
		work:        newWork(cfg),
		crossOrigin: http.NewCrossOriginProtection(),
		now:         deps.Now,
	}
	if s.now == nil {
		s.now = time.Now
	}

	if err := s.prepareEdge(); err != nil {
		return nil, err
	}

	s.broadcasts = newBroadcasts(s)
	s.exports = newTurns(cfg.MaxExports, 0)

	if s.compress, err = newExportCompression(); err != nil {
		return nil, err
	}

	if s.executor, err = s.newExecutor(es); err != nil {
		return nil, err
	}

	s.handler = withUnreadBodies(s.withPatience(
		withRequestID(s.withRecovery(s.withAccess(s.origins.withCORS(s.withRates(s.routes())))))))
	s.http = &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: cfg.ReadHeaderTimeout,
		IdleTimeout:       cfg.IdleTimeout,
		MaxHeaderBytes:    cfg.MaxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(deps.Logger.Handler(), slog.LevelWarn),
	}

	if s.certificate != nil {
		s.certificate.secure(s.http, cfg)
	}

	return s, nil
}

func (s *Server) newExecutor(es graphql.ExecutableSchema) (*documents, error) {
	exec := executor.New(es)

	exec.SetErrorPresenter(s.present)
	exec.SetRecoverFunc(s.recovered)

	if s.cfg.Document.Introspection {
		exec.Use(extension.Introspection{})
	}

	for _, ext := range s.deps.Extensions {
		exec.Use(ext)
	}

	docs, err := newDocuments(s.cfg.Document, exec, es.Schema())
	if err != nil {
		return nil, err
	}

	docs.recovered, docs.charge = s.recovered, s.charge

	return docs, nil
}

func (s *Server) routes() http.Handler {
	toPlayground := http.RedirectHandler(pathPlayground+"/", http.StatusFound).ServeHTTP

	mux := http.NewServeMux()
	mux.HandleFunc(pathGraphQL, s.serveGraphQL)
	mux.HandleFunc(pathPlayground, get(toPlayground))
	mux.HandleFunc(pathPlayground+"/", get(s.servePlayground))
	mux.HandleFunc("/{$}", get(s.serveConsole))
	mux.HandleFunc("/assets/", get(s.serveConsole))
	mux.HandleFunc(pathConsoleSettings, get(s.serveConsoleSettings))
	mux.HandleFunc("/favicon.svg", get(s.serveConsole))
	mux.HandleFunc(pathHealth, get(s.serveHealth))
	mux.HandleFunc(pathReady, get(s.serveReady))
	mux.HandleFunc(pathMetrics, get(s.serveMetrics))

	if s.deps.Export != nil {
		mux.HandleFunc(pathExport, s.serveExport)
	}

	mux.HandleFunc("/", notFound)

	return mux
}

// Handler returns everything that the server answers, for a listener of the caller's own: without TLS, and without limits on
// connections.
func (s *Server) Handler() http.Handler { return s.handler }

// Serve answers on the listener until Shutdown, and then returns nil.
func (s *Server) Serve(listener net.Listener) error {
	serve := s.http.Serve
	if s.certificate != nil {
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}

	if err := serve(s.connections.limit(listener)); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}

	return nil
}

// Shutdown ends the server in order: /readyz answers 503; after DrainDelay new operations are refused and subscriptions end;
// queries and mutations finish; the listener closes. When ctx ends first, what still runs is cancelled and ctx's error
// returned. It may be called again; the delay is not repeated.
func (s *Server) Shutdown(ctx context.Context) error {
	if first := s.work.announce(); first && s.cfg.DrainDelay > 0 {
		delay := time.NewTimer(s.cfg.DrainDelay)
		defer delay.Stop()

		select {
		case <-delay.C:
		case <-ctx.Done():
		}
	}

	err := s.work.drain(ctx)
	if err == nil {
		err = s.http.Shutdown(ctx)
	}

	if err != nil {
		_ = s.http.Close() // it cancels the requests that still run

		select {
		case <-s.work.idle:
		case <-time.After(abortGrace): // a resolver that does not heed its context
		}

		return fmt.Errorf("shutdown was cut short: %w", err)
	}

	return nil
}
