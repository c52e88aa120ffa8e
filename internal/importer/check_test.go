package importer

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/journal"
	"samjournal/internal/model"
	"samjournal/internal/store"
)

// foretold runs an import dry and then in earnest, demands that they agree, the rejected rows included, and returns what became
// of the export.
func foretold(t *testing.T, j *testJournal, to Appender, rows ...string) Summary {
	t.Helper()
	ctx, export := model.WithViewer(t.Context(), j.viewer), string(array(rows...))
	run := func(dry bool) (Summary, []string, string) {
		var rejects bytes.Buffer
		shares := &Shares{}
		if routed, ok := to.(Routed); ok {
			shares.Accounts = routed.Accounts
		}
		sum, err := Run(ctx, strings.NewReader(export), int64(len(export)), to,
			Options{DryRun: dry, Check: j.Check, Rejects: &rejects, Heard: shares.Hear})
		require.NoError(t, err)
		sum.DryRun = false
		lines := strings.Split(rejects.String(), "\n")
		slices.Sort(lines)
		return sum, lines, shares.String()
	}
	dry, dryRejects, dryShares := run(true)
	require.Empty(t, j.stored(t))
	sum, rejects, shares := run(false)
	require.Equal(t, sum, dry)
	require.Equal(t, rejects, dryRejects)
	require.Equal(t, shares, dryShares)
	return dry
}

func entryAt(n, minute int, request string) string {
	return entryJSON(n, map[string]string{"created_at": fmt.Sprintf(`"2026-06-19T16:%02d:00Z"`, minute), "request": request})
}

func TestADryRunForetellsRowsOfOneKey(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	sum := foretold(t, j, j,
		entryAt(1, 1, `{"a": 1, "b": "x"}`), entryAt(2, 2, `1`), entryAt(1, 1, `{"b":"\u0078","a":1}`), // the same
		entryAt(2, 2, `1.0`),                                 // other content
		entryAt(3, 9, `"later"`), entryAt(3, 8, `"earlier"`), // the first in time is written
	)
	require.Equal(t, []int64{3, 1, 2}, []int64{sum.Written, sum.AlreadyThere, sum.Rejected})
	require.Equal(t, `"earlier"`, j.stored(t)[2].Request)
}

func TestADryRunTakesNoRefusedRowForTheFirstOfItsKey(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	of := func(pk string) string { return entryJSON(1, map[string]string{"user": `"` + pk + `"`}) }
	long := strings.Repeat("x", 150) // with django: in front it is too long for a username
	sum := foretold(t, j, j, of(long), of("7"), of(long), of("7"), of("8"))
	require.Equal(t, []int64{1, 1, 3}, []int64{sum.Written, sum.AlreadyThere, sum.Rejected})
	require.EqualValues(t, 2, sum.UnknownUsers)
}

func TestADryRunKnowsThatAKeyIsOneOfItsAccount(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	s, err := store.Open(t.Context(), "file:"+j.path, store.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	digestKey, err := journal.NewDigestKey()
	require.NoError(t, err)
	acme, err := s.CreateAccount(t.Context(), "acme", "Acme", digestKey)
	require.NoError(t, err)
	routed := Routed{
		To: j.journal, Accounts: AccountMap{"alice": "acme", "bob": "acme", "carol": j.viewer.Account.Slug},
		Viewers: map[string]model.Viewer{
			"acme": {Account: acme, Role: model.RoleOperator}, j.viewer.Account.Slug: j.viewer,
		},
	}
	of := func(n int, pk string) string { return entryJSON(n, map[string]string{"user": pk}) }
	sum := foretold(t, j, routed,
		userJSON("1", "alice", ""), userJSON("2", "bob", ""), userJSON("3", "carol", ""), userJSON("4", "dave", ""),
		of(1, "1"), of(1, "4"), // one in each account
		of(2, "1"), of(2, "2"), // two users of one account
		of(3, "3"), of(3, "4"), // the map may name the account of all others
		of(4, "1"), of(4, "3"), of(4, "1"), of(4, "3"), // each again
	)
	require.Equal(t, []int64{6, 2, 2}, []int64{sum.Written, sum.AlreadyThere, sum.Rejected})
	require.Len(t, j.places(t), 6)
}
