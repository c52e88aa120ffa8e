package subscription_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/subscription"
)

func TestTheFirstErrorEndsTheSubscription(t *testing.T) {
	t.Parallel()

	first := errors.New("first")
	ctx := subscription.With(t.Context())
	require.NoError(t, subscription.Err(ctx))

	subscription.Fail(ctx, first)
	subscription.Fail(ctx, errors.New("second"))
	require.ErrorIs(t, subscription.Err(ctx), first)
}

func TestOutsideASubscriptionNothingHappens(t *testing.T) {
	t.Parallel()

	subscription.Fail(t.Context(), errors.New("lost"))
	require.NoError(t, subscription.Err(t.Context()))
}
