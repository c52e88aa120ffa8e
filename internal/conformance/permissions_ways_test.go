package conformance_test

import (
	"fmt"
	"time"

	"samjournal/internal/model"
)

// way is an operation that leads to an object. Its name begins with the field that it goes through.
type way struct {
	name     string
	of       string // type of the object; "": nobody looks further
	document string // %s: what is selected of the object
	path     string // to the object
	but      string // fields of the object that say nothing about permissions here
}

// variables for a thing: each document takes those that it names.
func (way) variables(o thing, own int64, number int) vars {
	key := fmt.Sprintf("%064x", 1_000_000+number)
	input := vars{
		"key": key, "userID": o.userID(), "request": vars{"headers": vars{"Authorization": "secret"}}, "response": number,
	}
	return vars{
		"id": "", "account": model.AccountID(o.account), "user": o.userID(), "entry": o.entryID(), "token": o.tokenID(),
		"key": o.key, "username": o.username, "cursor": o.cursor, "tokenCursor": o.tokenCursor,
		"start":     model.EntryCursor(model.OrderPosition, -1, "", time.Time{}).Encode(own),
		"input":     input,
		"bad":       vars{"key": "bad"},
		"slug":      fmt.Sprintf("made-%d", number),
		"displayed": o.username,
	}
}

const (
	creating = `mutation($input: CreateEntryInput!) { createEntry(input: $input) { %s } }`
	batching = `mutation($input: CreateEntryInput!) {
		createEntries(inputs: [$input]) { results { ... on CreateEntryPayload { %s } } } }`
	arriving = `subscription($start: Cursor, $key: String) { entryCreated(after: $start, where: {key: $key}) { %s } }`
)

// ways lead to every object of the schema, through each of its fields.
func ways() []way {
	var all []way
	for _, some := range [][]way{nodeWays(), entryWays(), statsWays(), entryMutationWays(), userWays(), tokenWays(), accountWays()} {
		all = append(all, some...)
	}
	return all
}

func nodeWays() (list []way) {
	for name, id := range map[string]string{"Account": "account", "User": "user", "Entry": "entry", "Token": "token"} {
		list = append(list, way{
			name: "Query.node/" + name, of: name, path: "node",
			document: `query($` + id + `: ID!) { node(id: $` + id + `) { ... on ` + name + ` { %s } } }`,
		}, way{
			name: "Query.nodes/" + name, of: name, path: "nodes.0",
			document: `query($` + id + `: ID!) { nodes(ids: [$` + id + `]) { ... on ` + name + ` { %s } } }`,
		})
	}
	return list
}

func statsWays() []way {
	const (
		byName = `query($username: String) { entryStats(where: {username: $username}, interval: DAY, groupBy: [USER]) { %s } }`
		one    = `query($key: String) { entryStats(where: {key: $key}, interval: DAY,
			groupBy: [THING, COMMAND, STATUS_CLASS, STATUS_CODE, USER]) { `
	)
	return []way{
		{name: "Query.entryStats", of: "EntryStats", path: "entryStats", document: byName},
		{name: "EntryStats.buckets", of: "EntryBucket", path: "entryStats.buckets.0", document: one + "buckets { %s } } }"},
		{name: "EntryStats.groups", of: "EntryGroup", path: "entryStats.groups.0", document: one + "groups { %s } } }"},
		{name: "EntryGroup.user", of: "User", path: "entryStats.groups.0.user", document: one + "groups { user { %s } } } }"},
	}
}

func entryWays() []way {
	return []way{
		{name: "Query.entry", of: "Entry", document: `query($key: String!) { entry(key: $key) { %s } }`, path: "entry"},
		{
			name: "Query.entries/userID", of: "EntryConnection", path: "entries",
			document: `query($user: ID) { entries(where: {userID: $user}) { %s } }`,
		},
		{
			name: "Query.entries/username", of: "EntryConnection", path: "entries",
			document: `query($username: String) { entries(where: {username: $username}) { %s } }`,
		},
		{
			name: "Query.entries/after", path: "entries",
			document: `query($cursor: Cursor) { entries(after: $cursor) { %s } }`,
		},
		{
			name: "Query.entries/before", path: "entries",
			document: `query($cursor: Cursor) { entries(before: $cursor, last: 3) { %s } }`,
		},
		{
			name: "EntryConnection.edges/all", of: "EntryEdge", path: "entries.edges.?",
			document: `{ entries(first: 500) { edges { at: node { id } %s } } }`,
		},
		{
			name: "EntryConnection.edges/createdAt", of: "EntryEdge", path: "entries.edges.?",
			document: `{ entries(last: 500, orderBy: {field: CREATED_AT}) { edges { at: node { id } %s } } }`,
		},
		{
			name: "EntryConnection.edges/key", of: "EntryEdge", path: "entries.edges.0",
			document: `query($key: String) { entries(where: {not: {keyNEQ: $key}}) { edges { %s } } }`,
		},
		{
			name: "EntryConnection.pageInfo", of: "PageInfo", path: "entries.pageInfo",
			document: `query($user: ID) { entries(where: {userID: $user}) { pageInfo { %s } } }`,
		},
		{
			name: "EntryEdge.node/key", of: "Entry", path: "entries.edges.0.node",
			document: `query($key: String!) { entries(where: {keyIn: [$key]}) { edges { node { %s } } } }`,
		},
		{
			name: "EntryEdge.node/subscription", of: "Entry", path: "entryCreated.node",
			document: `subscription($start: Cursor, $key: String) {
				entryCreated(after: $start, where: {key: $key}) { node { %s } } }`,
		},
		{
			name: "Entry.user", of: "User", path: "entry.user",
			document: `query($key: String!) { entry(key: $key) { user { %s } } }`,
		},
		{
			name: "Entry.user/list", of: "User", path: "entries.edges.?.at.user",
			document: `{ entries(first: 500) { edges { at: node { id user { %s } } } } }`,
		},
		{
			name: "Entry.user/subscription", of: "User", path: "entryCreated.node.user",
			document: `subscription($start: Cursor, $key: String) {
				entryCreated(after: $start, where: {key: $key}) { node { user { %s } } } }`,
		},
		{name: "Subscription.entryCreated", of: "EntryEdge", path: "entryCreated", document: arriving},
		{
			name: "Subscription.entryCreated/after", path: "", // whether the cursor is taken
			document: `subscription($cursor: Cursor) { entryCreated(after: $cursor) { %s } }`,
		},
	}
}

func entryMutationWays() []way {
	return []way{
		{name: "Mutation.createEntry", of: "CreateEntryPayload", document: creating, path: "createEntry"},
		{
			name: "Mutation.createEntry/username", of: "CreateEntryPayload", path: "createEntry",
			document: `mutation { createEntry(input: {username: "alice", request: 1, response: 2}) { %s } }`,
		},
		{
			name: "CreateEntryPayload.entry", of: "Entry", path: "createEntry.entry",
			document: `mutation($input: CreateEntryInput!) { createEntry(input: $input) { entry { %s } } }`,
		},
		{
			name: "CreateEntryPayload.edge", of: "EntryEdge", path: "createEntry.edge",
			document: `mutation($input: CreateEntryInput!) { createEntry(input: $input) { edge { %s } } }`,
		},
		{
			name: "Mutation.createEntries", of: "CreateEntriesPayload", path: "createEntries",
			document: `mutation($input: CreateEntryInput!) { createEntries(inputs: [$input]) { %s } }`,
		},
		{name: "CreateEntriesPayload.results/payload", of: "CreateEntryPayload", document: batching, path: "createEntries.results.0"},
		{
			name: "CreateEntriesPayload.results/error", of: "CreateEntryError", path: "createEntries.results.0",
			document: `mutation($bad: CreateEntryInput!) { createEntries(inputs: [$bad]) { results { ... on CreateEntryError { %s } } } }`,
		},
	}
}

func userWays() []way {
	return []way{
		{name: "Query.viewer", of: "Viewer", document: `{ viewer { %s } }`, path: "viewer"},
		{name: "Viewer.user", of: "User", document: `{ viewer { user { %s } } }`, path: "viewer.user"},
		{name: "Query.users", of: "UserConnection", document: `query($user: ID) { users(where: {id: $user}) { %s } }`, path: "users"},
		{
			name: "Query.users/username", of: "UserConnection", path: "users",
			document: `query($username: String) { users(where: {username: $username}) { %s } }`,
		},
		{
			name: "UserConnection.edges", of: "UserEdge", path: "users.edges.?",
			document: `{ users { edges { at: node { id } %s } } }`,
		},
		{
			name: "UserConnection.pageInfo", of: "PageInfo", path: "users.pageInfo",
			document: `query($user: ID!) { users(where: {idIn: [$user]}) { pageInfo { %s } } }`,
		},
		{
			name: "UserEdge.node", of: "User", path: "users.edges.0.node",
			document: `query($username: String) { users(where: {username: $username}) { edges { node { %s } } } }`,
		},
		{
			name: "Mutation.updateUser", of: "UpdateUserPayload", path: "updateUser",
			document: `mutation($user: ID!) { updateUser(input: {id: $user}) { %s } }`,
		},
		{
			name: "UpdateUserPayload.user", of: "User", path: "updateUser.user",
			document: `mutation($user: ID!, $displayed: String) {
				updateUser(input: {id: $user, displayName: $displayed}) { user { %s } } }`,
		},
	}
}

func tokenWays() []way {
	const news = "createdBy lastUsedAt revokedAt revokedBy" // of a token that has just been created
	return []way{
		{
			name: "Query.tokens", of: "TokenConnection", path: "tokens",
			document: `query($tokenCursor: Cursor) { tokens(after: $tokenCursor) { %s } }`,
		},
		{
			name: "TokenConnection.edges", of: "TokenEdge", path: "tokens.edges.?",
			document: `{ tokens(first: 500) { edges { at: node { id } %s } } }`,
		},
		{
			name: "TokenConnection.pageInfo", of: "PageInfo", path: "tokens.pageInfo",
			document: `query($tokenCursor: Cursor) { tokens(after: $tokenCursor) { pageInfo { %s } } }`,
		},
		{
			name: "TokenEdge.node", of: "Token", path: "tokens.edges.?.node",
			document: `{ tokens(first: 500) { edges { at: node { id } node { %s } } } }`,
		},
		{
			name: "Token.user", of: "User", path: "node.user",
			document: `query($token: ID!) { node(id: $token) { ... on Token { user { %s } } } }`,
		},
		{
			name: "Token.user/list", of: "User", path: "tokens.edges.?.at.user",
			document: `{ tokens(first: 500) { edges { at: node { id user { %s } } } } }`,
		},
		{
			name: "Mutation.createToken", of: "CreateTokenPayload", path: "createToken",
			document: `mutation { createToken(input: {name: "new", role: AUDITOR}) { %s } }`,
		},
		{
			name: "CreateTokenPayload.token", of: "Token", path: "createToken.token", but: news,
			document: `mutation {
				createToken(input: {name: "new", role: READER, username: "alice", expiresIn: "P90D"}) { token { %s } } }`,
		},
		{
			name: "Mutation.revokeToken", of: "RevokeTokenPayload", path: "revokeToken",
			document: `mutation($token: ID!) { revokeToken(input: {id: $token}) { %s } }`,
		},
		{
			name: "RevokeTokenPayload.token", of: "Token", path: "revokeToken.token",
			document: `mutation($token: ID!) { revokeToken(input: {id: $token}) { token { %s } } }`,
		},
	}
}

func accountWays() []way {
	return []way{
		{name: "Viewer.account", of: "Account", document: `{ viewer { account { %s } } }`, path: "viewer.account"},
		{
			name: "Mutation.updateAccount", of: "UpdateAccountPayload", path: "updateAccount",
			document: `mutation { updateAccount(input: {name: "own"}) { %s } }`,
		},
		{
			name: "UpdateAccountPayload.account", of: "Account", path: "updateAccount.account",
			document: `mutation { updateAccount(input: {name: "own"}) { account { %s } } }`,
		},
		{
			name: "Mutation.createAccount", of: "CreateAccountPayload", path: "createAccount",
			document: `mutation($slug: String!) { createAccount(input: {slug: $slug, name: "made"}) { %s } }`,
		},
		{
			name: "CreateAccountPayload.account", of: "Account", path: "createAccount.account",
			document: `mutation($slug: String!) { createAccount(input: {slug: $slug, name: "made"}) { account { %s } } }`,
		},
	}
}
