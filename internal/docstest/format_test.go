package docstest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
)

const formatDocument = "docs/format.md"

// formatBlock returns the text of the one block of docs/format.md with this mark.
func formatBlock(t *testing.T, mark string) string {
	t.Helper()
	var texts []string
	for _, b := range blocksOf(t, read(t, formatDocument)) {
		if len(b.marks) == 1 && b.marks[0] == mark {
			texts = append(texts, b.text)
		}
	}
	require.Len(t, texts, 1, mark)
	return texts[0]
}

// The example in the specification is the golden file that the code is held to.
func TestTheExampleOfCanonicalBytesIsTheGoldenFile(t *testing.T) {
	t.Parallel()
	require.Equal(t, read(t, "internal/model/testdata/canonical/example.hex"), formatBlock(t, "canonical"))
}

func TestTheExamplesDigestsAreThoseOfItsPayloads(t *testing.T) {
	t.Parallel()
	const saltText = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	require.Contains(t, read(t, formatDocument), "The salt is 32 bytes, here\n`"+saltText+"`")
	salt, err := hex.DecodeString(saltText)
	require.NoError(t, err)
	var digits strings.Builder
	for line := range strings.Lines(formatBlock(t, "canonical")) {
		line, _, _ = strings.Cut(line, "#")
		digits.WriteString(strings.Join(strings.Fields(line), ""))
	}
	var digests string
	for _, part := range []string{"request", "response"} {
		text := strings.TrimSuffix(formatBlock(t, part), "\n")
		payload, err := model.ParsePayload([]byte(text))
		require.NoError(t, err)
		require.Equal(t, text, string(payload), "the example is a stored payload")
		digest := sha256.Sum256(slices.Concat(salt, []byte(text)))
		digests += hex.EncodeToString(digest[:])
	}
	require.True(t, strings.HasSuffix(digits.String(), digests))
}

// The message is written here as the specification describes it; internal/journal holds the code to the same digest.
func TestTheExampleOfASentDigestIsRight(t *testing.T) {
	t.Parallel()
	message := "\x01" +
		"\x00" +
		"\x01\x00\x00\x00\x00\x00\x00\x00\x05alice" +
		"\x01\x00\x00\x00\x00\x00\x00\x00\x09ApiPlugin" +
		"\x01\x00\x00\x00\x00\x00\x00\x00\x0bchat_config" +
		"\x01\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\xc8" +
		"\x01\x00\x00\x00\x00\x00\x00\x00\x24" + `{"name":"weather","token":"hunter2"}` +
		"\x01\x00\x00\x00\x00\x00\x00\x00\x04null"
	require.Len(t, message, 129)
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(message))
	require.Equal(t, hex.EncodeToString(mac.Sum(nil))+"\n", formatBlock(t, "sent_digest"))
}
