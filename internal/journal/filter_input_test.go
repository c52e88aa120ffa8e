package journal_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// Values that a database would refuse, with an error of its own, are refused before it sees them.
func TestFiltersRefuseWhatNoRowCanHold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		where  map[string]any
		path   []any
		reason string
	}{
		{map[string]any{"statusCodeGT": 32768}, []any{"statusCodeGT"}, "must be from 0 to 32767, is 32768"},
		{map[string]any{"statusCode": -1}, []any{"statusCode"}, "must be from 0 to 32767, is -1"},
		{map[string]any{"statusCodeIn": []int{200, 99999}}, []any{"statusCodeIn", 1}, "must be from 0 to 32767, is 99999"},
		{map[string]any{"key": "\x00"}, []any{"key"}, "must not have NUL characters"},
		{map[string]any{"username": "a\x00"}, []any{"username"}, "must not have NUL characters"},
		{
			map[string]any{"not": map[string]any{"usernameNotIn": []string{"a\x00"}}},
			[]any{"not", "usernameNotIn", 0},
			"must not have NUL characters",
		},
	} {
		_, err := journal.ParseEntryFilter(1, noon(), c.where)
		var input *model.InputError
		require.ErrorAs(t, err, &input, "%v", c.where)
		require.Equal(t, c.path, input.Path)
		require.Equal(t, c.reason, input.Reason)
	}
	_, err := journal.ParseUserFilter(1, map[string]any{"usernameIn": []string{"\x00"}})
	var input *model.InputError
	require.ErrorAs(t, err, &input)
	require.Equal(t, []any{"usernameIn", 0}, input.Path)
}

func TestFiltersTakeEveryStatusAnEntryCanHave(t *testing.T) {
	t.Parallel()
	for _, code := range []int{0, 200, 32767} {
		_, err := journal.ParseEntryFilter(1, noon(), map[string]any{"statusCodeLTE": code})
		require.NoError(t, err)
	}
}
