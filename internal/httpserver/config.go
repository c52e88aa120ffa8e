package httpserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/prometheus/client_golang/prometheus"

	"samjournal/internal/export"
)

// Config holds the limits of the server. Start from DefaultConfig; every value but DrainDelay has to be positive.
type Config struct {
	// LoopbackOnly refuses with 403 what a browser page of another site, a rebound DNS name or a reverse proxy sends: it is
	// the protection of a server that has no access control. Default true.
	LoopbackOnly bool

	// MaxBodyBytes limits a request's body and a WebSocket message, in bytes. Default 4 MiB.
	MaxBodyBytes int64
	// MaxHeaderBytes limits the request line and headers, in bytes; a GET carries its query there. Default 64 KiB.
	MaxHeaderBytes int
	// Document says which documents are carried out, and what one may cost.
	Document DocumentLimits
	// MaxOperations limits the operations that run at the same time on one WebSocket connection. Default 100.
	MaxOperations int
	// MaxViewerOperations limits the operations of one viewer that run at the same time. Default 20,000.
	MaxViewerOperations int
	// MaxStreams limits WebSocket connections and event streams together. Default 10,000.
	MaxStreams int

	// MaxExports limits the exports that run at the same time, three quarters of which one viewer may have. Default 4.
	MaxExports int

	// Edge says who may connect, and how much may be under way at a time.
	Edge EdgeConfig
	// Rates say how much one viewer and one address may ask for.
	Rates RateLimits

	// OperationTimeout is how long a query or mutation, or the beginning of a subscription, may take. Default 30 s.
	OperationTimeout time.Duration
	// ReadHeaderTimeout is how long a client may take to send a request's headers. Default 10 s.
	ReadHeaderTimeout time.Duration
	// ReadTimeout is how long a client may take to send a request's body or a WebSocket message; one that sends less than
	// 16 KiB/s has 10 s. Default 30 s.
	ReadTimeout time.Duration
	// IdleTimeout is how long a connection may wait for its next request. Default 2 min.
	IdleTimeout time.Duration
	// InitTimeout is how long a WebSocket client may take to send connection_init. Default 10 s.
	InitTimeout time.Duration
	// PingInterval is the time between pings on a WebSocket and keep-alive comments on an event stream. A WebSocket client
	// that has not answered a ping frame by then is cut off. Default 15 s.
	PingInterval time.Duration
	// WriteTimeout is how long a client may take to receive 256 KiB of a message or an answer. Default 10 s.
	WriteTimeout time.Duration
	// DrainDelay is the time between the first 503 of /readyz and the refusal of new operations, for load balancers that
	// need it. Default 0.
	DrainDelay time.Duration
}

// DefaultConfig returns the defaults that Config's fields name.
func DefaultConfig() Config {
	return Config{
		LoopbackOnly:        true,
		MaxBodyBytes:        4 << 20,
		MaxHeaderBytes:      64 << 10,
		Document:            defaultDocumentLimits(),
		MaxOperations:       100,
		MaxViewerOperations: 20_000,
		MaxStreams:          10_000,
		MaxExports:          4,
		Edge:                defaultEdge(),
		Rates:               defaultRates(),
		OperationTimeout:    30 * time.Second,
		ReadHeaderTimeout:   10 * time.Second,
		ReadTimeout:         30 * time.Second,
		IdleTimeout:         2 * time.Minute,
		InitTimeout:         10 * time.Second,
		PingInterval:        15 * time.Second,
		WriteTimeout:        10 * time.Second,
	}
}

// validate names the first value that is out of range.
func (c Config) validate() error {
	for _, limit := range []struct {
		name  string
		value int64
	}{
		{"MaxBodyBytes", c.MaxBodyBytes},
		{"MaxHeaderBytes", int64(c.MaxHeaderBytes)},
		{"MaxOperations", int64(c.MaxOperations)},
		{"MaxViewerOperations", int64(c.MaxViewerOperations)},
		{"MaxStreams", int64(c.MaxStreams)},
		{"MaxExports", int64(c.MaxExports)},
		{"OperationTimeout", int64(c.OperationTimeout)},
		{"ReadHeaderTimeout", int64(c.ReadHeaderTimeout)},
		{"ReadTimeout", int64(c.ReadTimeout)},
		{"IdleTimeout", int64(c.IdleTimeout)},
		{"InitTimeout", int64(c.InitTimeout)},
		{"PingInterval", int64(c.PingInterval)},
		{"WriteTimeout", int64(c.WriteTimeout)},
	} {
		if limit.value <= 0 {
			return fmt.Errorf("httpserver: Config.%s must be positive, it is %d", limit.name, limit.value)
		}
	}

	if c.DrainDelay < 0 {
		return fmt.Errorf("httpserver: Config.DrainDelay must not be negative, it is %s", c.DrainDelay)
	}

	return errors.Join(c.validateEdge(), c.Rates.validate(), c.Document.validate())
}

// ViewerFunc finds out who is asking and returns a context that carries the viewer. Over HTTP it is called before a request's
// body is read, and again when that has taken more than a second, with init nil; on a WebSocket once a connection, with the
// upgrade request and the payload of connection_init. Its error goes through Deps.Present, and the code decides the answer:
// UNAUTHENTICATED is 401 or close code 4401, FORBIDDEN 403 or 4403, BAD_USER_INPUT 400 or 4400, RATE_LIMITED 429 or 4503,
// UNAVAILABLE 503 or 4503, INTERNAL 500 or 4500, any other as UNAUTHENTICATED.
type ViewerFunc func(ctx context.Context, r *http.Request, init map[string]any) (context.Context, error)

// Deps are what the server works with. Present and Logger must be given.
type Deps struct {
	// Ready says whether the database is reachable and migrated. Its error is the reason that /readyz shows with
	// Config.LoopbackOnly; strangers are told no more than that it is so, and the log has the reason. Nil means always.
	Ready func(ctx context.Context) error
	// Degraded says what does not work as it should although requests are answered; /readyz shows its error as it does that of
	// Ready, with status 200. Nil means never.
	Degraded func() error
	// Static holds the built Playground, index.html at its root. Nil or without index.html, a page says how to build it.
	Static fs.FS
	// SignIn says where people can sign in to the console. Nil: nowhere, they need a token.
	SignIn func(ctx context.Context) (SignIn, error)
	// Viewer puts the viewer in the context. Nil leaves the context as it is.
	Viewer ViewerFunc
	// Export begins an export for the viewer of the context. Nil: there are none.
	Export func(ctx context.Context, params export.Params) (*export.Export, error)
	// Operator says whether the viewer of a context that Viewer returned may see /metrics, which tell of all accounts. It is not
	// asked with Config.LoopbackOnly. Nil means that nobody may.
	Operator func(ctx context.Context) bool
	// Watch calls ended, at most once and from any goroutine, when the viewer of a context that Viewer returned is none any more:
	// a token was revoked or has expired. What is open for that viewer ends then, with the error as Present shows it; its code
	// decides how a WebSocket is closed, as with Viewer. The stream calls stop when it ends by itself; ended may still be called
	// while stop runs, not afterwards. Nil: viewers stay.
	Watch func(ctx context.Context, ended func(error)) (stop func())
	// ViewerName gives the viewer of a context a name, by which the viewer's operations are counted. "" is not counted, and nil
	// counts none.
	ViewerName func(ctx context.Context) string
	// Present turns an error of a resolver into one for the client, with extensions.code. Errors that have a code already
	// (the transports' own) do not pass through it. When it answers INTERNAL, the server adds the requestId and logs the cause.
	Present graphql.ErrorPresenterFunc
	// Recover turns the value of a panic into an error for Present. Nil keeps value and stack for the log.
	Recover graphql.RecoverFunc
	// Extensions are added to the executor in this order.
	Extensions []graphql.HandlerExtension
	// Logger gets one line an operation.
	Logger *slog.Logger
	// Now is the clock for durations. Nil means time.Now.
	Now func() time.Time
	// Registry is what /metrics shows and the server adds its own metrics to. Nil means a fresh one.
	Registry *prometheus.Registry
}

func (d Deps) validate() error {
	if d.Present == nil {
		return errors.New("httpserver: Deps.Present is missing")
	}

	if d.Logger == nil {
		return errors.New("httpserver: Deps.Logger is missing")
	}

	return nil
}
