package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRatiosAreOfTheSameRound(t *testing.T) {
	t.Parallel()
	// The second round was disturbed, for both.
	ours, theirs := timing{2 * time.Millisecond, 40 * time.Millisecond, 3 * time.Millisecond}, timing{1e6, 20e6, 1e6}
	require.Equal(t, ratio{median: 2, least: 2, greatest: 3}, ours.over(theirs))
}

func TestTheMedianOfAnEvenNumberLiesBetweenTheTwoInTheMiddle(t *testing.T) {
	t.Parallel()
	values := []time.Duration{4, 100, 1, 6}
	require.Equal(t, time.Duration(5), median(values))
	require.Equal(t, []time.Duration{4, 100, 1, 6}, values, "not sorted in place")
	require.InDelta(t, 7.0, median([]float64{9, 7, 1}), 0)
}

func TestThousandsAreSetApart(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1_000_000: "1,000,000"} {
		require.Equal(t, want, thousands(n))
	}
}

func TestADeepPageIsInsideAnyJournal(t *testing.T) {
	t.Parallel()
	require.Equal(t, 10_000, deepPage(fullSize))
	require.Equal(t, 200, deepPage(20_000))
}
