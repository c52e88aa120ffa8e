package conformance_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"samjournal/graph"
	"samjournal/internal/auth"
	"samjournal/internal/conformance/oracle"
	"samjournal/internal/journal"
	"samjournal/internal/journal/redaction"
	"samjournal/internal/model"
	"samjournal/internal/store"
	"samjournal/internal/testpostgres"
)

func TestMain(m *testing.M) {
	if databaseURL := os.Getenv(writerVariable); databaseURL != "" {
		if err := appendUntilKilled(context.Background(), databaseURL); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if !given {
		if err := flag.Set("rapid.checks", strconv.Itoa(rounds(8, 40, 1000))); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// rounds is how often a test repeats something: with -short, normally, and with SAMJOURNAL_TEST_LONG=1.
func rounds(short, normal, long int) int {
	switch {
	case os.Getenv("SAMJOURNAL_TEST_LONG") == "1":
		return long
	case testing.Short():
		return short
	}
	return normal
}

// both returns an empty, migrated database of each kind.
func both(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{"sqlite": newSQLite(t), "postgres": newPostgres(t)}
}

// newSQLite returns an empty, migrated database on which the oracle has its say when the test ends.
func newSQLite(t *testing.T) string {
	t.Helper()
	return prepared(t, "file:"+filepath.Join(t.TempDir(), "journal.db"))
}

// newPostgres is newSQLite on PostgreSQL.
func newPostgres(t *testing.T) string {
	t.Helper()
	return prepared(t, testpostgres.New(t))
}

func prepared(t *testing.T, databaseURL string) string {
	t.Helper()
	s, err := store.Open(t.Context(), databaseURL, store.Options{})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	require.NoError(t, s.Close())
	t.Cleanup(func() {
		require.NoError(t, look(t, databaseURL).Verify(context.Background()))
	})
	return databaseURL
}

// look opens the oracle on a database. It is closed when the test ends.
func look(t *testing.T, databaseURL string) *oracle.Database {
	t.Helper()
	d, err := oracle.Open(databaseURL)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// node is one process of the product as far as its database can tell: a store, a journal and the API over them.
type node struct {
	store    *store.Store
	journal  *journal.Journal
	resolver *graph.Resolver // a test may change its limits between operations
	exec     *executor.Executor
	log      *statements
}

// settings of a node. The zero value is the product's defaults, but that payloads have no limit.
type settings struct {
	journal      journal.Config
	rules        *redaction.Rules
	payloadLimit int
}

// start starts a node on a database. It stops when the test ends.
func start(t *testing.T, databaseURL string, set settings) *node {
	t.Helper()
	n := &node{log: &statements{}}
	var err error
	n.store, err = store.Open(t.Context(), databaseURL, store.Options{SQLLog: n.log.add})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.store.Close()) })
	rules := redaction.Default()
	if set.rules != nil {
		rules = *set.rules
	}
	cfg := set.journal
	cfg.Backend, cfg.Entries = n.store, journal.ReadEntries(n.store.Ent())
	cfg.Redactor, err = redaction.New(rules)
	require.NoError(t, err)
	if cfg.Poll == 0 {
		cfg.Poll = 20 * time.Millisecond
	}
	n.journal, err = journal.New(cfg)
	require.NoError(t, err)
	t.Cleanup(n.journal.Close)
	n.resolver = &graph.Resolver{
		Journal: n.journal, Ent: n.store.Ent(), Heads: n.store, Admin: auth.Admin{Store: n.store, Clock: set.journal.Clock},
		PayloadLimit: set.payloadLimit, Clock: set.journal.Clock,
	}
	n.exec = executor.New(graph.NewSchema(n.resolver))
	n.exec.SetErrorPresenter(graph.PresentError)
	for _, extension := range graph.Extensions() {
		n.exec.Use(extension)
	}
	return n
}

// as returns a context in which the operator acts on an account. It does not end with the test, so that cleanup can use it.
func (n *node) as(t require.TestingT, slug string) context.Context {
	account, _, err := n.store.AccountBySlug(context.Background(), slug)
	require.NoError(t, err)
	return model.WithViewer(context.Background(), model.Viewer{Account: account, Role: model.RoleOperator})
}

// newAccount adds an account with an empty journal and returns a context in which the operator acts on it.
func (n *node) newAccount(t require.TestingT, slug string) context.Context {
	key, err := journal.NewDigestKey()
	require.NoError(t, err)
	_, err = n.store.CreateAccount(context.Background(), slug, slug, key)
	require.NoError(t, err)
	return n.as(t, slug)
}

func accountOf(ctx context.Context, t require.TestingT) int64 {
	scope, err := model.ScopeFrom(ctx)
	require.NoError(t, err)
	return scope.AccountID
}

// append appends and insists that every input succeeds.
func (n *node) append(ctx context.Context, t require.TestingT, inputs ...journal.Input) []journal.Result {
	results, err := n.journal.Append(ctx, inputs)
	require.NoError(t, err)
	require.Len(t, results, len(inputs))
	for _, r := range results {
		require.NoError(t, r.Err)
	}
	return results
}

// plain is an input with nothing special about it.
func plain() journal.Input {
	return journal.Input{
		Thing: model.ThingPlugin, Command: model.CommandApply, StatusCode: 200, Request: `{"a":1}`, Response: `null`,
		Origin: model.OriginAPI,
	}
}

// numbered is plain with a key made of a number and a content of its own.
func numbered(n int) journal.Input {
	in := plain()
	in.Key = keyOf(n)
	in.Request = model.Payload(fmt.Sprintf(`{"number":%d}`, n))
	return in
}

func keyOf(n int) string { return fmt.Sprintf("%064x", n) }

// statements notes the statements that a store runs.
type statements struct {
	mu    sync.Mutex
	calls []statement
}

type statement struct {
	query string
	args  []any
}

func (s *statements) add(query string, args []any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, statement{query, args})
}

// of returns the statements that f runs. Nothing else may run meanwhile.
func (s *statements) of(f func()) []statement {
	s.mu.Lock()
	s.calls = nil
	s.mu.Unlock()
	f()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}
