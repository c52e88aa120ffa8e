//go:build fault

package fault

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/testpostgres"
)

// restorable is a database that goes back to an earlier state, in one of the ways that its kind has.
type restorable struct {
	url     string
	backup  func(t testing.TB)
	restore func(t testing.TB)
}

func restorables() map[string]func(t *testing.T) restorable {
	return map[string]func(t *testing.T) restorable{"SQLite": restorableSQLite, "PostgreSQL": restorablePostgreSQL}
}

// restorableSQLite is backed up by copying its file while nobody has it open.
func restorableSQLite(t *testing.T) restorable {
	t.Helper()
	file := t.TempDir() + "/journal.db"
	var kept []byte
	return restorable{
		url: "file:" + file,
		backup: func(t testing.TB) {
			t.Helper()
			var err error
			kept, err = os.ReadFile(file)
			require.NoError(t, err)
			require.NoFileExists(t, file+"-wal", "a server that has stopped leaves all in the file")
		},
		restore: func(t testing.TB) {
			t.Helper()
			require.NoError(t, os.WriteFile(file, kept, 0o600))
		},
	}
}

// restorablePostgreSQL is backed up into a second database, which then takes its place.
func restorablePostgreSQL(t *testing.T) restorable {
	t.Helper()
	server := testpostgres.Start(t)
	database := server.NewDatabase(t)
	copied := database.Name + "_backup"
	return restorable{
		url: database.OwnerURL,
		backup: func(t testing.TB) {
			t.Helper()
			server.Exec(t, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s OWNER %s", copied, database.Name, database.OwnerRole))
		},
		restore: func(t testing.TB) {
			t.Helper()
			server.Exec(t, "DROP DATABASE "+database.Name+" WITH (FORCE)")
			server.Exec(t, fmt.Sprintf("ALTER DATABASE %s RENAME TO %s", copied, database.Name))
		},
	}
}

func TestNobodySkipsOverARestoredBackup(t *testing.T) {
	for name, prepare := range restorables() {
		t.Run(name, func(t *testing.T) {
			const before, lost, other = 40, 30, 60 // entries in the backup; after it; instead of those
			db := prepare(t)
			n := &node{name: name, dir: t.TempDir(), env: []string{"DATABASE_URL=" + db.url}}
			n.start(t)
			start := n.head(t)
			n.appendEntries(t, before)
			n.stop(t)
			db.backup(t)

			n.start(t)
			n.appendEntries(t, lost)
			seen := n.edgesAfter(t, start, before+lost)
			n.stop(t)
			db.restore(t)

			n.start(t)
			for _, e := range seen[before:] {
				got := n.resume(t, e, filters()[e.Node.Position%subscribers].where)
				require.Equal(t, "CURSOR_INVALID", got, "position %d is beyond the journal", e.Node.Position)
			}
			n.appendEntries(t, other)
			present := n.edgesAfter(t, start, before+other)
			for i, e := range seen {
				if i >= before {
					got := n.resume(t, e, filters()[e.Node.Position%subscribers].where)
					require.Equal(t, "CURSOR_INVALID", got, "position %d has another entry", e.Node.Position)
					continue
				}
				require.Equal(t, present[i], e, "entries from before the backup have their place and their cursor")
				require.Equal(t, present[i+1].Node.Key, n.resume(t, e, nil))
			}
			n.stop(t)
		})
	}
}

// head is the cursor of the journal's end.
func (n *node) head(t testing.TB) string {
	t.Helper()
	client := newClient()
	defer client.CloseIdleConnections()
	var page struct{ Entries struct{ HeadCursor string } }
	require.NoError(t, ask(t.Context(), client, n.url(), `{ entries(first: 0) { headCursor } }`, nil, &page))
	return page.Entries.HeadCursor
}

// appendEntries appends entries of all kinds.
func (n *node) appendEntries(t testing.TB, count int) {
	t.Helper()
	one := &writer{client: newClient()}
	defer one.client.CloseIdleConnections()
	for range count {
		var answer created
		require.NoError(t, ask(t.Context(), one.client, n.url(), createEntry, map[string]any{"input": one.input()}, &answer))
	}
}

// edgesAfter are the first edges that a subscriber without filter sees after a cursor.
func (n *node) edgesAfter(t testing.TB, after string, count int) []edge {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := subscribe(ctx, n.url(), &after, nil)
	require.NoError(t, err)
	defer func() { _ = conn.CloseNow() }()
	edges := make([]edge, count)
	for i := range edges {
		edges[i], err = nextEdge(ctx, conn)
		require.NoError(t, err)
	}
	return edges
}

// resume subscribes after an edge. What comes first is the answer: the key of the next edge, or the code of the error.
func (n *node) resume(t testing.TB, after edge, where map[string]any) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := subscribe(ctx, n.url(), &after.Cursor, where)
	require.NoError(t, err)
	defer func() { _ = conn.CloseNow() }()
	next, err := nextEdge(ctx, conn)
	if err != nil {
		require.NotEmpty(t, code(err), err)
		return code(err)
	}
	return next.Node.Key
}

// The database goes back while the server runs, as in a failover that loses commits, and is longer than it was before
// anybody has looked again.
func TestALiveSubscriptionDoesNotSkipIntoAnotherHistory(t *testing.T) {
	const before, lost, other = 40, 30, 60
	db := restorablePostgreSQL(t)
	n := &node{name: "server", dir: t.TempDir(), env: []string{"DATABASE_URL=" + db.url}, args: []string{"--feed-poll=1m"}}
	n.start(t)
	start := n.head(t)
	n.appendEntries(t, before)
	n.stop(t)
	db.backup(t)

	n.start(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := subscribe(ctx, n.url(), &start, nil)
	require.NoError(t, err)
	defer func() { _ = conn.CloseNow() }()
	n.appendEntries(t, lost)
	for range before + lost {
		_, err := nextEdge(ctx, conn)
		require.NoError(t, err)
	}
	db.restore(t)
	n.appendTogether(t, other)
	next, err := nextEdge(ctx, conn)
	require.Equal(t, "CURSOR_INVALID", code(err), "position %d, %v", next.Node.Position, err)
	n.stop(t)
}

// appendTogether appends entries in one transaction, when the database lets it.
func (n *node) appendTogether(t testing.TB, count int) {
	t.Helper()
	one := &writer{client: newClient()}
	defer one.client.CloseIdleConnections()
	inputs := make([]map[string]any, count)
	for i := range inputs {
		inputs[i] = one.input()
	}
	eventually(t, "entries are appended", func() bool {
		var answer struct{ CreateEntries struct{ Results []any } }
		err := ask(t.Context(), one.client, n.url(), `mutation ($inputs: [CreateEntryInput!]!) {
			createEntries(inputs: $inputs) { results { __typename } } }`, map[string]any{"inputs": inputs}, &answer)
		return err == nil
	})
}
