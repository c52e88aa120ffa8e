package conformance_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/auth"
	"samjournal/internal/model"
	"samjournal/internal/store"
)

func TestWhoCreatesATokenGetsItsSecretThoughNothingCanBeRead(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := start(t, databaseURL, settings{})
			operator := n.as(t, "default")
			away, err := store.Open(t.Context(), databaseURL, store.Options{})
			require.NoError(t, err)
			require.NoError(t, away.Close())
			n.resolver.Ent = away.Ent()

			const create = `mutation($username: String) {
				createToken(input: {name: "ci", role: READER, username: $username, expiresIn: "P1D"}) {
					secret token { ` + tokenFields + ` } } }`
			data, errs := n.try(operator, t, create, vars{"username": "alice"})
			require.Len(t, errs, 1)
			require.Equal(t, "createToken.token.user", errs[0].Path.String())
			var made struct {
				CreateToken struct {
					Secret string
					Token  tokenRow
				}
			}
			require.NoError(t, json.Unmarshal(data, &made))
			require.Nil(t, made.CreateToken.Token.User)
			secret, err := auth.ParseToken(made.CreateToken.Secret)
			require.NoError(t, err)
			stored, err := n.store.Token(operator, secret.AccountID, secret.ID)
			require.NoError(t, err)
			require.Equal(t, secret.Digest(), stored.Digest)
			require.Equal(t, new("alice"), stored.Username)
			require.Equal(t, tokenRow{
				ID: model.TokenID(secret.AccountID, secret.ID), Name: "ci", Role: "READER",
				CreatedAt: stored.CreatedAt, ExpiresAt: stored.ExpiresAt,
			}, made.CreateToken.Token, "what is known without reading is as it was stored")

			n.ask(operator, t, &made, `mutation { createToken(input: {name: "x", role: ADMIN}) { secret token { id name } } }`, nil)
		})
	}
}
