package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"samjournal/internal/testpostgres"
)

const callersArg = "appends" // measures appends of many callers alone

// callersSettings come from the environment, see README.md.
type callersSettings struct {
	settings

	callers []int
	turn    time.Duration // of each contestant in each round
}

// callersSection is what was measured on one database.
type callersSection struct {
	database, reference string
	cells               []*callersCell
}

// callersCell is one number of callers. The figures are entries/s, round by round.
type callersCell struct {
	callers                    int
	product, reference, direct []float64
	latency                    []time.Duration // of the product's answers, every one
	batch                      float64         // entries of a commit, on average
	commit                     time.Duration   // how long one took, on average

	// All of the product's turns together.
	entries int
	took    time.Duration
	busy    busy
}

// appender is one of the contestants.
type appender interface {
	// appendFor lets so many callers append for so long. It returns how many entries were appended, and in what time.
	appendFor(ctx context.Context, callers int, d time.Duration) (entries int, took time.Duration, err error)
}

func runCallers(ctx context.Context, out io.Writer) error {
	cfg, err := readCallersSettings()
	if err != nil {
		return err
	}
	sections, err := measureEach(ctx, cfg.settings, []func() (*callersSection, error){
		func() (*callersSection, error) { return callersOnSQLite(ctx, cfg) },
		func() (*callersSection, error) { return callersOnPostgres(ctx, cfg) },
	})
	if err != nil {
		return err
	}
	whole := slices.Max(cfg.callers) >= mostCallers
	return tell(out, callersHeading, callersMarkdown(cfg, sections), whole, fmt.Sprintf("%d callers", mostCallers))
}

const mostCallers = 256 // without so many the results are not kept

func readCallersSettings() (cfg callersSettings, err error) {
	var v variables
	cfg.callers = v.numbers("SAMJOURNAL_BENCH_CALLERS", "1,32,256")
	cfg.rounds = v.number("SAMJOURNAL_BENCH_ROUNDS", "5")
	cfg.turn = v.duration("SAMJOURNAL_BENCH_TURN", "5s")
	cfg.product, cfg.built = v.binary()
	return cfg, errors.Join(v.errs...)
}

func callersOnSQLite(ctx context.Context, cfg callersSettings) (*callersSection, error) {
	dir, err := os.MkdirTemp(cache, "run-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	journal, plain := "file:"+filepath.Join(dir, "journal.db"), "file:"+filepath.Join(dir, "plain.db")
	s := &callersSection{database: "SQLite", reference: "the driver's single-row inserts"}
	err = s.measure(ctx, cfg, journal, plain, func(ctx context.Context) (appender, func() error, error) {
		return openDriver(ctx, journal[len("file:"):], filepath.Join(dir, "driver.db"))
	})
	return s, err
}

// callersOnPostgres starts a server of its own, durable as in production.
func callersOnPostgres(ctx context.Context, cfg callersSettings) (_ *callersSection, err error) {
	connections := strconv.Itoa(slices.Max(cfg.callers) + 100)
	server, err := testpostgres.Open(testpostgres.WithDurability(), testpostgres.WithSetting("max_connections", connections))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	journal, err := server.CreateDatabase(ctx)
	if err != nil {
		return nil, err
	}
	plain, err := server.CreateDatabase(ctx)
	if err != nil {
		return nil, err
	}
	s := &callersSection{database: "PostgreSQL", reference: "pgbench's single-row inserts"}
	err = s.measure(ctx, cfg, journal.OwnerURL, plain.OwnerURL, func(ctx context.Context) (appender, func() error, error) {
		return openPgbench(ctx, journal.SuperuserURL)
	})
	return s, err
}

// measure lets the three append in turns, another one first each round, and looks for what the product has answered.
func (s *callersSection) measure(
	ctx context.Context, cfg callersSettings, journal, plain string, open func(context.Context) (appender, func() error, error),
) (err error) {
	product, err := startProduct(ctx, cfg.settings, journal)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, product.stop()) }()
	limit, err := startLimit(ctx, journal, plain)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, limit.stop()) }()
	createEntry, err := newCreateCaller(product)
	if err != nil {
		return err
	}
	if _, _, err := createEntry.appendFor(ctx, 1, time.Millisecond); err != nil { // the row that the reference inserts
		return err
	}
	reference, closeReference, err := open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeReference()) }()
	direct, err := newDirectCaller(limit)
	if err != nil {
		return err
	}
	for _, callers := range cfg.callers {
		c := &callersCell{callers: callers}
		s.cells = append(s.cells, c)
		began := time.Now()
		if err := c.measure(ctx, cfg, product, createEntry, reference, direct); err != nil {
			return fmt.Errorf("%s, %d callers: %w", s.database, callers, err)
		}
		fmt.Fprintf(os.Stderr, "%s, %d callers: %s entries/s, %s of %s (%s)\n", s.database, callers,
			thousands(int(median(c.product))), overs(c.product, c.reference), s.reference, time.Since(began).Round(time.Second))
	}
	return checkStored(ctx, journal, createEntry.appended())
}

func (c *callersCell) measure(
	ctx context.Context, cfg callersSettings, product *server, createEntry *caller, reference, direct appender,
) error {
	into := []*[]float64{&c.product, &c.reference, &c.direct}
	for round := -1; round < cfg.rounds; round++ {
		for turn := range into {
			which := (turn + round + 1) % len(into)
			before, err := appendCounters(ctx, product)
			if err != nil {
				return err
			}
			entries, took, err := []appender{createEntry, reference, direct}[which].appendFor(ctx, c.callers, cfg.turn)
			if err != nil {
				return err
			}
			if round < 0 {
				continue // a round before the first warms up
			}
			*into[which] = append(*into[which], float64(entries)/took.Seconds())
			if which > 0 {
				continue
			}
			after, err := appendCounters(ctx, product)
			if err != nil {
				return err
			}
			c.batch += (after.entries - before.entries) / (after.commits - before.commits) / float64(cfg.rounds)
			c.commit += time.Duration((after.seconds - before.seconds) / (after.commits - before.commits) / float64(cfg.rounds) *
				float64(time.Second))
			c.latency = append(c.latency, createEntry.lately()...)
			c.entries, c.took = c.entries+entries, c.took+took
			c.busy.add(before.busy, after.busy)
		}
	}
	return nil
}

// overs is the ratio of figures of the same rounds.
func overs(a, b []float64) ratio {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	return ratio{median(ratios), slices.Min(ratios), slices.Max(ratios)}
}
