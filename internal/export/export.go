package export

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"samjournal/ent"
	"samjournal/ent/entry"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

const (
	// What is read at a time: entries of one statement, and the longest payload that comes with them. Longer ones are read for
	// one entry at a time. So an export holds 100 × 2 × 16 KiB, or one entry if that is more.
	batch   = 100
	longest = 16 << 10
	// window is how many positions one statement looks at: a filter that matches next to nothing must not make one statement
	// walk through the whole journal.
	window = 50_000
)

// Heads reads the head of a journal. *store.Store is one.
type Heads interface {
	Head(ctx context.Context, scope model.Scope) (journal.Head, error)
}

// Reads journals what is read, and knows whether a cursor fits. *journal.Journal is one.
type Reads interface {
	RecordRead(ctx context.Context, r journal.Read) error
	PlaceAfter(ctx context.Context, after *model.Cursor) (journal.Place, error)
}

// ReadFilter reads a filter of entries from JSON; its errors are *model.InputError. graph.EntryFilter is one.
type ReadFilter func(
	ctx context.Context, accountID int64, now time.Time, where map[string]any,
) (*journal.EntryFilter, error)

// Source is where exports come from.
type Source struct {
	Filter  ReadFilter
	Ent     *ent.Client // scoped to the viewer of each context
	Heads   Heads
	Journal Reads
	Clock   func() time.Time // default time.Now
}

// Params say what to export, as a client writes it.
type Params struct {
	Format    Format
	Where     map[string]any  // an EntryWhereInput as JSON, numbers as json.Number; nil for none
	WhereText json.RawMessage // the same as it was sent, for the manifest
	After     *string         // cursor of the POSITION order; nil: from the beginning
	RequestID string          // under which the log has the request
}

// Export is one export on its way.
type Export struct {
	source   *Source
	params   Params
	filter   *journal.EntryFilter
	scope    model.Scope
	next     int64 // position of the next entry to look at
	end      int64 // excluded
	manifest Manifest
	progress func(position, end int64)
	sum      hash.Hash
}

// Begin fixes where the export ends, and journals that the viewer reads it: nothing is shown before that is durable. It fails
// with journal.ErrForbidden for a viewer that may not read, with journal.ErrCursorInvalid when After does not fit the journal,
// and with an *model.InputError when the filter or the cursor is none.
func (s *Source) Begin(ctx context.Context, params Params) (*Export, error) {
	viewer, err := model.ViewerFrom(ctx)
	if err != nil {
		return nil, err
	}
	x := &Export{source: s, params: params, scope: viewer.Scope(), sum: sha256.New()}
	if !x.scope.Entries {
		return nil, journal.ErrForbidden
	}
	var where map[string]any // reading the filter may change its input
	if params.WhereText != nil {
		dec := json.NewDecoder(bytes.NewReader(params.WhereText))
		dec.UseNumber() // it may hold any number
		if err := dec.Decode(&where); err != nil {
			return nil, &model.InputError{Path: []any{"where"}, Reason: "is not JSON"}
		}
	}
	if x.filter, err = s.Filter(ctx, viewer.Account.ID, s.now(), params.Where); err != nil {
		return nil, err
	}
	if x.filter.Searched() != nil && !x.scope.Payloads {
		return nil, journal.ErrForbidden // what it finds would tell of payloads
	}
	if err := x.from(ctx, viewer.Account.ID); err != nil {
		return nil, err
	}
	head, err := s.Heads.Head(ctx, x.scope)
	if err != nil {
		return nil, err
	}
	x.end = head.Size
	x.describe(viewer)
	return x, s.Journal.RecordRead(ctx, journal.Read{
		Operation: "export " + string(params.Format), RequestID: params.RequestID, From: &x.next, Until: &x.end, Where: where,
	})
}

// from finds where the export begins.
func (x *Export) from(ctx context.Context, accountID int64) error {
	if x.params.After == nil {
		return nil
	}
	c, err := model.ParseCursor(accountID, *x.params.After)
	if err != nil {
		return model.InputUnder(err, "after")
	}
	if c.Order != model.OrderPosition {
		return &model.InputError{Path: []any{"after"}, Reason: "must be a cursor of the POSITION order, as lines of an export have"}
	}
	place, err := x.source.Journal.PlaceAfter(ctx, &c)
	x.next = place.Next()
	return err
}

// describe begins the manifest.
func (x *Export) describe(viewer model.Viewer) {
	x.manifest = Manifest{
		Version: ManifestVersion, Format: x.params.Format, Account: viewer.Account.Slug, Where: x.params.WhereText,
		After: x.params.After, ServerTime: timeText(x.source.now()), Neutralised: x.params.Format == CSV,
	}
	var where bytes.Buffer
	if json.Compact(&where, x.params.WhereText) != nil {
		where.WriteString("null") // there is none: Begin has read what there is
	}
	x.manifest.Where = where.Bytes()
	if x.scope.OnlyUserID == nil {
		x.manifest.HeadSize = &x.end
		return
	}
	name := ""
	if viewer.Username != nil {
		name = *viewer.Username
	}
	x.manifest.OnlyUser = &name
}

func (s *Source) now() time.Time {
	if s.Clock == nil {
		return time.Now()
	}
	return s.Clock()
}

// Format is how the export is written.
func (x *Export) Format() Format { return x.params.Format }

// Filename is a name for the file: account, time and format.
func (x *Export) Filename() string {
	at := strings.NewReplacer(":", "", "-", "").Replace(x.manifest.ServerTime[:len("2006-01-02T15:04:05")])
	return "journal-" + x.manifest.Account + "-" + at + "Z." + string(x.params.Format)
}

// Positions are those that the export goes through: from the first, included, to the last, excluded.
func (x *Export) Positions() (from, to int64) { return x.next, x.end }

// OnProgress has f called now and then with the position that was reached and where the export ends.
func (x *Export) OnProgress(f func(position, end int64)) { x.progress = f }

// Continue makes the export one that goes on after lines that are there already: After was the cursor of their last. The
// manifest then speaks of all.
func (x *Export) Continue(there *Contents) {
	x.sum, x.manifest.Count, x.manifest.After = there.sum, there.Count, nil
	x.manifest.FirstPosition, x.manifest.LastPosition = &there.First, &there.Last
}

// Write writes the export, which for NDJSON ends with the manifest, and returns the manifest. It can be called once. When it
// fails, what was written has no manifest.
func (x *Export) Write(ctx context.Context, w io.Writer) (Manifest, error) {
	out, enc := io.MultiWriter(x.sum, w), x.params.Format.encoder()
	if x.manifest.Count == 0 {
		begin, err := enc.begin()
		if err != nil {
			return Manifest{}, err
		}
		if _, err := out.Write(begin); err != nil {
			return Manifest{}, err
		}
	}
	for x.next < x.end {
		if err := x.writeBatch(ctx, out, enc); err != nil {
			return Manifest{}, err
		}
		if x.progress != nil {
			x.progress(x.next, x.end)
		}
	}
	x.manifest.SHA256 = hex.EncodeToString(x.sum.Sum(nil))
	if x.params.Format != NDJSON {
		return x.manifest, nil
	}
	line, err := x.manifest.line()
	if err != nil {
		return Manifest{}, err
	}
	_, err = w.Write(line)
	return x.manifest, err
}

// selection is all that a record shows.
func selection() journal.Selection {
	return journal.Selection{Columns: []string{
		entry.FieldCreatedAt, entry.FieldRecordedAt, entry.FieldOrigin, entry.FieldThing, entry.FieldCommand,
		entry.FieldStatusCode, entry.FieldUsername, entry.FieldRequest, entry.FieldResponse, entry.FieldPayloadState,
		entry.FieldPayloadSalt, entry.FieldRedactedPaths,
		entry.FieldUserID, // for a filter that searches
	}}
}

func (x *Export) writeBatch(ctx context.Context, w io.Writer, enc encoder) error {
	to := min(x.next+window, x.end)
	q := selection().ApplyShort(x.source.Ent.Entry.Query(), longest)
	q.Where(entry.PositionGTE(x.next), entry.PositionLT(to))
	q.Where(x.filter.Where)
	rows, err := q.Order(entry.ByPosition()).Limit(batch).All(ctx)
	if err != nil {
		return fmt.Errorf("read entries from position %d: %w", x.next, err)
	}
	for i, e := range rows {
		if err := x.write(ctx, w, enc, e); err != nil {
			return err
		}
		rows[i] = nil // a long payload is not held until the batch is through
	}
	if len(rows) < batch {
		x.next = to
	}
	return nil
}

func (x *Export) write(ctx context.Context, w io.Writer, enc encoder, e *ent.Entry) error {
	one := []*ent.Entry{e}
	if journal.LeftOut(one) {
		if err := selection().ReadLong(ctx, x.source.Ent.Entry.Query(), one); err != nil {
			return err
		}
	}
	x.next = e.Position + 1
	if x.filter.Searched() != nil && !x.filter.Match(e) {
		return nil
	}
	r := recordOf(x.scope, e)
	line, err := enc.encode(&r)
	if err != nil {
		return err
	}
	if _, err := w.Write(line); err != nil {
		return err
	}
	x.manifest.Count++
	position := e.Position
	if x.manifest.FirstPosition == nil {
		x.manifest.FirstPosition = &position
	}
	x.manifest.LastPosition = &position
	return nil
}
