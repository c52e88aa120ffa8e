package model_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"samjournal/internal/model"
)

func TestTruncateLeavesWhatFits(t *testing.T) {
	t.Parallel()
	p := model.Payload(`"` + strings.Repeat("x", 1000) + `"`)
	for _, limit := range []int{len(p), len(p) + 1, 0, -1} {
		got, truncated := model.Truncate(p, limit)
		require.False(t, truncated)
		require.Equal(t, p, got)
	}
}

func TestTruncateReplacesByAMarker(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(model.MinTruncateLimit, 600).Draw(t, "limit")
		text := rapid.StringOfN(rapid.RuneFrom([]rune("a\"\\\n\x00é漢🚀")), limit, 3*limit, -1).Draw(t, "text")
		p, err := model.PayloadOf([]any{text})
		require.NoError(t, err)

		marker, truncated := model.Truncate(p, limit)
		require.True(t, truncated)
		require.LessOrEqual(t, len(marker), limit)
		require.Greater(t, len(marker), limit-12, "as much of the text as fits")
		again, err := model.ParsePayload([]byte(marker))
		require.NoError(t, err)
		require.Equal(t, marker, again)

		var got struct {
			Truncated bool
			Bytes     int
			SHA256    string
			Head      string
		}
		require.NoError(t, json.Unmarshal([]byte(marker), &got))
		sum := sha256.Sum256([]byte(p))
		require.True(t, got.Truncated)
		require.Equal(t, len(p), got.Bytes)
		require.Equal(t, hex.EncodeToString(sum[:]), got.SHA256)
		require.True(t, utf8.ValidString(got.Head))
		require.True(t, strings.HasPrefix(string(p), got.Head))
	})
}

func TestTruncateUnderATinyLimitIsAMarkerWithoutHead(t *testing.T) {
	t.Parallel()
	marker, truncated := model.Truncate(`"0123456789"`, 5)
	require.True(t, truncated)
	require.Contains(t, string(marker), `"head":""}`)
}
