package graph

import (
	"context"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"samjournal/internal/atend"
	"samjournal/internal/journal"
	"samjournal/internal/model"
	"samjournal/internal/requestid"
)

// ReadJournal journals reading: before a query shows requests or responses of entries, an entry says whose. Without Journal it
// does nothing.
type ReadJournal struct{ Journal *journal.Journal }

var (
	_ graphql.HandlerExtension    = ReadJournal{}
	_ graphql.ResponseInterceptor = ReadJournal{}
)

// ExtensionName names the extension.
func (ReadJournal) ExtensionName() string { return "ReadJournal" }

// Validate has nothing to check.
func (ReadJournal) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptResponse holds the answer back until it is journaled, and gives an error in its place where that fails. What a
// mutation shows of an entry is what its caller has just sent.
func (x ReadJournal) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	resp := next(ctx)
	op := graphql.GetOperationContext(ctx).Operation // nil where the document is refused
	if x.Journal == nil || resp == nil || op == nil || op.Operation != ast.Query {
		return resp
	}
	a, err := answerOf(ctx)
	if err != nil {
		return resp // no answer of ours
	}
	positions := a.positions()
	if len(positions) == 0 {
		return resp
	}
	read := readOf(ctx)
	read.Positions = journal.Runs(positions)
	if err := x.Journal.RecordRead(ctx, read); err != nil {
		graphql.AddError(ctx, err)
		return &graphql.Response{Errors: graphql.GetErrors(ctx)}
	}
	return resp
}

// readOf says who asks for what, for an entry about reading.
func readOf(ctx context.Context) journal.Read {
	op := graphql.GetOperationContext(ctx)
	name := op.OperationName
	if name == "" && op.Operation != nil {
		name = op.Operation.Name
	}
	return journal.Read{Operation: name, RequestID: requestid.From(ctx)}
}

// journalSearch journals what is searched for, if reading is journaled: what is found and what is not tells of payloads, even
// where none is shown.
func (r *Resolver) journalSearch(ctx context.Context, filter *journal.EntryFilter, where map[string]any) error {
	if !r.JournalReads || filter.Searched() == nil {
		return nil
	}
	read := readOf(ctx)
	read.Where = where
	return r.Journal.RecordRead(ctx, read)
}

// endedTimeout is how long journaling the end of a subscription may take.
const endedTimeout = 5 * time.Second

// journalSubscription journals that a subscription that shows payloads begins, and when it is over, where the journal ended
// then: an entry for each delivery would itself be delivered.
func (r *Resolver) journalSubscription(ctx context.Context, scope model.Scope, from int64, where map[string]any) error {
	begun := readOf(ctx)
	begun.Subscription, begun.From, begun.Where = "begun", &from, where
	if err := r.Journal.RecordRead(ctx, begun); err != nil {
		return err
	}
	ended := begun
	ended.Subscription, ended.Where = "ended", nil
	atend.Do(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endedTimeout)
		defer cancel()
		head, err := r.Heads.Head(ctx, scope)
		if err == nil {
			ended.Until = &head.Size
			err = r.Journal.RecordRead(ctx, ended)
		}
		if err != nil {
			r.Log.ErrorContext(ctx, "the end of a subscription could not be journaled", "requestId", ended.RequestID, "error", err)
		}
	})
	return nil
}
