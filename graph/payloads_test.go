package graph

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
)

// A database connection may keep the context that it is given for as long as it is idle.
func TestAContextForReadingLeadsToNothingOfItsOperation(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx, cancel := context.WithCancelCause(context.WithValue(t.Context(), key{}, "all that a field has become"))
	viewer := model.Viewer{Account: model.Account{ID: 7}, Role: model.RoleAuditor}
	reading, done := apart(model.WithViewer(ctx, viewer))
	defer done()
	require.Nil(t, reading.Value(key{}))
	found, err := model.ViewerFrom(reading)
	require.NoError(t, err)
	require.Equal(t, viewer, found)

	reason := errors.New("the client has gone")
	cancel(reason)
	<-reading.Done()
	require.ErrorIs(t, context.Cause(reading), reason, "it ends with the operation")
}

func TestAContextForReadingEndsWithReading(t *testing.T) {
	t.Parallel()
	reading, done := apart(t.Context())
	require.NoError(t, reading.Err())
	_, err := model.ViewerFrom(reading)
	require.ErrorIs(t, err, model.ErrNoViewer, "nobody's stays nobody's")
	done()
	require.Error(t, reading.Err())
}
