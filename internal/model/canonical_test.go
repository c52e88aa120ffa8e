package model_test

import (
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"samjournal/internal/model"
)

// golden reads testdata/canonical/NAME.hex: hex digits, and after # the offset and what is there. The files were made from
// docs/format.md without the code under test and never change: trees of hashes are built over such bytes.
func golden(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "canonical", name+".hex"))
	require.NoError(t, err)
	var digits strings.Builder
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		digits.WriteString(strings.Join(strings.Fields(line), ""))
	}
	b, err := hex.DecodeString(digits.String())
	require.NoError(t, err)
	return b
}

func digest(t require.TestingT, text string) [32]byte {
	b, err := hex.DecodeString(text)
	require.NoError(t, err)
	require.Len(t, b, 32)
	return [32]byte(b)
}

func filled(b byte) (digest [32]byte) {
	for i := range digest {
		digest[i] = b
	}
	return digest
}

func example(t require.TestingT) model.CanonicalEntry {
	alice := "alice"
	return model.CanonicalEntry{
		Account: "default", Position: 41, Key: someKey,
		CreatedAt:  time.Date(2026, 6, 19, 16, 11, 3, 123456000, time.UTC),
		RecordedAt: time.Date(2026, 11, 23, 3, 6, 12, 1000, time.UTC),
		Thing:      "ApiPlugin", Command: "chat_config", StatusCode: 200, Username: &alice,
		RequestDigest:  digest(t, "04a33c080e67ccebb44671d6c921443156cd7b06efc69df06a0d300977706c12"),
		ResponseDigest: digest(t, "db89054e8821176394e3ee8f8c299ab16ac24c5b5ce299c1c83675acfca36e5f"),
	}
}

func TestCanonicalBytesArePinned(t *testing.T) {
	t.Parallel()
	zoe, bob, longest := "Zoë 李雷 🚀", "bob", strings.Repeat("\U0010FFFF", 150)
	second := time.Date(2026, 6, 19, 16, 11, 3, 0, time.UTC)
	end := time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	for name, entry := range map[string]model.CanonicalEntry{
		"example": example(t),
		"anonymous": {
			Account: "default", Key: strings.Repeat("0", 64), CreatedAt: time.UnixMicro(0), RecordedAt: time.UnixMicro(1),
			Thing: "Prompt", Command: "prompt", ResponseDigest: filled(0xff),
		},
		"unicode-username": {
			Account: "acme-2", Position: 1, Key: someKey, CreatedAt: second.In(time.FixedZone("", 5400)), RecordedAt: second,
			Thing: "LLMClient", Command: "get", StatusCode: 404, Username: &zoe, ResponseDigest: filled(0xff),
		},
		"before-1970": {
			Account: "default", Position: 1, Key: someKey, CreatedAt: time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
			RecordedAt: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), Thing: "Secret", Command: "delete", StatusCode: 500,
			Username: &bob, ResponseDigest: filled(0xff),
		},
		"largest": {
			Account: "a" + strings.Repeat("b", 61) + "9", Position: 1<<63 - 1, Key: strings.Repeat("f", 64), CreatedAt: end,
			RecordedAt: end, Thing: "PromptPluginUsage", Command: "example_manifest", StatusCode: 32767, Username: &longest,
			RequestDigest: filled(0xff), ResponseDigest: filled(0xff),
		},
	} {
		got, err := entry.Bytes()
		require.NoError(t, err, name)
		require.Equal(t, hex.Dump(golden(t, name)), hex.Dump(got), name)
	}
	files, err := filepath.Glob(filepath.Join("testdata", "canonical", "*.hex"))
	require.NoError(t, err)
	require.Len(t, files, 5, "every golden file is compared")
}

// Nobody and a user without a name would be different entries.
func TestCanonicalBytesTellNoUsernameFromAnEmptyOne(t *testing.T) {
	t.Parallel()
	entry := example(t)
	entry.Username = nil
	nobody, err := entry.Bytes()
	require.NoError(t, err)
	empty := ""
	entry.Username = &empty
	unnamed, err := entry.Bytes()
	require.NoError(t, err)
	require.NotEqual(t, nobody, unnamed)
}

func TestCanonicalBytesOfWhatNoEntryHasAreRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<16)
	for _, c := range []struct {
		change func(*model.CanonicalEntry)
		reason string
	}{
		{func(e *model.CanonicalEntry) { e.Key = strings.ToUpper(e.Key) }, "lower-case hex digits"},
		{func(e *model.CanonicalEntry) { e.Key = "" }, "has 0 characters"},
		{func(e *model.CanonicalEntry) { e.Position = -1 }, "position is negative"},
		{func(e *model.CanonicalEntry) { e.StatusCode = -1 }, "status code is -1"},
		{func(e *model.CanonicalEntry) { e.StatusCode = 32768 }, "status code is 32768"},
		{func(e *model.CanonicalEntry) { e.StatusCode = 65536 + 200 }, "status code is 65736"},
		{func(e *model.CanonicalEntry) { e.CreatedAt = e.CreatedAt.Add(1) }, "a time is finer than a microsecond"},
		{func(e *model.CanonicalEntry) { e.RecordedAt = e.RecordedAt.Add(999) }, "a time is finer than a microsecond"},
		{func(e *model.CanonicalEntry) { e.Account = long }, "text of 65536 bytes, at most 65535"},
		{func(e *model.CanonicalEntry) { e.Username = &long }, "text of 65536 bytes, at most 65535"},
		{func(e *model.CanonicalEntry) { e.Thing = model.Thing(long) }, "text of 65536 bytes, at most 65535"},
		{func(e *model.CanonicalEntry) { e.Command = model.Command(long) }, "text of 65536 bytes, at most 65535"},
	} {
		entry := example(t)
		c.change(&entry)
		b, err := entry.Bytes()
		require.ErrorContains(t, err, c.reason)
		require.Nil(t, b)
	}
}

// The bytes can be read back in one way only, so no two entries share them.
func TestCanonicalBytesTellEntriesApart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(-1, 150, -1)
		entry := model.CanonicalEntry{
			Account: text.Draw(t, "account"), Position: rapid.Int64Min(0).Draw(t, "position"), Key: keys().Draw(t, "key"),
			CreatedAt: storedTimes().Draw(t, "createdAt"), RecordedAt: storedTimes().Draw(t, "recordedAt"),
			Thing: model.Thing(text.Draw(t, "thing")), Command: model.Command(text.Draw(t, "command")),
			StatusCode: rapid.IntRange(0, 32767).Draw(t, "status"),
		}
		if rapid.Bool().Draw(t, "named") {
			name := text.Draw(t, "username")
			entry.Username = &name
		}
		entry.RequestDigest, entry.ResponseDigest = filled(rapid.Byte().Draw(t, "request")), filled(rapid.Byte().Draw(t, "response"))
		b, err := entry.Bytes()
		require.NoError(t, err)
		require.Equal(t, entry, readCanonical(t, b))
	})
}

// readCanonical is the reader that docs/format.md describes.
func readCanonical(t *rapid.T, b []byte) model.CanonicalEntry {
	take := func(n int) []byte {
		require.GreaterOrEqual(t, len(b), n)
		var taken []byte
		taken, b = b[:n], b[n:]
		return taken
	}
	number := func() int64 { return int64(binary.BigEndian.Uint64(take(8))) }
	short := func() int { return int(binary.BigEndian.Uint16(take(2))) }
	text := func() string { return string(take(short())) }
	require.Equal(t, []byte{1}, take(1))
	e := model.CanonicalEntry{
		Account: text(), Position: number(), Key: hex.EncodeToString(take(32)), CreatedAt: time.UnixMicro(number()).UTC(),
		RecordedAt: time.UnixMicro(number()).UTC(), Thing: model.Thing(text()), Command: model.Command(text()), StatusCode: short(),
	}
	if take(1)[0] == 1 {
		name := text()
		e.Username = &name
	}
	e.RequestDigest, e.ResponseDigest = [32]byte(take(32)), [32]byte(take(32))
	require.Empty(t, b)
	return e
}

// The digests are those of sha256sum over the salt and the text.
func TestPayloadDigestsArePinned(t *testing.T) {
	t.Parallel()
	salt := make([]byte, 32)
	for i := range salt {
		salt[i] = byte(i)
	}
	for _, c := range []struct {
		salt    []byte
		payload model.Payload
		want    string
	}{
		{salt, `{"name":"weather","token":"[REDACTED]"}`, "04a33c080e67ccebb44671d6c921443156cd7b06efc69df06a0d300977706c12"},
		{salt, "null", "db89054e8821176394e3ee8f8c299ab16ac24c5b5ce299c1c83675acfca36e5f"},
		{salt, `"Zoë"`, "e85982ce800ba5d64a0b109b441f614321cb6c16d83dc9b85e6cbbaa4e5e3f10"},
		{make([]byte, 32), "null", "0ce72efe2febf601597e798ce6f65735895a0fe901b978ea3ed02ff14b4e85eb"},
		{nil, "null", "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b"},
	} {
		require.Equal(t, digest(t, c.want), model.PayloadDigest(c.salt, c.payload), "%s", c.payload)
	}
}
