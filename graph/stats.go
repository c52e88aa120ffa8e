package graph

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"samjournal/ent"
	"samjournal/ent/user"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// statsArguments are those of entryStats.
type statsArguments struct {
	where    map[string]any
	groupBy  []EntryDimension
	interval *EntryInterval
	timeZone string
	first    int
}

// query reads the arguments.
func (a statsArguments) query(accountID int64, now time.Time) (journal.StatsQuery, error) {
	q := journal.StatsQuery{First: a.first, Now: now}
	if a.first < 1 || a.first > maxPage {
		return q, &model.InputError{Path: []any{"first"}, Reason: fmt.Sprintf("must be from 1 to %d, is %d", maxPage, a.first)}
	}
	for i, d := range a.groupBy {
		if slices.Contains(a.groupBy[:i], d) {
			return q, &model.InputError{Path: []any{"groupBy", i}, Reason: fmt.Sprintf("%s is there already", d)}
		}
		q.By = append(q.By, journal.Dimension(d))
	}
	if a.interval != nil {
		q.Interval = journal.Interval(*a.interval)
	}
	var err error
	if q.Zone, err = journal.Zone(a.timeZone); err != nil {
		return q, err
	}
	q.Filter, err = journal.ParseEntryFilter(accountID, now, a.where)
	return q, model.InputUnder(err, "where")
}

// entryStats counts with one statement; one more reads the users that groups have.
func (r *Resolver) entryStats(ctx context.Context, a statsArguments) (*EntryStats, error) {
	viewer, scope, err := viewerScope(ctx)
	if err != nil {
		return nil, err
	}
	q, err := a.query(viewer.Account.ID, r.now())
	if err != nil {
		return nil, err
	}
	if err := r.journalSearch(ctx, q.Filter, a.where); err != nil {
		return nil, err
	}
	found, err := journal.CountStats(ctx, r.counter(q.Filter), scope, q)
	if err != nil {
		return nil, err
	}
	users, err := r.usersOf(ctx, found.Groups)
	if err != nil {
		return nil, err
	}
	fields := collected(ctx, "EntryStats")
	shown := &EntryStats{TotalCount: found.Total, OtherCount: found.Other}
	if selects(fields, "headCursor") {
		if shown.HeadCursor, err = r.endOf(ctx, scope, found.Head); err != nil {
			return nil, err
		}
	}
	if q.Interval != "" {
		shown.Buckets = make([]*EntryBucket, 0, len(found.Counts))
	}
	for i, n := range found.Counts {
		shown.Buckets = append(shown.Buckets, &EntryBucket{Start: found.Starts[i], End: found.Starts[i+1], Count: n})
	}
	for i := range found.Groups {
		shown.Groups = append(shown.Groups, groupOf(&found.Groups[i], users))
	}
	return shown, nil
}

func groupOf(g *journal.Group, users map[int64]*ent.User) *EntryGroup {
	shown := &EntryGroup{StatusCode: g.StatusCode, Count: g.Count, Counts: g.Counts}
	if g.Thing != "" {
		shown.Thing = &g.Thing
	}
	if g.Command != "" {
		shown.Command = &g.Command
	}
	if g.StatusClass != "" {
		shown.StatusClass = &g.StatusClass
	}
	if g.UserID != nil {
		shown.User = users[*g.UserID]
	}
	return shown
}

// usersOf reads the users of groups, where they are selected.
func (r *Resolver) usersOf(ctx context.Context, groups []journal.Group) (map[int64]*ent.User, error) {
	op := graphql.GetOperationContext(ctx)
	below := fieldsOf(op, collected(ctx, "EntryStats"), "groups", "EntryGroup")
	var ids []int64
	for i := range groups {
		if id := groups[i].UserID; id != nil && !slices.Contains(ids, *id) {
			ids = append(ids, *id)
		}
	}
	users := make(map[int64]*ent.User, len(ids))
	if len(ids) == 0 || !selects(below, "user") {
		return users, nil
	}
	found, err := r.Ent.User.Query().Where(user.IDIn(ids...)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the users of %d groups: %w", len(groups), err)
	}
	for _, u := range found {
		users[u.ID] = u
	}
	return users, nil
}
