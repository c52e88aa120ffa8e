package graph

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"samjournal/ent/entry"
	"samjournal/ent/token"
	"samjournal/ent/user"
	"samjournal/internal/journal"
)

// entryColumns names, for each field of Entry, the columns it is made of beside those that are always read (account, key,
// position). A test holds it to the schema.
func entryColumns(field string) []string {
	switch field {
	case "createdAt":
		return []string{entry.FieldCreatedAt}
	case "recordedAt":
		return []string{entry.FieldRecordedAt}
	case "origin":
		return []string{entry.FieldOrigin}
	case "thing", "thingLabel":
		return []string{entry.FieldThing}
	case "command", "commandLabel":
		return []string{entry.FieldCommand}
	case "summary":
		return []string{entry.FieldUsername, entry.FieldCommand, entry.FieldThing}
	case "statusCode":
		return []string{entry.FieldStatusCode}
	case "request":
		return []string{entry.FieldRequest}
	case "response":
		return []string{entry.FieldResponse}
	case "payloadState":
		return []string{entry.FieldPayloadState, entry.FieldPayloadSalt}
	case "redactedPaths":
		return []string{entry.FieldRedactedPaths}
	case "user":
		return []string{entry.FieldUserID}
	}
	return nil // id, key, position, __typename
}

// userColumns names, for each field of User, its column beside those that are always read (account, id).
func userColumns(field string) []string {
	switch field {
	case "username":
		return []string{user.FieldUsername}
	case "email":
		return []string{user.FieldEmail}
	case "displayName":
		return []string{user.FieldDisplayName}
	case "createdAt":
		return []string{user.FieldCreatedAt}
	case "disabledAt":
		return []string{user.FieldDisabledAt}
	}
	return nil
}

// tokenColumns names, for each field of Token, its column beside those that are always read (account, id).
func tokenColumns(field string) []string {
	switch field {
	case "name":
		return []string{token.FieldName}
	case "role":
		return []string{token.FieldRole}
	case "user":
		return []string{token.FieldUserID}
	case "createdAt":
		return []string{token.FieldCreatedAt}
	case "createdBy":
		return []string{token.FieldCreatedBy}
	case "expiresAt":
		return []string{token.FieldExpiresAt}
	case "lastUsedAt":
		return []string{token.FieldLastUsedAt}
	case "revokedAt":
		return []string{token.FieldRevokedAt}
	case "revokedBy":
		return []string{token.FieldRevokedBy}
	}
	return nil
}

// fieldsOf returns the fields selected below a set of fields by the name of one of them, whatever their aliases.
func fieldsOf(
	op *graphql.OperationContext, fields []graphql.CollectedField, name string, types ...string,
) []graphql.CollectedField {
	var below []graphql.CollectedField
	for _, f := range fields {
		if f.Name == name {
			below = append(below, graphql.CollectFields(op, f.Selections, types)...)
		}
	}
	return below
}

func selects(fields []graphql.CollectedField, names ...string) bool {
	return slices.ContainsFunc(fields, func(f graphql.CollectedField) bool { return slices.Contains(names, f.Name) })
}

// selectionOf reads the fields selected on entries.
func selectionOf(op *graphql.OperationContext, fields []graphql.CollectedField) journal.Selection {
	var s journal.Selection
	for _, f := range fields {
		s.Columns = append(s.Columns, entryColumns(f.Name)...)
		if f.Name != "user" {
			continue
		}
		if s.User == nil {
			s.User = []string{}
		}
		for _, uf := range graphql.CollectFields(op, f.Selections, []string{"User", "Node"}) {
			s.User = append(s.User, userColumns(uf.Name)...)
		}
	}
	return s
}

// collected returns the fields selected on the object that the current field returns.
func collected(ctx context.Context, types ...string) []graphql.CollectedField {
	return graphql.CollectFieldsCtx(ctx, types)
}
