package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"samjournal/graph"
	"samjournal/internal/config"
	"samjournal/internal/httpserver"
	"samjournal/internal/journal"
	"samjournal/internal/model"
	"samjournal/internal/store"
	"samjournal/web"
)

type serveCmd struct {
	config.Config `embed:""`
}

// Help teaches the command.
func (*serveCmd) Help() string {
	return `Answers at /graphql (POST, GET, WebSocket, server-sent events), /playground/, /healthz, /readyz and /metrics. SIGTERM
or an interrupt finishes running work first, a second one does not.

  samjournal serve                                               SQLite, samjournal.db in this directory
  samjournal serve --listen=127.0.0.1:8081                       another port
  DATABASE_URL=postgres://me:secret@db/journal samjournal serve  PostgreSQL`
}

// Run serves until ctx ends, then finishes what runs.
func (c *serveCmd) Run(ctx context.Context, io *streams) (err error) {
	if err := c.Validate(); err != nil {
		return err
	}
	log := logger(c.Log, io.err)
	limitMemory(ctx, log)
	// Listening comes first: a port that is taken should not wait for a migration to be told.
	listener, err := listen(ctx, c.Server.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	s, err := openStore(ctx, c.Database, log, io.out, func(o *store.Options) { o.FeedURL = c.Server.FeedDatabaseURL })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	registry := prometheus.NewRegistry()
	j, err := openJournal(s, c.Redaction, c.Digest, log, func(cfg *journal.Config) {
		cfg.Poll, cfg.Listen, cfg.Metrics = c.Server.FeedPoll, s.Listen, registry
		cfg.Limits = journal.Limits{Timeout: c.Server.AppendTimeout, QueueBytes: c.Server.AppendQueueBytes}
	})
	if err != nil {
		return err
	}
	defer j.Close()
	account, _, err := s.AccountBySlug(ctx, DefaultAccount)
	if err != nil {
		return err
	}
	server, err := newServer(c.Config, log, s, j, account, registry)
	if err != nil {
		return err
	}
	if c.Access.InsecureNoAuth {
		log.WarnContext(ctx, "--insecure-no-auth: everybody who reaches this server may read and write everything")
	}
	c.greet(io, listener.Addr().String())
	return run(ctx, log, server, listener, c.Server.DrainDelay+c.Server.ShutdownTimeout)
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	var cfg net.ListenConfig
	listener, err := cfg.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another program; choose another address with --listen "+
			"(for example --listen=127.0.0.1:8081) or SAMJOURNAL_LISTEN", address)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s (--listen): %w", address, err)
	}
	return listener, nil
}

func newServer(
	cfg config.Config, log *slog.Logger, s *store.Store, j *journal.Journal, account model.Account, registry *prometheus.Registry,
) (*httpserver.Server, error) {
	resolver := &graph.Resolver{Journal: j, Ent: s.Ent(), Heads: s, Log: log, PayloadLimit: cfg.Server.PayloadLimit}
	limits := httpserver.DefaultConfig()
	limits.LoopbackOnly = !cfg.Access.Open()
	limits.MaxBodyBytes = cfg.Server.MaxBodyBytes
	limits.DrainDelay = cfg.Server.DrainDelay
	limits.MaxStreams = cfg.Server.MaxConnections
	limits.MaxOperations = cfg.Server.MaxConnectionOperations
	limits.MaxViewerOperations = cfg.Server.MaxViewerOperations
	viewer := model.Viewer{Account: account, Role: model.RoleOperator}
	return httpserver.New(limits, graph.NewSchema(resolver), httpserver.Deps{
		Ready:    s.Ready,
		Degraded: j.Degraded,
		Static:   web.Dist(),
		Viewer: func(ctx context.Context, _ *http.Request, _ map[string]any) (context.Context, error) {
			return model.WithViewer(ctx, viewer), nil
		},
		ViewerName: viewerName,
		Present:    graph.PresentError,
		Extensions: graph.Extensions(),
		Logger:     log,
		Registry:   registry,
	})
}

// viewerName is the same for all operations of one viewer.
func viewerName(ctx context.Context) string {
	viewer, err := model.ViewerFrom(ctx)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d %s %s", viewer.Account.ID, viewer.Role, viewer.Subject)
}

// greet tells people where to go, on standard output: standard error is the log, which machines read.
func (c *serveCmd) greet(io *streams, address string) {
	fmt.Fprintf(io.out, `GraphQL:    http://%[1]s/graphql
Playground: http://%[1]s/playground/
Try next, in another terminal: ./bin/samjournal seed    (10,000 generated entries)
`, address)
}

// run serves until ctx ends, and then gives what runs so much time to finish.
func run(ctx context.Context, log *slog.Logger, server *httpserver.Server, listener net.Listener, patience time.Duration) error {
	var group errgroup.Group
	stopped := make(chan struct{})
	group.Go(func() error {
		defer close(stopped)
		return server.Serve(listener)
	})
	group.Go(func() error {
		select {
		case <-ctx.Done():
		case <-stopped:
			return nil // Serve failed; its error is the one to tell
		}
		log.Info("shutting down: running work finishes, subscriptions are told to connect again")
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		return server.Shutdown(ctx)
	})
	return group.Wait()
}
