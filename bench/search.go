package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"samjournal/internal/testpostgres"
)

const (
	searchArg      = "search" // measures searches and their index alone
	searchFullSize = 100_000
)

// searchSection is what was measured on one database.
type searchSection struct {
	database  string
	appends   []searchAppends
	filling   time.Duration // of `samjournal search rebuild`
	bytes     float64       // of the index, for an entry
	questions []searchResult
}

// searchAppends is one number of callers. The figures are entries/s, round by round.
type searchAppends struct {
	callers     int
	with, plain []float64
	behind      int // entries that were not in the index when the last turn ended
}

type searchResult struct {
	what           string
	found          int // on the first page of 50
	index, scanned timing
	faster         ratio
}

type searchSettings struct{ callersSettings }

func runSearch(ctx context.Context, out io.Writer) error {
	var v variables
	var cfg searchSettings
	cfg.entries = v.number("SAMJOURNAL_BENCH_ENTRIES", strconv.Itoa(searchFullSize))
	cfg.callers = v.numbers("SAMJOURNAL_BENCH_CALLERS", "1,32,256")
	cfg.rounds = v.number("SAMJOURNAL_BENCH_ROUNDS", "3")
	cfg.turn = v.duration("SAMJOURNAL_BENCH_TURN", "4s")
	cfg.product, cfg.built = v.binary()
	if err := errors.Join(v.errs...); err != nil {
		return err
	}
	sections, err := measureEach(ctx, cfg.settings, []func() (*searchSection, error){
		func() (*searchSection, error) { return searchOnSQLite(ctx, cfg) },
		func() (*searchSection, error) { return searchOnPostgres(ctx, cfg) },
	})
	if err != nil {
		return err
	}
	whole := cfg.entries >= searchFullSize && slices.Max(cfg.callers) >= mostCallers
	return tell(out, searchHeading, searchMarkdown(cfg, sections), whole, thousands(searchFullSize)+" entries")
}

func searchOnSQLite(ctx context.Context, cfg searchSettings) (*searchSection, error) {
	dir, err := os.MkdirTemp(cache, "run-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	file := func(name string) string { return "file:" + filepath.Join(dir, name) }
	return measureSearch(ctx, cfg, "SQLite", [3]string{file("with.db"), file("plain.db"), file("large.db")},
		func(context.Context) (int64, error) {
			info, err := os.Stat(filepath.Join(dir, "large.db"))
			if err != nil {
				return 0, err
			}
			return info.Size(), nil
		})
}

// searchOnPostgres starts a server of its own, durable as in production.
func searchOnPostgres(ctx context.Context, cfg searchSettings) (_ *searchSection, err error) {
	server, err := testpostgres.Open(testpostgres.WithDurability())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	var databases [3]testpostgres.Database
	var addresses [3]string
	for i := range databases {
		if databases[i], err = server.CreateDatabase(ctx); err != nil {
			return nil, err
		}
		addresses[i] = databases[i].OwnerURL
	}
	return measureSearch(ctx, cfg, "PostgreSQL", addresses, func(ctx context.Context) (size int64, err error) {
		connection, err := pgx.Connect(ctx, databases[2].SuperuserURL)
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, connection.Close(ctx)) }()
		if _, err := settle(ctx, databases[2].SuperuserURL); err != nil {
			return 0, err
		}
		err = connection.QueryRow(ctx, `SELECT pg_database_size(current_database())`).Scan(&size)
		return size, err
	})
}

// measureSearch appends to two journals, of which one is indexed, and searches in a third. size is that of the third's database.
func measureSearch(
	ctx context.Context, cfg searchSettings, database string, journals [3]string, size func(context.Context) (int64, error),
) (*searchSection, error) {
	s := &searchSection{database: database}
	if err := s.measureAppends(ctx, cfg, journals[0], journals[1]); err != nil {
		return nil, fmt.Errorf("%s: %w", database, err)
	}
	if _, err := seedJournal(ctx, cfg.settings, journals[2], cfg.entries); err != nil {
		return nil, err
	}
	before, err := size(ctx)
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, cfg.product, "search", "rebuild", "--log-level=warn")
	command.Env = append(os.Environ(), "DATABASE_URL="+journals[2])
	began := time.Now()
	if text, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("search rebuild: %w: %s", err, text)
	}
	s.filling = time.Since(began)
	after, err := size(ctx)
	if err != nil {
		return nil, err
	}
	s.bytes = float64(after-before) / float64(cfg.entries)
	product, err := startProduct(ctx, cfg.settings, journals[2])
	if err != nil {
		return nil, err
	}
	err = s.measureQuestions(ctx, cfg, product)
	return s, errors.Join(err, product.stop())
}

// measureAppends lets both append in turns, each with as many callers, another one first each round. Only one server runs at a
// time: the index of the other would take the cores that are measured.
func (s *searchSection) measureAppends(ctx context.Context, cfg searchSettings, with, plain string) error {
	for _, callers := range cfg.callers {
		cell := searchAppends{callers: callers}
		for round := range cfg.rounds {
			for turn := range 2 {
				if indexed := (round+turn)%2 == 0; indexed {
					rate, behind, err := appendTurn(ctx, cfg, with, callers, "SAMJOURNAL_SEARCH_INDEX=true")
					if err != nil {
						return err
					}
					cell.with, cell.behind = append(cell.with, rate), behind
				} else {
					rate, _, err := appendTurn(ctx, cfg, plain, callers, "SAMJOURNAL_SEARCH_INDEX=false")
					if err != nil {
						return err
					}
					cell.plain = append(cell.plain, rate)
				}
			}
		}
		s.appends = append(s.appends, cell)
	}
	return nil
}

// appendTurn starts a server, appends for a turn after one second of warming up, and returns entries/s and how many are not in
// the index then. The index has caught up with earlier turns before it begins.
func appendTurn(
	ctx context.Context, cfg searchSettings, journal string, callers int, setting string,
) (rate float64, behind int, err error) {
	command := exec.CommandContext(ctx, cfg.product, "serve", "--listen=127.0.0.1:0", "--log-level=warn")
	command.Env = append(os.Environ(), "DATABASE_URL="+journal, setting)
	product, err := start(ctx, command)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, product.stop()) }()
	caller, err := newCreateCaller(product)
	if err != nil {
		return 0, 0, err
	}
	caller.keys = uint64(time.Now().UnixNano()) // those of earlier turns are in the journal
	if _, err := waitIndexed(ctx, product, true); err != nil {
		return 0, 0, err
	}
	if _, _, err := caller.appendFor(ctx, callers, time.Second); err != nil {
		return 0, 0, err
	}
	entries, took, err := caller.appendFor(ctx, callers, cfg.turn)
	if err != nil {
		return 0, 0, err
	}
	behind, err = waitIndexed(ctx, product, false)
	return float64(entries) / took.Seconds(), behind, err
}

// waitIndexed returns how many entries are not in the index; with patience it waits until there are none. A server without an
// indexer has none to wait for.
func waitIndexed(ctx context.Context, product *server, patient bool) (int, error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		text, _, err := question{server: product, path: "/metrics"}.ask(ctx)
		if err != nil {
			return 0, err
		}
		found := regexp.MustCompile(`(?m)^samjournal_search_unindexed_entries (\S+)$`).FindSubmatch(text)
		if found == nil {
			return 0, nil
		}
		behind, err := strconv.ParseFloat(string(found[1]), 64)
		if err != nil || behind == 0 || !patient {
			return int(behind), err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// measureQuestions asks each question of the index, and so that every entry is looked at: what is below two nots is not asked of
// the index.
func (s *searchSection) measureQuestions(ctx context.Context, cfg searchSettings, product *server) error {
	id, err := requestID(ctx, product, cfg.entries/2)
	if err != nil {
		return err
	}
	type where = map[string]any
	const text = "search"
	for _, q := range []struct {
		what  string
		where where
	}{
		{"a word of one entry", where{text: id}},
		{"a value at a path, of one entry", where{"requestPath": where{"path": "$.META.HTTP_X_REQUEST_ID", "eq": id}}},
		{"a word of no entry", where{text: "gobstopper"}},
		{"two words of some", where{text: "delete secret"}},
		{"a value at a path, of many", where{"requestPath": where{"path": "$.method", "eq": "POST"}}},
		{"a word of every entry", where{text: "platform"}},
		{"words of many, a phrase of none", where{text: `"platform curl"`}},
	} {
		r := searchResult{what: q.what}
		scan := where{"createdAtGTE": "2000-01-01T00:00:00Z", "not": where{"not": q.where}}
		for range cfg.rounds {
			indexed, fast, err := searchPage(ctx, product, q.where)
			if err != nil {
				return err
			}
			scanned, slow, err := searchPage(ctx, product, scan)
			if err != nil {
				return err
			}
			if !bytes.Equal(indexed, scanned) {
				return fmt.Errorf("%s: the index gives %s, looking at each entry %s", q.what, indexed, scanned)
			}
			r.index, r.scanned = append(r.index, fast), append(r.scanned, slow)
			r.found = bytes.Count(indexed, []byte(`"position"`))
		}
		r.faster = r.scanned.over(r.index)
		s.questions = append(s.questions, r)
	}
	return nil
}

func searchPage(ctx context.Context, product *server, where map[string]any) ([]byte, time.Duration, error) {
	body, err := json.Marshal(map[string]any{
		"query":     `query($where: EntryWhereInput) { entries(where: $where, first: 50) { edges { node { position } } } }`,
		"variables": map[string]any{"where": where},
	})
	if err != nil {
		return nil, 0, err
	}
	answer, took, err := question{server: product, path: "/graphql", body: body}.ask(ctx)
	if err == nil && bytes.Contains(answer, []byte(`"errors"`)) {
		err = fmt.Errorf("%s: %s", body, answer)
	}
	return answer, took, err
}

// requestID is a word that only the entry at a position has.
func requestID(ctx context.Context, product *server, position int) (string, error) {
	body := fmt.Sprintf(`{"query":"{ entries(where: {position: %d}) { edges { node { request } } } }"}`, position)
	answer, _, err := question{server: product, path: "/graphql", body: []byte(body)}.ask(ctx)
	if err != nil {
		return "", err
	}
	found := regexp.MustCompile(`"HTTP_X_REQUEST_ID":\s*"([0-9a-f]+)"`).FindSubmatch(answer)
	if found == nil {
		return "", fmt.Errorf("the entry at position %d has no request ID: %s", position, answer)
	}
	return string(found[1]), nil
}
