package model_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
)

func TestInputErrorReadsAsPeopleWritePaths(t *testing.T) {
	t.Parallel()
	for want, path := range map[string][]any{
		"is wrong":                               nil,
		"key: is wrong":                          {"key"},
		"input.request.messages[2]: is wrong":    {"input", "request", "messages", 2},
		"[0].request[1][2].a: is wrong":          {0, "request", 1, 2, "a"},
		"inputs[12]: is wrong":                   {"inputs", 12},
		"where.not.statusCodeIn[500]: is wrong":  {"where", "not", "statusCodeIn", 500},
		"request.name with space.é: is wrong":    {"request", "name with space", "é"},
		"request.0: is wrong":                    {"request", "0"},
		"inputs[0].request.a.b[1]: is wrong":     {"inputs", 0, "request", "a", "b", 1},
		"request.: is wrong":                     {"request", ""},
		"request[0].[not an index]: is wrong":    {"request", 0, "[not an index]"},
		"request.items[3].price[0][1]: is wrong": {"request", "items", 3, "price", 0, 1},
	} {
		require.EqualError(t, &model.InputError{Path: path, Reason: "is wrong"}, want)
	}
}

func TestUnderPutsStepsBeforeThePathAndLeavesTheErrorAlone(t *testing.T) {
	t.Parallel()
	inner := &model.InputError{Path: []any{"request", 1}, Reason: "is wrong"}
	outer := inner.Under("inputs", 4)
	require.Equal(t, &model.InputError{Path: []any{"inputs", 4, "request", 1}, Reason: "is wrong"}, outer)
	require.Equal(t, []any{"request", 1}, inner.Path)

	steps := make([]any, 1, 8) // room that must not be shared between the results
	steps[0] = "inputs"
	a, b := inner.Under(steps...), (&model.InputError{Path: []any{"response"}}).Under(steps...)
	require.Equal(t, []any{"inputs", "request", 1}, a.Path)
	require.Equal(t, []any{"inputs", "response"}, b.Path)
}
