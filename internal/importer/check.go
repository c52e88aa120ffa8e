package importer

import (
	"context"
	"crypto/sha256"
	"fmt"

	"samjournal/internal/progress"
)

// checker is what a dry run does in place of write: the same questions, without the journal's entries. The rows of a key come one
// after the other, in the order of writing, so that it remembers those of one key alone.
type checker struct {
	run    *run
	key    string
	firsts map[string][sha256.Size]byte // content of the key's first row that is not refused, by account
}

func (r *run) check(ctx context.Context) error {
	if err := r.staging.sortByKey(ctx); err != nil {
		return err
	}
	r.opts.Progress.Begin("checking", r.staged(), progress.Entries)
	defer r.opts.Progress.End()
	c := checker{run: r, firsts: map[string][sha256.Size]byte{}}
	return r.staging.entries(ctx, byKey+r.order(), func(e *stagedEntry) error {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("interrupted while checking: %w", err)
		}
		r.opts.Progress.Add(1)
		return c.take(ctx, e)
	})
}

// take counts one row as write would: what is wrong of itself is refused first, and is no row that a later one could repeat.
func (c *checker) take(ctx context.Context, e *stagedEntry) error {
	r := c.run
	in := r.input(e)
	found, err := r.opts.Check(in)
	if err != nil {
		why, ok := refusal(err)
		if !ok {
			return fmt.Errorf("check entry %s: %w", e.key, err)
		}
		return r.refuse(false, rejection{pk: e.key, place: e.place, reject: *why})
	}
	if c.key != e.key {
		c.key = e.key
		clear(c.firsts)
	}
	account := ""
	if routed, ok := r.to.(Routed); ok {
		account = routed.slug(ctx, in.Username) // the same key in two accounts is two entries
	}
	first, again := c.firsts[account]
	switch {
	case again && first != found.Content:
		return r.refuse(false, rejection{pk: e.key, place: e.place, reject: reject{"pk", conflictReason}})
	case again:
		r.sum.AlreadyThere++
	default:
		c.firsts[account] = found.Content
		r.sum.Written++
		if found.Truncated {
			r.sum.Truncated++
		}
	}
	if e.unknownUser {
		r.sum.UnknownUsers++
	}
	return nil
}
