package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

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

// readBack reads the entries that an answer shows, in one statement, if it shows any and the viewer may see them.
func (r *Resolver) readBack(ctx context.Context, fields []graphql.CollectedField, results []journal.Result) (
	map[string]*ent.Entry, error,
) {
	_, scope, err := viewerScope(ctx)
	if err != nil || !scope.Entries || !selects(fields, "entry", "edge") {
		return nil, err
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
	return r.entriesByKey(ctx, selectionOf(op, nodes), keys)
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
	rows, err := r.readBack(ctx, collected(ctx, "CreateEntryPayload"), results)
	if err != nil {
		return nil, err
	}
	crashpoint.Hit(crashpoint.BeforeAnswer)
	return createPayload(results[0], rows[results[0].Key]), nil
}

func (r *Resolver) createEntries(ctx context.Context, inputs []*CreateEntryInput) (*CreateEntriesPayload, error) {
	if len(inputs) > maxInputs {
		return nil, tooMany("inputs", maxInputs, len(inputs))
	}
	results, err := r.appendInputs(ctx, inputs)
	if err != nil {
		return nil, err
	}
	op := graphql.GetOperationContext(ctx)
	fields := fieldsOf(op, collected(ctx, "CreateEntriesPayload"), "results", "CreateEntryPayload", "CreateEntryResult")
	rows, err := r.readBack(ctx, fields, results)
	if err != nil {
		return nil, err
	}
	answer := &CreateEntriesPayload{Results: make([]CreateEntryResult, len(results))}
	for i, res := range results {
		if res.Err != nil {
			answer.Results[i] = r.entryError(ctx, i, res.Err)
		} else {
			answer.Results[i] = createPayload(res, rows[res.Key])
		}
	}
	return answer, nil
}
