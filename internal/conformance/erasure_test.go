package conformance_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/export"
	"samjournal/internal/model"
	"samjournal/internal/search"
	"samjournal/internal/store"
)

// shell is a connection to a database that knows nothing of the product.
func shell(t *testing.T, databaseURL string) *sql.DB {
	t.Helper()
	driver := "pgx"
	if strings.HasPrefix(databaseURL, "file:") {
		driver = "sqlite"
	}
	db, err := sql.Open(driver, databaseURL)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// eraseIn erases the payloads of an entry, as an operator with a database's shell would.
func eraseIn(t *testing.T, tx *sql.Tx, accountID, position int64) {
	t.Helper()
	for _, statement := range []string{
		`INSERT INTO erasures (account_id, position, reason, erased_by, erased_at)
			SELECT account_id, position, 'asked', 'carol', recorded_at FROM entries WHERE account_id = %d AND position = %d`,
		`UPDATE entries SET request = NULL, response = NULL, payload_salt = NULL WHERE account_id = %d AND position = %d`,
	} {
		_, err := tx.ExecContext(t.Context(), fmt.Sprintf(statement, accountID, position))
		require.NoError(t, err)
	}
}

// indexedTerm tells whether the index has a term for an entry of the account.
func indexedTerm(t *testing.T, databaseURL string, accountID, position int64, term string) bool {
	t.Helper()
	lexeme := fmt.Sprintf("%d%s", accountID, term)
	statement := fmt.Sprintf(`SELECT count(*) FROM entry_terms WHERE account_id = %d AND position = %d
		AND terms @@ CAST($1 AS tsquery)`, accountID, position)
	if strings.HasPrefix(databaseURL, "file:") {
		statement = fmt.Sprintf(`SELECT count(*) FROM entry_terms WHERE rowid = %d AND entry_terms MATCH $1`, accountID<<40|position)
	}
	var n int
	require.NoError(t, shell(t, databaseURL).QueryRowContext(t.Context(), statement, lexeme).Scan(&n))
	return n > 0
}

// found are the positions of what a search finds, oldest first.
func (n *node) found(ctx context.Context, t *testing.T, where string) []int64 {
	t.Helper()
	var answer struct{ Entries page }
	n.ask(ctx, t, &answer, `{ entries(where: `+where+`, orderBy: {field: POSITION, direction: ASC}, first: 500) {
		edges { cursor node { position } } } }`, nil)
	positions := []int64{}
	for i := range answer.Entries.Edges {
		positions = append(positions, answer.Entries.Edges[i].Node.Position)
	}
	return positions
}

func TestAnErasedEntrySaysSo(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			n.append(ctx, t, numbered(0), numbered(1))
			tx, err := shell(t, databaseURL).BeginTx(t.Context(), nil)
			require.NoError(t, err)
			eraseIn(t, tx, accountOf(ctx, t), 0)
			require.NoError(t, tx.Commit())

			var answer struct {
				Entries struct {
					Edges []struct {
						Node struct {
							PayloadState string
							Request      rawValue
						}
					}
				}
			}
			n.ask(ctx, t, &answer, `{ entries(orderBy: {field: POSITION, direction: ASC}) {
				edges { node { payloadState request } } } }`, nil)
			require.Equal(t, "ERASED", answer.Entries.Edges[0].Node.PayloadState)
			require.Equal(t, "null", string(answer.Entries.Edges[0].Node.Request))
			require.Equal(t, "STORED", answer.Entries.Edges[1].Node.PayloadState)
			exported, _, _ := n.exportAll(ctx, t, export.Params{})
			require.Equal(t, "ERASED", exported[0].PayloadState)
		})
	}
}

func TestWhatIsErasedIsInTheIndexNoMore(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			account := accountOf(ctx, t)
			secret := plain()
			secret.Request = `{"note":"gobstopper"}`
			n.append(ctx, t, secret, secret)
			n.index(t)
			require.Equal(t, []int64{0, 1}, n.found(ctx, t, `{search: "gobstopper"}`))
			require.True(t, indexedTerm(t, databaseURL, account, 0, "wgobstopper"))

			tx, err := shell(t, databaseURL).BeginTx(t.Context(), nil)
			require.NoError(t, err)
			eraseIn(t, tx, account, 0)
			require.NoError(t, tx.Commit())
			require.Equal(t, []int64{1}, n.found(ctx, t, `{search: "gobstopper"}`))
			require.Equal(t, []int64{1}, n.found(ctx, t, `{requestPath: {path: "$.note", exists: true}}`))
			require.False(t, indexedTerm(t, databaseURL, account, 0, "wgobstopper"))
			require.Equal(t, []int64{0, 1}, n.found(ctx, t, `{search: "applied plugin"}`), "the summary stays")

			require.NoError(t, n.store.ResetSearch(ctx))
			n.index(t)
			require.True(t, indexedTerm(t, databaseURL, account, 0, "wplugin"), "it is listed again, by its summary")
			require.False(t, indexedTerm(t, databaseURL, account, 0, "wgobstopper"))
			require.Equal(t, []int64{0, 1}, n.found(ctx, t, `{search: "applied plugin"}`))
		})
	}
}

// An indexer has read the entry before it is erased, and writes its terms while that is under way.
func TestWhatIsErasedMeanwhileIsNotIndexed(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			account := accountOf(ctx, t)
			n.append(ctx, t, plain(), plain())
			read := []store.EntryTerms{{Position: 0, Terms: []string{"wgobstopper"}}, {Position: 1, Terms: []string{"wgobstopper"}}}
			tx, err := shell(t, databaseURL).BeginTx(t.Context(), nil)
			require.NoError(t, err)
			eraseIn(t, tx, account, 0)
			indexed := make(chan error)
			go func() { indexed <- n.store.IndexTerms(context.Background(), account, search.Version, 0, read) }()
			require.NoError(t, tx.Commit())
			require.NoError(t, <-indexed)
			require.False(t, indexedTerm(t, databaseURL, account, 0, "wgobstopper"))
			require.True(t, indexedTerm(t, databaseURL, account, 1, "wgobstopper"))
		})
	}
}

// Who may not read payloads learns nothing of them from a search.
func TestASearchTellsNothingThatItsViewerMayNotRead(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			mine, theirs := plain(), plain()
			mine.Username, theirs.Username = new("mine"), new("theirs")
			mine.Request, theirs.Request = `{"word":"common"}`, `{"word":"common","secret":"gobstopper"}`
			n.append(ctx, t, mine, theirs)
			n.append(n.newAccount(t, "other"), t, theirs)
			n.index(t)
			e, err := n.store.Ent().Entry.Query().All(ctx)
			require.NoError(t, err)
			viewer, err := model.ViewerFrom(ctx)
			require.NoError(t, err)
			viewer.Role = model.RoleReader
			for i := range e {
				if *e[i].Username == "mine" {
					viewer.UserID = e[i].UserID
				}
			}
			require.NotNil(t, viewer.UserID)
			reader := model.WithViewer(ctx, viewer)
			require.Equal(t, []int64{0}, n.found(reader, t, `{search: "common"}`))
			require.Empty(t, n.found(reader, t, `{search: "gobstopper"}`))
			require.Empty(t, n.found(reader, t, `{requestPath: {path: "$.secret", exists: true}}`))
			var answer struct{ EntryStats struct{ TotalCount int } }
			n.ask(reader, t, &answer, `{ entryStats(where: {search: "common"}) { totalCount } }`, nil)
			require.Equal(t, 1, answer.EntryStats.TotalCount)

			viewer.Role = model.RoleWriter
			writer := model.WithViewer(ctx, viewer)
			for _, field := range []string{"entries", "entryStats"} {
				require.Equal(t, "FORBIDDEN", n.refused(writer, t, `{ `+field+`(where: {search: "common"}) { totalCount } }`, nil))
			}
		})
	}
}
