package graph

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"samjournal/internal/journal"
	"samjournal/internal/model"
	"samjournal/internal/subscription"
)

// entryCreated offers the journal's entries after a cursor, or from now on, to the transport, which calls it again with each
// of them.
func (r *Resolver) entryCreated(ctx context.Context, after *string, where map[string]any) (<-chan *EntryEdge, error) {
	if edge, ok := subscription.Resolved[*EntryEdge](ctx); ok {
		return edge, nil
	}
	viewer, scope, err := viewerScope(ctx)
	if err != nil {
		return nil, err
	}
	cursor, err := parseCursor(viewer.Account.ID, model.OrderPosition, "after", after)
	if err != nil {
		return nil, err
	}
	filter, err := journal.ParseEntryFilter(viewer.Account.ID, r.now(), where)
	if err != nil {
		return nil, model.InputUnder(err, "where")
	}
	if searched := filter.Searched(); searched != nil {
		refused := &model.InputError{Path: searched, Reason: "is for entries, entryStats and exports; a subscription does not search"}
		return nil, refused.Under("where")
	}
	place, err := r.Journal.PlaceAfter(ctx, cursor)
	if err != nil {
		return nil, err
	}
	op := graphql.GetOperationContext(ctx)
	key, err := streamKey(op, scope)
	if err != nil {
		return nil, err
	}
	selection := selectionOf(op, fieldsOf(op, collected(ctx, "EntryEdge"), "node", "Entry", "Node"))
	if r.JournalReads && selection.Payloads().Times() > 0 {
		if err := r.journalSubscription(ctx, scope, place.Next(), where); err != nil {
			return nil, err
		}
	}
	subscription.Offer(ctx, &entryStream{
		journal: r.Journal, place: place, key: key, wanted: journal.Wanted{Filter: filter, Selection: selection},
	})
	return subscription.Nothing[*EntryEdge](), nil
}

// streamKey is equal for subscriptions with equal document and variables whose scopes let them read the same. Where they begin
// is no part of it: each has its own place in the same stream.
func streamKey(op *graphql.OperationContext, scope model.Scope) (string, error) {
	h := sha256.New()
	// Auditors and operators read the same. A flag that is not named here keeps streams apart.
	scope.Append, scope.Administer, scope.Operate = false, false, false
	err := json.NewEncoder(h).Encode([]any{scope, op.RawQuery, op.OperationName, variablesBut(op, "Cursor")})
	if err != nil {
		return "", fmt.Errorf("compare subscriptions: %w", err)
	}
	return string(h.Sum(nil)), nil
}

// variablesBut returns the variables of an operation without those of one type. A variable of type Cursor can only stand for
// an argument of that type, and the only one of a subscription is where it begins.
func variablesBut(op *graphql.OperationContext, typeName string) map[string]any {
	rest := make(map[string]any, len(op.Variables))
	for name, value := range op.Variables {
		if def := op.Operation.VariableDefinitions.ForName(name); def == nil || !namesType(def.Type, typeName) {
			rest[name] = value
		}
	}
	return rest
}

func namesType(t *ast.Type, name string) bool {
	return t != nil && t.Elem == nil && t.NamedType == name
}

// entryStream is what one subscriber to entryCreated gets.
type entryStream struct {
	journal *journal.Journal
	place   journal.Place
	wanted  journal.Wanted
	key     string
}

var _ subscription.Stream = (*entryStream)(nil)

func (s *entryStream) Key() string { return s.key }

func (s *entryStream) Next() int64 { return s.place.Next() }

func (s *entryStream) Follow(context.Context) (subscription.Reader, error) {
	return entriesOf(s.journal.Read(s.place, s.wanted))
}

func (s *entryStream) Live(context.Context) (subscription.Reader, error) {
	return entriesOf(s.journal.ReadNew(s.place, s.wanted))
}

// entryReader gives what a reader of the journal reads as edges.
type entryReader struct{ *journal.Reader }

func entriesOf(r *journal.Reader, err error) (subscription.Reader, error) {
	if err != nil {
		return nil, err
	}
	return entryReader{r}, nil
}

func (r entryReader) At(next int64) (subscription.Reader, error) { return entriesOf(r.Reader.At(next)) }

// Read waits for a database that is away to come back: what was read is known, so reading goes on where it failed.
func (r entryReader) Read(ctx context.Context) (subscription.Batch, error) {
	for {
		batch, err := r.Reader.Read(ctx)
		if err == nil {
			return edgesOf(batch), nil
		}
		if !errors.Is(journal.Translate(err), journal.ErrUnavailable) || !pause(ctx) {
			return subscription.Batch{}, err
		}
	}
}

// pause returns false when the subscribers or the server have gone.
func pause(ctx context.Context) bool {
	select {
	case <-time.After(retryAfter * time.Millisecond):
		return true
	case <-ctx.Done():
		return false
	}
}

func edgesOf(batch journal.Batch) subscription.Batch {
	b := subscription.Batch{Next: batch.Next, Events: make([]subscription.Event, len(batch.Entries))}
	for i, e := range batch.Entries {
		b.Events[i] = subscription.Event{Position: e.Position, Value: entryEdge(model.OrderPosition, e)}
	}
	if batch.Replaced {
		b.Ahead = journal.ErrCursorInvalid
	}
	return b
}
