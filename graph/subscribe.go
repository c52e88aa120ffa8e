package graph

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"samjournal/ent/entry"
	"samjournal/internal/journal"
	"samjournal/internal/model"
	stream "samjournal/internal/subscription"
)

const readAhead = 100 // entries that a subscription reads at a time

// entryCreated follows the journal and sends each matching entry once, in order. The channel is closed when the client or
// the server goes, or when reading fails; the transport then tells the client why.
func (r *Resolver) entryCreated(ctx context.Context, after *string, where map[string]any) (<-chan *EntryEdge, error) {
	viewer, _, err := viewerScope(ctx)
	if err != nil {
		return nil, err
	}
	cursor, err := parseCursor(viewer.Account.ID, model.OrderPosition, "after", after)
	if err != nil {
		return nil, err
	}
	filter, err := journal.ParseEntryFilter(viewer.Account.ID, where)
	if err != nil {
		return nil, model.InputUnder(err, "where")
	}
	op := graphql.GetOperationContext(ctx)
	selected := selectionOf(op, fieldsOf(op, collected(ctx, "EntryEdge"), "node", "Entry", "Node"))
	follower, err := r.Journal.Follow(ctx, cursor)
	if err != nil {
		return nil, err
	}
	s := &subscription{resolver: r, follower: follower, filter: filter, selected: selected, edges: make(chan *EntryEdge)}
	go s.run(ctx)
	return s.edges, nil
}

// subscription is one running entryCreated. Only its own goroutine touches it.
type subscription struct {
	resolver *Resolver
	follower *journal.Follower
	filter   *journal.EntryFilter
	selected selection
	edges    chan *EntryEdge // unbuffered: nothing is read ahead of a client that does not take it
}

func (s *subscription) run(ctx context.Context) {
	defer close(s.edges)
	defer s.follower.Close()
	for {
		err := s.step(ctx)
		if err == nil || errors.Is(journal.Translate(err), journal.ErrUnavailable) && pause(ctx) {
			continue
		}
		if ctx.Err() == nil {
			stream.Fail(ctx, err) // so that the client sees why there will be no more
		}
		return
	}
}

// pause lets a database that is away come back: what was sent is known, so reading goes on where it failed. It returns
// false when the client or the server has gone.
func pause(ctx context.Context) bool {
	select {
	case <-time.After(retryAfter * time.Millisecond):
		return true
	case <-ctx.Done():
		return false
	}
}

// step waits for entries and sends those that match among the next ones.
func (s *subscription) step(ctx context.Context) error {
	from, to, err := s.follower.Next(ctx)
	if err != nil {
		return err
	}
	rows, err := s.selected.apply(s.resolver.Ent.Entry.Query()).
		Where(entry.PositionGTE(from), entry.PositionLT(to), s.filter.Where).
		Order(entry.ByPosition()).Limit(readAhead).All(ctx)
	if err != nil {
		return fmt.Errorf("read entries for a subscription: %w", err)
	}
	for _, e := range rows {
		if !s.send(ctx, entryEdge(model.OrderPosition, e)) {
			return ctx.Err()
		}
		s.follower.Advance(e.Position + 1)
	}
	if len(rows) < readAhead {
		s.follower.Advance(to) // nothing more matches before to
	}
	return nil
}

func (s *subscription) send(ctx context.Context, edge *EntryEdge) bool {
	select {
	case s.edges <- edge:
		return true
	case <-ctx.Done():
		return false
	}
}
