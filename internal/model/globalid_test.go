package model_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"samjournal/internal/model"
)

func TestGlobalIDComesBackAsItWas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		account, user := rapid.Int64Min(1).Draw(t, "account"), rapid.Int64Min(1).Draw(t, "user")
		key := keys().Draw(t, "key")
		for text, want := range map[string]model.GlobalID{
			model.EntryID(account, key):                         {Type: "Entry", AccountID: account, Key: key},
			model.UserID(account, user):                         {Type: "User", AccountID: account, UserID: user},
			model.TokenID(account, user):                        {Type: "Token", AccountID: account, TokenID: user},
			model.AccountID(account):                            {Type: "Account", AccountID: account},
			model.Account{ID: account, Slug: "acme"}.GlobalID(): {Type: "Account", AccountID: account},
		} {
			got, err := model.ParseGlobalID(text)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	})
}

// Clients keep IDs, so their texts never change.
func TestGlobalIDTextsArePinned(t *testing.T) {
	t.Parallel()
	text := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	require.Equal(t, text("Entry:3:"+someKey), model.EntryID(3, someKey))
	require.Equal(t, text("User:3:15"), model.UserID(3, 15))
	require.Equal(t, text("Token:3:15"), model.TokenID(3, 15))
	require.Equal(t, text("Account:3:"), model.AccountID(3))
}

func TestWhatIsNoGlobalIDIsRefused(t *testing.T) {
	t.Parallel()
	text := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for _, id := range []string{
		"", "Entry", "Entry:1:" + someKey, text(""), text("Entry"), text("Entry:1"), text("User:1"), text("Account:1"),
		text("entry:1:" + someKey), text("Tokens:1:1"), text(":1:1"), // types
		text("Entry:0:" + someKey), text("Entry:-1:" + someKey), text("Entry:01:" + someKey), text("Entry:+1:" + someKey),
		text("Entry: 1:" + someKey), text("Entry::" + someKey), text("Entry:1e3:" + someKey),
		text("Entry:9223372036854775808:" + someKey), // accounts
		text("Entry:1:" + strings.ToUpper(someKey)), text("Entry:1:" + someKey[1:]), text("Entry:1:" + someKey + "0"), text("Entry:1:"),
		text("User:1:0"), text("User:1:-1"), text("User:1:01"), text("User:1:"), text("User:1:x"), text("User:1:1:"),
		text("Token:1:0"), text("Token:1:-1"), text("Token:1:01"), text("Token:1:"), text("Token:1:1:"),
		text("Account:1:1"), text("Account:1::"),
		model.UserID(1, 1) + "=", model.UserID(1, 1) + "\n", model.UserID(1, 1)[:4] + "\r\n" + model.UserID(1, 1)[4:],
		" " + model.UserID(1, 1), base64.StdEncoding.EncodeToString([]byte("User:1:1")), strings.Repeat("A", 1<<20),
	} {
		_, err := model.ParseGlobalID(id)
		require.Error(t, err, "%.80q", id)
		requireRefused(t, err)
	}
}

func TestUserIDOfSomethingElseIsRefused(t *testing.T) {
	t.Parallel()
	id, err := model.ParseUserID(model.UserID(3, 15))
	require.NoError(t, err)
	require.Equal(t, model.GlobalID{Type: "User", AccountID: 3, UserID: 15}, id)

	_, err = model.ParseUserID(model.EntryID(3, someKey))
	require.Equal(t, "is the ID of an Entry, not of a User", requireRefused(t, err).Reason)
	_, err = model.ParseUserID(model.AccountID(3))
	require.Equal(t, "is the ID of an Account, not of a User", requireRefused(t, err).Reason)
	_, err = model.ParseUserID(model.TokenID(3, 15))
	require.Equal(t, "is the ID of a Token, not of a User", requireRefused(t, err).Reason)
	_, err = model.ParseUserID("15")
	requireRefused(t, err)
}

func TestTokenIDOfSomethingElseIsRefused(t *testing.T) {
	t.Parallel()
	id, err := model.ParseTokenID(model.TokenID(3, 15))
	require.NoError(t, err)
	require.Equal(t, model.GlobalID{Type: "Token", AccountID: 3, TokenID: 15}, id)

	_, err = model.ParseTokenID(model.UserID(3, 15))
	require.Equal(t, "is the ID of a User, not of a Token", requireRefused(t, err).Reason)
	_, err = model.ParseTokenID("15")
	requireRefused(t, err)
}

// An ID that is accepted is the one that the server would write: no node has two IDs.
func FuzzParseGlobalID(f *testing.F) {
	for _, id := range []string{
		model.EntryID(1, someKey), model.UserID(1, 2), model.TokenID(1, 2), model.AccountID(1), "", "VXNlcjox\nOjE",
	} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, text := range []string{text, base64.RawURLEncoding.EncodeToString([]byte(text))} {
			id, err := model.ParseGlobalID(text)
			if err != nil {
				requireRefused(t, err)
				continue
			}
			want := map[string]string{
				"Entry":   model.EntryID(id.AccountID, id.Key),
				"Token":   model.TokenID(id.AccountID, id.TokenID),
				"User":    model.UserID(id.AccountID, id.UserID),
				"Account": model.AccountID(id.AccountID),
			}[id.Type]
			if text != want {
				t.Fatalf("%q is read as %+v, whose ID is %q", text, id, want)
			}
		}
	})
}
