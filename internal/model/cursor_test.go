package model_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"samjournal/internal/model"
)

const someKey = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

// storedTimes are the times that a row can have.
func storedTimes() *rapid.Generator[time.Time] {
	first := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	last := time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC).UnixMicro()
	return rapid.Map(rapid.Int64Range(first, last), func(micros int64) time.Time { return time.UnixMicro(micros).UTC() })
}

func keys() *rapid.Generator[string] { return rapid.StringMatching(`[0-9a-f]{64}`) }

// cursors are those that the server makes.
func cursors() *rapid.Generator[model.Cursor] {
	return rapid.Custom(func(t *rapid.T) model.Cursor {
		position := rapid.Int64Min(0).Draw(t, "position")
		id := rapid.Int64Min(1).Draw(t, "id")
		at := storedTimes().Draw(t, "createdAt")
		switch order := rapid.SampledFrom([]model.Order{
			model.OrderPosition, model.OrderCreatedAt, model.OrderUsername, model.OrderUserCreatedAt,
			model.OrderTokenCreatedAt,
		}).Draw(t, "order"); order {
		case model.OrderUsername:
			name := rapid.StringOfN(rapid.Rune().Filter(func(r rune) bool { return r != 0 }), 1, 150, -1).Draw(t, "username")
			return model.Cursor{Order: order, Position: id, Username: name}
		case model.OrderUserCreatedAt, model.OrderTokenCreatedAt:
			return model.Cursor{Order: order, Position: id, CreatedAt: at}
		default:
			return model.EntryCursor(order, position, keys().Draw(t, "key"), at)
		}
	})
}

// requireRefused checks that the text is refused as input, with a reason and without a path of its own.
func requireRefused(t require.TestingT, err error) *model.InputError {
	var input *model.InputError
	require.ErrorAs(t, err, &input)
	require.Empty(t, input.Path)
	require.NotEmpty(t, input.Reason)
	return input
}

func TestCursorComesBackAsItWas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		account := rapid.Int64Min(1).Draw(t, "account")
		c := cursors().Draw(t, "cursor")
		got, err := model.ParseCursor(account, c.Encode(account))
		require.NoError(t, err)
		require.Equal(t, c, got)
	})
}

func TestCursorOfAnotherAccountIsRefused(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		account := rapid.Int64Min(1).Draw(t, "account")
		other := rapid.Int64Min(1).Filter(func(n int64) bool { return n != account }).Draw(t, "other")
		_, err := model.ParseCursor(other, cursors().Draw(t, "cursor").Encode(account))
		require.Contains(t, requireRefused(t, err).Reason, "is not a cursor of this account's journal")
	})
}

func someCursors() []model.Cursor {
	at := time.Date(2026, 6, 19, 16, 11, 3, 123456000, time.UTC)
	return []model.Cursor{
		model.EntryCursor(model.OrderPosition, 41, someKey, at),
		model.EntryCursor(model.OrderPosition, -1, "", time.Time{}),
		model.EntryCursor(model.OrderCreatedAt, 41, someKey, at),
		{Order: model.OrderUsername, Position: 7, Username: "zoë"},
		{Order: model.OrderUserCreatedAt, Position: 7, CreatedAt: at},
	}
}

func TestCursorWithOneFlippedBitIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range someCursors() {
		raw, err := base64.RawURLEncoding.DecodeString(c.Encode(1))
		require.NoError(t, err)
		for bit := range 8 * len(raw) {
			damaged := append([]byte{}, raw...)
			damaged[bit/8] ^= 1 << (bit % 8)
			_, err := model.ParseCursor(1, base64.RawURLEncoding.EncodeToString(damaged))
			requireRefused(t, err)
		}
	}
}

func TestCursorCutShortOrExtendedIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range someCursors() {
		text := c.Encode(1)
		for length := range len(text) {
			_, err := model.ParseCursor(1, text[:length])
			requireRefused(t, err)
		}
		for _, more := range []string{"A", "AA", "AAAA", "=", "==", "\n", "\r\n", " "} {
			_, err := model.ParseCursor(1, text+more)
			requireRefused(t, err)
			_, err = model.ParseCursor(1, text[:4]+more+text[4:])
			requireRefused(t, err)
		}
		_, err := model.ParseCursor(1, strings.Repeat(text, 1000))
		requireRefused(t, err)
	}
}

// encoded gives a body the checksum of account 1, as a forger could.
func encoded(body []byte) string {
	sum := sha256.Sum256(append([]byte("samjournal cursor\x00\x00\x00\x00\x00\x00\x00\x00\x01"), body...))
	return base64.RawURLEncoding.EncodeToString(append(body, sum[:4]...))
}

// The bytes of a cursor never change within a version: clients keep cursors and come back with them after an update.
func TestCursorBytesArePinned(t *testing.T) {
	t.Parallel()
	prefix := "\x00\x11\x22\x33\x44\x55\x66\x77"
	position := "\x00\x00\x00\x00\x00\x00\x00\x29" // 41
	at := "\x00\x06\x54\x9d\x8a\x0f\x56\x00"       // 2026-06-19T16:11:03.123456Z is 1781885463123456 µs
	id := "\x00\x00\x00\x00\x00\x00\x00\x07"
	for i, body := range []string{
		"\x01\x01" + position + prefix,
		"\x01\x01" + "\xff\xff\xff\xff\xff\xff\xff\xff" + strings.Repeat("\x00", 8),
		"\x01\x02" + position + at + prefix,
		"\x01\x10" + id + "zo\xc3\xab",
		"\x01\x11" + id + at,
	} {
		require.Equal(t, encoded([]byte(body)), someCursors()[i].Encode(1), "cursor %d", i)
	}
}

func TestCursorOfAnotherVersionSaysSo(t *testing.T) {
	t.Parallel()
	for _, version := range []byte{0, 2, 255} {
		body := append([]byte{version, byte(model.OrderPosition)}, make([]byte, 16)...)
		_, err := model.ParseCursor(1, encoded(body))
		require.Contains(t, requireRefused(t, err).Reason, "of version")
	}
}

// A checksum is no secret, so whatever a forger puts into a cursor must be something that the database can be asked for.
func TestForgedCursorsWithImpossibleValuesAreRefused(t *testing.T) {
	t.Parallel()
	number := func(n int64) string { return string(binary.BigEndian.AppendUint64(nil, uint64(n))) }
	prefix, noPrefix := "\x00\x11\x22\x33\x44\x55\x66\x77", strings.Repeat("\x00", 8)
	beforeYear1 := number(time.Date(0, 12, 31, 23, 59, 59, 0, time.UTC).UnixMicro())
	year10000 := number(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
	for name, body := range map[string]string{
		"position below -1":               "\x01\x01" + number(-2) + prefix,
		"lowest position":                 "\x01\x01" + number(math.MinInt64) + prefix,
		"key before the first entry":      "\x01\x01" + number(-1) + prefix,
		"before the first, by time":       "\x01\x02" + number(-1) + number(0) + noPrefix,
		"created before year 1":           "\x01\x02" + number(0) + beforeYear1 + prefix,
		"created after year 9999":         "\x01\x02" + number(0) + year10000 + prefix,
		"created at the end of int64":     "\x01\x02" + number(0) + number(math.MaxInt64) + prefix,
		"created at the beginning":        "\x01\x02" + number(0) + number(math.MinInt64) + prefix,
		"user 0":                          "\x01\x11" + number(0) + number(0),
		"user created before year 1":      "\x01\x11" + number(1) + beforeYear1,
		"user 0 by name":                  "\x01\x10" + number(0) + "alice",
		"username that is not UTF-8":      "\x01\x10" + number(1) + "\xff",
		"username with NUL":               "\x01\x10" + number(1) + "a\x00",
		"no username":                     "\x01\x10" + number(1),
		"position cursor without key":     "\x01\x01" + number(1),
		"position cursor with more":       "\x01\x01" + number(1) + prefix + "x",
		"createdAt cursor without time":   "\x01\x02" + number(1) + prefix,
		"user's createdAt cursor and key": "\x01\x11" + number(1) + number(0) + prefix,
		"unknown order":                   "\x01\x03" + number(1) + prefix,
		"order 0":                         "\x01\x00" + number(1) + prefix,
	} {
		_, err := model.ParseCursor(1, encoded([]byte(body)))
		require.Error(t, err, name)
		requireRefused(t, err)
	}
}

func TestCursorTellsItsOrder(t *testing.T) {
	t.Parallel()
	var names []string
	for _, c := range someCursors() {
		got, err := model.ParseCursor(1, c.Encode(1))
		require.NoError(t, err)
		names = append(names, got.Order.String())
	}
	require.Equal(t, []string{"POSITION", "POSITION", "CREATED_AT", "USERNAME", "CREATED_AT"}, names)
	require.Equal(t, "unknown", model.Order(0).String())
}

// The same edge has the same text, whatever time zone its time came in and whatever the order does not use.
func TestCursorOfAnEdgeHasOneText(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 6, 19, 16, 11, 3, 123456000, time.UTC)
	there := at.In(time.FixedZone("", 3600))
	for _, order := range []model.Order{model.OrderPosition, model.OrderCreatedAt} {
		require.Equal(t, model.EntryCursor(order, 3, someKey, at).Encode(1), model.EntryCursor(order, 3, someKey, there).Encode(1))
	}
	require.Equal(t, model.EntryCursor(model.OrderPosition, 3, someKey, at),
		model.EntryCursor(model.OrderPosition, 3, someKey, time.Time{}))
}

func TestPrefixOfKey(t *testing.T) {
	t.Parallel()
	require.Equal(t, [8]byte{0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77}, model.PrefixOfKey(someKey))
	require.Zero(t, model.PrefixOfKey(""))
}

func FuzzParseCursor(f *testing.F) {
	for _, c := range someCursors() {
		f.Add(c.Encode(1))
	}
	f.Add("")
	f.Add("AQEAAAAAAAAAKQARIjNEVWZ3\nAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := model.ParseCursor(1, text)
		if err != nil {
			requireRefused(t, err)
		} else if again := c.Encode(1); again != text {
			t.Fatalf("%q is read as %+v, whose text is %q", text, c, again)
		}
		// The same bytes under a right checksum, which no mutation finds.
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			return
		}
		text = encoded(raw)
		if c, err := model.ParseCursor(1, text); err == nil {
			require.Equal(t, text, c.Encode(1))
		}
	})
}
