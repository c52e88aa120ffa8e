package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"samjournal/internal/testpostgres"
)

const (
	feedArg         = "feed" // measures the feed alone
	mostSubscribers = 10_000 // without so many the results are not kept
)

// feedSettings come from the environment, see README.md.
type feedSettings struct {
	settings

	subscribers []int // of each cell
	settle      time.Duration
	steady      time.Duration
}

// feedSection is what was measured on one database.
type feedSection struct {
	database string
	cells    []*feedCell
}

// feedCommand carries out what the arguments ask for, if it has to do with the feed.
func feedCommand(ctx context.Context, args []string) (known bool, err error) {
	switch {
	case len(args) == 1 && args[0] == feedArg:
		return true, runFeed(ctx, os.Stdout)
	case len(args) == 1 && args[0] == bareArg:
		return true, serveBare(ctx, os.Stdin)
	case len(args) == 2 && args[0] == loadArg:
		return true, serveLoad(ctx, args[1], os.Stdin, os.Stdout)
	default:
		return false, nil
	}
}

// runFeed measures, and writes its section of the results; the others stay as they are.
func runFeed(ctx context.Context, out io.Writer) error {
	cfg, err := readFeedSettings()
	if err != nil {
		return err
	}
	most := slices.Max(cfg.subscribers)
	if err := checkSystem(most); err != nil {
		return err
	}
	sections, err := measureEach(ctx, cfg.settings, []func() (*feedSection, error){
		func() (*feedSection, error) { return feedOnSQLite(ctx, cfg) },
		func() (*feedSection, error) { return feedOnPostgres(ctx, cfg) },
	})
	if err != nil {
		return err
	}
	return tell(out, feedHeading, feedMarkdown(cfg, sections), most >= mostSubscribers, thousands(mostSubscribers)+" subscribers")
}

func readFeedSettings() (cfg feedSettings, err error) {
	var v variables
	cfg.subscribers = v.numbers("SAMJOURNAL_BENCH_SUBSCRIBERS", "100,1000,10000")
	cfg.rounds = v.number("SAMJOURNAL_BENCH_ROUNDS", "5")
	cfg.settle, cfg.steady = v.duration("SAMJOURNAL_BENCH_SETTLE", "8s"), v.duration("SAMJOURNAL_BENCH_STEADY", "20s")
	cfg.product, cfg.built = v.binary()
	return cfg, errors.Join(v.errs...)
}

func feedOnSQLite(ctx context.Context, cfg feedSettings) (*feedSection, error) {
	dir, err := os.MkdirTemp(cache, "run-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	return measureFeed(ctx, cfg, "SQLite", "file:"+filepath.Join(dir, "feed.db"))
}

// feedOnPostgres starts a server of its own, durable as in production.
func feedOnPostgres(ctx context.Context, cfg feedSettings) (s *feedSection, err error) {
	server, err := testpostgres.Open(testpostgres.WithDurability())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	database, err := server.CreateDatabase(ctx)
	if err != nil {
		return nil, err
	}
	return measureFeed(ctx, cfg, "PostgreSQL", database.OwnerURL)
}
