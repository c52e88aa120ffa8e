package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"samjournal/internal/auth"
	"samjournal/internal/config"
)

const description = `samjournal keeps an append-only journal of API operations (who did what to which kind of thing, with
request, response and status) and serves it as a GraphQL API.

Start here:

  samjournal serve                 answer on 127.0.0.1:8080, with samjournal.db in this directory
  samjournal seed                  add 10,000 generated entries to play with
  samjournal import export.json    bring a Django journal along

Every flag can be given as the environment variable named beside it.`

// commands is the command line.
type commands struct {
	Serve   serveCmd   `cmd:"" default:"withargs" help:"Serve the GraphQL API, the console and the Playground (the default command)."`
	Import  importCmd  `cmd:"" help:"Import a Django dumpdata export."`
	Export  exportCmd  `cmd:"" help:"Write the journal to a file that can be verified and imported again."`
	Seed    seedCmd    `cmd:"" help:"Add generated entries, to try the product with."`
	Account accountCmd `cmd:"" help:"Create and list accounts."`
	Token   tokenCmd   `cmd:"" help:"Create, list and revoke API tokens."`
	Stats   statsCmd   `cmd:"" help:"Correct the counters that statistics are made of."`
	Search  searchCmd  `cmd:"" help:"Make the index of searches anew."`
	Migrate migrateCmd `cmd:"" help:"Show or change the version of the database schema."`
	Redact  redactCmd  `cmd:"" help:"Show what redaction makes of a JSON document. Reads no database."`
	Schema  schemaCmd  `cmd:"" help:"Print the whole GraphQL schema (SDL)."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// streams are where commands read and write.
type streams struct {
	in  io.Reader
	out io.Writer
	err *os.File
}

// exitError ends the process with a status of its own, after whatever was to say has been said.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// Main runs the command line and returns the exit status: 0 done, 1 failed, 3 an import that came to its end and rejected
// rows, 130 interrupted; 80 for a command line that cannot be read (kong's).
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	var cmds commands
	parser, err := newParser(ctx, &cmds, kong.Bind(&streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
	if err != nil {
		fmt.Fprintln(os.Stderr, "samjournal:", err)
		return 1
	}
	if err := readable(args, os.Environ()); err != nil {
		fmt.Fprintln(os.Stderr, "samjournal:", err)
		return unreadable
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		parser.Stdout = os.Stderr // the usage belongs to the error; what a command prints may go into a file
		parser.FatalIfErrorf(err)
	}
	return status(ctx, parsed.Run())
}

// unreadable is kong's exit status for a command line that cannot be read.
const unreadable = 80

// readable refuses what the parser would change: users and accounts are never deleted, so none may come to be by another name
// than what was given.
func readable(args, environment []string) error {
	for i, arg := range args {
		if !utf8.ValidString(arg) {
			return fmt.Errorf("argument %d, %q, is not valid UTF-8", i+1, arg)
		}
	}
	for _, variable := range environment {
		name, value, _ := strings.Cut(variable, "=")
		ours := name == "DATABASE_URL" || strings.HasPrefix(name, "SAMJOURNAL_")
		if ours && !utf8.ValidString(value) {
			return fmt.Errorf("the environment variable %s is not valid UTF-8", name)
		}
	}
	return nil
}

// newParser returns what reads a command line into cmds.
func newParser(ctx context.Context, cmds *commands, more ...kong.Option) (*kong.Kong, error) {
	return kong.New(cmds, append([]kong.Option{
		kong.Name("samjournal"), kong.Description(description), kong.ShortUsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 120}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Vars{"signature_algorithms": strings.Join(auth.SignatureAlgorithms(), ",")},
	}, more...)...)
}

func status(ctx context.Context, err error) int {
	const interrupted = 130
	var exit exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit)
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "samjournal: interrupted:", err)
		return interrupted
	}
	fmt.Fprintln(os.Stderr, "samjournal:", err)
	return 1
}

// logger logs to stderr: text for people, JSON for machines.
func logger(cfg config.Log, to *os.File) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		level = slog.LevelInfo // kong has refused anything unknown
	}
	opts := &slog.HandlerOptions{Level: level}
	if cfg.Format == "text" || cfg.Format == "auto" && term.IsTerminal(int(to.Fd())) {
		return slog.New(slog.NewTextHandler(to, opts))
	}
	return slog.New(slog.NewJSONHandler(to, opts))
}
