package model_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
)

func TestStringsAreNotMadeOfOtherThings(t *testing.T) {
	t.Parallel()
	for _, v := range []any{json.Number("7"), 7, int64(7), 7.5, true, nil, []any{"a"}, map[string]any{}} {
		_, err := model.UnmarshalString(v)
		require.ErrorContains(t, err, "must be a string", v)
	}
	s, err := model.UnmarshalString("7")
	require.NoError(t, err)
	require.Equal(t, "7", s)
}

func TestIntegersAreNotMadeOfOtherThings(t *testing.T) {
	t.Parallel()
	for _, v := range []any{
		"200", json.Number("200.0"), json.Number("2e2"), json.Number("2147483648"), json.Number("-2147483649"), int64(1) << 32,
		2.0, true, nil,
		[]any{1},
	} {
		_, err := model.UnmarshalInt(v)
		require.ErrorContains(t, err, "must be an integer", v)
	}
	for _, v := range []any{json.Number("200"), 200, int64(200)} {
		n, err := model.UnmarshalInt(v)
		require.NoError(t, err)
		require.Equal(t, 200, n)
	}
}
