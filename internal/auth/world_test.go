package auth_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"samjournal/internal/auth"
	"samjournal/internal/model"
	"samjournal/internal/store"
	"samjournal/internal/testpostgres"
)

// recheck is Config.Recheck of the tests: sweeps come by the real clock, caches age by the test's.
const recheck = 10 * time.Millisecond

// world is a store with an account acme, and an authenticator on it, which the tests' clock governs.
type world struct {
	t         testing.TB
	store     *store.Store
	auth      *auth.Authenticator
	clock     *clock
	log       *logged
	questions *atomic.Int64 // how many the database was asked
	acme      model.Account
}

// clock stands still until a test moves it.
type clock struct{ nanos atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

// logged is what was logged.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func sqlite(t testing.TB) string {
	t.Helper()
	return "file:" + filepath.Join(t.TempDir(), "journal.db")
}

// onBoth runs a test on a world of each database.
func onBoth(t *testing.T, test func(w *world)) {
	t.Helper()
	for d, address := range map[string]func(testing.TB) string{dialect.SQLite: sqlite, dialect.Postgres: testpostgres.New} {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			test(newWorld(t, address(t)))
		})
	}
}

func newWorld(t testing.TB, databaseURL string, change ...func(*auth.Config)) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{}, log: &logged{}, questions: &atomic.Int64{}}
	w.clock.nanos.Store(time.Now().Truncate(time.Microsecond).UnixNano())
	var err error
	w.store, err = store.Open(t.Context(), databaseURL, store.Options{SQLLog: func(query string, _ []any) {
		if strings.HasPrefix(query, "SELECT") { // the last use of tokens is written at any time
			w.questions.Add(1)
		}
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.store.Close()) })
	require.NoError(t, w.store.Migrate(context.WithoutCancel(t.Context())))
	w.acme, err = w.store.CreateAccount(t.Context(), "acme", "Acme", bytes.Repeat([]byte{1}, 32))
	require.NoError(t, err)
	w.auth = w.authenticator(change...)
	return w
}

// authenticator makes one more node on the world's database.
func (w *world) authenticator(change ...func(*auth.Config)) *auth.Authenticator {
	w.t.Helper()
	cfg := auth.Config{
		Backend: w.store, Recheck: recheck, Clock: w.clock.now, Logger: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	for _, f := range change {
		f(&cfg)
	}
	a, err := auth.New(cfg)
	require.NoError(w.t, err)
	w.t.Cleanup(a.Close)
	return a
}

// admin creates operators too, as the command line does.
func (w *world) admin() auth.Admin {
	return auth.Admin{Store: w.store, Clock: w.clock.now, Random: rand.Reader, MayCreateOperators: true}
}

// as is the context of a viewer.
func (w *world) as(account model.Account, role model.Role) context.Context {
	return model.WithViewer(w.t.Context(), model.Viewer{Account: account, Role: role, Subject: "test"})
}

func (w *world) operator() context.Context { return w.as(w.acme, model.RoleOperator) }

// token creates a token in acme.
func (w *world) token(role model.Role, change ...func(*auth.TokenInput)) (secret string, id int64) {
	w.t.Helper()
	in := auth.TokenInput{Name: "test", Role: role}
	if role == model.RoleReader {
		in.Username = new("alice")
	}
	for _, f := range change {
		f(&in)
	}
	secret, created, err := w.admin().CreateToken(w.operator(), in)
	require.NoError(w.t, err)
	return secret, created.ID
}

// viewer authenticates a bearer.
func (w *world) viewer(bearer string, headers ...string) (model.Viewer, error) {
	_, v, err := w.enter(bearer, headers...)
	return v, err
}

func (w *world) enter(bearer string, headers ...string) (context.Context, model.Viewer, error) {
	w.t.Helper()
	r := request(append([]string{"Authorization", "Bearer " + bearer}, headers...)...)
	ctx, err := w.auth.Viewer(w.t.Context(), r, nil)
	if err != nil {
		require.Nil(w.t, ctx)
		return nil, model.Viewer{}, err
	}
	v, err := model.ViewerFrom(ctx)
	require.NoError(w.t, err)
	return ctx, v, nil
}

// refused demands that a bearer is refused with ErrUnauthenticated, for a reason that does not repeat it.
func (w *world) refused(bearer, reason string) {
	w.t.Helper()
	_, err := w.viewer(bearer)
	require.ErrorIs(w.t, err, auth.ErrUnauthenticated)
	require.ErrorContains(w.t, err, reason)
	for part := range strings.SplitSeq(bearer, ".") {
		if len(part) > 8 {
			require.NotContains(w.t, err.Error(), part)
		}
	}
}

// request is one with these headers: name, value, name, value.
func request(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func eventually(t testing.TB, condition func() bool, what string) {
	t.Helper()
	require.Eventually(t, condition, 20*time.Second, time.Millisecond, what)
}
