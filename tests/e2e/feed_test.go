package e2e

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/testpostgres"
)

// told are flags of a server that hardly ever looks for entries of others by itself: what it shows of them it was told.
func told() []string { return []string{"--feed-poll=1m"} }

// health is what /readyz says.
func (s *server) health(t testing.TB) (status, reason string) {
	t.Helper()
	var h struct{ Status, Reason string }
	require.NoError(t, json.Unmarshal([]byte(s.get(t, "/readyz").body), &h))
	return h.Status, h.Reason
}

func TestEntriesOfAnotherServerAreToldAtOnce(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			here, there := serve(t, db.where, told()...), serve(t, db.where, told()...)
			follower := here.follow(t)
			for range 20 {
				key := there.append(t, nil)
				require.Equal(t, key, value(t, follower.next(t), "node", "key"))
			}
			status, _ := here.health(t)
			require.Equal(t, "ready", status)
		})
	}
}

func TestAServerThatIsNotToldOfEntriesLooksForThemAndSaysSo(t *testing.T) {
	t.Parallel()
	db, elsewhere := newPostgres(t), testpostgres.NewDatabase(t)
	here, there := serve(t, db.where, "--feed-poll=20ms", "--feed-database-url="+elsewhere.OwnerURL), serve(t, db.where)
	status, _ := here.health(t)
	require.Equal(t, "ready", status, "nobody subscribes, so nobody has to be told")

	follower := here.follow(t)
	eventually(t, "/readyz says degraded", func() bool {
		status, _ = here.health(t)
		return status == "degraded"
	})
	_, reason := here.health(t)
	require.Contains(t, reason, "SAMJOURNAL_FEED_DATABASE_URL")
	require.Equal(t, 200, here.status(t, "/readyz"), "requests are answered")
	for range 3 {
		key := there.append(t, nil)
		require.Equal(t, key, value(t, follower.next(t), "node", "key"))
	}
}

func TestTheFeedsDatabaseMustFitTheJournals(t *testing.T) {
	t.Parallel()
	r := run(t, newSQLite(t).where, "serve", "--feed-database-url=postgres://me:hunter2@127.0.0.1/journal")
	require.NotZero(t, r.code)
	require.Contains(t, r.stderr, "SAMJOURNAL_FEED_DATABASE_URL")
	require.NotContains(t, r.stdout+r.stderr, "hunter2")
}
