package graph

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"golang.org/x/sync/semaphore"

	"samjournal/ent"
	"samjournal/ent/entry"
	"samjournal/internal/atend"
	"samjournal/internal/journal"
)

const (
	defaultAnswerBytes = 16 << 20

	// shortBytes is what an answer reads of payloads before it is known how long they are: most answers need no more, and so no
	// second statement.
	shortBytes = 512 << 10

	// answersWait is how long an answer waits for memory that others have.
	answersWait = 5 * time.Second
)

// Answers is the memory for the payloads of all answers under way, from when they are read until they are written. Answers with
// few of them do not wait behind those with many, which a slow client may keep for long. It is safe for concurrent use.
type Answers struct {
	size  int64
	long  *semaphore.Weighted
	short *semaphore.Weighted // for shortBytes of every answer
}

// NewAnswers returns memory for this many bytes of payloads, and a quarter as much for the first 512 KiB of each answer.
func NewAnswers(bytes int64) *Answers {
	const part = 4
	return &Answers{
		size: bytes, long: semaphore.NewWeighted(bytes), short: semaphore.NewWeighted(max(bytes/part, shortBytes)),
	}
}

// errNoRoom says that other answers have the memory for payloads, and did not give it back in time.
var errNoRoom = fmt.Errorf("%w: the memory for payloads is taken by other answers", journal.ErrUnavailable)

// acquire waits, but not for long.
func acquire(ctx context.Context, from *semaphore.Weighted, n int64) error {
	if from.TryAcquire(n) {
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, answersWait)
	defer cancel()
	if from.Acquire(waiting, n) == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("wait for memory: %w", ctx.Err())
	}
	return errNoRoom
}

// answer is what the answer of one query or mutation holds of payloads. Its root fields run at the same time.
type answer struct {
	fields int64 // root fields that show payloads; at least 1

	entering sync.Mutex // held while memory is waited for, so that an operation waits once
	entered  bool       // guarded by entering
	short    int64      // bytes that it has of Answers.short; guarded by entering
	extended bool       // that it has its part of Answers.long; guarded by entering

	mu    sync.Mutex
	bytes int64 // claimed by its fields so far; guarded by mu
}

// answerOf returns the answer that the current field belongs to.
func answerOf(ctx context.Context) (*answer, error) {
	if a, ok := graphql.GetOperationContext(ctx).Stats.GetExtension(answerName).(*answer); ok {
		return a, nil
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

// enter waits for the memory for what is read before the lengths are known, and returns how much of it the current field has.
func (a *answer) enter(ctx context.Context, all *Answers) (bytes int64, err error) {
	a.entering.Lock()
	defer a.entering.Unlock()
	if !a.entered && all != nil {
		if err := acquire(ctx, all.short, shortBytes); err != nil {
			return 0, err
		}
		a.entered, a.short = true, shortBytes
		atend.Do(ctx, func() {
			a.entering.Lock()
			defer a.entering.Unlock()
			a.shrink(all, 0)
		})
	}
	return shortBytes / a.fields, nil
}

// extend waits for the memory for long payloads. Whoever has some and waits for more can wait for ever, so an operation waits
// once: for all that it may ever need, unless the current field is the only one that needs any.
func (a *answer) extend(ctx context.Context, all *Answers, bytes, limit int64) error {
	a.entering.Lock()
	defer a.entering.Unlock()
	if a.extended || all == nil {
		return nil
	}
	if a.fields > 1 {
		bytes = max(bytes, limit)
	}
	bytes = min(bytes, all.size) // one entry may be longer than everything together
	if err := acquire(ctx, all.long, bytes); err != nil {
		return err
	}
	atend.Do(ctx, func() { all.long.Release(bytes) })
	a.extended = true
	a.shrink(all, 0) // all that it has is among the long
	return nil
}

// shrink gives back all but some bytes of what enter has taken. It is called with entering held.
func (a *answer) shrink(all *Answers, to int64) {
	if unused := a.short - to; unused > 0 {
		all.short.Release(unused)
		a.short = to
	}
}

// settle gives back what the answer's only field has not used of what enter has taken.
func (a *answer) settle(all *Answers, bytes int64) {
	a.entering.Lock()
	defer a.entering.Unlock()
	if a.fields == 1 {
		a.shrink(all, bytes)
	}
}

// claim adds as many entries to the answer, from the first on, as there is room for, and returns how many and their bytes;
// tooLarge says that these are not all. An entry that is longer than a whole answer may be is an answer by itself, when its
// payloads are shown once.
func (a *answer) claim(shown journal.Shown, entries []*ent.Entry, limit int64) (n int, bytes int64, tooLarge error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	room, wanted := limit-a.bytes, int64(0)
	for i, e := range entries {
		size := shown.Of(e)
		if i == 0 && a.bytes == 0 && shown.Once() {
			room = max(room, size)
		}
		if wanted += size; wanted <= room {
			n, bytes = i+1, wanted
		}
	}
	if n < len(entries) {
		tooLarge = &answerTooLargeError{wanted: wanted, used: a.bytes, limit: limit}
	}
	a.bytes += bytes
	return n, bytes, tooLarge
}
