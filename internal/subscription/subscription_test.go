package subscription_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/subscription"
)

type stream struct{ subscription.Stream }

func TestAStreamIsOffered(t *testing.T) {
	t.Parallel()

	ctx, offered := subscription.Offered(t.Context())
	require.Nil(t, offered())

	var s stream
	subscription.Offer(ctx, s)
	require.Equal(t, s, offered())
}

func TestOutsideASubscriptionNothingHappens(t *testing.T) {
	t.Parallel()

	subscription.Offer(t.Context(), stream{})
	_, ok := subscription.Resolved[int](t.Context())
	require.False(t, ok)
}

func TestAnEventIsResolvedAlone(t *testing.T) {
	t.Parallel()

	ctx := subscription.WithEvent(context.Background(), subscription.Event{Position: 3, Value: 7})
	events, ok := subscription.Resolved[int](ctx)
	require.True(t, ok)
	require.Equal(t, 7, <-events)

	_, more := <-events
	require.False(t, more)

	events, ok = subscription.Resolved[int](subscription.WithEvent(ctx, subscription.Event{Value: "of another type"}))
	require.True(t, ok)

	_, more = <-events
	require.False(t, more)

	_, more = <-subscription.Nothing[int]()
	require.False(t, more)
}
