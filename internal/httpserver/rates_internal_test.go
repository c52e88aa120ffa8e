package httpserver

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// clock stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time // guarded by mu
}

func newClock() *clock { return &clock{at: time.Unix(1_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()

	return c.at
}

func (c *clock) move(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.at = c.at.Add(by)
}

func TestABucketGivesWhatItHoldsAndThenItsRate(t *testing.T) {
	t.Parallel()

	time0 := newClock()
	b := newBuckets[string](10, 20, time0.now)

	for range 20 {
		require.Zero(t, b.take("a", 1))
	}

	require.Equal(t, 100*time.Millisecond, b.take("a", 1))
	require.Equal(t, 100*time.Millisecond, b.take("a", 1), "a refusal takes nothing")
	require.Equal(t, 300*time.Millisecond, b.take("a", 3))
	require.Zero(t, b.take("b", 20), "others are not touched")

	time0.move(100 * time.Millisecond)
	require.Zero(t, b.take("a", 1))
	require.NotZero(t, b.take("a", 1))
}

func TestWhatCostsMoreThanABucketHoldsTakesAllOfIt(t *testing.T) {
	t.Parallel()

	time0 := newClock()
	b := newBuckets[string](10, 20, time0.now)
	require.Zero(t, b.take("a", 1_000))
	require.Equal(t, 100*time.Millisecond, b.take("a", 1))

	time0.move(time.Second)
	require.Equal(t, time.Second, b.take("a", 1_000))
	time0.move(time.Second)
	require.Zero(t, b.take("a", 1_000))
}

func TestNoMoreIsTakenThanTheRateAndTheBurst(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		time0 := newClock()
		began := time0.now()
		b := newBuckets[int](10, 20, time0.now)
		taken := 0

		for _, step := range rapid.SliceOf(rapid.Custom(func(t *rapid.T) [2]int {
			return [2]int{rapid.IntRange(0, 300).Draw(t, "ms"), rapid.IntRange(1, 20).Draw(t, "n")}
		})).Draw(t, "steps") {
			time0.move(time.Duration(step[0]) * time.Millisecond)

			wait := b.take(1, step[1])
			if wait == 0 {
				taken += step[1]
			} else {
				require.LessOrEqual(t, wait, 2*time.Second)
			}
		}

		require.LessOrEqual(t, float64(taken), 20.001+10*time0.now().Sub(began).Seconds())
	})
}

func TestBucketsThatAreFullAgainAreForgotten(t *testing.T) {
	t.Parallel()

	time0 := newClock()
	b := newBuckets[int](10, 20, time0.now)

	for i := range 1_000 {
		b.take(i, 20)
	}

	require.Len(t, b.byKey, 1_000)
	time0.move(4 * time.Second)
	b.take(0, 20)
	time0.move(1_100 * time.Millisecond)
	b.take(-1, 1)
	require.Len(t, b.byKey, 2, "those in use and the new one")
}

func TestBucketsHaveABoundThatHoldsUpNoNewcomer(t *testing.T) {
	t.Parallel()

	time0 := newClock()
	b := newBuckets[int](10, 20, time0.now)
	b.room = 100

	for i := range 10_000 {
		require.Zero(t, b.take(i, 20), "all others have taken all they can, and this one nothing")
	}

	require.Len(t, b.byKey, 100)
	time0.move(2 * time.Second)
	require.Zero(t, b.take(77_777, 1))
	require.Len(t, b.byKey, 1, "there is room again")
}

func TestAFloodOfKeysDoesNotMakeAnotherForgotten(t *testing.T) {
	t.Parallel()

	time0 := newClock()
	b := newBuckets[int](1, 20, time0.now)
	b.room = 100
	require.Zero(t, b.take(-1, 20))

	for i := range 10_000 {
		b.take(i, 1)
		require.NotZero(t, b.lacking(-1), "after %d others", i)
		require.NotZero(t, b.take(-1, 1), "after %d others", i)
	}

	require.Len(t, b.byKey, 100)
}

func TestLimitsThatAreOffLetEverythingPass(t *testing.T) {
	t.Parallel()

	cfg := DefaultConfig()
	cfg.LoopbackOnly = true
	require.Equal(t, rates{}, newRates(cfg, time.Now), "nobody else reaches a server on loopback")

	cfg.LoopbackOnly, cfg.Rates = false, RateLimits{}
	off := newRates(cfg, time.Now)

	for range 10_000 {
		require.Zero(t, off.viewerRequests.take("a", 1_000))
		require.Zero(t, off.addressRequests.reserve(netip.Addr{}))
	}
}

func TestTheCostOfAViewersOperationsIsLimited(t *testing.T) {
	t.Parallel()

	time0 := newClock()
	numbers, err := newMetrics(nil)
	require.NoError(t, err)

	cfg := DefaultConfig()
	cfg.LoopbackOnly, cfg.Rates.ViewerCost = false, 1_000

	type nameKey struct{}

	s := &Server{cfg: cfg, metrics: numbers, rates: newRates(cfg, time0.now), deps: Deps{
		ViewerName: func(ctx context.Context) string {
			name, _ := ctx.Value(nameKey{}).(string)

			return name
		},
	}}
	as := func(name string) context.Context { return context.WithValue(t.Context(), nameKey{}, name) }

	require.Nil(t, s.charge(as("alice"), 1_500))

	refused := s.charge(as("alice"), 1_000)
	require.NotNil(t, refused)
	require.Equal(t, "your operations cost more than 1000 a second, which is the limit (SAMJOURNAL_RATE_VIEWER_COST); "+
		"this one costs 1000", refused.Message)
	require.Equal(t, map[string]any{"code": codeRateLimited, "retryAfterMs": 500}, refused.Extensions)

	require.Nil(t, s.charge(as("alice"), 500), "a cheaper one")
	require.Nil(t, s.charge(as("bob"), 1_000), "another viewer")
	require.Nil(t, s.charge(as(""), 1_000_000), "who is nobody's viewer is not counted")

	time0.move(time.Second)
	require.Nil(t, s.charge(as("alice"), 1_000))
}

func TestAClientOfIPv6IsItsNetwork(t *testing.T) {
	t.Parallel()

	require.Equal(t, addressKey(netip.MustParseAddr("2001:db8::1")), addressKey(netip.MustParseAddr("2001:db8::ffff:1")))
	require.NotEqual(t, addressKey(netip.MustParseAddr("2001:db8::1")), addressKey(netip.MustParseAddr("2001:db8:0:1::1")))
	require.NotEqual(t, addressKey(netip.MustParseAddr("192.0.2.1")), addressKey(netip.MustParseAddr("192.0.2.2")))
	require.Equal(t, netip.Addr{}, addressKey(netip.Addr{}))
}

func TestRetryAfterIsRoundedUp(t *testing.T) {
	t.Parallel()

	for wait, want := range map[time.Duration]string{
		time.Nanosecond: "1", time.Second: "1", time.Second + time.Nanosecond: "2", 90 * time.Second: "90",
	} {
		h := map[string][]string{}
		tell(h, 429, limited(wait, "too many"))
		require.Equal(t, []string{want}, h["Retry-After"], wait)
	}
}
