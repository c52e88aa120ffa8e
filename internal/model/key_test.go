package model_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"samjournal/internal/model"
)

func TestKeysAre64LowerCaseHexDigits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		require.NoError(t, model.ValidateKey(keys().Draw(t, "key")))
	})
}

func TestWhatIsNoKeyIsRefusedAndSaysWhy(t *testing.T) {
	t.Parallel()
	for key, reason := range map[string]string{
		"":                              "has 0 characters",
		someKey[1:]:                     "has 63 characters",
		someKey + "0":                   "has 65 characters",
		someKey + "\n":                  "has 65 characters",
		strings.Repeat("é", 64):         "has 64 characters",
		strings.ToUpper(someKey):        "character 21 is not one",
		"g" + someKey[1:]:               "character 1 is not one",
		someKey[:63] + "G":              "character 64 is not one",
		someKey[:63] + " ":              "character 64 is not one",
		someKey[:63] + "\x00":           "character 64 is not one",
		strings.Repeat("é", 32):         "character 1 is not one",
		"0x" + someKey[2:]:              "character 2 is not one",
		"/" + someKey[1:]:               "character 1 is not one",
		":" + someKey[1:]:               "character 1 is not one",
		"`" + someKey[1:]:               "character 1 is not one",
		strings.Repeat("\xff", 1000000): "has 1000000 characters",
	} {
		err := model.ValidateKey(key)
		var input *model.InputError
		require.ErrorAs(t, err, &input)
		require.Equal(t, []any{"key"}, input.Path)
		require.Equal(t, "must be 64 lower-case hex digits (0-9, a-f), "+reason, input.Reason)
	}
}

func TestNewKeyIsTheHexOf32RandomBytes(t *testing.T) {
	t.Parallel()
	key, err := model.NewKey(bytes.NewReader([]byte("\x00\x01\x02\x03\xff and so on, 32 bytes of it!")))
	require.NoError(t, err)
	require.Equal(t, "00010203ff"+"20616e6420736f206f6e2c203332206279746573206f6620697421", key)
	require.NoError(t, model.ValidateKey(key))
}

// A key made of less than 256 bits would be worse than none.
func TestNewKeyFailsWithoutEnoughRandomness(t *testing.T) {
	t.Parallel()
	_, err := model.NewKey(bytes.NewReader(make([]byte, 31)))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	broken := errors.New("no entropy")
	_, err = model.NewKey(iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
}
