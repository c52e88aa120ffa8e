package conformance_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"samjournal/graph"
	"samjournal/internal/export"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

func (n *node) source() *export.Source {
	return &export.Source{Filter: graph.EntryFilter, Ent: n.store.Ent(), Heads: n.store, Journal: n.journal}
}

// exported is a line of NDJSON.
type exported struct {
	Key, Cursor, CreatedAt, RecordedAt, Origin, Thing, Command, PayloadState string
	Position                                                                 int64
	StatusCode                                                               int
	Username                                                                 *string
	Request, Response                                                        jsontext.Value
	RedactedPaths                                                            []string
}

// exportAll exports as NDJSON and returns the entries, the manifest and the text.
func (n *node) exportAll(ctx context.Context, t require.TestingT, p export.Params) ([]exported, export.Manifest, string) {
	p.Format = export.NDJSON
	x, err := n.source().Begin(ctx, p)
	require.NoError(t, err)
	var out bytes.Buffer
	m, err := x.Write(ctx, &out)
	require.NoError(t, err)
	verified, err := export.Verify(bytes.NewReader(out.Bytes()))
	require.NoError(t, err)
	require.Equal(t, m, verified)
	var entries []exported
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, `{"manifest":`) {
			continue
		}
		var e exported
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		entries = append(entries, e)
	}
	require.Len(t, entries, int(m.Count))
	return entries, m, out.String()
}

// where makes params of a filter in JSON.
func where(t require.TestingT, text string) export.Params {
	p := export.Params{WhereText: json.RawMessage(text)}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	require.NoError(t, dec.Decode(&p.Where))
	return p
}

func TestAnExportHasThePayloadsAsTheyAreStored(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			texts := nastyPayloads()
			for i, text := range texts {
				in := numbered(i)
				in.Request, in.Response = parsed(t, text), parsed(t, texts[len(texts)-1-i])
				n.append(ctx, t, in)
			}
			_, m, text := n.exportAll(ctx, t, export.Params{})
			require.EqualValues(t, len(texts), m.Count)
			lines := strings.Split(text, "\n")
			for i := range texts {
				request, response := parsed(t, texts[i]), parsed(t, texts[len(texts)-1-i])
				require.Contains(t, lines[i], `"request":`+string(request)+`,"response":`+string(response)+`,`)
			}
		})
	}
}

func TestAnExportShowsWhatGraphQLShows(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{payloadLimit: 1024})
			ctx := n.as(t, "default")
			long := by("bob", 3)
			long.Response, long.Truncate = parsed(t, `"`+strings.Repeat("x", 5000)+`"`), 1024
			secret := by("", 2)
			secret.Request, secret.StatusCode, secret.Thing = `{"password":"hunter2"}`, 503, model.ThingAPIPlugin
			n.append(ctx, t, by("alice", 1), secret, long)
			entries, _, _ := n.exportAll(ctx, t, export.Params{})
			var answer struct {
				Entries struct {
					Edges []struct {
						Cursor string
						Node   struct {
							exported

							User *struct{ Username string }
						}
					}
				}
			}
			n.ask(ctx, t, &answer, `{ entries(where: {positionLT: 3}, orderBy: {direction: ASC}) { edges { cursor node { key position
				createdAt recordedAt origin thing command statusCode request response payloadState redactedPaths user { username } } } } }`,
				nil)
			require.Len(t, answer.Entries.Edges, 3)
			for i, edge := range answer.Entries.Edges {
				want := edge.Node.exported
				want.Cursor = edge.Cursor
				if edge.Node.User != nil {
					want.Username = &edge.Node.User.Username
				}
				require.Equal(t, want, entries[i])
			}
		})
	}
}

// Every filter gives the entries that it gives in a page, in order of position, however few match.
func TestAnExportHasTheEntriesThatMatch(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			next := worlds(t, databaseURL)
			rapid.Check(t, func(rt *rapid.T) {
				w := next(rt)
				status := rapid.SampledFrom([]int64{0, 200, 404, 500}).Draw(rt, "status")
				p := where(rt, fmt.Sprintf(`{"or": [{"statusCodeGT": %d}, {"thingIn": ["API_PLUGIN"]}]}`, status))
				entries, m, _ := w.exportAll(w.ctx, rt, p)
				var keys, want []string
				for _, e := range entries {
					keys = append(keys, e.Key)
				}
				for _, f := range w.facts {
					if f.status > status || f.thing == model.ThingAPIPlugin {
						want = append(want, f.key)
					}
				}
				require.Equal(rt, want, keys)
				require.EqualValues(rt, len(w.facts), *m.HeadSize)
			})
		})
	}
}

func TestAnExportEndsWhereTheJournalEndedWhenItBegan(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			n.append(ctx, t, numbered(1), numbered(2))
			x, err := n.source().Begin(ctx, export.Params{Format: export.NDJSON})
			require.NoError(t, err)
			n.append(ctx, t, numbered(3))
			m, err := x.Write(ctx, io.Discard)
			require.NoError(t, err)
			require.EqualValues(t, 2, m.Count)
			require.EqualValues(t, 2, *m.HeadSize)
		})
	}
}

func TestAnExportGoesOnAfterTheCursorOfALine(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			for i := range 230 { // more than are read at a time
				n.append(ctx, t, numbered(i))
			}
			all, _, _ := n.exportAll(ctx, t, export.Params{})
			rest, m, _ := n.exportAll(ctx, t, export.Params{After: &all[150].Cursor})
			require.Equal(t, all[151:], rest[:len(all)-151])
			require.EqualValues(t, 151, *m.FirstPosition)
			require.Equal(t, all[150].Cursor, *m.After)

			other := n.newAccount(t, "other")
			_, err := n.source().Begin(other, export.Params{Format: export.NDJSON, After: &all[0].Cursor})
			require.ErrorContains(t, err, "after: is not a cursor of this account's journal")
			gone := model.EntryCursor(model.OrderPosition, 5, strings.Repeat("f", 64), time.UnixMicro(epoch)).Encode(accountOf(ctx, t))
			_, err = n.source().Begin(ctx, export.Params{Format: export.NDJSON, After: &gone})
			require.ErrorIs(t, err, journal.ErrCursorInvalid)
			created := model.EntryCursor(model.OrderCreatedAt, 5, keyOf(5), time.UnixMicro(epoch)).Encode(accountOf(ctx, t))
			_, err = n.source().Begin(ctx, export.Params{Format: export.NDJSON, After: &created})
			require.ErrorContains(t, err, "after: must be a cursor of the POSITION order")
		})
	}
}

func TestAnExportHoldsOnlyWhatItsViewerMaySee(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			n.append(ctx, t, by("alice", 1), by("bob", 2), by("", 3), by("alice", 4))
			n.append(n.newAccount(t, "other"), t, by("alice", 5))

			entries, m, _ := n.exportAll(n.whoIs(ctx, t, model.RoleReader, "alice"), t, export.Params{})
			require.Len(t, entries, 2)
			require.Equal(t, []string{keyOf(1), keyOf(4)}, []string{entries[0].Key, entries[1].Key})
			require.Equal(t, "alice", *m.OnlyUser)
			require.Nil(t, m.HeadSize)
			entries, _, _ = n.exportAll(n.whoIs(ctx, t, model.RoleReader, ""), t, export.Params{})
			require.Empty(t, entries)
			entries, _, _ = n.exportAll(n.whoIs(ctx, t, model.RoleAuditor, ""), t, where(t, `{"positionLT": 4}`))
			require.Len(t, entries, 4)

			_, err := n.source().Begin(n.whoIs(ctx, t, model.RoleWriter, ""), export.Params{Format: export.NDJSON})
			require.ErrorIs(t, err, journal.ErrForbidden)
			_, err = n.source().Begin(t.Context(), export.Params{Format: export.NDJSON})
			require.ErrorIs(t, err, model.ErrNoViewer)
		})
	}
}

// That somebody exports is in the journal before the first byte is out.
func TestAnExportIsJournaled(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			n.append(ctx, t, numbered(1), numbered(2))
			p := where(t, `{"statusCodeGTE": 400}`)
			p.Format, p.RequestID = export.CSV, "request-1"
			_, err := n.source().Begin(n.whoIs(ctx, t, model.RoleAuditor, ""), p)
			require.NoError(t, err)
			entries, _, _ := n.exportAll(ctx, t, export.Params{})
			require.Len(t, entries, 3)
			require.Equal(t, "ACCOUNT", entries[2].Thing)
			require.JSONEq(t, `{"read": {"operation": "export csv", "requestId": "request-1", "role": "AUDITOR", "from": 0, "until": 2,
				"where": {"statusCodeGTE": 400}}}`, string(entries[2].Request))
		})
	}
}

// A spreadsheet takes no cell for a formula, and all else comes back as it is.
func TestCSVKeepsItsCells(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			ctx := n.as(t, "default")
			formula := numbered(1)
			name := `=HYPERLINK("http://x","y")`
			formula.Username = &name
			formula.Request, formula.Response = `"quotes \" and, commas"`, `-5`
			n.append(ctx, t, formula)
			x, err := n.source().Begin(ctx, export.Params{Format: export.CSV})
			require.NoError(t, err)
			var out bytes.Buffer
			m, err := x.Write(ctx, &out)
			require.NoError(t, err)
			require.True(t, m.Neutralised)
			require.NoError(t, export.VerifyCSV(bytes.NewReader(out.Bytes()), m))
			records, err := csv.NewReader(&out).ReadAll()
			require.NoError(t, err)
			require.Len(t, records, 2)
			row := map[string]string{}
			for i, column := range records[0] {
				row[column] = records[1][i]
			}
			require.Equal(t, keyOf(1), row["key"])
			require.Equal(t, "'"+name, row["username"])
			require.Equal(t, `"quotes \" and, commas"`, row["request"])
			require.Equal(t, "'-5", row["response"])
		})
	}
}

// A writer that fails ends the export with its error, and nothing takes it for whole.
func TestAnExportThatCannotBeWrittenHasNoManifest(t *testing.T) {
	t.Parallel()
	n := start(t, newSQLite(t), settings{})
	ctx := n.as(t, "default")
	for i := range 120 {
		n.append(ctx, t, numbered(i))
	}
	_, _, text := n.exportAll(ctx, t, export.Params{})
	x, err := n.source().Begin(ctx, export.Params{Format: export.NDJSON})
	require.NoError(t, err)
	full := errors.New("the disk is full")
	limited := &limitedWriter{room: len(text) / 2, full: full}
	_, err = x.Write(ctx, limited)
	require.ErrorIs(t, err, full)
	_, err = export.Verify(&limited.b)
	require.ErrorIs(t, err, export.ErrIncomplete)
}

type limitedWriter struct {
	b    bytes.Buffer
	room int
	full error
}

func (w *limitedWriter) Write(p []byte) (int, error) {
	if len(p) > w.room {
		return 0, w.full
	}
	w.room -= len(p)
	return w.b.Write(p)
}
