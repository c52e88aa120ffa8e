package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	fullSize    = 1_000_000
	cache       = ".cache/bench"
	resultsFile = "bench/RESULTS.md"
	limitArg    = "serve-limit" // makes this program the server written by hand
)

// settings come from the environment, see README.md.
type settings struct {
	entries int
	rounds  int
	product string // path of the binary under test
	built   bool   // it is there already
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	known, err := feedCommand(ctx, os.Args[1:])
	switch {
	case known:
	case len(os.Args) == 2 && os.Args[1] == callersArg:
		err = runCallers(ctx, os.Stdout)
	case len(os.Args) == 2 && os.Args[1] == countsArg:
		err = runCounts(ctx, os.Stdout)
	case len(os.Args) == 2 && os.Args[1] == searchArg:
		err = runSearch(ctx, os.Stdout)
	case len(os.Args) == 4 && os.Args[1] == limitArg:
		err = serveLimit(ctx, os.Args[2], os.Args[3])
	default:
		err = run(ctx, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func run(ctx context.Context, out io.Writer) error {
	cfg, err := readSettings()
	if err != nil {
		return err
	}
	if err := cfg.build(ctx); err != nil {
		return err
	}
	r := &report{cfg: cfg, began: time.Now().Truncate(time.Second)}
	for _, measure := range []func(context.Context, settings, *report) error{onSQLite, onPostgres} {
		if err := measure(ctx, cfg, r); err != nil {
			return err
		}
	}
	text := r.markdown()
	if _, err := io.WriteString(out, text); err != nil {
		return err
	}
	if cfg.entries != fullSize {
		_, err := fmt.Fprintf(out, "\n%s is written by runs of %s entries only.\n", resultsFile, thousands(fullSize))
		return err
	}
	if old, err := os.ReadFile(resultsFile); err == nil {
		text += ownSections(string(old))
	}
	return os.WriteFile(resultsFile, []byte(text), 0o644)
}

func readSettings() (settings, error) {
	const fewest, rounds = 20_000, 30 // fewer have less than two pages of the rarest thing asked for
	cfg := settings{entries: fullSize, rounds: rounds}
	var err error
	if cfg.product, err = filepath.Abs(filepath.Join(cache, "samjournal")); err != nil {
		return cfg, err
	}
	number := func(name string, into *int, least int) error {
		text := os.Getenv(name)
		if text == "" {
			return nil
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < least {
			return fmt.Errorf("%s: must be a number from %d, is %q", name, least, text)
		}
		*into = n
		return nil
	}
	return cfg, errors.Join(number("SAMJOURNAL_BENCH_ENTRIES", &cfg.entries, fewest),
		number("SAMJOURNAL_BENCH_ROUNDS", &cfg.rounds, 1))
}

// measure seeds nothing: both servers have their databases. It fills in the section of one database.
func measure(ctx context.Context, cfg settings, journal, small, plain string, s *section) (err error) {
	product, err := startProduct(ctx, cfg, journal)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, product.stop()) }()
	limit, err := startLimit(ctx, journal, plain)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, limit.stop()) }()
	if s.pages, err = measurePages(ctx, cfg, product, limit); err != nil {
		return err
	}
	appending, err := startProduct(ctx, cfg, small)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, appending.stop()) }()
	s.appends, err = measureAppends(ctx, cfg, appending, limit)
	return err
}
