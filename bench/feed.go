package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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

	built       bool  // the product is not to be built
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
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	if !cfg.built {
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", cfg.product, ".")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("build samjournal (run this from the top level, as make bench does): %w", err)
		}
	}
	var sections []*feedSection
	for _, measure := range []func(context.Context, feedSettings) (*feedSection, error){feedOnSQLite, feedOnPostgres} {
		s, err := measure(ctx, cfg)
		if err != nil {
			return err
		}
		sections = append(sections, s)
	}
	text := feedMarkdown(cfg, sections)
	if _, err := io.WriteString(out, text); err != nil {
		return err
	}
	if most < mostSubscribers {
		_, err := fmt.Fprintf(out, "\n%s is written by runs of %s subscribers only.\n", resultsFile, thousands(mostSubscribers))
		return err
	}
	return replaceSection(feedHeading, text)
}

func readFeedSettings() (cfg feedSettings, err error) {
	value := func(name, otherwise string) string {
		if text := os.Getenv(name); text != "" {
			return text
		}
		return otherwise
	}
	var errs []error
	number := func(name, text string, least int) int {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < least {
			errs = append(errs, fmt.Errorf("%s: must be a number from %d, is %q", name, least, text))
		}
		return n
	}
	duration := func(name, otherwise string) time.Duration {
		d, err := time.ParseDuration(value(name, otherwise))
		if err != nil || d < time.Second {
			errs = append(errs, fmt.Errorf("%s: must be a duration from 1s, is %q", name, value(name, otherwise)))
		}
		return d
	}
	const subscribers, rounds = "SAMJOURNAL_BENCH_SUBSCRIBERS", "SAMJOURNAL_BENCH_ROUNDS"
	for text := range strings.SplitSeq(value(subscribers, "100,1000,10000"), ",") {
		cfg.subscribers = append(cfg.subscribers, number(subscribers, text, 1))
	}
	cfg.rounds = number(rounds, value(rounds, "5"), 1)
	cfg.settle, cfg.steady = duration("SAMJOURNAL_BENCH_SETTLE", "8s"), duration("SAMJOURNAL_BENCH_STEADY", "20s")
	cfg.product = value("SAMJOURNAL_BENCH_BINARY", filepath.Join(cache, "samjournal"))
	cfg.built = os.Getenv("SAMJOURNAL_BENCH_BINARY") != ""
	if cfg.product, err = filepath.Abs(cfg.product); err != nil {
		errs = append(errs, err)
	}
	return cfg, errors.Join(errs...)
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
