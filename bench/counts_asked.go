package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// perPgbench is how often pgbench runs a statement in a turn: a statement on all rows takes most of a second.
const perPgbench = 3

// askedCounts is a question asked of the product over HTTP, and of PostgreSQL by pgbench.
type askedCounts struct {
	what, document string
	where          map[string]any
	statement      string // what pgbench runs
	total          string // the number of entries that both must count
}

// whereQuestion is the body of a request with a filter.
type whereQuestion struct {
	Query     string `json:"query"`
	Variables struct {
		Where map[string]any `json:"where"`
	} `json:"variables"`
}

func askedQuestions() []askedCounts {
	const month = "created_at >= '2025-12-02Z' AND created_at < '2026-01-01Z'"
	between := map[string]any{"createdAtGTE": "2025-12-02T00:00:00Z", "createdAtLT": "2026-01-01T00:00:00Z"}
	failed := map[string]any{"thing": "PROMPT", "statusCodeGTE": 400}
	const from = " FROM entries WHERE account_id = 1"
	return []askedCounts{
		{
			what:      "`entryStats` by thing",
			document:  `{ counted: entryStats(groupBy: [THING]) { totalCount groups { thing count } } }`,
			statement: "SELECT thing, count(*)" + from + " GROUP BY thing", total: "SELECT count(*)" + from,
		},
		{
			what: "`entryStats` of 30 days by hour",
			document: `query ($where: EntryWhereInput) { counted: entryStats(where: $where, interval: HOUR) {
				totalCount buckets { start count } } }`,
			where:     between,
			statement: "SELECT date_trunc('hour', created_at, 'UTC'), count(*)" + from + " AND " + month + " GROUP BY 1 ORDER BY 1",
			total:     "SELECT count(*)" + from + " AND " + month,
		},
		{
			what:      "`totalCount` of thing PROMPT and status ≥ 400",
			document:  `query ($where: EntryWhereInput) { counted: entries(where: $where, first: 1) { totalCount } }`,
			where:     failed,
			statement: "SELECT count(*)" + from + " AND thing = 'Prompt' AND status_code >= 400",
			total:     "SELECT count(*)" + from + " AND thing = 'Prompt' AND status_code >= 400",
		},
	}
}

// askCounts asks in turns, after a round that warms up.
func askCounts(ctx context.Context, cfg settings, journal string) (results []countsResult, err error) {
	// A journal that was just seeded would be indexed for searches meanwhile, on the same processors.
	command := exec.CommandContext(ctx, cfg.product, "serve", "--listen=127.0.0.1:0", "--no-search-index")
	command.Env = append(os.Environ(), "DATABASE_URL="+journal)
	product, err := start(ctx, command)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, product.stop()) }()
	for _, q := range askedQuestions() {
		result, err := q.measure(ctx, cfg.rounds, product, journal)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.what, err)
		}
		results = append(results, result)
	}
	return results, nil
}

func (q *askedCounts) measure(ctx context.Context, rounds int, product *server, journal string) (countsResult, error) {
	result := countsResult{what: q.what}
	asks := whereQuestion{Query: q.document}
	asks.Variables.Where = q.where
	body, err := json.Marshal(asks)
	if err != nil {
		return result, err
	}
	asked := question{server: product, path: "/graphql", body: body}
	if result.counts, err = q.check(ctx, asked, journal); err != nil {
		return result, err
	}
	bench, remove, err := newPgbench(journal, q.statement)
	if err != nil {
		return result, err
	}
	for round := -1; round < rounds && err == nil; round++ {
		var plain time.Duration
		if plain, err = bench.latency(ctx, perPgbench); err != nil {
			break
		}
		times := make([]time.Duration, perTurn)
		for i := range times {
			if _, times[i], err = asked.ask(ctx); err != nil {
				break
			}
		}
		if round >= 0 {
			result.plain, result.counters = append(result.plain, plain), append(result.counters, median(times))
		}
	}
	err = errors.Join(err, remove())
	if err != nil {
		return result, err
	}
	result.toPlain = result.plain.over(result.counters)
	return result, nil
}

// check compares the product's answer with counting the rows, and returns how many were counted.
func (q *askedCounts) check(ctx context.Context, asked question, journal string) (int, error) {
	answer, _, err := asked.ask(ctx)
	if err != nil {
		return 0, err
	}
	var said struct {
		Data struct {
			Counted struct {
				TotalCount int `json:"totalCount"`
			} `json:"counted"`
		} `json:"data"`
	}
	if err := json.Unmarshal(answer, &said); err != nil {
		return 0, err
	}
	connection, err := pgx.Connect(ctx, journal)
	if err != nil {
		return 0, err
	}
	var rows int
	err = errors.Join(connection.QueryRow(ctx, q.total).Scan(&rows), connection.Close(ctx))
	if err == nil && (rows != said.Data.Counted.TotalCount || rows == 0) {
		err = fmt.Errorf("counted %d of %d entries: %.300s", said.Data.Counted.TotalCount, rows, answer)
	}
	return rows, err
}

// latency lets one client run the script so often, and returns how long one run took on average.
func (p *pgbench) latency(ctx context.Context, times int) (time.Duration, error) {
	command := exec.CommandContext(ctx, p.binary, "--no-vacuum", "--protocol=prepared", "--client=1",
		"--transactions="+strconv.Itoa(times), "--file="+p.script)
	command.Env = p.environment
	text, err := command.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench: %w: %s", err, text)
	}
	found := regexp.MustCompile(`latency average = ([0-9.]+) ms`).FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("pgbench tells no latency: %s", text)
	}
	ms, err := strconv.ParseFloat(string(found[1]), 64)
	return time.Duration(ms * float64(time.Millisecond)), err
}
