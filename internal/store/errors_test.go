package store_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"

	"samjournal/internal/store"
)

// A PostgreSQL that crashes closes its connections without a message that says why. What is known of such an append is what
// is known after any lost connection: it may be tried again.
func TestAConnectionThatEndsWithoutAWordIsUnavailable(t *testing.T) {
	t.Parallel()
	_, err := pgproto3.NewFrontend(bytes.NewReader(nil), nil).Receive()
	require.Error(t, err)
	require.ErrorIs(t, store.Translate(err), store.ErrUnavailable)
	require.NotErrorIs(t, store.Translate(errors.New("something else")), store.ErrUnavailable)
}
