package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"samjournal/internal/store"
	"samjournal/internal/testpostgres"
)

func TestFileURLs(t *testing.T) {
	t.Chdir(t.TempDir())
	dir, err := os.Getwd()
	require.NoError(t, err)
	require.NoError(t, os.Mkdir("with space", 0o700))
	require.NoError(t, os.Mkdir("100%", 0o700))
	for databaseURL, file := range map[string]string{
		"file:relative.db":                               "relative.db",
		"file:./dot.db":                                  "dot.db",
		"file:with space/plain.db":                       "with space/plain.db",
		"file:with%20space/escaped.db":                   "with space/escaped.db",
		"file:100%25/percent.db":                         "100%/percent.db",
		"file:mark%3F%23.db":                             "mark?#.db",
		"file:" + dir + "/absolute.db":                   "absolute.db",
		"file://" + dir + "/two-slashes.db":              "two-slashes.db",
		"file://localhost" + dir + "/localhost.db":       "localhost.db",
		"FILE:upper.db":                                  "upper.db",
		"file:rwc.db?mode=rwc":                           "rwc.db",
		"file:busy.db?_busy_timeout=100&mode=rwc":        "busy.db",
		"file:plus+sign&ampersand=.db":                   "plus+sign&ampersand=.db",
		"file:ünïcödé.db":                                "ünïcödé.db",
		"file:no-directory-needed.db?":                   "no-directory-needed.db",
		"file:with space/../with space/dots.db?mode=rwc": "with space/dots.db",
		"file:colon:in:name.db":                          "colon:in:name.db",
		"file:semicolon;name.db":                         "semicolon;name.db",
		"file:quote'and\"quote.db":                       "quote'and\"quote.db",
		"file:relative-again.db?mode=rwc&mode=rwc":       "relative-again.db",
		"file:" + strings.Repeat("long", 50) + ".db":     strings.Repeat("long", 50) + ".db",
	} {
		s, err := store.Open(t.Context(), databaseURL, store.Options{})
		require.NoError(t, err, databaseURL)
		require.NoError(t, s.Migrate(t.Context()), databaseURL)
		require.Equal(t, "file:"+filepath.Join(dir, file), s.String())
		require.NoError(t, s.Close())
		require.FileExists(t, file, databaseURL)
	}
}

func TestFileURLsThatCannotBeOpened(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir("directory", 0o700))
	require.NoError(t, os.WriteFile("notes.txt", []byte("not a database, but long enough to be one"), 0o600))
	require.NoError(t, os.WriteFile("short.db", []byte("SQL"), 0o600))
	require.NoError(t, os.WriteFile("readonly.db", nil, 0o400))
	require.NoError(t, os.WriteFile("damaged.db", []byte("SQLite format 3\x00"+strings.Repeat("x", 4096)), 0o600))
	for databaseURL, want := range map[string]string{
		"file:missing/x.db":                "/missing does not exist; create it",
		"file:notes.txt/x.db":              "notes.txt is not a directory",
		"file:directory":                   "is a directory",
		"file:notes.txt":                   "is not a SQLite database",
		"file:short.db":                    "is not a SQLite database",
		"file:damaged.db":                  "not a database",
		"file:readonly.db":                 "is read-only",
		"file::memory:":                    "in memory is not supported",
		":memory:":                         "in memory is not supported",
		"file:x.db?mode=memory":            "in memory is not supported",
		"file:x?mode=memory&cache=shared":  "cache=shared is not supported",
		"file:x.db?mode=ro":                "needs to write",
		"file:x.db?mode=rw":                "does not exist, and mode=rw does not create it",
		"file:x.db?mode=wr":                "mode=wr is not supported; allowed are",
		"file:x.db?_pragma=synchronous(0)": "_pragma=synchronous(0) is not supported",
		"file:x.db?immutable=1":            "immutable=1 is not supported",
		"file:x.db?_busy_timeout=soon":     "milliseconds",
		"file:x.db?_busy_timeout=-1":       "milliseconds",
		"file:x.db?%zz":                    "name=value",
		"file:x.db#fragment":               "%23",
		"file:100%.db":                     "%25",
		"file:":                            "names no file",
		"file:///":                         "names no file",
		"file://host/x.db":                 "names a host",
		"file:a%00b":                       "NUL",
		"":                                 "is empty",
		"journal.db":                       "file:PATH",
		"mysql://u:secret@h/d":             `scheme "mysql" is not supported; write file:PATH`,
		"sqlite:journal.db":                "file:PATH",
		"postgres":                         "postgres://USER",
	} {
		s, err := store.Open(t.Context(), databaseURL, store.Options{})
		require.Nil(t, s, databaseURL)
		require.ErrorContains(t, err, "DATABASE_URL: ", databaseURL)
		require.ErrorContains(t, err, want, databaseURL)
		require.NotContains(t, err.Error(), "secret")
	}
	require.NoFileExists(t, "x.db")
}

// Passwords stand in the wrong place of a URL more often than in the right one: unescaped, without user, in a parameter.
func TestErrorsShowNoPassword(t *testing.T) {
	t.Parallel()
	closed := closedPort(t)
	passwords := []string{
		"Hunter2Geheim", "Hunter2/Geheim", "Hunter2@Geheim", "Hunter2?Geheim", "Hunter2#Geheim", "Hunter2:Geheim", "Hunter2%Geheim",
		"Hunter2 Geheim", "Hunter2%zzGeheim", "Hunter2\nGeheim", "Hunter2\x7fGeheim", "Hunter2&Geheim", "Hunter2=Geheim",
		"Hunter2[Geheim", "Hunter2]Geheim", `Hunter2\Geheim`, `Hunter2"Geheim`, "Hunter2'Geheim", "Hunter2`Geheim", "Hunter2éGeheim",
		"5432/Hunter2Geheim", "12345/Geheim", "5432?Hunter2Geheim", "5432#Geheim", "1/2@Geheim", "Hunter2%40Geheim", "%47eheim",
	}
	shapes := []string{
		"postgres://alice:PASSWORD@" + closed + "/journal",
		"postgres://alice:PASSWORD@" + closed + "/journal?sslmode=wrong",
		"postgres://alice:PASSWORD@" + closed + "/journal?pool_max_conns=many",
		"postgres://alice:PASSWORD@" + closed + "/journal?sslrootcert=/no/such/file&sslmode=verify-full",
		"postgres://alice:PASSWORD@" + closed + ":wrong/journal",
		"postgres://alice:PASSWORD@" + closed + "?x=%zz",
		"postgresql://alice:PASSWORD@[::1/journal",
		"postgres://:PASSWORD@" + closed + "/journal",
		"postgres://" + closed + "/journal?user=alice&password=PASSWORD",
		"postgres://" + closed + "/journal?user=alice&password=PASSWORD&sslmode=wrong",
		"postgres://" + closed + "/journal?sslpassword=PASSWORD&sslmode=wrong",
		"postgres:alice:PASSWORD@" + closed + "/journal",
		"postgres:/alice:PASSWORD@" + closed + "/journal",
		"mysql://alice:PASSWORD@" + closed + "/journal",
		"alice:PASSWORD@" + closed + "/journal",
		"host=127.0.0.1 user=alice password=PASSWORD",
		"postgres://alice:PASSWORD@",
	}
	for _, shape := range shapes {
		for _, password := range passwords {
			for _, written := range []string{password, url.QueryEscape(password), url.PathEscape(password)} {
				databaseURL := strings.ReplaceAll(shape, "PASSWORD", written)
				var out bytes.Buffer
				s, err := store.Open(t.Context(), databaseURL, store.Options{Logger: slog.New(slog.NewTextHandler(&out, nil))})
				if err == nil {
					require.NoError(t, s.Close())
				}
				require.Error(t, err, databaseURL)
				for e := range tree(err) {
					for _, text := range []string{e.Error(), fmt.Sprintf("%+v %#v", e, e), out.String()} {
						require.NotContains(t, text, "Geheim", databaseURL)
						require.NotContains(t, text, "eheim", databaseURL)
						require.NotContains(t, text, "Hunter2", databaseURL)
					}
				}
			}
		}
	}
}

// tree yields an error and all that it wraps.
func tree(err error) func(yield func(error) bool) {
	return func(yield func(error) bool) {
		queue := []error{err}
		for len(queue) > 0 {
			next := queue[0]
			queue = queue[1:]
			if !yield(next) {
				return
			}
			var many interface{ Unwrap() []error }
			if errors.As(next, &many) && any(many) == any(next) {
				queue = append(queue, many.Unwrap()...)
			} else if inner := errors.Unwrap(next); inner != nil {
				queue = append(queue, inner)
			}
		}
	}
}

// closedPort is the address of a port where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

func TestPostgresURLErrorsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	closed := closedPort(t)
	for databaseURL, want := range map[string]string{
		"postgres://u:p@h/d?sslmode=wrong":       "sslmode",
		"postgres://u:p@h/d?pool_max_conns=many": "pool_max_conns",
		"postgres://u:a/b@h/d":                   "%2F for /",
		"postgres://u:a b@h:x/d":                 "postgres://USER:PASSWORD@HOST:PORT/DATABASE",
		"postgres://u:p@" + closed + "/d":        "postgres://u@" + closed + "/d",
	} {
		_, err := store.Open(t.Context(), databaseURL, store.Options{})
		require.ErrorContains(t, err, want, databaseURL)
	}
	_, err := store.Open(t.Context(), "postgres://u:p@"+closed+"/d", store.Options{})
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorContains(t, err, "refused")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = store.Open(gone, "postgres://u:p@"+closed+"/d", store.Options{})
	require.ErrorIs(t, err, context.Canceled)

	address, err := url.Parse(testpostgres.New(t))
	require.NoError(t, err)
	address.User = url.UserPassword(address.User.Username(), "Geheim")
	_, err = store.Open(t.Context(), address.String(), store.Options{})
	require.ErrorContains(t, err, "password authentication failed")
	require.NotContains(t, err.Error(), "Geheim")
	require.NotErrorIs(t, err, store.ErrUnavailable, "trying again does not help")
}

func TestStringShowsNoPassword(t *testing.T) {
	t.Parallel()
	databaseURL := testpostgres.New(t)
	address, err := url.Parse(databaseURL)
	require.NoError(t, err)
	s := open(t, databaseURL, store.Options{})
	require.Equal(t, dialect.Postgres, s.Dialect())
	require.Equal(t, fmt.Sprintf("postgres://%s@%s%s", address.User.Username(), address.Host, address.Path), s.String())
}

func TestOnlyItsUserReadsANewFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.db")
	s := migrated(t, "file:"+path)
	_, err := s.CreateAccount(t.Context(), "acme", "Acme", bytes.Repeat([]byte{1}, 32))
	require.NoError(t, err)
	for _, file := range []string{path, path + "-wal"} {
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), file)
	}
}

func TestReopeningKeepsTheData(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			r := filled(t, databaseURL)
			before := r.content(t)
			for range 3 {
				s, err := store.Open(t.Context(), databaseURL, store.Options{})
				require.NoError(t, err)
				require.NoError(t, s.Migrate(t.Context()))
				require.NoError(t, s.Close())
			}
			require.Equal(t, before, r.content(t))
		})
	}
}

func TestManyProcessesMayOpenAFreshFile(t *testing.T) {
	t.Parallel()
	databaseURL := fresh(t, dialect.SQLite)
	const n = 8
	results := make(chan error, n)
	for range n {
		go func() {
			s, err := store.Open(context.WithoutCancel(t.Context()), databaseURL, store.Options{})
			if err == nil {
				err = s.Close()
			}
			results <- err
		}()
	}
	for range n {
		require.NoError(t, <-results)
	}
}

func TestSQLLogSeesEveryStatement(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			collected := &statements{}
			s := open(t, databaseURL, store.Options{SQLLog: collected.log})
			require.NoError(t, s.Migrate(t.Context()))
			_, err := s.CreateAccount(t.Context(), "acme", "Acme", bytes.Repeat([]byte{1}, 32))
			require.NoError(t, err)
			all := strings.Join(collected.take(), "\n")
			require.Contains(t, all, "CREATE TABLE")
			require.Contains(t, all, "INSERT INTO accounts (slug")
			require.Contains(t, all, "FROM goose_db_version")
		})
	}
}
