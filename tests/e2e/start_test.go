package e2e

import (
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/testpostgres"
)

func TestWithNoConfigurationTheServerMakesItsDatabaseAndSaysWhereToGo(t *testing.T) {
	t.Parallel()
	here := where{dir: t.TempDir()}
	s := serve(t, here)
	require.Contains(t, s.stdout.String(), "database: file:"+filepath.Join(here.dir, "samjournal.db")+"\n")
	require.Contains(t, s.stdout.String(), "GraphQL:    "+s.url+"/graphql\n")
	require.Contains(t, s.stdout.String(), "Playground: "+s.url+"/playground/\n")
	require.Contains(t, s.stdout.String(), "samjournal seed")
	require.FileExists(t, filepath.Join(here.dir, "samjournal.db"))
	require.Equal(t, http.StatusOK, s.get(t, "/").status, "the address itself leads to the Playground")
}

func TestASecondStartKeepsTheDataAndMigratesNothing(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			first := serve(t, db.where)
			key := first.append(t, map[string]any{"username": "alice"})
			require.Contains(t, first.stderr.String(), "migration applied")
			first.stop(t)
			second := serve(t, db.where)
			require.NotContains(t, second.stderr.String(), "migration applied")
			entries := second.all(t, "key position user { username }")
			require.Len(t, entries, 1)
			require.Equal(t, key, entries[0]["key"])
		})
	}
}

func TestATakenPortIsAnErrorThatNamesListen(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	here := where{dir: t.TempDir()}
	r := run(t, here, "serve", "--listen", taken.Addr().String())
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, taken.Addr().String()+" is in use")
	require.Contains(t, r.stderr, "--listen")
	require.NoFileExists(t, filepath.Join(here.dir, "samjournal.db"), "nothing is made by a server that cannot serve")
}

func TestOnlyLoopbackIsServedUnlessInsecureNoAuth(t *testing.T) {
	t.Parallel()
	here := where{dir: t.TempDir()}
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "journal.example.com:0"} {
		r := run(t, here, "serve", "--listen", address)
		require.Equal(t, 80, r.code, address)
		require.Empty(t, r.stdout, "an error and its usage are for stderr")
		require.Contains(t, r.stderr, "is not a loopback address", address)
		require.Contains(t, r.stderr, "--listen", address)
		require.Contains(t, r.stderr, "--auth=required", address)
	}
	s := serve(t, here, "--listen=0.0.0.0:0", "--insecure-no-auth")
	require.Contains(t, s.stderr.String(), `"level":"WARN"`)
	require.Contains(t, s.stderr.String(), "everybody who reaches this server may read and write everything")
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.url, "http://"))
	require.NoError(t, err)
	s.url = "http://127.0.0.1:" + port
	require.Equal(t, http.StatusOK, s.get(t, "/graphql?query={viewer{role}}", "Host", "journal.example.com").status)
}

func TestForeignHostsOriginsAndProxiesAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, newSQLite(t).where)
	const query = `{"query": "{ viewer { role } }"}`
	for name, headers := range map[string][]string{
		"another host":     {"Host", "journal.example.com"},
		"a rebound name":   {"Host", "127.0.0.1.example.com"},
		"another origin":   {"Origin", "https://example.com"},
		"another port":     {"Origin", "http://127.0.0.1:1"},
		"an opaque origin": {"Origin", "null"},
		"a proxy":          {"X-Forwarded-For", "192.0.2.1"},
		"a newer proxy":    {"Forwarded", "for=192.0.2.1"},
	} {
		a := s.post(t, query, headers...)
		require.Equal(t, http.StatusForbidden, a.status, name)
		require.Len(t, a.errors, 1, name)
		require.Equal(t, "FORBIDDEN", a.errors[0].code(), name)
	}
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.url, "http://"))
	require.NoError(t, err)
	for name, headers := range map[string][]string{
		"localhost":      {"Host", "localhost:" + port},
		"the own origin": {"Origin", s.url},
	} {
		require.Equal(t, http.StatusOK, s.post(t, query, headers...).status, name)
	}
}

func TestAWrongDatabaseURLIsAClearErrorWithoutThePassword(t *testing.T) {
	t.Parallel()
	const password = "hunter2correcthorse"
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "text.txt"), []byte("this is no database"), 0o600))
	for address, says := range map[string]string{
		"":                                      "file:PATH",
		"samjournal.db":                         "file:PATH",
		":memory:":                              "memory",
		"file::memory:":                         "memory",
		"file:":                                 "names no file",
		"file:missing/journal.db":               "does not exist",
		"file:text.txt":                         "is not a SQLite database",
		"file:.":                                "is a directory",
		"file:journal.db?mode=ro":               "mode=ro",
		"file:journal.db?mdoe=rw":               "mdoe",
		"mysql://root:" + password + "@db/x":    `scheme "mysql" is not supported`,
		"postgres:/u:" + password + "@host/x":   "is not a valid PostgreSQL URL",
		"postgres://u:" + password + "#@host/x": "is not a valid PostgreSQL URL",
		"postgres://u:" + password + "%@host/x": "is not a valid PostgreSQL URL",
		"postgres://u:a@" + password + "@h/x@y": "is not a valid PostgreSQL URL",
		"postgres://u:" + password + "@127.0.0.1:99999/x":             "is not usable",
		"postgres://u:" + password + "@127.0.0.1:1/x":                 "connect to postgres://u@127.0.0.1:1/x",
		"postgres://127.0.0.1:1/x?user=u&password=" + password:        "connect to postgres://u@127.0.0.1:1/x",
		"postgres://u:" + password + "@127.0.0.1:1/x?sslmode=perhaps": "sslmode",
		"u:" + password + "@127.0.0.1/x":                              "does not begin with a known scheme",
		password:                                                      "does not begin with a known scheme",
	} {
		for _, command := range [][]string{{"serve", "--listen=127.0.0.1:0"}, {"migrate", "status"}} {
			r := run(t, where{dir: dir, env: []string{"DATABASE_URL=" + address}}, command...)
			require.Equal(t, 1, r.code, "%v %s: %s", command, address, r.stderr)
			require.Contains(t, r.stderr, "DATABASE_URL", address)
			require.Contains(t, r.stderr, says, address)
			require.NotContains(t, r.stdout+r.stderr, password, address)
			require.NotContains(t, r.stdout+r.stderr, "goroutine", address)
		}
	}
}

func TestAWrongPasswordIsAClearErrorThatDoesNotShowIt(t *testing.T) {
	t.Parallel()
	db := testpostgres.NewDatabase(t)
	u, err := url.Parse(db.OwnerURL)
	require.NoError(t, err)
	u.User = url.UserPassword(db.OwnerRole, "wrong/pass:word@here")
	r := run(t, where{dir: t.TempDir(), env: []string{"DATABASE_URL=" + u.String()}}, "seed")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "password authentication failed")
	for _, shown := range []string{"wrong/pass", "wrong%2Fpass", "word@here"} {
		require.NotContains(t, r.stdout+r.stderr, shown)
	}
}

func TestEveryCommandThatUsesADatabaseSaysWhichOne(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			shown := "database: " + db.url
			if db.dialect == "postgres" {
				u, err := url.Parse(db.url)
				require.NoError(t, err)
				password, _ := u.User.Password()
				u.User = url.User(u.User.Username())
				shown = "database: " + u.String()
				defer func() { require.NotContains(t, must(t, db.where, "migrate", "status").stderr, password) }()
			}
			export, err := filepath.Abs("../../testdata/dumpdata-small.json")
			require.NoError(t, err)
			for _, command := range [][]string{
				{"migrate", "status"},
				{"migrate", "up"},
				{"seed", "--entries=3"},
				{"import", "--dry-run", export},
				{"import", export},
			} {
				require.Contains(t, must(t, db.where, command...).stderr, shown+"\n", command)
			}
			require.Contains(t, serve(t, db.where).stdout.String(), shown+"\n")
		})
	}
}
