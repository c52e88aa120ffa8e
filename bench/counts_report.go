package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"samjournal/internal/model"
	"samjournal/internal/store"
)

// countsHeading begins the section on counts.
const countsHeading = "## Counts\n"

// measure asks in turns, another one first each time. A round before the first warms up and is not counted. Both answers must
// have as many counts, and count as many entries.
func (q *countsQuestion) measure(ctx context.Context, rounds int, rows *sql.DB, counters *store.Store) (countsResult, error) {
	result := countsResult{what: q.what}
	scope := model.Scope{AccountID: 1, Entries: true, OnlyUserID: q.only}
	for round := -1; round < rounds; round++ {
		groups, entries, plain, err := q.ofRows(ctx, rows)
		if err != nil {
			return result, err
		}
		times := make([]time.Duration, perTurn)
		for i := range times {
			began := time.Now()
			_, counts, err := counters.HeadAndCounts(ctx, scope, q.query)
			if err != nil {
				return result, err
			}
			times[i] = time.Since(began)
			n := int64(0)
			for _, count := range counts {
				n += count.N
			}
			if len(counts) != groups || n != entries {
				return result, fmt.Errorf("%d counts of %d entries, but there are %d of %d", len(counts), n, groups, entries)
			}
		}
		if result.counts = groups; round >= 0 {
			result.plain, result.counters = append(result.plain, plain), append(result.counters, median(times))
		}
	}
	result.toPlain = result.plain.over(result.counters)
	return result, nil
}

// ofRows runs the plain statement, whose last column is the number.
func (q *countsQuestion) ofRows(ctx context.Context, db *sql.DB) (groups int, entries int64, took time.Duration, err error) {
	began := time.Now()
	rows, err := db.QueryContext(ctx, q.statement)
	if err != nil {
		return 0, 0, 0, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return 0, 0, 0, err
	}
	var n int64
	into := make([]any, len(columns))
	for i := range into {
		into[i] = new(any)
	}
	into[len(into)-1] = &n
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return 0, 0, 0, err
		}
		groups, entries = groups+1, entries+n
	}
	return groups, entries, time.Since(began), rows.Err()
}

func countsMarkdown(cfg settings, sections []*countsSection) string {
	var b strings.Builder
	line := beginSection(&b, countsHeading, countsArg)
	line("Counters and head in one statement against `SELECT … count(*) … GROUP BY` on the entries, by the same driver. Ratios are")
	line("medians over %d rounds, with the least and the greatest round in brackets.", cfg.rounds)
	for _, s := range sections {
		line("")
		line("### %s: counts of %s entries", s.database, thousands(cfg.entries))
		line("")
		line("| what | counts | by counters | by rows | times as fast |")
		line("|---|---:|---:|---:|---:|")
		for i := range s.results {
			r := &s.results[i]
			line("| %s | %s | %s | %s | **%.0f** (%.0f to %.0f) |", r.what, thousands(r.counts), ms(r.counters.median()),
				ms(r.plain.median()), r.toPlain.median, r.toPlain.least, r.toPlain.greatest)
		}
		line("")
		if len(s.asked) > 0 {
			askedMarkdown(line, s.asked)
		}
		line("`samjournal stats rebuild` counted all entries again in %s and found every counter right.", s.filling.Round(time.Second))
	}
	return b.String()
}

func askedMarkdown(line func(format string, args ...any), asked []countsResult) {
	line("Asked over HTTP, in GraphQL, by one client, against `SELECT … count(*) … GROUP BY` run by pgbench:")
	line("")
	line("| what | entries | samjournal | answers/s | pgbench | times as fast |")
	line("|---|---:|---:|---:|---:|---:|")
	for i := range asked {
		r := &asked[i]
		took := r.counters.median()
		line("| %s | %s | %s | %s | %s | **%.0f** (%.0f to %.0f) |", r.what, thousands(r.counts), ms(took),
			thousands(int(time.Second/took)), ms(r.plain.median()), r.toPlain.median, r.toPlain.least, r.toPlain.greatest)
	}
	line("")
}
