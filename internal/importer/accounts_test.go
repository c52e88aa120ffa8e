package importer

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/journal"
	"samjournal/internal/model"
	"samjournal/internal/store"
)

func TestAnAccountMapIsOneObjectOfUsernamesAndAccounts(t *testing.T) {
	t.Parallel()
	accounts, err := ReadAccountMap(strings.NewReader(`{"alice": "acme", "bob": "globex", "Jose\u0301": "acme"}`))
	require.NoError(t, err)
	require.Equal(t, AccountMap{"alice": "acme", "bob": "globex", "Jos\u00e9": "acme"}, accounts)
	require.Equal(t, []string{"acme", "globex"}, accounts.Slugs())
	for text, want := range map[string]string{
		``:                                      "must be one JSON object",
		`["alice"]`:                             "must be one JSON object",
		`null`:                                  "must be one JSON object",
		`{"alice": 3}`:                          "must be one JSON object",
		`{"alice": "acme"} {}`:                  "must be one JSON object",
		`{"alice": "acme", "alice": "acme"}`:    "duplicate",
		`{"": "acme"}`:                          "an empty username",
		`{"alice": ""}`:                         `"alice" has no account`,
		`{"Jos\u00e9": "a", "Jose\u0301": "b"}`: "two Unicode forms",
	} {
		_, err := ReadAccountMap(strings.NewReader(text))
		require.ErrorContains(t, err, want, text)
	}
}

func TestEachEntryGoesToTheAccountOfItsUser(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	s, err := store.Open(t.Context(), "file:"+j.path, store.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	viewers := map[string]model.Viewer{}
	for _, slug := range []string{"acme", "globex"} {
		key, err := journal.NewDigestKey()
		require.NoError(t, err)
		account, err := s.CreateAccount(t.Context(), slug, slug, key)
		require.NoError(t, err)
		viewers[slug] = model.Viewer{Account: account, Role: model.RoleOperator}
	}
	routed := Routed{
		To: j.journal, Viewers: viewers, Accounts: AccountMap{"alice": "acme", "Jos\u00e9": "globex", "bob": "acme", "Alice": "globex"},
	}
	export := array(
		userJSON("1", "alice", ""), userJSON("2", "Jose\u0301", ""), userJSON("3", "carol", ""),
		entryJSON(1, map[string]string{"user": "1"}), entryJSON(2, map[string]string{"user": "2"}),
		entryJSON(3, map[string]string{"user": "3"}), entryJSON(4, map[string]string{"user": "null"}),
		entryJSON(5, map[string]string{"user": "1"}),
	)
	for again, want := range []Summary{{Written: 5, DryRun: true}, {Written: 5}, {AlreadyThere: 5}} {
		ctx := model.WithViewer(t.Context(), j.viewer)
		shares := &Shares{Accounts: routed.Accounts}
		sum, err := Run(ctx, strings.NewReader(string(export)), int64(len(export)), routed,
			Options{BatchRows: 3, DryRun: want.DryRun, Heard: shares.Hear})
		require.NoError(t, err)
		require.Equal(t, "account acme: entries: 2\naccount globex: entries: 1\n"+
			"users of the account map who have no entries in the export: \"Alice\", \"bob\"\n", shares.String())
		require.Equal(t, []int64{want.Written, want.AlreadyThere, 0}, []int64{sum.Written, sum.AlreadyThere, sum.Rejected}, again)
	}
	require.Equal(t, []string{"acme 0 alice", "acme 1 alice", "default 0 carol", "default 1 ", "globex 0 Jos\u00e9"}, j.places(t))
}

func TestAMapMayNameTheAccountOfAllOthers(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	here := j.viewer.Account.Slug
	routed := Routed{To: j.journal, Accounts: AccountMap{"alice": here}, Viewers: map[string]model.Viewer{here: j.viewer}}
	var rows, want []string
	for n := range 6 {
		who := []string{"alice", ""}[n%2]
		user := map[string]string{"alice": "1", "": "null"}[who]
		rows = append(rows, entryJSON(n, map[string]string{"user": user}))
		want = append(want, fmt.Sprintf("%s %d %s", here, n, who))
	}
	ctx, export := model.WithViewer(t.Context(), j.viewer), string(array(append(rows, userJSON("1", "alice", ""))...))
	_, err := Run(ctx, strings.NewReader(export), int64(len(export)), routed, Options{})
	require.NoError(t, err)
	require.Equal(t, want, j.places(t), "in one order")
}

// places tells of each entry the account, its position there and its user.
func (j *testJournal) places(t testing.TB) []string {
	t.Helper()
	var places []string
	j.query(t, `SELECT a.slug || ' ' || e.position || ' ' || coalesce(u.username, '') FROM entries e
		JOIN accounts a ON a.id = e.account_id LEFT JOIN users u ON u.account_id = e.account_id AND u.id = e.user_id
		ORDER BY a.slug, e.position`, func(rows *sql.Rows) error {
		var place string
		err := rows.Scan(&place)
		places = append(places, place)
		return err
	})
	return places
}
