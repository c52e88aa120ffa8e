package importer

import (
	"context"
	"errors"
	"fmt"

	"samjournal/internal/journal"
	"samjournal/internal/model"
	"samjournal/internal/progress"
)

// conflictReason is said of a row whose key the journal, or an earlier row, has with other content.
const conflictReason = "conflict: an entry with this key is already there and its content differs"

// write appends the staged rows in order. After each batch that Append answered, the batch is durable; a stop in between
// loses nothing but time, for the next run meets those entries as "already there".
func (r *run) write(ctx context.Context) error {
	if err := r.writeUsers(ctx); err != nil {
		return again(err)
	}
	r.opts.Progress.Begin("writing", r.staged(), progress.Entries)
	defer r.opts.Progress.End()
	b := batch{run: r}
	err := r.staging.entries(ctx, r.order(), func(e *stagedEntry) error {
		size := len(e.request) + len(e.response)
		if len(b.inputs) > 0 && (len(b.inputs) >= r.opts.BatchRows || b.bytes+size > r.opts.BatchBytes) {
			if err := b.flush(ctx); err != nil {
				return err
			}
		}
		b.inputs = append(b.inputs, r.input(e))
		b.places = append(b.places, e.place)
		b.unknown = append(b.unknown, e.unknownUser)
		b.bytes += size
		return nil
	})
	if err == nil {
		err = b.flush(ctx)
	}
	return again(err)
}

// order is in which the entries are appended.
func (r *run) order() string {
	if r.byPlace {
		return byPlace
	}
	return byCreatedAt
}

// again says what can be done about an error that stopped the writing.
func again(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w (what is written stays; running the import again completes it)", err)
}

// staged is the number of entries in the staging file.
func (r *run) staged() int64 { return r.sum.Read - r.sum.Rejected }

func (r *run) writeUsers(ctx context.Context) error {
	var users []journal.UserProfile
	now := model.Microseconds(r.opts.Now())
	flush := func() error {
		if len(users) == 0 {
			return nil
		}
		if err := r.to.EnsureUsers(ctx, users); err != nil {
			return fmt.Errorf("write users: %w", err)
		}
		users = users[:0]
		return nil
	}
	err := r.staging.users(ctx, func(u stagedUser) error {
		profile := journal.UserProfile{Username: u.username, Email: known(u.email), DisplayName: known(u.displayName)}
		if u.disabled {
			profile.DisabledAt = &now
		}
		users = append(users, profile)
		if len(users) >= r.opts.BatchRows {
			return flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

// known is nil for the empty text, with which Django says that it does not know.
func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// batch collects what goes into one transaction; places and unknown belong to inputs, index by index.
type batch struct {
	run     *run
	inputs  []journal.Input
	places  []int64
	unknown []bool
	bytes   int
}

func (b *batch) flush(ctx context.Context) error {
	if len(b.inputs) == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("interrupted while writing: %w", err)
	}
	results, err := b.run.to.Append(ctx, b.inputs)
	if err != nil {
		return fmt.Errorf("write entries: %w", err)
	}
	if len(results) != len(b.inputs) {
		return fmt.Errorf("write entries: %d answers to %d entries", len(results), len(b.inputs))
	}
	for i, result := range results {
		if err := b.settle(i, result); err != nil {
			return err
		}
	}
	b.run.opts.Progress.Add(int64(len(b.inputs)))
	clear(b.inputs) // lets go of the payloads
	b.inputs, b.places, b.unknown, b.bytes = b.inputs[:0], b.places[:0], b.unknown[:0], 0
	return nil
}

// settle counts one answer. An error that does not come from the row itself stops the import.
func (b *batch) settle(i int, result journal.Result) error {
	sum := &b.run.sum
	switch {
	case result.Err != nil:
		why, ok := refusal(result.Err)
		if !ok {
			return fmt.Errorf("write entry %s: %w", b.inputs[i].Key, result.Err)
		}
		return b.run.refuse(false, rejection{pk: b.inputs[i].Key, place: b.places[i], reject: *why})
	case result.Created:
		sum.Written++
		if result.Truncated {
			sum.Truncated++
		}
	default:
		sum.AlreadyThere++
	}
	if b.unknown[i] {
		sum.UnknownUsers++
	}
	return nil
}

// refusal tells why the journal did not take a row, unless the reason lies outside of it.
func refusal(err error) (*reject, bool) {
	var input *model.InputError
	switch {
	case errors.Is(err, journal.ErrConflict):
		return &reject{"pk", conflictReason}, true
	case errors.As(err, &input):
		field, rest := fieldOf(input)
		return rejectOf(field, &model.InputError{Path: rest, Reason: input.Reason}), true
	case errors.Is(err, journal.ErrUnavailable), errors.Is(err, journal.ErrForbidden),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return nil, false
	}
	// The database's own words may quote the row, so they stay in its log.
	return &reject{"", "the database refused this row alone; its log tells why"}, true
}

// fieldOf translates the first step of the journal's path into the export's name for it, and returns the other steps.
func fieldOf(err *model.InputError) (field string, rest []any) {
	if len(err.Path) == 0 {
		return "", nil
	}
	name, _ := err.Path[0].(string)
	switch name {
	case "key":
		name = "pk"
	case "createdAt":
		name = "created_at"
	case "statusCode":
		name = "status_code"
	case "username", "userID":
		name = "user"
	}
	return name, err.Path[1:]
}
