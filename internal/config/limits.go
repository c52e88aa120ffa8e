//nolint:lll // a field's tags stay on its line
package config

import (
	"math"
	"time"
)

// Limits keep what callers can make the server do within bounds. The bounds of documents and rates are what a rule of its own
// refuses; docs/security.md has them all in a table.
type Limits struct {
	// MaxAnswerBytes is how much of requests and responses of entries an answer holds, in bytes. Default 16 MiB.
	MaxAnswerBytes int64 `env:"SAMJOURNAL_MAX_ANSWER_BYTES" default:"16777216" placeholder:"BYTES" help:"Requests and responses of entries in one answer, 65536 to 1 GiB; a page ends early with the entry that would exceed it. Default: ${default}"`

	// MaxTCPConnections limits open TCP connections, idle ones among them. Default 15,000; 0: no limit.
	MaxTCPConnections int `name:"max-tcp-connections" env:"SAMJOURNAL_MAX_TCP_CONNECTIONS" default:"15000" placeholder:"N" help:"Open TCP connections, 0 (no limit) to 1000000; more are closed as they come. Default: ${default}"`
	// MaxRunningOperations limits queries and mutations that run at the same time. Default 512.
	MaxRunningOperations int `env:"SAMJOURNAL_MAX_RUNNING_OPERATIONS" default:"512" placeholder:"N" help:"Queries and mutations that run at a time, 1 to 100000. Default: ${default}"`
	// MaxWaitingOperations limits those that wait for their turn, at most a second each. Default 512.
	MaxWaitingOperations int `env:"SAMJOURNAL_MAX_WAITING_OPERATIONS" default:"512" placeholder:"N" help:"Queries and mutations that wait for their turn, at most 1s each, 0 to 100000; others are answered UNAVAILABLE. Default: ${default}"`
	// MaxIntakeBytes limits the memory that request bodies and WebSocket messages under way take together. Default 128 MiB.
	MaxIntakeBytes int64 `env:"SAMJOURNAL_MAX_INTAKE_BYTES" default:"134217728" placeholder:"BYTES" help:"Memory for all request bodies and WebSocket messages under way, decoded, 1024 to 1 TiB; at least four times --max-body-bytes is taken. Default: ${default}"`
	// MaxExports limits the exports that run at the same time. Default 4.
	MaxExports int `env:"SAMJOURNAL_MAX_EXPORTS" default:"4" placeholder:"N" help:"Exports (/export) that run at a time, 1 to 1000; others are answered UNAVAILABLE. Default: ${default}"`
	// OperationTimeout is how long a query or mutation may take. Default 30 s.
	OperationTimeout time.Duration `env:"SAMJOURNAL_OPERATION_TIMEOUT" default:"30s" placeholder:"DURATION" help:"How long a query or mutation may take, 100ms to 1h; PostgreSQL ends its statements then, too. Default: ${default}"`

	// ReadHeaderTimeout is how long a client may take to send a request's headers. Default 10 s.
	ReadHeaderTimeout time.Duration `env:"SAMJOURNAL_READ_HEADER_TIMEOUT" default:"10s" placeholder:"DURATION" help:"How long a client may take to send headers, 100ms to 10m. Default: ${default}"`
	// ReadTimeout is how long a client may take to send a body or a message. Default 30 s.
	ReadTimeout time.Duration `env:"SAMJOURNAL_READ_TIMEOUT" default:"30s" placeholder:"DURATION" help:"How long a client may take to send a body or a WebSocket message, 100ms to 1h. Default: ${default}"`
	// WriteTimeout is how long a client may take to receive 256 KiB. Default 10 s.
	WriteTimeout time.Duration `env:"SAMJOURNAL_WRITE_TIMEOUT" default:"10s" placeholder:"DURATION" help:"How long a client may take to receive 256 KiB, 100ms to 10m. Default: ${default}"`
	// IdleTimeout is how long a connection may wait for its next request. Default 2 min.
	IdleTimeout time.Duration `env:"SAMJOURNAL_IDLE_TIMEOUT" default:"2m" placeholder:"DURATION" help:"How long a connection may wait for its next request, 1s to 1h. Default: ${default}"`

	Rates Rates `embed:"" prefix:"rate-" envprefix:"SAMJOURNAL_RATE_"`
}

// Rates say how much one viewer and one address may ask for. They hold for a server that others than the local operator can
// reach. 0 is no limit.
type Rates struct {
	// ViewerRequests are operations of a viewer a second, twice as many at once. Default 1,000.
	ViewerRequests int `env:"VIEWER_REQUESTS" default:"1000" placeholder:"N" help:"Operations of one viewer (token or JWT subject) a second; 0: no limit. Default: ${default}"`
	// ViewerCost is the cost of a viewer's operations a second. Default 5,000,000.
	ViewerCost int `env:"VIEWER_COST" default:"5000000" placeholder:"N" help:"Cost of one viewer's operations a second; 0: no limit. Default: ${default}"`
	// AddressRequests are requests and messages from an address a second. Default 2,000.
	AddressRequests int `env:"ADDRESS_REQUESTS" default:"2000" placeholder:"N" help:"Requests and WebSocket messages from one address a second; 0: no limit. Default: ${default}"`
	// AddressConnections are open connections of an address. Default 1,000.
	AddressConnections int `env:"ADDRESS_CONNECTIONS" default:"1000" placeholder:"N" help:"Open connections from one address; 0: no limit. Default: ${default}"`
	// FailedLogins are wrong credentials from an address in a row. Default 20.
	FailedLogins int `env:"FAILED_LOGINS" default:"20" placeholder:"N" help:"Wrong credentials from one address in a row, after which one a second is looked at; 0: no limit. Default: ${default}"`
}

// within is a number that has to be in a range, both ends included.
type within struct {
	flag               string
	value, least, most int64
}

// inRange names the first number that is out of its range.
func inRange(all []within) error {
	for _, n := range all {
		if n.value < n.least || n.value > n.most {
			return wrong(n.flag, "must be from %d to %d, is %d", n.least, n.most, n.value)
		}
	}
	return nil
}

// lasting is a duration that has to be in a range, both ends included.
type lasting struct {
	flag               string
	value, least, most time.Duration
}

func inTime(all []lasting) error {
	for _, d := range all {
		if d.value < d.least || d.value > d.most {
			return wrong(d.flag, "must be from %s to %s, is %s", d.least, d.most, d.value)
		}
	}
	return nil
}

// Validate names the first value that is out of range.
func (l Limits) Validate() error {
	const (
		gib   = 1 << 30
		tib   = 1 << 40
		least = 100 * time.Millisecond
	)
	err := inRange([]within{
		{"max-answer-bytes", l.MaxAnswerBytes, 64 << 10, gib},
		{"max-tcp-connections", int64(l.MaxTCPConnections), 0, 1_000_000},
		{"max-running-operations", int64(l.MaxRunningOperations), 1, 100_000},
		{"max-waiting-operations", int64(l.MaxWaitingOperations), 0, 100_000},
		{"max-exports", int64(l.MaxExports), 1, 1000},
		{"max-intake-bytes", l.MaxIntakeBytes, 1024, tib},
	})
	if err != nil {
		return err
	}
	return inTime([]lasting{
		{"operation-timeout", l.OperationTimeout, least, time.Hour},
		{"read-header-timeout", l.ReadHeaderTimeout, least, 10 * time.Minute},
		{"read-timeout", l.ReadTimeout, least, time.Hour},
		{"write-timeout", l.WriteTimeout, least, 10 * time.Minute},
		{"idle-timeout", l.IdleTimeout, time.Second, time.Hour},
	})
}

// Validate names the first value that is out of range.
func (r Rates) Validate() error {
	return inRange([]within{
		{"rate-viewer-requests", int64(r.ViewerRequests), 0, math.MaxInt32},
		{"rate-viewer-cost", int64(r.ViewerCost), 0, math.MaxInt32},
		{"rate-address-requests", int64(r.AddressRequests), 0, math.MaxInt32},
		{"rate-address-connections", int64(r.AddressConnections), 0, math.MaxInt32},
		{"rate-failed-logins", int64(r.FailedLogins), 0, math.MaxInt32},
	})
}
