package graph

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"samjournal/ent"
	"samjournal/internal/crashpoint"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

const maxInputs = 1000 // inputs of one createEntries

// journalInput translates what GraphQL gives. Errors are *model.InputError with the path below the input.
func (r *Resolver) journalInput(accountID int64, in *CreateEntryInput) (journal.Input, error) {
	out := journal.Input{
		Username: in.Username, Thing: in.Thing, Command: in.Command, StatusCode: in.StatusCode, Origin: model.OriginAPI,
		Request: payloadOf(in.Request), Response: payloadOf(in.Response), Truncate: r.PayloadLimit,
	}
	if in.Key != nil {
		if err := model.ValidateKey(*in.Key); err != nil {
			return out, err // an empty key is a mistake, not a wish for a new one
		}
		out.Key = *in.Key
	}
	if in.UserID != nil {
		id, err := model.ParseUserID(*in.UserID)
		if err != nil {
			return out, model.InputUnder(err, "userID")
		}
		unknown := int64(0) // no user has it: another account's user does not exist here
		out.UserID = &unknown
		if id.AccountID == accountID {
			out.UserID = &id.UserID
		}
	}
	return out, nil
}

// payloadOf returns "" when the field is absent, and the JSON value null for an explicit null.
func payloadOf(field graphql.Omittable[*model.Payload]) model.Payload {
	p, set := field.ValueOK()
	switch {
	case !set:
		return ""
	case p == nil:
		return "null"
	}
	return *p
}

// appendInputs appends what can be appended. results[i] belongs to inputs[i].
func (r *Resolver) appendInputs(ctx context.Context, inputs []*CreateEntryInput) ([]journal.Result, error) {
	viewer, _, err := viewerScope(ctx)
	if err != nil {
		return nil, err
	}
	results := make([]journal.Result, len(inputs))
	var (
		batch  []journal.Input
		places []int
	)
	for i, in := range inputs {
		translated, err := r.journalInput(viewer.Account.ID, in)
		if err != nil {
			results[i].Err = err
			continue
		}
		batch, places = append(batch, translated), append(places, i)
	}
	appended, err := r.Journal.Append(ctx, batch)
	if err != nil {
		return nil, err
	}
	for i, res := range appended {
		results[places[i]] = res
	}
	return results, nil
}

// readBack reads the entries that an answer shows, in one statement, if it shows any and the viewer may see them. From the
// first one on that does not fit in the answer they are left out: what is stored must not look as if it had failed. tooLarge
// says so then.
func (r *Resolver) readBack(ctx context.Context, fields []graphql.CollectedField, results []journal.Result) (
	_ map[string]*ent.Entry, tooLarge, err error,
) {
	_, scope, err := viewerScope(ctx)
	if err != nil || !scope.Entries || !selects(fields, "entry", "edge") {
		return nil, nil, err
	}
	op := graphql.GetOperationContext(ctx)
	nodes := append(fieldsOf(op, fields, "entry", "Entry", "Node"),
		fieldsOf(op, fieldsOf(op, fields, "edge", "EntryEdge"), "node", "Entry", "Node")...)
	var keys []string
	for _, res := range results {
		if res.Err == nil {
			keys = append(keys, res.Key)
		}
	}
	rows, err := r.readByKey(ctx, selectionOf(op, nodes), keys, func(err error) error { tooLarge = err; return nil })
	return rows, tooLarge, err
}

func createPayload(res journal.Result, e *ent.Entry) *CreateEntryPayload {
	p := &CreateEntryPayload{Key: res.Key, Position: res.Position, CreatedAt: res.CreatedAt, Created: res.Created}
	if e != nil {
		p.Entry, p.Edge = e, entryEdge(model.OrderPosition, e)
	}
	return p
}

func (r *Resolver) createEntry(ctx context.Context, input CreateEntryInput) (*CreateEntryPayload, error) {
	results, err := r.appendInputs(ctx, []*CreateEntryInput{&input})
	if err != nil {
		return nil, err
	}
	if err := results[0].Err; err != nil {
		return nil, model.InputUnder(err, "input")
	}
	fields := collected(ctx, "CreateEntryPayload")
	rows, tooLarge, err := r.readBack(ctx, fields, results)
	if err != nil {
		return nil, err
	}
	crashpoint.Hit(crashpoint.BeforeAnswer)
	payload := createPayload(results[0], rows[results[0].Key])
	if payload.Entry == nil {
		explain(ctx, tooLarge, fields, graphql.GetPath(ctx))
	}
	return payload, nil
}

func (r *Resolver) createEntries(ctx context.Context, inputs []*CreateEntryInput) (*CreateEntriesPayload, error) {
	if len(inputs) > maxInputs {
		return nil, tooMany("inputs", maxInputs, len(inputs))
	}
	results, err := r.appendInputs(ctx, inputs)
	if err != nil {
		return nil, err
	}
	op, fields := graphql.GetOperationContext(ctx), collected(ctx, "CreateEntriesPayload")
	rows, tooLarge, err := r.readBack(ctx, fieldsOf(op, fields, "results", "CreateEntryPayload", "CreateEntryResult"), results)
	if err != nil {
		return nil, err
	}
	answer := &CreateEntriesPayload{Results: make([]CreateEntryResult, len(results))}
	for i, res := range results {
		if res.Err != nil {
			answer.Results[i] = r.entryError(ctx, i, res.Err)
		} else {
			payload := createPayload(res, rows[res.Key])
			if payload.Entry == nil {
				explainResult(ctx, tooLarge, fields, i)
			}
			answer.Results[i] = payload
		}
	}
	return answer, nil
}

// explain says of each selected entry and edge of a payload why it is null, when err is not nil.
func explain(ctx context.Context, err error, fields []graphql.CollectedField, path ast.Path) {
	if err == nil {
		return
	}
	for _, f := range fields {
		if f.Name == "entry" || f.Name == "edge" {
			graphql.AddError(ctx, gqlerror.WrapPath(append(slices.Clone(path), ast.PathName(f.Alias)), err))
		}
	}
}

// explainResult is explain for one of the results of createEntries, of which these fields are selected.
func explainResult(ctx context.Context, err error, fields []graphql.CollectedField, index int) {
	if err == nil {
		return
	}
	op := graphql.GetOperationContext(ctx)
	for _, f := range fields {
		if f.Name == "results" {
			path := append(graphql.GetPath(ctx), ast.PathName(f.Alias), ast.PathIndex(index))
			explain(ctx, err, graphql.CollectFields(op, f.Selections, []string{"CreateEntryPayload", "CreateEntryResult"}), path)
		}
	}
}
