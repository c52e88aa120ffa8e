package main

import (
	"context"
	"slices"
	"time"
)

// perTurn is how often a contestant is asked before it is the next one's turn.
const perTurn = 10

// timing holds the median time of each round.
type timing []time.Duration

func (t timing) median() time.Duration { return median(t) }

// ratio is the median of the rounds' ratios, and the least and the greatest of them.
type ratio struct{ median, least, greatest float64 }

// over compares round with round: what disturbs the machine for a while disturbs both.
func (t timing) over(other timing) ratio {
	ratios := make([]float64, len(t))
	for i := range t {
		ratios[i] = float64(t[i]) / float64(other[i])
	}
	return ratio{median(ratios), slices.Min(ratios), slices.Max(ratios)}
}

func median[T ~int64 | ~float64](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// inTurns asks the contestants in turns: in each round everyone perTurn times, another one first each time. ask makes the
// n-th question to a contestant. A round before the first warms up and is not counted.
func inTurns(ctx context.Context, rounds int, ask func(contestant, n int) question, contestants int) ([]timing, error) {
	timings := make([]timing, contestants)
	asked := 0
	for round := -1; round < rounds; round++ {
		for turn := range contestants {
			contestant := (turn + round + 1) % contestants
			times := make([]time.Duration, perTurn)
			for i := range times {
				_, took, err := ask(contestant, asked).ask(ctx)
				if err != nil {
					return nil, err
				}
				times[i] = took
				asked++
			}
			if round >= 0 {
				timings[contestant] = append(timings[contestant], median(times))
			}
		}
	}
	return timings, nil
}
