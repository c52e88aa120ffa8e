package auth_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"samjournal/internal/auth"
	"samjournal/internal/model"
	"samjournal/internal/testpostgres"
)

func subject(id int64) string { return fmt.Sprintf("token:%d", id) }

// lastUsed is what the database knows.
func (w *world) lastUsed(id int64) *time.Time {
	w.t.Helper()
	row, err := w.store.Token(w.t.Context(), w.acme.ID, id)
	require.NoError(w.t, err)
	return row.LastUsedAt
}

func TestTheLastUseIsWrittenToAboutAMinute(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		secret, id := w.token(model.RoleWriter)
		require.Nil(t, w.lastUsed(id))
		first := w.clock.now()
		_, err := w.viewer(secret)
		require.NoError(t, err)
		eventually(t, func() bool { return w.lastUsed(id) != nil }, "the last use is written")
		require.Equal(t, first, *w.lastUsed(id))

		w.clock.advance(59 * time.Second)
		_, err = w.viewer(secret)
		require.NoError(t, err)
		w.auth.Close() // which writes whatever is pending
		require.Equal(t, first, *w.lastUsed(id))

		w.auth = w.authenticator() // another node, or the same after a restart
		_, err = w.viewer(secret)
		require.NoError(t, err)
		w.auth.Close()
		require.Equal(t, first, *w.lastUsed(id), "once a minute, however many nodes")

		w.clock.advance(time.Second)
		w.auth = w.authenticator()
		_, err = w.viewer(secret)
		require.NoError(t, err)
		w.auth.Close()
		require.Equal(t, first.Add(time.Minute), *w.lastUsed(id), "Close loses nothing")
	})
}

func TestARefusedTokenIsNotUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqlite(t))
	secret, id := w.token(model.RoleWriter)
	_, err := w.viewer(secretOf(t, w.acme.ID, id, 1).Text())
	require.Error(t, err)
	_, err = w.viewer(secret, auth.AccountHeader, "default")
	require.Error(t, err)
	w.auth.Close()
	require.Nil(t, w.lastUsed(id))
}

func TestTheLastUseWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	server := testpostgres.Start(t)
	database := server.NewDatabase(t)
	w := newWorld(t, database.OwnerURL)
	secret, id := w.token(model.RoleWriter)
	readOnly, err := pgx.Connect(t.Context(), database.SuperuserURL)
	require.NoError(t, err)
	_, err = readOnly.Exec(t.Context(), "BEGIN; LOCK TABLE tokens IN EXCLUSIVE MODE")
	require.NoError(t, err)
	_, err = w.viewer(secret)
	require.NoError(t, err)
	used := w.clock.now()
	server.Stop(t, testpostgres.Immediate)
	eventually(t, func() bool { return strings.Contains(w.log.String(), "last use") }, "the failure is logged")
	server.Run(t)
	var row *time.Time
	eventually(t, func() bool {
		token, err := w.store.Token(t.Context(), w.acme.ID, id)
		row = token.LastUsedAt
		return err == nil && row != nil
	}, "what could not be written is written later")
	require.Equal(t, used, *row)
	require.Equal(t, 1, strings.Count(w.log.String(), "last use"), "logged once")
}
