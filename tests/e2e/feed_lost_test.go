package e2e

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/testpostgres"
)

// events subscribes by server-sent events to what comes after the journal's present end.
func (s *server) events(t testing.TB) (next func() map[string]any) {
	t.Helper()
	head := value(t, s.query(t, `{ entries(first: 0) { headCursor } }`, nil), "entries", "headCursor")
	body, err := json.Marshal(map[string]any{"query": entryCreated, "variables": map[string]any{"after": head}})
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/graphql", strings.NewReader(string(body)))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	resp, err := client(t).Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	return func() map[string]any {
		t.Helper()
		for lines.Scan() {
			data, found := strings.CutPrefix(lines.Text(), "data: ")
			if !found {
				continue
			}
			var result map[string]any
			decoder := json.NewDecoder(strings.NewReader(data))
			decoder.UseNumber()
			require.NoError(t, decoder.Decode(&result))
			edge, ok := value(t, result, "data", "entryCreated").(map[string]any)
			require.True(t, ok, data)
			return edge
		}
		require.FailNow(t, "the stream ended", "%v", lines.Err())
		return nil
	}
}

func TestWhatCommandsAppendWhileAServerRunsIsToldAtOnce(t *testing.T) {
	t.Parallel()
	const seeded, imported = 300, 41
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			s := serve(t, db.where, told()...)
			follower, next := s.follow(t), s.events(t)
			for position := range seeded + imported {
				switch position {
				case 0:
					must(t, db.where, "seed", "--entries="+strconv.Itoa(seeded))
				case seeded:
					must(t, db.where, "import", testdata(t, "dumpdata-small.json"))
				}
				want := json.Number(strconv.Itoa(position))
				require.Equal(t, want, value(t, follower.next(t), "node", "position"))
				require.Equal(t, want, value(t, next(), "node", "position"))
			}
		})
	}
}

func TestReadyzIsDegradedUntilNotificationsAreBack(t *testing.T) {
	t.Parallel()
	owned := testpostgres.NewDatabase(t)
	db := onPostgres(t, owned)
	// The feed has a role of its own, so that it can be kept out alone.
	here := serve(t, db.where, "--feed-poll=20ms", "--feed-database-url="+owned.ServingURL)
	there := serve(t, db.where)
	follower := here.follow(t)
	const listening = `FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'`
	eventually(t, "it listens", func() bool { return db.text(t, `SELECT count(*)::text `+listening) == "1" })
	await := func(want string) (reason string) {
		t.Helper()
		eventually(t, "/readyz says "+want, func() bool {
			var status string
			status, reason = here.health(t)
			return status == want
		})
		return reason
	}
	await("ready")
	db.exec(t, `ALTER ROLE `+owned.ServingRole+` NOLOGIN`, `SELECT pg_terminate_backend(pid) `+listening)
	await("degraded")
	eventually(t, "the reason is why it cannot connect", func() bool {
		return strings.Contains(await("degraded"), "not permitted to log in")
	})
	require.Equal(t, http.StatusOK, here.status(t, "/readyz"), "requests are answered")
	key := there.append(t, nil)
	require.Equal(t, key, value(t, follower.next(t), "node", "key"), "late, but not lost")

	db.exec(t, `ALTER ROLE `+owned.ServingRole+` LOGIN`)
	require.Empty(t, await("ready"))
	key = there.append(t, nil)
	require.Equal(t, key, value(t, follower.next(t), "node", "key"))
}

func TestThePasswordOfTheFeedsDatabaseIsNotShown(t *testing.T) {
	t.Parallel()
	db := newPostgres(t)
	u, err := url.Parse(db.url)
	require.NoError(t, err)
	u.User = url.UserPassword(u.User.Username(), "wrong/pass:word@here")
	s := serve(t, where{dir: db.dir, env: append(db.env, "SAMJOURNAL_FEED_DATABASE_URL="+u.String())})
	_ = s.follow(t)
	eventually(t, "/readyz says why", func() bool {
		_, reason := s.health(t)
		return strings.Contains(reason, "password authentication failed")
	})
	_, reason := s.health(t)
	eventually(t, "the log does, too", func() bool {
		return strings.Contains(s.stderr.String(), "password authentication failed")
	})
	for _, shown := range []string{"wrong/pass", "wrong%2Fpass", "word@here", "word%40here"} {
		require.NotContains(t, reason+s.stdout.String()+s.stderr.String(), shown)
	}
}

// What is acknowledged from then on goes with the file: nobody should be sent there any more.
func TestADatabaseFileThatIsDeletedUnderAServerIsTold(t *testing.T) {
	t.Parallel()
	db := newSQLite(t)
	s := serve(t, db.where)
	file := strings.TrimPrefix(db.url, "file:")
	require.NoError(t, os.Remove(file))
	status, reason := s.health(t)
	require.Equal(t, "unavailable", status)
	require.Contains(t, reason, file+" was deleted")
	require.Equal(t, http.StatusServiceUnavailable, s.status(t, "/readyz"))
}
