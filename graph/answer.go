package graph

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"samjournal/ent"
	"samjournal/ent/entry"
	"samjournal/internal/journal"
)

const defaultAnswerBytes = 16 << 20

// answer is what the answer of one query or mutation holds of payloads. Its root fields run at the same time.
type answer struct {
	fields int64 // root fields that show payloads; at least 1

	memory memory

	mu    sync.Mutex
	bytes int64   // claimed by its fields so far; guarded by mu
	count int64   // entries among them; guarded by mu
	grown bool    // guarded by mu
	shown []int64 // positions of these entries; guarded by mu
}

// answerOf returns the answer that the current field belongs to.
func answerOf(ctx context.Context) (*answer, error) {
	if graphql.HasOperationContext(ctx) {
		if a, ok := graphql.GetOperationContext(ctx).Stats.GetExtension(answerName).(*answer); ok {
			return a, nil
		}
	}
	return nil, errors.New("the executor lacks the extensions of this schema")
}

const typeQuery, typeMutation = "Query", "Mutation"

// answerName is under which an operation context has its answer.
const answerName = "samjournal.answer"

// AnswerLimit keeps count of the payloads in each answer.
type AnswerLimit struct{}

var (
	_ graphql.HandlerExtension        = AnswerLimit{}
	_ graphql.OperationContextMutator = AnswerLimit{}
	_ graphql.RootFieldInterceptor    = AnswerLimit{}
	_ graphql.ResponseInterceptor     = AnswerLimit{}
)

// ExtensionName names the extension.
func (AnswerLimit) ExtensionName() string { return "AnswerLimit" }

// Validate has nothing to check.
func (AnswerLimit) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext gives the operation an empty answer. A subscription has none: its events are bounded where they are
// read and kept.
func (AnswerLimit) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	if op.Operation.Operation == ast.Subscription {
		return nil
	}
	a := &answer{}
	for _, f := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{typeQuery, typeMutation}) {
		if showsPayloads(f.Selections, map[string]bool{}) {
			a.fields++
		}
	}
	a.fields = max(a.fields, 1)
	op.Stats.SetExtension(answerName, a)
	return nil
}

// InterceptResponse notes that the answer is encoded.
func (AnswerLimit) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	resp := next(ctx)
	if a, err := answerOf(ctx); err == nil {
		a.memory.made()
	}
	return resp
}

// InterceptRootField prepares for writing what a root field has become.
func (AnswerLimit) InterceptRootField(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	result := next(ctx)
	a, err := answerOf(ctx)
	if err != nil || result == graphql.Null || result == graphql.RequiredNull { // the executor looks for these two
		return result
	}
	return graphql.WriterFunc(func(w io.Writer) {
		a.grow(w)
		result.MarshalGQL(w)
	})
}

// showsPayloads tells whether request or response of an entry is somewhere below. Each fragment is looked at once.
func showsPayloads(set ast.SelectionSet, seen map[string]bool) bool {
	for _, selection := range set {
		found := false
		switch s := selection.(type) {
		case *ast.Field:
			columns := entryColumns(s.Name)
			found = slices.Contains(columns, entry.FieldRequest) || slices.Contains(columns, entry.FieldResponse) ||
				showsPayloads(s.SelectionSet, seen)
		case *ast.InlineFragment:
			found = showsPayloads(s.SelectionSet, seen)
		case *ast.FragmentSpread:
			if !seen[s.Name] && s.Definition != nil {
				seen[s.Name] = true
				found = showsPayloads(s.Definition.SelectionSet, seen)
			}
		}
		if found {
			return true
		}
	}
	return false
}

// claim adds as many entries to the answer, from the first on, as there is room for, and returns how many and their bytes;
// tooLarge says that these are not all. An entry that is longer than a whole answer may be is an answer by itself, when its
// payloads are shown once.
func (a *answer) claim(shown journal.Shown, entries []*ent.Entry, limit int64) (n int, size int64, tooLarge error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	room, wanted := limit-a.bytes, int64(0)
	for i, e := range entries {
		own := shown.Of(e)
		if i == 0 && a.bytes == 0 && shown.Once() {
			room = max(room, own)
		}
		if wanted += own; wanted <= room {
			n, size = i+1, wanted
		}
	}
	if n < len(entries) {
		tooLarge = &answerTooLargeError{wanted: wanted, used: a.bytes, limit: limit}
	}
	a.bytes, a.count = a.bytes+size, a.count+int64(n)
	for _, e := range entries[:n] {
		a.shown = append(a.shown, e.Position)
	}
	return n, size, tooLarge
}

// positions are those of the entries whose payloads the answer shows.
func (a *answer) positions() []int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.shown)
}

// grow makes room for the whole answer in the buffer that it will be written to: one that grows by doubling holds it twice.
func (a *answer) grow(w io.Writer) {
	const perEntry = 1 << 10 // for what is shown beside the payloads
	a.mu.Lock()
	defer a.mu.Unlock()
	if buffer, ok := w.(*bytes.Buffer); ok && !a.grown && a.bytes > shortBytes {
		a.grown = true
		buffer.Grow(int(a.bytes + a.count*perEntry))
	}
}
