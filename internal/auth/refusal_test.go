package auth_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/auth"
	"samjournal/internal/model"
	"samjournal/internal/store"
	"samjournal/internal/testpostgres"
)

func TestADatabaseThatIsAwayIsUnavailable(t *testing.T) {
	t.Parallel()
	server := testpostgres.Start(t)
	i := newIssuer(t)
	w := newWorld(t, server.NewDatabase(t).OwnerURL, trusting(i))
	secret, _ := w.token(model.RoleWriter)
	claims := i.claims(w.clock.now())
	bearers := []string{secret, i.jwt(claims), i.jwt(i.claims(w.clock.now(), set("samjournal_role", "reader")))}
	for _, bearer := range bearers {
		_, err := w.viewer(bearer)
		require.NoError(t, err)
	}
	server.Stop(t, testpostgres.Immediate)
	w.clock.advance(recheck)
	for _, bearer := range append(bearers, secretOf(t, w.acme.ID, 1, 1).Text()) {
		_, err := w.viewer(bearer)
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.NotErrorIs(t, err, auth.ErrUnauthenticated)
	}
	server.Run(t)
	for _, bearer := range bearers {
		eventually(t, func() bool {
			_, err := w.viewer(bearer)
			return err == nil
		}, "the credential is valid again")
	}
}

// Only what the database says for certain refuses anybody: a client that is told 401 does not come back.
func TestADatabaseThatFailsNeitherLetsInNorRefuses(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	i := newIssuer(t)
	w := newWorld(t, database.OwnerURL, trusting(i))
	secret, _ := w.token(model.RoleWriter)
	jwt := i.jwt(i.claims(w.clock.now()))
	stream := w.open(secret)
	for _, table := range []string{"tokens", "users"} {
		database.Exec(t, "ALTER TABLE "+table+" RENAME TO gone")
		w.clock.advance(recheck)
		for _, bearer := range []string{secret, jwt, secretOf(t, w.acme.ID, 1, 1).Text()} {
			if table == "tokens" && bearer == jwt {
				continue // needs no tokens
			}
			_, err := w.viewer(bearer)
			require.Error(t, err)
			require.NotErrorIs(t, err, auth.ErrUnauthenticated)
			require.NotErrorIs(t, err, auth.ErrForbidden)
		}
		w.auth.Sweep(t.Context())
		stream.stays()
		database.Exec(t, "ALTER TABLE gone RENAME TO "+table)
	}
}

func TestWhatIsRefusedIsNotRemembered(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	w := newWorld(t, sqlite(t), trusting(i))
	forger := newIssuer(t)
	for n := range int64(100) {
		name := set("preferred_username", fmt.Sprint("user ", n))
		for _, bearer := range []string{
			secretOf(t, w.acme.ID, n+1, 1).Text(), secretOf(t, n+1, 1, 1).Text(), forger.jwt(i.claims(w.clock.now(), name)),
			i.jwt(i.claims(w.clock.now(), name, set("aud", "another"))),
		} {
			_, err := w.viewer(bearer)
			require.ErrorIs(t, err, auth.ErrUnauthenticated)
		}
	}
	require.Zero(t, w.auth.Remembered())
}
