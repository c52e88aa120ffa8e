package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx

	"samjournal/internal/model"
	"samjournal/internal/store"
	"samjournal/internal/testpostgres"
)

const countsArg = "counts" // measures counts alone

// countsSection is what was measured on one database.
type countsSection struct {
	database string
	filling  time.Duration // of RebuildCounts, which found nothing to do
	results  []countsResult
	asked    []countsResult // over HTTP, against pgbench; on PostgreSQL only
}

type countsResult struct {
	what            string
	counts          int
	plain, counters timing
	toPlain         ratio // how many times as fast as the plain statement
}

func runCounts(ctx context.Context, out io.Writer) error {
	cfg, err := readCountsSettings()
	if err != nil {
		return err
	}
	sections, err := measureEach(ctx, cfg, []func() (*countsSection, error){
		func() (*countsSection, error) {
			journal, _, err := cachedSQLite(ctx, cfg)
			if err != nil {
				return nil, err
			}
			return measureCounts(ctx, cfg, "SQLite", journal)
		},
		func() (*countsSection, error) { return countsOnPostgres(ctx, cfg) },
	})
	if err != nil {
		return err
	}
	return tell(out, countsHeading, countsMarkdown(cfg, sections), cfg.entries == fullSize, thousands(fullSize)+" entries")
}

func readCountsSettings() (cfg settings, err error) {
	var v variables
	cfg.entries, cfg.rounds = v.number("SAMJOURNAL_BENCH_ENTRIES", "1000000"), v.number("SAMJOURNAL_BENCH_ROUNDS", "10")
	cfg.product, cfg.built = v.binary()
	return cfg, errors.Join(v.errs...)
}

// countsOnPostgres starts a server of its own.
func countsOnPostgres(ctx context.Context, cfg settings) (s *countsSection, err error) {
	server, err := testpostgres.Open(testpostgres.WithDurability())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	database, err := server.CreateDatabase(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := seedJournal(ctx, cfg, database.OwnerURL, cfg.entries); err != nil {
		return nil, err
	}
	if _, err := settle(ctx, database.SuperuserURL); err != nil {
		return nil, err
	}
	if s, err = measureCounts(ctx, cfg, "PostgreSQL", database.OwnerURL); err != nil {
		return nil, err
	}
	s.asked, err = askCounts(ctx, cfg, database.OwnerURL)
	return s, err
}

// countsQuestion is asked of the counters, and of the rows by a plain statement.
type countsQuestion struct {
	what, statement string
	query           store.CountQuery
	only            *int64 // the user that the viewer is limited to
}

// countsQuestions are about a journal that seedJournal made, whose last day is the last of 2025.
func countsQuestions(onPostgres bool) []countsQuestion {
	from, to := time.Date(2025, 12, 2, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	between := fmt.Sprintf("AND created_at >= %d AND created_at < %d", from.UnixMicro(), to.UnixMicro())
	hour := "created_at / 3600000000"
	if onPostgres {
		between = "AND created_at >= '2025-12-02Z' AND created_at < '2026-01-01Z'"
		hour = "date_trunc('hour', created_at, 'UTC')"
	}
	by := func(dimensions ...store.Dimension) store.CountQuery { return store.CountQuery{By: dimensions} }
	month := func(grain time.Duration, dimensions ...store.Dimension) store.CountQuery {
		return store.CountQuery{From: &from, To: &to, By: dimensions, Grain: grain}
	}
	failed := store.CountQuery{
		Dimensions: []store.Dimension{store.ByThing, store.ByStatusCode},
		Match: func(s *entsql.Selector) {
			s.Where(entsql.And(entsql.EQ(s.C("thing"), string(model.ThingPrompt)), entsql.GTE(s.C("status_code"), 400)))
		},
	}
	user := int64(1)
	plain := func(columns, where string) string {
		statement := "SELECT " + columns + "count(*) FROM entries WHERE account_id = 1 " + where
		if columns != "" {
			statement += " GROUP BY " + strings.TrimSuffix(columns, ", ")
		}
		return statement
	}
	return []countsQuestion{
		{"all, by thing", plain("thing, ", ""), by(store.ByThing), nil},
		{"all, by command", plain("command, ", ""), by(store.ByCommand), nil},
		{"all, by status code", plain("status_code, ", ""), by(store.ByStatusCode), nil},
		{"all, by user", plain("user_id, ", ""), by(store.ByUser), nil},
		{"thing PROMPT and status ≥ 400", plain("", "AND thing = 'Prompt' AND status_code >= 400"), failed, nil},
		{"of one user, by status code", plain("status_code, ", "AND user_id = 1"), by(store.ByStatusCode), &user},
		{"30 days, by thing", plain("thing, ", between), month(0, store.ByThing), nil},
		{"30 days, by hour and status code", plain(hour+", status_code, ", between), month(time.Hour, store.ByStatusCode), nil},
		{"30 days, by hour and thing", plain(hour+", thing, ", between), month(time.Hour, store.ByThing), nil},
	}
}

func measureCounts(ctx context.Context, cfg settings, database, journal string) (s *countsSection, err error) {
	counters, err := store.Open(ctx, journal, store.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, counters.Close()) }()
	driver := "pgx"
	if strings.HasPrefix(journal, "file:") {
		driver = "sqlite"
	}
	rows, err := sql.Open(driver, journal)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	s = &countsSection{database: database}
	began := time.Now()
	rebuilt, err := counters.RebuildCounts(ctx, 1, nil)
	if err != nil {
		return nil, err
	}
	if rebuilt.Wrong != 0 {
		return nil, fmt.Errorf("%s: %d counters were wrong", database, rebuilt.Wrong)
	}
	s.filling = time.Since(began)
	questions := countsQuestions(driver == "pgx")
	for i := range questions {
		result, err := questions[i].measure(ctx, cfg.rounds, rows, counters)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", database, questions[i].what, err)
		}
		s.results = append(s.results, result)
	}
	return s, nil
}
