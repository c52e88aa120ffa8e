package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"samjournal/internal/model"
	"samjournal/internal/seed"
)

const createEntry = `mutation ($input: CreateEntryInput!) {
  createEntry(input: $input) { key position createdAt created }
}`

// appendResult compares one createEntry after the other with plain inserts.
type appendResult struct {
	product, limit timing
	toLimit        ratio
}

// measureAppends appends generated entries that the small journal does not have, each once and to one of the two.
func measureAppends(ctx context.Context, cfg settings, product, limit *server) (appendResult, error) {
	var entries []newEntry
	needed := 1 + 2*perTurn*(cfg.rounds+1)
	for in := range seed.Generate(seed.Options{Entries: needed, Seed: 2, End: time.Now()}) {
		e := newEntry{
			Key: in.Key, Username: "nobody", Thing: string(in.Thing), Command: string(in.Command), StatusCode: in.StatusCode,
			Request: json.RawMessage(in.Request), Response: json.RawMessage(in.Response),
		}
		if in.Username != nil {
			e.Username = *in.Username
		}
		entries = append(entries, e)
	}
	questions := make([][2]question, len(entries))
	for i, e := range entries {
		var err error
		if questions[i], err = e.questions(product, limit); err != nil {
			return appendResult{}, err
		}
	}
	if err := checkAppend(ctx, questions[needed-1][0], entries[needed-1].Key); err != nil {
		return appendResult{}, err
	}
	t, err := inTurns(ctx, cfg.rounds, func(contestant, n int) question { return questions[n][contestant] }, 2)
	if err != nil {
		return appendResult{}, err
	}
	return appendResult{product: t[0], limit: t[1], toLimit: t[0].over(t[1])}, checkSize(ctx, product, smallEntries+1+len(entries)/2)
}

func (e newEntry) questions(product, limit *server) (q [2]question, err error) {
	body, err := json.Marshal(e)
	if err != nil {
		return q, err
	}
	q[1] = question{server: limit, path: "/entry", body: body}
	e.Thing, e.Command = model.Thing(e.Thing).GraphQL(), model.Command(e.Command).GraphQL()
	q[0], err = graphQL(product, createEntry, map[string]any{"input": e})
	return q, err
}

// checkAppend appends an entry and reads it again.
func checkAppend(ctx context.Context, create question, key string) error {
	answer, _, err := create.ask(ctx)
	if err != nil {
		return err
	}
	if want := fmt.Sprintf(`"position":%d,`, smallEntries); !strings.Contains(string(answer), want) {
		return fmt.Errorf("createEntry answered without %s: %s", want, answer)
	}
	read, err := graphQL(create.server, `query ($key: String!) { entry(key: $key) { position origin } }`, map[string]any{"key": key})
	if err != nil {
		return err
	}
	answer, _, err = read.ask(ctx)
	if want := fmt.Sprintf(`{"position":%d,"origin":"API"}`, smallEntries); err == nil && !strings.Contains(string(answer), want) {
		err = errors.New("the entry is not there: " + string(answer))
	}
	return err
}
