package conformance_test

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"

	"samjournal/graph"
	"samjournal/internal/journal"
	"samjournal/internal/model"
	"samjournal/internal/store"
)

// TestEveryFieldGivesToEachRoleWhatTheTableSays carries out testdata/permissions.txt. Everybody asks for each field of each
// object, in every way that leads there, once for something of their own user's, once for another user's, once for another
// account's.
func TestEveryFieldGivesToEachRoleWhatTheTableSays(t *testing.T) {
	t.Parallel()
	table := readPermissions(t)
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newMatrix(t, databaseURL)
			got := map[string]map[string]string{}
			for _, way := range ways() {
				for _, role := range matrixRoles() {
					for _, whose := range []string{"own", "theirs", "foreign"} {
						w.walk(t, way, role, whose, got)
					}
				}
			}
			for _, name := range sortedNames(table, got) {
				for _, role := range matrixRoles() {
					require.Equal(t, table[name][role], got[name][role], "%s for %s", name, role)
				}
			}
		})
	}
}

// A field that somebody adds to the schema needs a row in the table, and a way that leads to what it holds.
func TestThePermissionTableIsComplete(t *testing.T) {
	t.Parallel()
	table, schema := readPermissions(t), graph.NewSchema(&graph.Resolver{}).Schema()
	var rows, leading []string
	for _, way := range ways() {
		rows = append(rows, way.name)
		at, _, _ := strings.Cut(way.name, "/")
		leading = append(leading, at)
	}
	for _, object := range schema.Types {
		if object.Kind != ast.Object || strings.HasPrefix(object.Name, "__") {
			continue
		}
		for _, field := range object.Fields {
			if strings.HasPrefix(field.Name, "__") {
				continue
			}
			name := object.Name + "." + field.Name
			if schema.Types[field.Type.Name()].IsCompositeType() {
				require.Contains(t, leading, name, "ways() needs one through this field")
			}
			if !isRoot(schema, object) {
				rows = append(rows, fieldRow(object.Name, field.Name))
			}
		}
	}
	require.ElementsMatch(t, rows, sortedNames(table, nil))
}

func isRoot(schema *ast.Schema, object *ast.Definition) bool {
	return object == schema.Query || object == schema.Mutation || object == schema.Subscription
}

// fieldRow names the row of the field itself; that of the object it leads to is named by the way.
func fieldRow(object, field string) string { return object + ":" + field }

// matrixRoles are the columns of the table.
func matrixRoles() []string {
	return []string{"none", "writer", "reader", "auditor", "admin", "operator"}
}

// readPermissions reads the table: what each role gets, by row.
func readPermissions(t *testing.T) map[string]map[string]string {
	t.Helper()
	file, err := os.Open("testdata/permissions.txt")
	require.NoError(t, err)
	defer file.Close()
	table := map[string]map[string]string{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		cells := strings.Fields(lines.Text())
		if len(cells) == 0 || strings.HasPrefix(cells[0], "#") {
			continue
		}
		require.Len(t, cells, 1+len(matrixRoles()), lines.Text())
		require.NotContains(t, table, cells[0], "two rows")
		table[cells[0]] = map[string]string{}
		for i, role := range matrixRoles() {
			table[cells[0]][role] = cells[i+1]
		}
	}
	require.NoError(t, lines.Err())
	require.Greater(t, len(table), 100)
	return table
}

func sortedNames(tables ...map[string]map[string]string) []string {
	var names []string
	for _, table := range tables {
		for name := range table {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// thing is what is asked for: an entry, its user and a token of that user, in one account.
type thing struct {
	account, user, token int64
	username, key        string
	position             int64
	cursor, tokenCursor  string
}

func (o thing) userID() string  { return model.UserID(o.account, o.user) }
func (o thing) tokenID() string { return model.TokenID(o.account, o.token) }
func (o thing) entryID() string { return model.EntryID(o.account, o.key) }

// matrix is two accounts with what is in them, and everybody who may ask.
type matrix struct {
	*node

	things  map[string]thing // by whose
	viewers map[string]context.Context
	made    int
}

func newMatrix(t *testing.T, databaseURL string) *matrix {
	t.Helper()
	n := start(t, databaseURL, settings{})
	own, other := n.newAccount(t, "own"), n.newAccount(t, "other")
	w := &matrix{node: n, things: map[string]thing{
		"own": n.newThing(own, t, "alice", 11), "theirs": n.newThing(own, t, "bob", 12), "foreign": n.newThing(other, t, "carol", 13),
	}, viewers: map[string]context.Context{"none": waiting(context.Background(), t)}}
	n.append(own, t, numbered(99))
	viewer, err := model.ViewerFrom(own)
	require.NoError(t, err)
	for _, role := range matrixRoles()[1:] {
		v := model.Viewer{Account: viewer.Account, Role: model.Role(strings.ToUpper(role))}
		if role != "operator" { // the local one is nobody in particular
			v.Subject, v.UserID, v.Username = "token:1", new(w.things["own"].user), new("alice")
		}
		w.viewers[role] = w.viewing(t, v) //nolint:fatcontext // each has its own
	}
	return w
}

func (*matrix) viewing(t *testing.T, v model.Viewer) context.Context {
	t.Helper()
	return waiting(model.WithViewer(context.Background(), v), t)
}

// newThing adds a user, after an anonymous entry one of this user, and two tokens, of which the second is the thing's.
func (n *node) newThing(ctx context.Context, t *testing.T, username string, number int) thing {
	t.Helper()
	require.NoError(t, n.journal.EnsureUsers(ctx, []journal.UserProfile{{
		Username: username, Email: new(username + "@example.org"), DisplayName: new(username),
	}}))
	in := numbered(number)
	in.Username, in.Request, in.Response = &username, `{"headers":{"Authorization":"Bearer secret"}}`, `{"done":true}`
	appended := n.append(ctx, t, numbered(number+100), in)[1]
	o := thing{
		account: accountOf(ctx, t), username: username, key: appended.Key, position: appended.Position, token: int64(number),
	}
	o.cursor = model.EntryCursor(model.OrderPosition, o.position, o.key, time.Time{}).Encode(o.account)
	found, known, err := n.store.UserByName(ctx, o.account, username)
	require.NoError(t, err)
	require.True(t, known)
	o.user = found.ID
	created := time.UnixMicro(epoch + int64(number)).UTC()
	for i, id := range []int64{o.token + 1000, o.token} {
		created = created.Add(time.Duration(i) * time.Second)
		require.NoError(t, n.store.CreateToken(ctx, o.account, store.NewToken{
			ID: id, Name: "of " + username, Role: model.RoleReader, Username: &username, Digest: [32]byte{byte(number)},
			CreatedBy: new("token:1"), CreatedAt: created, ExpiresAt: new(created.Add(time.Hour)),
		}))
		require.NoError(t, n.store.TouchTokens(ctx, o.account, map[int64]time.Time{id: created}))
		require.NoError(t, n.store.RevokeToken(ctx, o.account, id, created, new("token:1")))
	}
	c := model.Cursor{Order: model.OrderTokenCreatedAt, Position: o.token, CreatedAt: created}
	o.tokenCursor = c.Encode(o.account)
	return o
}

// walk goes one way and notes what it came to, and what each field of that gave.
func (w *matrix) walk(t *testing.T, way way, role, whose string, got map[string]map[string]string) {
	t.Helper()
	note := func(name, letter string) {
		if got[name] == nil {
			got[name] = map[string]string{}
		}
		cell := got[name][role]
		i := slices.Index([]string{"own", "theirs", "foreign"}, whose)
		for len(cell) <= i {
			cell += "."
		}
		if before := cell[i : i+1]; before != "." && before != letter {
			if letter == "." {
				return
			}
			letter = "?" + way.name + "=" + letter + "?" // ways differ
		}
		got[name][role] = cell[:i] + letter + cell[i+1:]
	}
	fields := fieldsToAsk(way)
	w.made++
	o := w.things[whose]
	found, refusal := w.reach(t, way, role, o, fields)
	for _, field := range fields {
		note(fieldRow(way.of, field), ".") // until somebody gets there
	}
	switch object, there := found.(map[string]any); {
	case refusal != "":
		note(way.name, refusal)
	case !there:
		note(way.name, "-")
	default:
		note(way.name, "v")
		for _, field := range fields {
			note(fieldRow(way.of, field), letterOf(object[field]))
		}
	}
}

// reach carries out the operation of a way and returns the object to which it leads, or the letter of why there is none.
func (w *matrix) reach(t *testing.T, way way, role string, o thing, fields []string) (found any, refusal string) {
	t.Helper()
	document := strings.Replace(way.document, "%s", selection(way, fields), 1)
	v := vars{}
	for name, value := range way.variables(o, w.things["own"].account, w.made) {
		if strings.Contains(document, "$"+name) {
			v[name] = value
		}
	}
	var data any
	if strings.HasPrefix(document, "subscription") {
		data, refusal = w.await(t, role, document, v)
	} else {
		raw, errs := w.try(w.viewers[role], t, document, v)
		for _, err := range errs {
			code, _ := err.Extensions["code"].(string)
			return nil, letterOfCode(t, code, document)
		}
		data = jsonOf(t, raw)
		w.tellsNothing(t, role, document, raw)
	}
	if refusal != "" {
		return nil, refusal
	}
	if way.path == "" {
		return map[string]any{}, ""
	}
	for step := range strings.SplitSeq(way.path, ".") {
		data = below(data, step, o)
	}
	if object, ok := data.(map[string]any); ok && object["__typename"] == nil {
		return nil, "" // something of another type
	}
	return data, ""
}

// await subscribes and reads everything that is there: the last event, if any.
func (w *matrix) await(t *testing.T, role, document string, v vars) (data any, refusal string) {
	t.Helper()
	ctx := w.viewers[role]
	s := w.subscribe(ctx, t, document, v)
	defer s.stop()
	if s.refusal != nil {
		return nil, letterOfCode(t, s.read(t, nil), document)
	}
	scope, err := model.ScopeFrom(ctx)
	require.NoError(t, err)
	head, err := w.store.Head(ctx, scope)
	require.NoError(t, err)
	for next := int64(0); next < head.Size; {
		batch, err := s.reader.Read(s.ctx)
		require.NoError(t, err)
		next, s.events = batch.Next, batch.Events
		for len(s.events) > 0 {
			var event json.RawMessage
			require.Empty(t, s.read(t, &event))
			w.tellsNothing(t, role, document, event)
			data = jsonOf(t, event)
		}
	}
	return data, ""
}

// tellsNothing checks that no answer names what is another account's or, to those who see only their own, another user's.
func (w *matrix) tellsNothing(t *testing.T, role, document string, raw []byte) {
	t.Helper()
	hidden := []thing{w.things["foreign"]}
	if role == "writer" || role == "reader" {
		hidden = append(hidden, w.things["theirs"])
	}
	for _, o := range hidden {
		for _, text := range []string{o.key, o.username, o.cursor, o.tokenCursor, o.entryID(), o.userID(), o.tokenID()} {
			require.NotContains(t, string(raw), text, "%s by %s", document, role)
		}
	}
}

func jsonOf(t *testing.T, raw []byte) (data any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(raw, &data))
	return data
}

// below goes one step down: a field, an index, or "?": the element of a list whose field `at` names the thing.
func below(data any, step string, o thing) any {
	switch data := data.(type) {
	case map[string]any:
		return data[step]
	case []any:
		if i, err := strconv.Atoi(step); err == nil {
			if i < len(data) {
				return data[i]
			}
			return nil
		}
		for _, element := range data {
			at := element.(map[string]any)["at"].(map[string]any)["id"].(string)
			if slices.Contains([]string{o.entryID(), o.userID(), o.tokenID()}, at) {
				return element
			}
		}
	}
	return nil
}

// fieldsToAsk are the fields of what a way leads to, but for those that it alone has otherwise.
func fieldsToAsk(way way) []string {
	var fields []string
	if way.of == "" {
		return nil
	}
	for _, field := range graph.NewSchema(&graph.Resolver{}).Schema().Types[way.of].Fields {
		if !slices.Contains(strings.Fields(way.but), field.Name) {
			fields = append(fields, field.Name)
		}
	}
	return fields
}

func selection(way way, fields []string) string {
	schema, parts := graph.NewSchema(&graph.Resolver{}).Schema(), []string{"__typename"}
	for _, name := range fields {
		if schema.Types[schema.Types[way.of].Fields.ForName(name).Type.Name()].IsCompositeType() {
			name += " { __typename }"
		}
		parts = append(parts, name)
	}
	return strings.Join(parts, " ")
}

func letterOf(value any) string {
	switch value := value.(type) {
	case nil:
		return "n"
	case []any:
		if len(value) == 0 {
			return "e"
		}
	case float64:
		if value == 0 {
			return "e"
		}
	}
	return "v"
}

func letterOfCode(t *testing.T, code, document string) string {
	t.Helper()
	letter, known := map[string]string{
		"UNAUTHENTICATED": "U", "FORBIDDEN": "F", "BAD_USER_INPUT": "B", "NOT_FOUND": "N", "INTERNAL": "I", "CURSOR_INVALID": "C",
	}[code]
	require.True(t, known, "%s for %s", code, document)
	return letter
}
