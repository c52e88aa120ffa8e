package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"samjournal/internal/model"
)

// accountID of the account default, which the first migration makes.
const accountID = 1

const pageQuery = `query ($first: Int, $after: Cursor, $last: Int, $before: Cursor, $orderBy: EntryOrder,
    $where: EntryWhereInput) {
  entries(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy, where: $where) {
    edges { cursor node { key createdAt thing command statusCode user { username } } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`

// list is a way to go through the journal.
type list struct {
	order    model.Order
	backward bool // from the end of the list: last/before
	thing    model.Thing
}

func lists() []list {
	return []list{
		{order: model.OrderPosition},
		{order: model.OrderPosition, backward: true},
		{order: model.OrderCreatedAt},
		{order: model.OrderCreatedAt, backward: true},
		{order: model.OrderPosition, thing: model.ThingPrompt},
		{order: model.OrderPosition, thing: model.ThingProxy},
	}
}

func (l list) String() string {
	name := l.order.String() + ", forward"
	if l.backward {
		name = l.order.String() + ", backward"
	}
	if l.thing != "" {
		name += ", thing " + l.thing.GraphQL()
	}
	return name
}

// question asks the product for the page behind a cursor, "" for the first page.
func (l list) question(product *server, cursor string) (question, error) {
	variables := map[string]any{"orderBy": map[string]any{"field": l.order.String(), "direction": "DESC"}}
	size, where := "first", "after"
	if l.backward {
		size, where = "last", "before"
	}
	variables[size] = pageSize
	if cursor != "" {
		variables[where] = cursor
	}
	if l.thing != "" {
		variables["where"] = map[string]any{"thing": l.thing.GraphQL()}
	}
	return graphQL(product, pageQuery, variables)
}

// limitQuestion asks the other server for the same.
func (l list) limitQuestion(limit *server, cursor string) question {
	v := url.Values{"order": {l.order.String()}}
	if l.backward {
		v.Set("backward", "1")
	}
	if cursor != "" {
		v.Set("cursor", cursor)
	}
	if l.thing != "" {
		v.Set("thing", string(l.thing))
	}
	return question{server: limit, path: "/page?" + v.Encode()}
}

func graphQL(product *server, query string, variables map[string]any) (question, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	return question{server: product, path: "/graphql", body: body}, err
}

// deepPage is page 10,000, or as far in as half of a smaller journal.
func deepPage(entries int) int { return min(10_000, entries/pageSize/2) }

// cursorBefore returns the cursor of the entry in front of the deep page of a list over the whole journal.
func (l list) cursorBefore(ctx context.Context, product *server, entries int) (string, error) {
	skipped := (deepPage(entries) - 1) * pageSize
	position := entries - skipped
	if l.backward {
		position = skipped - 1
	}
	ask, err := graphQL(product, `query ($position: Long!, $orderBy: EntryOrder) {
		entries(first: 1, orderBy: $orderBy, where: {position: $position}) { edges { cursor } } }`,
		map[string]any{"position": position, "orderBy": map[string]any{"field": l.order.String()}})
	if err != nil {
		return "", err
	}
	answer, _, err := ask.ask(ctx)
	if err != nil {
		return "", err
	}
	p, err := parsePage(answer)
	if err != nil || len(p.Data.Entries.Edges) != 1 {
		return "", errors.Join(err, fmt.Errorf("no entry at position %d: %s", position, answer))
	}
	return p.Data.Entries.Edges[0].Cursor, nil
}

// page is what is looked at of an answer.
type page struct {
	Data struct {
		Entries struct {
			Edges []struct {
				Cursor string `json:"cursor"`
			} `json:"edges"`
		} `json:"entries"`
	} `json:"data"`
	Errors []any `json:"errors"`
}

func parsePage(answer []byte) (page, error) {
	var p page
	err := json.Unmarshal(answer, &p)
	if err == nil && len(p.Errors) > 0 {
		err = fmt.Errorf("an error: %s", answer)
	}
	return p, err
}

// check compares the two answers and, where the list is the whole journal, the positions with what they must be.
func (l list) check(ctx context.Context, product, limit question, deep bool, entries int) error {
	ours, _, err := product.ask(ctx)
	if err != nil {
		return err
	}
	theirs, _, err := limit.ask(ctx)
	if err != nil {
		return err
	}
	var a, b any
	if err := errors.Join(json.Unmarshal(ours, &a), json.Unmarshal(theirs, &b)); err != nil {
		return err
	}
	if !reflect.DeepEqual(a, b) {
		return fmt.Errorf("%s: the answers differ:\n%s\n%s", l, ours, theirs)
	}
	p, err := parsePage(ours)
	if err != nil {
		return err
	}
	if n := len(p.Data.Entries.Edges); n != pageSize {
		return fmt.Errorf("%s: %d entries on a page", l, n)
	}
	if l.thing != "" {
		return nil
	}
	first := entries - 1
	if deep {
		first -= (deepPage(entries) - 1) * pageSize
	}
	if l.backward {
		first = entries - 1 - first + pageSize - 1
	}
	for i, edge := range p.Data.Entries.Edges {
		cursor, err := model.ParseCursor(accountID, edge.Cursor)
		if err != nil {
			return err
		}
		if want := int64(first - i); cursor.Position != want {
			return fmt.Errorf("%s: entry %d of the page is at position %d, not %d", l, i, cursor.Position, want)
		}
	}
	return nil
}

// pageResult is one row of the table.
type pageResult struct {
	list                    list
	first, deep             timing
	deepToFirst             ratio
	firstToLimit, deepLimit ratio
}

func measurePages(ctx context.Context, cfg settings, product, limit *server) ([]pageResult, error) {
	if err := checkSize(ctx, product, cfg.entries); err != nil {
		return nil, err
	}
	var results []pageResult
	for _, l := range lists() {
		cursor, err := l.cursorBefore(ctx, product, cfg.entries)
		if err != nil {
			return nil, err
		}
		var questions []question // product first, product deep, limit first, limit deep
		for _, at := range []string{"", cursor} {
			q, err := l.question(product, at)
			if err != nil {
				return nil, err
			}
			if err := l.check(ctx, q, l.limitQuestion(limit, at), at != "", cfg.entries); err != nil {
				return nil, err
			}
			questions = append(questions, q)
		}
		questions = append(questions, l.limitQuestion(limit, ""), l.limitQuestion(limit, cursor))
		t, err := inTurns(ctx, cfg.rounds, func(contestant, _ int) question { return questions[contestant] }, len(questions))
		if err != nil {
			return nil, err
		}
		results = append(results, pageResult{
			list: l, first: t[0], deep: t[1],
			deepToFirst: t[1].over(t[0]), firstToLimit: t[0].over(t[2]), deepLimit: t[1].over(t[3]),
		})
	}
	return results, nil
}

func checkSize(ctx context.Context, product *server, entries int) error {
	q, err := graphQL(product, `{ entries(first: 0) { totalCount } }`, nil)
	if err != nil {
		return err
	}
	answer, _, err := q.ask(ctx)
	if err != nil {
		return err
	}
	if !strings.Contains(string(answer), fmt.Sprintf(`"totalCount":%d}`, entries)) {
		return fmt.Errorf("the journal does not have %d entries: %s; remove %s to seed it again", entries, answer, cache)
	}
	return nil
}
