package model_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
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
		sum := sha256.Sum256([]byte(p)) // a list of one string is in canonical form
		require.True(t, got.Truncated)
		require.Equal(t, len(p), got.Bytes)
		require.Equal(t, hex.EncodeToString(sum[:]), got.SHA256)
		require.True(t, utf8.ValidString(got.Head))
		require.True(t, strings.HasPrefix(string(p), got.Head))
	})
}

func TestTruncateCutsOnlyBeyondTheLimitAndBetweenCharacters(t *testing.T) {
	t.Parallel()
	const limit = 1024
	for _, character := range []string{"x", "é", "漢", "🚀", `"`, `\\`, "\n"} {
		for shift := range len(character) {
			text := strings.Repeat("-", shift) + strings.Repeat(character, limit)
			p, err := model.PayloadOf(text)
			require.NoError(t, err)
			same, truncated := model.Truncate(p, len(p))
			require.False(t, truncated)
			require.Equal(t, p, same)
			_, truncated = model.Truncate(p, len(p)-1)
			require.True(t, truncated)

			marker, _ := model.Truncate(p, limit)
			var got struct{ Head string }
			require.NoError(t, json.Unmarshal([]byte(marker), &got))
			require.True(t, strings.HasPrefix(string(p), got.Head), "%q", character)
			require.LessOrEqual(t, len(marker), limit)
			require.Greater(t, len(marker), limit-len(character)-1, "%q", character)
		}
	}
}

func TestTheDigestOfATruncatedPayloadDoesNotDependOnTheOrderOfMembers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1000)
	sorted := model.Payload(`{"a":"` + long + `","b":{"c":1.10,"d":2}}`)
	shuffled := model.Payload(`{"b":{"d":2,"c":1.10},"a":"` + long + `"}`)
	sum := sha256.Sum256([]byte(sorted))
	for _, p := range []model.Payload{sorted, shuffled} {
		marker, truncated := model.Truncate(p, 300)
		require.True(t, truncated)
		require.Contains(t, string(marker), fmt.Sprintf(`"bytes":%d,"sha256":"%x"`, len(sorted), sum))
		require.Equal(t, hex.EncodeToString(sum[:]), model.TruncationDigest(p))
	}
	other := model.Payload(strings.Replace(string(sorted), "1.10", "1.1", 1))
	require.NotEqual(t, model.TruncationDigest(sorted), model.TruncationDigest(other))
}

func TestTruncateUnderATinyLimitIsAMarkerWithoutHead(t *testing.T) {
	t.Parallel()
	marker, truncated := model.Truncate(`"0123456789"`, 5)
	require.True(t, truncated)
	require.Contains(t, string(marker), `"head":""}`)
}
