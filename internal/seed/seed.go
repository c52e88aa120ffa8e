package seed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"samjournal/internal/journal"
	"samjournal/internal/progress"
)

// DefaultBatchRows is the number of entries in one transaction.
const DefaultBatchRows = 1000

// Appender is what seeding needs of the journal; the account is that of the context's viewer. Append makes the whole batch
// durable before it returns and answers for each input at its index. EnsureUsers leaves users that exist as they are.
type Appender interface {
	Append(ctx context.Context, inputs []journal.Input) ([]journal.Result, error)
	EnsureUsers(ctx context.Context, users []journal.UserProfile) error
}

// Options say what is generated.
type Options struct {
	// Entries is how many; 0 makes none.
	Entries int
	// Seed is where all randomness comes from.
	Seed uint64
	// End is the time of the last entries, which reach 90 days back from it. It must be set.
	End time.Time
	// BatchRows is the number of entries in one transaction. 0: 1,000.
	BatchRows int
}

// Summary counts what became of the entries.
type Summary struct {
	Written      int
	AlreadyThere int // by an earlier run with the same seed, number and end
}

// String is the summary as people read it.
func (s Summary) String() string {
	text := fmt.Sprintf("%d entries written", s.Written)
	if s.AlreadyThere > 0 {
		text += fmt.Sprintf(", %d were already there", s.AlreadyThere)
	}
	return text
}

// Run appends generated entries. What is written stays when it stops early; the summary tells how much that is. A journal
// that has entries of the same seed with other times is an error that matches journal.ErrConflict.
func Run(ctx context.Context, to Appender, opts Options, report progress.Reporter) (Summary, error) {
	var sum Summary
	if opts.BatchRows <= 0 {
		opts.BatchRows = DefaultBatchRows
	}
	if err := to.EnsureUsers(ctx, Users()); err != nil {
		return sum, fmt.Errorf("write users: %w", err)
	}
	report.Begin("seeding", int64(opts.Entries), progress.Entries)
	defer report.End()
	batch := make([]journal.Input, 0, opts.BatchRows)
	flush := func() error {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("interrupted: %w", err)
		}
		results, err := to.Append(ctx, batch)
		if err != nil {
			return fmt.Errorf("write entries: %w", err)
		}
		if sum, err = sum.with(results, opts.Seed); err != nil {
			return err
		}
		report.Add(int64(len(batch)))
		batch = batch[:0]
		return nil
	}
	for input := range Generate(opts) {
		batch = append(batch, input)
		if len(batch) == opts.BatchRows {
			if err := flush(); err != nil {
				return sum, err
			}
		}
	}
	if len(batch) == 0 {
		return sum, nil
	}
	err := flush() // before sum is read
	return sum, err
}

// with counts the answers to a batch, up to the first that is an error.
func (s Summary) with(results []journal.Result, seed uint64) (Summary, error) {
	for _, result := range results {
		switch {
		case errors.Is(result.Err, journal.ErrConflict):
			return s, fmt.Errorf("the journal has other entries of seed %d; choose another --seed: %w", seed, result.Err)
		case result.Err != nil:
			return s, fmt.Errorf("write entry %s: %w", result.Key, result.Err)
		case result.Created:
			s.Written++
		default:
			s.AlreadyThere++
		}
	}
	return s, nil
}
