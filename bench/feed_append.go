package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
)

// feedDocument selects what a list on a screen shows.
const feedDocument = `subscription ($after: Cursor, $where: EntryWhereInput) {
  entryCreated(after: $after, where: $where) {
    cursor
    node { key position createdAt thing command statusCode user { username } }
  }
}`

// feedSubscription is that of the i-th subscriber. With several filters neighbours have different ones; no entry here has a
// status that one of them keeps back.
func feedSubscription(after string, i, filters int) subscribeRequest {
	variables := map[string]any{"after": after}
	if filters > 1 {
		variables["where"] = map[string]any{"statusCodeNEQ": 900 + i%filters}
	}
	return subscribeRequest{Query: feedDocument, Variables: variables}
}

// payloadOf cuts the envelope off: the bare server has one of its own.
func payloadOf(message []byte) []byte {
	if _, payload, enveloped := bytes.Cut(message, []byte(`"payload":`)); enveloped {
		message = bytes.TrimSuffix(payload, []byte("}"))
	}
	return bytes.Clone(message)
}

// at is the server at HOST:PORT, which somebody else has started.
func at(address string) *server {
	return &server{address: "http://" + address, client: &http.Client{Timeout: patience}}
}

type head struct {
	Size   int
	Cursor string
}

func readHead(ctx context.Context, address string) (head, error) {
	ask, err := graphQL(at(address), "{ entries(first: 1) { totalCount headCursor } }", nil)
	if err != nil {
		return head{}, err
	}
	text, _, err := ask.ask(ctx)
	if err != nil {
		return head{}, err
	}
	var answer struct {
		Data struct {
			Entries struct {
				TotalCount int    `json:"totalCount"`
				HeadCursor string `json:"headCursor"`
			} `json:"entries"`
		} `json:"data"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.Data.Entries.HeadCursor == "" {
		return head{}, fmt.Errorf("no headCursor in %s (%w)", text, err)
	}
	return head{Size: answer.Data.Entries.TotalCount, Cursor: answer.Data.Entries.HeadCursor}, nil
}

// appendEntries returns a function that asks the product for createEntry, or for createEntries of more than one.
func appendEntries(address string) func(context.Context, int) (int, error) {
	entry := map[string]any{
		"username": "reader", "thing": "PLUGIN", "command": "APPLY", "statusCode": 200,
		"request": map[string]any{"url": "/api/v1/cli/apply/", "method": "POST"}, "response": map[string]any{"ok": true},
	}
	product := at(address)
	return func(ctx context.Context, count int) (int, error) {
		create, err := graphQL(product, "mutation ($input: CreateEntryInput!) { createEntry(input: $input) { position } }",
			map[string]any{"input": entry})
		if count > 1 {
			create, err = graphQL(product, `mutation ($inputs: [CreateEntryInput!]!) { createEntries(inputs: $inputs) {
				results { ... on CreateEntryPayload { position } ... on CreateEntryError { message } } } }`,
				map[string]any{"inputs": slices.Repeat([]any{entry}, count)})
		}
		if err != nil {
			return 0, err
		}
		text, _, err := create.ask(ctx)
		if err != nil {
			return 0, err
		}
		return positionsOf(text, count)
	}
}

// positionsOf reads the answer to createEntry or createEntries. The positions must follow each other.
func positionsOf(answer []byte, count int) (first int, err error) {
	rest := answer
	for i := range count {
		position, behind, err := cutPosition(rest)
		switch {
		case err != nil:
			return 0, fmt.Errorf("appended %d of %d: %s", i, count, answer)
		case i == 0:
			first = position
		case position != first+i:
			return 0, fmt.Errorf("position %d follows %d: somebody else writes", position, first+i-1)
		}
		rest = behind
	}
	return first, nil
}

// broadcast returns a function that gives the bare server what the product delivers, at the position that is next.
func (a *audience) broadcast() func(context.Context, int) (int, error) {
	before, after, _ := bytes.Cut(a.spec.Payload, []byte(positionName))
	after = bytes.TrimLeft(after, "0123456789")
	bare := at(a.spec.Address)
	var mu sync.Mutex // held until the server has taken the request, so that positions are in order
	next := a.spec.First
	return func(ctx context.Context, count int) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		first := next
		var body []byte
		for range count {
			body = append(append(body, before...), positionName...)
			body = append(append(strconv.AppendInt(body, int64(next), 10), after...), '\n')
			next++
		}
		path := "/broadcast"
		if a.joined {
			path += "?joined"
		}
		_, _, err := question{server: bare, path: path, body: body}.ask(ctx)
		return first, err
	}
}
