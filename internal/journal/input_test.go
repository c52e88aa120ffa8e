package journal

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
)

func good() Input {
	return Input{
		Thing: model.ThingAPIPlugin, Command: model.CommandChatConfig, StatusCode: 200, Origin: model.OriginAPI,
		Request: `{"name":"weather","token":"hunter2"}`, Response: "null",
	}
}

func TestInputsThatAreStored(t *testing.T) {
	t.Parallel()
	id, epoch := int64(7), time.Unix(0, 0)
	for name, change := range map[string]func(*Input){
		"nothing optional":  func(*Input) {},
		"key":               func(in *Input) { in.Key = strings.Repeat("0f", 32) },
		"user by id":        func(in *Input) { in.UserID = &id },
		"status 0":          func(in *Input) { in.StatusCode = 0 },
		"status 32767":      func(in *Input) { in.StatusCode = 32767 },
		"payload null":      func(in *Input) { in.Request, in.Response = "null", "null" },
		"payload a string":  func(in *Input) { in.Request = `""` },
		"createdAt in 1970": func(in *Input) { in.CreatedAt = &epoch },
	} {
		in := good()
		change(&in)
		require.NoError(t, in.normalize(), name)
	}
}

func TestInputsThatAreRefusedSayWhere(t *testing.T) {
	t.Parallel()
	name, id := "alice", int64(7)
	at := func(year, nanosecond int) *time.Time {
		created := time.Date(year, 1, 1, 0, 0, 0, nanosecond, time.UTC)
		return &created
	}
	zone := time.Date(1, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600)) // year 0 in UTC
	for _, c := range []struct {
		change func(*Input)
		path   string
		reason string
	}{
		{func(in *Input) { in.Key = "abc" }, "key", "must be 64 lower-case hex digits"},
		{func(in *Input) { in.Key = strings.Repeat("AB", 32) }, "key", "must be 64 lower-case hex digits"},
		{func(in *Input) { in.Username, in.UserID = &name, &id }, "userID", "give username or userID, not both"},
		{func(in *Input) { in.Thing = "" }, "thing", `"" is not a thing`},
		{func(in *Input) { in.Thing = "Chat" }, "thing", `"Chat" is not a thing`},
		{func(in *Input) { in.Command = "CHAT_CONFIG" }, "command", `"CHAT_CONFIG" is not a command`},
		{func(in *Input) { in.StatusCode = -1 }, "statusCode", "must be from 0 to 32767, is -1"},
		{func(in *Input) { in.StatusCode = 32768 }, "statusCode", "must be from 0 to 32767, is 32768"},
		{func(in *Input) { in.StatusCode = math.MaxInt }, "statusCode", "must be from 0 to 32767"},
		{func(in *Input) { in.Request = "" }, "request", "must be given"},
		{func(in *Input) { in.Response = "" }, "response", "must be given"},
		{func(in *Input) { in.CreatedAt = at(2026, 1) }, "createdAt", "has a fraction finer than a microsecond"},
		{func(in *Input) { in.CreatedAt = at(2026, 1999) }, "createdAt", "has a fraction finer than a microsecond"},
		{func(in *Input) { in.CreatedAt = at(0, 0) }, "createdAt", "must be from year 0001 to 9999"},
		{func(in *Input) { in.CreatedAt = at(10000, 0) }, "createdAt", "must be from year 0001 to 9999"},
		{func(in *Input) { in.CreatedAt = &zone }, "createdAt", "must be from year 0001 to 9999"},
	} {
		in := good()
		c.change(&in)
		var input *model.InputError
		require.ErrorAs(t, in.normalize(), &input, "%s: %s", c.path, c.reason)
		require.Equal(t, []any{c.path}, input.Path)
		require.Contains(t, input.Reason, c.reason)
	}
}

func TestUsernamesAreStoredAsTheModelHasThem(t *testing.T) {
	t.Parallel()
	in := good()
	in.Username = new("Zoe\u0308")
	require.NoError(t, in.normalize())
	require.Equal(t, new("Zo\u00eb"), in.Username)
	in.Username = new("a\x00")
	var input *model.InputError
	require.ErrorAs(t, in.normalize(), &input)
	require.Equal(t, []any{"username"}, input.Path)
}

// The caller's values are theirs.
func TestNormalizingLeavesTheCallersValuesAlone(t *testing.T) {
	t.Parallel()
	name := "Zoe\u0308"
	created := time.Date(2026, 6, 19, 18, 11, 3, 123456000, time.FixedZone("", 7200))
	before := created
	in := good()
	in.Username, in.CreatedAt = &name, &created
	require.NoError(t, in.normalize())
	require.Equal(t, "Zoe\u0308", name)
	require.Equal(t, before, created)
	require.Equal(t, time.Date(2026, 6, 19, 16, 11, 3, 123456000, time.UTC), *in.CreatedAt)
}

func TestUnderExtendsPathsOfInputErrorsOnly(t *testing.T) {
	t.Parallel()
	err := model.InputUnder(&model.InputError{Path: []any{"a"}, Reason: "is wrong"}, "inputs", 3)
	require.Equal(t, &model.InputError{Path: []any{"inputs", 3, "a"}, Reason: "is wrong"}, err)
	other := errors.New("other")
	require.Same(t, other, model.InputUnder(other, "inputs"))
	require.NoError(t, model.InputUnder(nil, "inputs"))
}
