// Package config is everything that can be configured, in one place. Each field says its meaning, unit and default; the
// tags are those of kong, which reads flags and environment variables into it. Check it with Validate before anything starts.
//
//nolint:lll // a field's tags stay on its line
package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"samjournal/internal/model"
)

// Config is the configuration of the server. The other commands use the parts they need.
type Config struct {
	Server    Server    `embed:"" group:"Server"`
	Access    Access    `embed:"" group:"Access"`
	Documents Documents `embed:"" group:"Documents"`
	Limits    Limits    `embed:"" group:"Limits"`
	Database  Database  `embed:"" group:"Database"`
	Redaction Redaction `embed:"" group:"Redaction"`
	Digest    Digest    `embed:"" group:"Redaction"`
	Log       Log       `embed:"" group:"Log"`
}

// Validate names everything that is out of range.
func (c Config) Validate() error {
	return errors.Join(c.Server.Validate(), c.listening(), c.Access.Validate(), c.Limits.Validate(), c.Limits.Rates.Validate(),
		c.Documents.Validate(), c.Database.Validate(), c.Redaction.Validate(), c.Digest.Validate())
}

// listening refuses to serve other machines while nobody is authenticated.
func (c Config) listening() error {
	host, _, err := net.SplitHostPort(c.Server.Listen)
	switch {
	case err != nil:
		return wrong("listen", "must be HOST:PORT such as 127.0.0.1:8080, is %q", c.Server.Listen)
	case !c.Access.Open() && !Loopback(host):
		return wrong("listen", "%s is not a loopback address, and there is no access control: everybody who reaches the server "+
			"could read and write everything. Listen on 127.0.0.1 or [::1]; or give --auth=required, and create a token with "+
			"samjournal token create or name an issuer of JWTs with --oidc-issuers (docs/security.md)", c.Server.Listen)
	}
	return nil
}

// Database says where the journal is.
type Database struct {
	// URL is file:PATH for SQLite or postgres://USER:PASSWORD@HOST:PORT/NAME for PostgreSQL. Default: samjournal.db in the
	// current directory.
	URL string `name:"database-url" env:"DATABASE_URL" default:"file:samjournal.db" placeholder:"URL" help:"Database: file:PATH (SQLite) or postgres://USER:PASSWORD@HOST:PORT/NAME. Default: ${default}"`
	// MigrateURL is the same PostgreSQL database as the role that owns its tables, where DATABASE_URL names one that may not
	// change them. Default: DATABASE_URL.
	MigrateURL string `name:"migrate-database-url" env:"SAMJOURNAL_MIGRATE_DATABASE_URL" placeholder:"URL" help:"The same PostgreSQL database as the owner of its tables, to migrate and to give grants to the user of DATABASE_URL, who then needs no more than them."`
	// MaxConns is the most connections to PostgreSQL, or readers of SQLite. Default 16.
	MaxConns int `name:"database-max-conns" env:"SAMJOURNAL_DATABASE_MAX_CONNS" default:"16" placeholder:"N" help:"Most connections to the database, 2 to 1000. Default: ${default}"`
	// Migrate tells whether a command brings the schema up to date before it works (auto, the default) or only checks (off).
	Migrate string `env:"SAMJOURNAL_MIGRATE" enum:"auto,off" default:"auto" help:"auto: bring the schema up to date first; off: refuse a schema that is not. Default: ${default}"`
}

// Redaction adds to the rules that mask secrets before an entry is stored.
type Redaction struct {
	// Names are further member names whose values are masked, compared without case and separators. Default none.
	Names []string `name:"redact-names" env:"SAMJOURNAL_REDACT_NAMES" placeholder:"NAME" help:"Further JSON member names whose values are masked."`
	// Except are member names that are never masked by name. Default none.
	Except []string `name:"redact-except" env:"SAMJOURNAL_REDACT_EXCEPT" placeholder:"NAME" help:"JSON member names that are not masked although a rule names them."`
	// Things are the things whose whole bodies are masked. Default Secret.
	Things []string `name:"redact-things" env:"SAMJOURNAL_REDACT_THINGS" default:"Secret" placeholder:"THING" help:"Things whose whole request and response bodies are masked. Default: ${default}"`
}

// Log says what is logged.
type Log struct {
	// Level is the least severe level that is logged. Default info.
	Level string `name:"log-level" env:"SAMJOURNAL_LOG_LEVEL" enum:"debug,info,warn,error" default:"info" help:"debug, info, warn or error. Default: ${default}"`
	// Format is json, text, or auto: text when stderr is a terminal, JSON otherwise. Default auto.
	Format string `name:"log-format" env:"SAMJOURNAL_LOG_FORMAT" enum:"auto,json,text" default:"auto" help:"auto (text on a terminal, else JSON), json or text. Default: ${default}"`
}

// Server says how the API is served.
type Server struct {
	// Listen is the address to serve, HOST:PORT. Default 127.0.0.1:8080.
	Listen string `env:"SAMJOURNAL_LISTEN" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address to serve. Default: ${default}"`
	// MaxBodyBytes is the longest request body and WebSocket message, in bytes. Default 4 MiB.
	MaxBodyBytes int64 `name:"max-body-bytes" env:"SAMJOURNAL_MAX_BODY_BYTES" default:"4194304" placeholder:"BYTES" help:"Longest request body, 1024 to 1 GiB. Default: ${default}"`
	// PayloadLimit is the longest request or response of an entry that is stored whole, in bytes after redaction; a longer one
	// is not refused but becomes a marker with its beginning. 0: everything that fits the body limit. Default 256 KiB.
	PayloadLimit int `name:"payload-limit" env:"SAMJOURNAL_PAYLOAD_LIMIT" default:"262144" placeholder:"BYTES" help:"Longest request or response stored whole, secrets masked; longer ones are truncated, not refused. 1024 to 1 GiB, or 0: no limit but the body's. Default: ${default}"`
	// AppendTimeout is how long an append may take until it is durable; a longer one answers UNAVAILABLE. Default 2 s.
	AppendTimeout time.Duration `name:"append-timeout" env:"SAMJOURNAL_APPEND_TIMEOUT" default:"2s" placeholder:"DURATION" help:"How long an append may take until it is durable, 10ms to 10m; a longer one answers UNAVAILABLE. Default: ${default}"`
	// AppendQueueBytes bounds the payloads that wait to be appended, in bytes; more answers UNAVAILABLE at once. Default 64 MiB.
	AppendQueueBytes int `name:"append-queue-bytes" env:"SAMJOURNAL_APPEND_QUEUE_BYTES" default:"67108864" placeholder:"BYTES" help:"Payloads that may wait to be appended, 1 MiB to 16 GiB; more answers UNAVAILABLE at once. Default: ${default}"`
	// FeedDatabaseURL is where notifications of commits are heard: a direct way to the same PostgreSQL database, where DATABASE_URL
	// goes through a pooler that does not pass them on. Default: DATABASE_URL.
	FeedDatabaseURL string `name:"feed-database-url" env:"SAMJOURNAL_FEED_DATABASE_URL" placeholder:"URL" help:"Where PostgreSQL's notifications of commits are heard, if not at DATABASE_URL: the same database without the pooler in between."`
	// FeedPoll is how often the feed looks for entries of other processes while it is not told of them and there are
	// subscribers. Default 500 ms.
	FeedPoll time.Duration `name:"feed-poll" env:"SAMJOURNAL_FEED_POLL" default:"500ms" placeholder:"DURATION" help:"How often subscriptions look for entries of other processes while notifications are lost, 10ms to 1m. Default: ${default}"`
	// SearchIndex fills the index of searches in the background. Default true.
	SearchIndex bool `name:"search-index" env:"SAMJOURNAL_SEARCH_INDEX" default:"true" negatable:"" help:"Fill the index of searches in the background, behind the journal. Where no server does, searches need a time. Default: ${default}"`
	// MaxConnections limits WebSocket connections and event streams together. Default 10,000.
	MaxConnections int `name:"max-connections" env:"SAMJOURNAL_MAX_CONNECTIONS" default:"10000" placeholder:"N" help:"WebSocket connections and event streams at a time, 1 to 1000000. Default: ${default}"`
	// MaxConnectionOperations limits the operations that run at the same time on one WebSocket connection. Default 100.
	MaxConnectionOperations int `name:"max-connection-operations" env:"SAMJOURNAL_MAX_CONNECTION_OPERATIONS" default:"100" placeholder:"N" help:"Operations at a time on one WebSocket connection, 1 to 10000. Default: ${default}"`
	// MaxViewerOperations limits the operations of one viewer that run at the same time, over all its connections. Default 20,000.
	MaxViewerOperations int `name:"max-viewer-operations" env:"SAMJOURNAL_MAX_VIEWER_OPERATIONS" default:"20000" placeholder:"N" help:"Operations at a time of one viewer, subscriptions among them, over all its connections, 1 to 1000000. Without authentication everybody is one viewer. Default: ${default}"`
	// ShutdownTimeout is how long running work may take to finish after SIGTERM, counted from the end of DrainDelay. Default 20 s.
	ShutdownTimeout time.Duration `name:"shutdown-timeout" env:"SAMJOURNAL_SHUTDOWN_TIMEOUT" default:"20s" placeholder:"DURATION" help:"How long running work may take to finish after SIGTERM and the drain delay, 1s to 1h. Default: ${default}"`
	// DrainDelay is the time between the first 503 of /readyz and the end of service, for load balancers. Default 0.
	DrainDelay time.Duration `name:"drain-delay" env:"SAMJOURNAL_DRAIN_DELAY" default:"0s" placeholder:"DURATION" help:"Time between the first 503 of /readyz and the end of service, 0s to 10m. Default: ${default}"`
}

// Digest says how it is recognised that the same entry was sent again.
type Digest struct {
	// Key is 64 hex digits: the key of the digests over what writers sent. Default: a random one that the database keeps.
	Key string `name:"digest-key" env:"SAMJOURNAL_DIGEST_KEY" placeholder:"HEX" help:"Key (64 hex digits) of the digests by which a repeated entry is recognised, kept out of the database. It must never change. Default: one in the database"`
}

// Bytes returns the key, nil when none is configured.
func (d Digest) Bytes() []byte {
	key, err := hex.DecodeString(d.Key)
	if err != nil {
		return nil
	}
	return key
}

// wrong is an error that names the flag, and its variable.
func wrong(flag, format string, args ...any) error {
	variable := "SAMJOURNAL_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
	return fmt.Errorf("--%s: %s (%s)", flag, fmt.Sprintf(format, args...), variable)
}

// Validate names the first value that is out of range. The URL is checked by opening it.
func (d Database) Validate() error {
	if d.MaxConns < 2 || d.MaxConns > 1000 {
		return wrong("database-max-conns", "must be from 2 to 1000, is %d", d.MaxConns)
	}
	return nil
}

// Validate names the first thing that is unknown.
func (r Redaction) Validate() error {
	_, err := r.WholeBodies()
	return err
}

// WholeBodies returns the things whose whole bodies are masked.
func (r Redaction) WholeBodies() ([]model.Thing, error) {
	var things []model.Thing
	for _, name := range r.Things {
		if name == "" {
			continue // an empty variable means none
		}
		thing, err := model.ParseThing(name)
		if err != nil {
			return nil, wrong("redact-things", "%v", err)
		}
		things = append(things, thing)
	}
	return things, nil
}

// Validate names the first value that is out of range.
func (d Digest) Validate() error {
	const size = 32
	if d.Key != "" && len(d.Bytes()) != size {
		return wrong("digest-key", "must be %d hex digits", 2*size)
	}
	return nil
}

// Validate names the first value that is out of range.
func (s Server) Validate() error {
	const gib = 1 << 30
	switch {
	case s.MaxBodyBytes < 1024 || s.MaxBodyBytes > gib:
		return wrong("max-body-bytes", "must be from 1024 to %d, is %d", gib, s.MaxBodyBytes)
	case s.PayloadLimit != 0 && (s.PayloadLimit < 1024 || s.PayloadLimit > gib):
		return wrong("payload-limit", "must be 0 or from 1024 to %d, is %d", gib, s.PayloadLimit)
	case s.AppendTimeout < 10*time.Millisecond || s.AppendTimeout > 10*time.Minute:
		return wrong("append-timeout", "must be from 10ms to 10m, is %s", s.AppendTimeout)
	case s.AppendQueueBytes < 1<<20 || s.AppendQueueBytes > 16*gib:
		return wrong("append-queue-bytes", "must be from %d to %d, is %d", 1<<20, 16*gib, s.AppendQueueBytes)
	case s.FeedPoll < 10*time.Millisecond || s.FeedPoll > time.Minute:
		return wrong("feed-poll", "must be from 10ms to 1m, is %s", s.FeedPoll)
	case s.MaxConnections < 1 || s.MaxConnections > 1_000_000:
		return wrong("max-connections", "must be from 1 to 1000000, is %d", s.MaxConnections)
	case s.MaxConnectionOperations < 1 || s.MaxConnectionOperations > 10_000:
		return wrong("max-connection-operations", "must be from 1 to 10000, is %d", s.MaxConnectionOperations)
	case s.MaxViewerOperations < 1 || s.MaxViewerOperations > 1_000_000:
		return wrong("max-viewer-operations", "must be from 1 to 1000000, is %d", s.MaxViewerOperations)
	case s.ShutdownTimeout < time.Second || s.ShutdownTimeout > time.Hour:
		return wrong("shutdown-timeout", "must be from 1s to 1h, is %s", s.ShutdownTimeout)
	case s.DrainDelay < 0 || s.DrainDelay > 10*time.Minute:
		return wrong("drain-delay", "must be from 0s to 10m, is %s", s.DrainDelay)
	}
	return nil
}
