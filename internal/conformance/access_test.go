package conformance_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// whoIs returns a context in which somebody of a role asks about an account, as the user of this name, if any.
func (n *node) whoIs(ctx context.Context, t *testing.T, role model.Role, username string) context.Context {
	t.Helper()
	v, err := model.ViewerFrom(ctx)
	require.NoError(t, err)
	v.Role, v.Subject = role, "token:7"
	if username != "" {
		found, known, err := n.store.UserByName(ctx, v.Account.ID, username)
		require.NoError(t, err)
		require.True(t, known)
		v.UserID, v.Username = &found.ID, &username
	}
	return waiting(model.WithViewer(context.Background(), v), t)
}

// by is a numbered input of a user, of nobody for "".
func by(username string, number int) journal.Input {
	in := numbered(number)
	if username != "" {
		in.Username = &username
	}
	return in
}

func TestAReaderLearnsNothingOfOthersEntries(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			n.append(ctx, t, by("alice", 1), by("bob", 2), by("", 3), by("alice", 4), by("bob", 5))
			alice, carol := n.whoIs(ctx, t, model.RoleReader, "alice"), n.whoIs(ctx, t, model.RoleReader, "")

			type answer struct {
				Entries, Others, Nobodys, Either page
				Users                            page
			}
			const document = `{
				entries { totalCount headCursor edges { cursor node { key user { username } } } pageInfo { hasNextPage hasPreviousPage } }
				others: entries(where: {usernameNEQ: "alice"}) { totalCount edges { node { key } } }
				nobodys: entries(where: {usernameIsNil: true}) { totalCount edges { node { key } } }
				either: entries(where: {or: [{username: "bob"}, {not: {username: "bob"}}]}) { totalCount edges { node { key } } }
				users { totalCount edges { node { username } } } }`
			var before, after, nothing answer
			n.ask(alice, t, &before, document, nil)
			require.EqualValues(t, 2, before.Entries.TotalCount)
			require.Len(t, before.Entries.Edges, 2)
			require.Equal(t, []string{keyOf(4), keyOf(1)}, []string{before.Entries.Edges[0].Node.Key, before.Entries.Edges[1].Node.Key})
			require.Equal(t, before.Entries.Edges[0].Cursor, before.Entries.HeadCursor, "the end of what it may read")
			require.Zero(t, before.Others.TotalCount)
			require.Empty(t, before.Others.Edges)
			require.Zero(t, before.Nobodys.TotalCount)
			require.EqualValues(t, 2, before.Either.TotalCount)
			require.EqualValues(t, 1, before.Users.TotalCount)
			require.Equal(t, "alice", before.Users.Edges[0].Node.Username)

			n.append(ctx, t, by("bob", 6), by("", 7))
			n.ask(alice, t, &after, document, nil)
			require.Equal(t, before, after, "others have appended")

			n.ask(carol, t, &nothing, document, nil)
			require.Zero(t, nothing.Entries.TotalCount+nothing.Either.TotalCount+nothing.Users.TotalCount)
			empty := model.EntryCursor(model.OrderPosition, -1, "", time.Time{})
			require.Equal(t, empty.Encode(accountOf(ctx, t)), nothing.Entries.HeadCursor)
		})
	}
}

// Everybody follows at once, so that what is new is read once for all, and each takes their part of it.
func TestASubscriptionBringsEachViewerTheirOwn(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			n.append(ctx, t, by("alice", 0), by("bob", 1))
			const live = `subscription { entryCreated { cursor node { key position request user { username } } } }`
			seen := map[string][]int{"alice": {2, 5, 6, 9}, "bob": {3, 7}, "": {2, 3, 4, 5, 6, 7, 8, 9}}
			streams := map[string]*stream{}
			for username := range seen {
				role := model.RoleReader
				if username == "" {
					role = model.RoleAuditor
				}
				streams[username] = n.subscribe(n.whoIs(ctx, t, role, username), t, live, nil)
				t.Cleanup(streams[username].stop)
			}
			n.append(ctx, t, by("alice", 2), by("bob", 3), by("", 4), by("alice", 5))
			n.append(ctx, t, by("alice", 6))
			n.append(ctx, t, by("bob", 7), by("", 8), by("alice", 9))
			for username, want := range seen {
				for _, number := range want {
					var event struct{ EntryCreated edge }
					require.Empty(t, streams[username].read(t, &event))
					require.Equal(t, keyOf(number), event.EntryCreated.Node.Key, "to %q", username)
					require.EqualValues(t, number, event.EntryCreated.Node.Position)
				}
			}
		})
	}
}

// headCursor of a reader is not the journal's end, and yet following from there misses nothing and repeats nothing.
func TestAReaderFollowsItsPageWithoutGap(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			n.append(ctx, t, by("bob", 0), by("bob", 1))
			require.NoError(t, n.journal.EnsureUsers(ctx, []journal.UserProfile{{Username: "alice"}}))
			alice := n.whoIs(ctx, t, model.RoleReader, "alice")
			for number := 2; number < 6; number += 2 {
				var answer struct{ Page page }
				n.ask(alice, t, &answer, entriesPage, nil)
				n.append(ctx, t, by("bob", number), by("alice", number+1))
				s := n.subscribe(alice, t, follow, vars{"after": answer.Page.HeadCursor})
				var event struct{ EntryCreated edge }
				require.Empty(t, s.read(t, &event))
				require.Equal(t, keyOf(number+1), event.EntryCreated.Node.Key)
				s.stop()
			}
		})
	}
}

// Nobody can tell what they may not see from what is not there.
func TestWhatIsNotVisibleLooksAsIfItDidNotExist(t *testing.T) {
	t.Parallel()
	asking := []string{
		`query($entry: ID!) { node(id: $entry) { id } }`,
		`query($user: ID!) { node(id: $user) { id } }`,
		`query($token: ID!) { node(id: $token) { id } }`,
		`query($entry: ID!, $user: ID!, $token: ID!) { nodes(ids: [$entry, $user, $token]) { id } }`,
		`query($key: String!) { entry(key: $key) { id } }`,
		`query($key: String) { entries(where: {key: $key}) { totalCount edges { cursor } pageInfo { hasNextPage endCursor } } }`,
		`query($user: ID) { entries(where: {userID: $user}) { totalCount edges { cursor } pageInfo { hasNextPage endCursor } } }`,
		`query($username: String) { entries(where: {username: $username}) { totalCount edges { cursor } headCursor } }`,
		`query($user: ID) { users(where: {id: $user}) { totalCount edges { cursor } pageInfo { hasNextPage endCursor } } }`,
		`query($username: String) { users(where: {username: $username}) { totalCount edges { cursor } } }`,
	}
	changing := []string{
		`mutation($user: ID!) { updateUser(input: {id: $user, disabled: true}) { user { id } } }`,
		`mutation($token: ID!) { revokeToken(input: {id: $token}) { token { id } } }`,
	}
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newMatrix(t, databaseURL)
			theirs, foreign := w.things["theirs"], w.things["foreign"]
			nothing := thing{account: theirs.account, user: 999, token: 999, username: "nobody", key: keyOf(99999)}
			nothing.cursor = model.EntryCursor(model.OrderPosition, theirs.position, nothing.key, time.Time{}).Encode(nothing.account)
			for role, hides := range map[string]struct {
				things    []thing
				documents []string
			}{
				"reader":  {[]thing{theirs, foreign}, asking},
				"auditor": {[]thing{foreign}, asking},
				"admin":   {[]thing{foreign}, append(changing, asking...)},
				"writer": {[]thing{foreign}, []string{
					`mutation($user: ID!) { createEntry(input: {userID: $user, request: 1, response: 2}) { key } }`,
				}},
			} {
				for _, document := range hides.documents {
					for _, o := range hides.things {
						require.Equal(t, w.said(t, role, document, nothing), w.said(t, role, document, o), "%s by %s", document, role)
					}
				}
			}
			const following = `subscription($cursor: Cursor) { entryCreated(after: $cursor) { cursor } }`
			require.Equal(t, w.said(t, "reader", following, nothing), w.said(t, "reader", following, theirs))
			require.Contains(t, w.said(t, "reader", following, theirs), "CURSOR_INVALID")
			require.NotContains(t, w.said(t, "reader", following, w.things["own"]), "CURSOR_INVALID")

			nothing.cursor = foreign.cursor[:len(foreign.cursor)-1] + "Q"
			for _, document := range []string{
				following,
				`query($cursor: Cursor) { entries(after: $cursor) { totalCount } }`,
				`query($cursor: Cursor) { users(after: $cursor) { totalCount } }`,
				`query($cursor: Cursor) { tokens(after: $cursor) { totalCount } }`,
			} {
				require.Equal(t, w.said(t, "admin", document, nothing), w.said(t, "admin", document, foreign), "a cursor of another account")
			}
		})
	}
}

// said is the whole answer to a question for a thing.
func (w *matrix) said(t *testing.T, role, document string, o thing) string {
	t.Helper()
	v := vars{
		"entry": o.entryID(), "user": o.userID(), "token": o.tokenID(), "key": o.key, "username": o.username, "cursor": o.cursor,
	}
	if strings.HasPrefix(document, "subscription") {
		s := w.subscribe(w.viewers[role], t, document, v)
		defer s.stop()
		if s.refusal == nil {
			return ""
		}
		text, err := json.Marshal(s.refusal)
		require.NoError(t, err)
		return string(text)
	}
	data, errs := w.try(w.viewers[role], t, document, v)
	text, err := json.Marshal(errs)
	require.NoError(t, err)
	return string(data) + string(text)
}

func TestAWriterIsToldWhatItMayDo(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			n.append(ctx, t, by("alice", 1))
			writer := n.whoIs(ctx, t, model.RoleWriter, "alice")
			calls := n.log.of(func() {
				data, errs := n.try(writer, t, `{ entries { totalCount } }`, nil)
				require.Len(t, errs, 1)
				require.Equal(t, "this is for the role READER, AUDITOR, ADMIN or OPERATOR; "+
					"a WRITER appends entries (createEntry, createEntries) and asks who it is (viewer), and nothing else", errs[0].Message)
				require.Equal(t, map[string]any{"code": "FORBIDDEN"}, errs[0].Extensions)
				require.Equal(t, "entries", errs[0].Path.String())
				require.Equal(t, "null", string(data))
			})
			require.Empty(t, calls, "nothing is read for it")

			var both struct {
				Viewer *struct{ Role string }
				Entry  *struct{}
			}
			data, errs := n.try(writer, t, `{ viewer { role } entry(key: "`+keyOf(1)+`") { key } }`, nil)
			require.Len(t, errs, 1, "what it may know, it is told beside")
			require.NoError(t, json.Unmarshal(data, &both))
			require.Equal(t, "WRITER", both.Viewer.Role)
			require.Nil(t, both.Entry)
		})
	}
}

func TestNobodyWithoutViewerGetsAnything(t *testing.T) {
	t.Parallel()
	n := start(t, newSQLite(t), settings{})
	for _, document := range []string{
		`{ viewer { role } }`, `{ entries { totalCount } }`, `mutation { updateAccount(input: {name: "x"}) { account { name } } }`,
	} {
		require.Equal(t, "UNAUTHENTICATED", n.refused(context.Background(), t, document, nil))
	}
}
