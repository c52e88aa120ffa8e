package journal

import (
	"context"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
)

func countingKey() []byte {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	return key
}

func sent(t *testing.T, in Input) string {
	t.Helper()
	for _, p := range []*model.Payload{&in.Request, &in.Response} {
		parsed, err := model.ParsePayload([]byte(*p))
		require.NoError(t, err)
		*p = parsed
	}
	require.NoError(t, in.normalize())
	sum := sentDigest(countingKey(), &in, in.Username)
	return hex.EncodeToString(sum[:])
}

// docs/format.md describes the message and has the first of these as its example. They never change: an entry that is sent
// again after an update must be recognised.
func TestSentDigestsArePinned(t *testing.T) {
	t.Parallel()
	alice := "alice"
	in := good()
	in.Username = &alice
	require.Equal(t, "ee69a34c0e1381acae1282cd4562601a9cb743b02e7204b49cc28eb55b5fb0d3", sent(t, in))

	created := time.Date(2026, 6, 19, 16, 11, 3, 123456000, time.UTC)
	require.Equal(t, "60ed0d2cb3f147dc9e8fcc7507e23accdb1d68af9e0a0a56455471c77b23bcd7", sent(t, Input{
		Thing: "Prompt", Command: "prompt", Request: "null", Response: "1.0", CreatedAt: &created,
	}))
}

func TestTheSameContentHasOneSentDigestHoweverItIsSpelled(t *testing.T) {
	t.Parallel()
	zoe, created := "Zo\u00eb", time.Date(2026, 6, 19, 16, 11, 3, 0, time.UTC)
	in := good()
	in.Username, in.CreatedAt = &zoe, &created
	in.Request = `{"a":"é/","b":[1.10,{"c":null,"d":"\n"}]}`
	want := sent(t, in)
	decomposed, zoned := "Zoe\u0308", created.In(time.FixedZone("", -5400))
	for name, change := range map[string]func(*Input){
		"white space":         func(in *Input) { in.Request = " { \"a\": \"é/\",\n\"b\" : [1.10, {\"c\":null,\"d\":\"\\n\"}] } " },
		"order of members":    func(in *Input) { in.Request = `{"b":[1.10,{"d":"\n","c":null}],"a":"é/"}` },
		"escapes":             func(in *Input) { in.Request = `{"\u0061":"\u00E9\/","b":[1.10,{"c":null,"d":"\u000A"}]}` },
		"username's form":     func(in *Input) { in.Username = &decomposed },
		"time zone":           func(in *Input) { in.CreatedAt = &zoned },
		"key":                 func(in *Input) { in.Key = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff" },
		"origin":              func(in *Input) { in.Origin = model.OriginImport },
		"limit of truncation": func(in *Input) { in.Truncate = 1024 },
	} {
		again := in
		change(&again)
		require.Equal(t, want, sent(t, again), name)
	}
}

func TestOtherContentHasAnotherSentDigest(t *testing.T) {
	t.Parallel()
	alice, bob, empty := "alice", "bob", ""
	created := time.Date(2026, 6, 19, 16, 11, 3, 0, time.UTC)
	later := created.Add(time.Microsecond)
	owner := map[string]string{}
	for name, change := range map[string]func(*Input){
		"as it is":             func(*Input) {},
		"a username":           func(in *Input) { in.Username = &alice },
		"another username":     func(in *Input) { in.Username = &bob },
		"a time":               func(in *Input) { in.CreatedAt = &created },
		"a microsecond later":  func(in *Input) { in.CreatedAt = &later },
		"another thing":        func(in *Input) { in.Thing = model.ThingPlugin },
		"another command":      func(in *Input) { in.Command = model.CommandGet },
		"another status":       func(in *Input) { in.StatusCode = 201 },
		"status 0":             func(in *Input) { in.StatusCode = 0 },
		"another request":      func(in *Input) { in.Request = `{"name":"weather","token":"hunter3"}` },
		"another response":     func(in *Input) { in.Response = "false" },
		"both exchanged":       func(in *Input) { in.Request, in.Response = in.Response, in.Request },
		"a number":             func(in *Input) { in.Response = "1" },
		"its other text":       func(in *Input) { in.Response = "1.0" },
		"as a string":          func(in *Input) { in.Response = `"1"` },
		"an array":             func(in *Input) { in.Response = "[1,2]" },
		"in another order":     func(in *Input) { in.Response = "[2,1]" },
		"a string called null": func(in *Input) { in.Response = `"null"` },
		"an empty object":      func(in *Input) { in.Response = "{}" },
		"an empty array":       func(in *Input) { in.Response = "[]" },
	} {
		in := good()
		change(&in)
		digest := sent(t, in)
		require.Empty(t, owner[digest], "%s and %s", name, owner[digest])
		owner[digest] = name
	}
	// No input has an empty username, but were there one it would not be nobody.
	in := good()
	require.NotEqual(t, sentDigest(countingKey(), &in, nil), sentDigest(countingKey(), &in, &empty))
}

// What a part ends with cannot pass for the beginning of the next.
func TestPartsOfTheSentDigestDoNotRunTogether(t *testing.T) {
	t.Parallel()
	a, b := good(), good()
	a.Thing, a.Command = "AB", "C"
	b.Thing, b.Command = "A", "BC"
	require.NotEqual(t, sentDigest(countingKey(), &a, nil), sentDigest(countingKey(), &b, nil))
}

func TestWithoutTheKeyNobodyCanMakeASentDigest(t *testing.T) {
	t.Parallel()
	in := good()
	other := countingKey()
	other[31] ^= 1
	require.NotEqual(t, sentDigest(countingKey(), &in, nil), sentDigest(other, &in, nil))
}

// keyBackend knows only the digest keys of accounts.
type keyBackend struct {
	Backend

	asked []int64
}

func (b *keyBackend) DigestKey(_ context.Context, accountID int64) ([]byte, error) {
	b.asked = append(b.asked, accountID)
	return []byte{byte(accountID)}, nil
}

func TestTheDigestKeyIsTheAccountsOwnAndReadOnce(t *testing.T) {
	t.Parallel()
	backend := &keyBackend{}
	j := &Journal{backend: backend, digestKeys: map[int64][]byte{}}
	for range 2 {
		for _, id := range []int64{1, 2} {
			key, err := j.digestKey(t.Context(), model.Account{ID: id, Slug: "acme"})
			require.NoError(t, err)
			require.Equal(t, []byte{byte(id)}, key)
		}
	}
	require.Equal(t, []int64{1, 2}, backend.asked)
}

func TestAServersKeyGivesEachAccountItsOwnAndKeepsItOutOfTheDatabase(t *testing.T) {
	t.Parallel()
	backend := &keyBackend{}
	j := &Journal{backend: backend, serverKey: countingKey(), digestKeys: map[int64][]byte{}}
	key, err := j.digestKey(t.Context(), model.Account{ID: 1, Slug: "default"})
	require.NoError(t, err)
	require.Equal(t, "de4ee80252419dd1899357a04f730983e7cf550e2bb7be182654a730607eee2a", hex.EncodeToString(key))
	other, err := j.digestKey(t.Context(), model.Account{ID: 2, Slug: "acme"})
	require.NoError(t, err)
	require.NotEqual(t, key, other)
	require.Empty(t, backend.asked)
}

func TestNewDigestKeysAreRandom(t *testing.T) {
	t.Parallel()
	a, err := NewDigestKey()
	require.NoError(t, err)
	b, err := NewDigestKey()
	require.NoError(t, err)
	require.Len(t, a, 32)
	require.NotEqual(t, a, b)
}
