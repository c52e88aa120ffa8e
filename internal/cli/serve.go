package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"samjournal/graph"
	"samjournal/internal/auth"
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
	return `Answers at / (console), /playground/, /graphql (POST, GET, WebSocket, server-sent events), /export, /healthz, /readyz and
/metrics. SIGTERM or an interrupt finishes running work first, a second one does not.

  samjournal serve                                               SQLite, samjournal.db in this directory
  samjournal serve --listen=127.0.0.1:8081                       another port
  DATABASE_URL=postgres://me:secret@db/journal samjournal serve  PostgreSQL`
}

// warnOfExcess says so when the database's role could undo what protects entries: the server works as well, and it may be meant.
func warnOfExcess(ctx context.Context, log *slog.Logger, s *store.Store) {
	rights, err := s.ExcessRights(ctx)
	if err != nil {
		log.WarnContext(ctx, "cannot find out what the database's role may do", slog.Any("error", err))
	}
	if len(rights) == 0 {
		return
	}
	const most = 8
	text := strings.Join(rights[:min(most, len(rights))], "; ")
	if more := len(rights) - most; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	log.WarnContext(ctx, "the database's role may do more than serving takes, and so could change what is protected from it: "+
		"see docs/security.md", slog.String("rights", text))
}

// Run serves until ctx ends, then finishes what runs.
func (c *serveCmd) Run(ctx context.Context, io *streams) (err error) {
	if err := c.Validate(); err != nil {
		return err
	}
	log := logger(c.Log, io.err)
	limitMemory(ctx, log, memlimit.FromCgroup)
	// Listening comes first: a port that is taken should not wait for a migration to be told.
	listener, err := listen(ctx, c.Server.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	s, err := openStore(ctx, c.Database, log, io.out, func(o *store.Options) {
		o.FeedURL = c.Server.FeedDatabaseURL
		o.StatementTimeout = c.Limits.OperationTimeout
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	warnOfExcess(ctx, log, s)
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
	authenticator, err := newAuthenticator(c.Access, log, s, account)
	if err != nil {
		return err
	}
	defer authenticator.Close()
	signIn, closeSignIn, err := newSignIn(c.Access, log)
	if err != nil {
		return err
	}
	defer closeSignIn()
	server, err := newServer(c.Config, log, s, j, authenticator, registry, signIn)
	if err != nil {
		return err
	}
	if c.Access.InsecureNoAuth {
		log.WarnContext(ctx, "--insecure-no-auth: everybody who reaches this server may read and write everything")
	}
	stopIndexing, err := c.indexing(ctx, s, log, registry)
	if err != nil {
		return err
	}
	defer stopIndexing()
	c.greet(io, listener.Addr().String())
	defer makeRoomForGarbage(roomForGarbage)() // from now on: what starting has used is collected soon
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
	cfg config.Config, log *slog.Logger, s *store.Store, j *journal.Journal, authenticator *auth.Authenticator,
	registry *prometheus.Registry, signIn func(context.Context) (httpserver.SignIn, error),
) (*httpserver.Server, error) {
	resolver := &graph.Resolver{
		Journal: j, Ent: s.Ent(), Heads: s, Log: log, PayloadLimit: cfg.Server.PayloadLimit, Admin: auth.Admin{Store: s},
		JournalReads: cfg.Access.JournalReads, SearchFirst: searchFirst,
		AnswerBytes: cfg.Limits.MaxAnswerBytes, Answers: graph.NewAnswers(answersAtATime * cfg.Limits.MaxAnswerBytes),
	}
	extensions := graph.Extensions()
	if cfg.Access.JournalReads {
		extensions = append(extensions, graph.ReadJournal{Journal: j})
	}
	limits, err := limitsOf(cfg)
	if err != nil {
		return nil, err
	}
	return httpserver.New(limits, graph.NewSchema(resolver), httpserver.Deps{
		Ready:      s.Ready,
		Degraded:   j.Degraded,
		Static:     web.Dist(),
		SignIn:     signIn,
		Viewer:     authenticator.Viewer,
		Watch:      authenticator.Watch,
		Operator:   mayOperate,
		Export:     exportsOf(s, j).Begin,
		ViewerName: viewerName,
		Present:    graph.PresentError,
		Extensions: extensions,
		Logger:     log,
		Registry:   registry,
	})
}

// answersAtATime is how many answers of the largest size may be held in memory.
const answersAtATime = 4

// searchFirst is how many entries a search looks at before it asks the index: what takes as long as the index does for a word of
// a hundred thousand entries.
const searchFirst = 100

// limitsOf gives the server the limits of the configuration.
func limitsOf(cfg config.Config) (httpserver.Config, error) {
	c := httpserver.DefaultConfig()
	c.LoopbackOnly = !cfg.Access.Open()
	c.MaxBodyBytes = cfg.Server.MaxBodyBytes
	c.DrainDelay = cfg.Server.DrainDelay
	c.MaxStreams = cfg.Server.MaxConnections
	c.MaxOperations = cfg.Server.MaxConnectionOperations
	c.MaxExports = cfg.Limits.MaxExports
	c.MaxViewerOperations = cfg.Server.MaxViewerOperations
	c.Edge = httpserver.EdgeConfig{
		TLSCert: cfg.Access.TLSCert, TLSKey: cfg.Access.TLSKey,
		TrustedProxies: cfg.Access.Proxies(), AllowedOrigins: cfg.Access.AllowedOrigins,
		MaxConnections: cfg.Limits.MaxTCPConnections,
		MaxExecuting:   cfg.Limits.MaxRunningOperations, MaxWaiting: cfg.Limits.MaxWaitingOperations,
		MaxIntakeBytes: max(cfg.Limits.MaxIntakeBytes, cfg.Server.MaxBodyBytes),
	}
	c.Rates = httpserver.RateLimits(cfg.Limits.Rates)
	c.OperationTimeout = cfg.Limits.OperationTimeout
	c.ReadHeaderTimeout, c.ReadTimeout = cfg.Limits.ReadHeaderTimeout, cfg.Limits.ReadTimeout
	c.WriteTimeout, c.IdleTimeout = cfg.Limits.WriteTimeout, cfg.Limits.IdleTimeout
	documents, err := documentsOf(cfg.Documents)
	c.Document = documents
	return c, err
}

// documentsOf reads the manifest of persisted documents, if there is one.
func documentsOf(cfg config.Documents) (httpserver.DocumentLimits, error) {
	limits := httpserver.DocumentLimits{
		MaxLength: cfg.MaxBytes, MaxNesting: cfg.MaxNesting, MaxNested: cfg.MaxNestedBytes,
		MaxTokens: cfg.MaxTokens, MaxDepth: cfg.MaxDepth, MaxFields: cfg.MaxFields, MaxAliases: cfg.MaxAliases,
		MaxRootFields: cfg.MaxRootFields, MaxDirectives: cfg.MaxDirectives, MaxIntrospectionDepth: cfg.MaxIntrospectionDepth,
		MaxChecks: cfg.MaxChecks, MaxVariables: cfg.MaxVariables, MaxCost: cfg.MaxCost,
		CacheBytes: cfg.CacheBytes, PersistedBytes: cfg.PersistedBytes,
		Introspection: cfg.Introspection, Suggestions: cfg.Suggestions,
	}
	if cfg.File == "" {
		return limits, nil
	}
	manifest, err := os.ReadFile(cfg.File)
	if err == nil {
		limits.Documents, err = httpserver.ParseDocuments(manifest)
	}
	if err != nil {
		return limits, fmt.Errorf("--documents: %s: %w", cfg.File, err)
	}
	return limits, nil
}

// mayOperate tells whether the viewer of the context is an operator.
func mayOperate(ctx context.Context) bool {
	scope, err := model.ScopeFrom(ctx)
	return err == nil && scope.Operate
}

// viewerName is the same for all operations of one viewer.
func viewerName(ctx context.Context) string {
	viewer, err := model.ViewerFrom(ctx)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d %s %s", viewer.Account.ID, viewer.Role, viewer.Subject)
}

// clickable is the address in a URL that a browser on this machine can open: one that stands for all addresses is none.
func clickable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("localhost", port)
	}
	return address
}

// indexing keeps the index of searches until stop is called.
func (c *serveCmd) indexing(
	ctx context.Context, s *store.Store, log *slog.Logger, registry prometheus.Registerer,
) (stop func(), err error) {
	if !c.Server.SearchIndex {
		return func() {}, nil
	}
	behind := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "samjournal_search_unindexed_entries",
		Help: "Entries of all accounts that are not in the index of searches yet, when it was last looked.",
	})
	if err := registry.Register(behind); err != nil {
		return nil, fmt.Errorf("register the metric of searches: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		(&journal.Indexer{Ent: s.Ent(), Terms: s, Log: log, Behind: behind, Gentle: true}).Run(ctx)
	}()
	return func() {
		cancel()
		<-stopped
	}, nil
}

// greet tells people where to go, on standard output: standard error is the log, which machines read.
func (c *serveCmd) greet(io *streams, address string) {
	scheme, next := "http", "./bin/samjournal seed    (10,000 generated entries)"
	if c.Access.TLSCert != "" {
		scheme = "https"
	}
	if c.Access.Required() {
		next = "./bin/samjournal token create --role=auditor --name=me"
	}
	fmt.Fprintf(io.out, `GraphQL:    %[2]s://%[1]s/graphql
Console:    %[2]s://%[1]s/
Playground: %[2]s://%[1]s/playground/
Try next, in another terminal: %[3]s
`, clickable(address), scheme, next)
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
