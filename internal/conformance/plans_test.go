package conformance_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"samjournal/internal/conformance/oracle"
	"samjournal/internal/journal"
	"samjournal/internal/model"
	"samjournal/internal/progress"
	"samjournal/internal/seed"
)

// planNode is what a test needs of EXPLAIN (FORMAT JSON), whose names are PostgreSQL's own.
type planNode struct {
	Type     string     `json:"Node Type"`     //nolint:tagliatelle // see above
	Relation string     `json:"Relation Name"` //nolint:tagliatelle // see above
	Index    string     `json:"Index Name"`    //nolint:tagliatelle // see above
	Cond     string     `json:"Index Cond"`    //nolint:tagliatelle // see above
	Rows     float64    `json:"Plan Rows"`     //nolint:tagliatelle // see above
	Plans    []planNode `json:"Plans"`         //nolint:tagliatelle // see above
}

func (p planNode) walk(visit func(planNode)) {
	visit(p)
	for _, child := range p.Plans {
		child.walk(visit)
	}
}

// scanned names the index of each scan of entries, or the kind of the scan where there is none.
func (p planNode) scanned() (by []string) {
	p.walk(func(n planNode) {
		switch {
		case n.Relation != "entries":
		case n.Index != "":
			by = append(by, n.Index)
		default:
			by = append(by, n.Type)
		}
	})
	return by
}

// has tells that the plan has a step of this kind.
func (p planNode) has(kind string) (found bool) {
	p.walk(func(n planNode) { found = found || strings.Contains(n.Type, kind) })
	return found
}

// sorts is the number of rows that the largest sort is thought to take.
func (p planNode) sorts() (rows float64) {
	p.walk(func(n planNode) {
		if strings.Contains(n.Type, "Sort") {
			for _, child := range n.Plans {
				rows = max(rows, child.Rows)
			}
		}
	})
	return rows
}

// begins tells that a scan of entries goes to where a column has its value, instead of reading on until it has it.
func (p planNode) begins(column string) (found bool) {
	p.walk(func(n planNode) { found = found || n.Relation == "entries" && strings.Contains(n.Cond, column) })
	return found
}

// String is the plan in one line.
func (p planNode) String() string {
	s := p.Type
	if p.Relation != "" {
		s += " " + p.Relation
	}
	if p.Index != "" {
		s += " by " + p.Index
	}
	var children []string
	for _, child := range p.Plans {
		children = append(children, child.String())
	}
	if len(children) > 0 {
		s += " (" + strings.Join(children, ", ") + ")"
	}
	return s
}

// The indexes of entries.
const (
	byKey       = "entries_pkey"
	byPosition  = "entry_account_id_position"
	byCreatedAt = "entry_account_id_created_at_position"
	byUser      = "entry_account_id_user_id_position"
	byThing     = "entry_account_id_thing_position"
	byCommand   = "entry_account_id_command_position"
	byStatus    = "entry_account_id_status_code_position"
)

// planned is a node over a journal that is large enough for the planner to take it seriously.
type planned struct {
	*node

	ctx     context.Context //nolint:containedctx // says on whose behalf everything is asked
	conn    *pgx.Conn
	entries []oracle.Entry // the last ones
}

// plannedEntries are enough for the planner to prefer an index where it has one.
func plannedEntries() int { return rounds(6_000, 50_000, 50_000) }

func newPlanned(t *testing.T) *planned {
	t.Helper()
	databaseURL := newPostgres(t)
	n := start(t, databaseURL, settings{})
	p := &planned{node: n, ctx: n.as(t, "default")}
	end := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	_, err := seed.Run(p.ctx, n.journal, seed.Options{Entries: plannedEntries(), Seed: 1, End: end}, progress.Silent())
	require.NoError(t, err)
	p.conn, err = pgx.Connect(t.Context(), databaseURL)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.conn.Close(context.Background())) })
	_, err = p.conn.Exec(t.Context(), "ANALYZE")
	require.NoError(t, err)
	p.entries, err = look(t, databaseURL).Entries(t.Context(), 1, int64(plannedEntries()-1100))
	require.NoError(t, err)
	return p
}

// filters has a value for every filter there is, and the index that serves it alone.
func (p *planned) filters() map[string]struct {
	value any
	index string
} {
	type filter = struct {
		value any
		index string
	}
	one, two := p.entries[0], p.entries[1]
	at := func(i int) string { return time.UnixMicro(p.entries[i].CreatedAt).UTC().Format(model.TimeLayout) }
	all := map[string]filter{
		"usernameIsNil":    {true, byUser},
		"since":            {"P100Y", byCreatedAt},
		"statusClass":      {[]string{"CLIENT_ERROR", "SERVER_ERROR"}, byStatus},
		"statusClassNotIn": {[]string{"SUCCESS"}, byStatus},
	}
	ops := func(name, index string, value, other any, names ...string) {
		for _, op := range names {
			v := value
			if op == "In" || op == "NotIn" {
				v = []any{value, other}
			}
			all[name+op] = filter{v, index}
		}
	}
	both := ordered()
	id := func(e oracle.Entry) string { return model.UserID(1, *e.UserID) }
	ops("key", byKey, one.Key, two.Key, equality()...)
	ops("position", byPosition, one.Position, two.Position, both...)
	ops("createdAt", byCreatedAt, at(0), at(1000), both...)
	ops("thing", byThing, "SECRET", "PROXY", equality()...)
	ops("command", byCommand, "WHOAMI", "VERSION", equality()...)
	ops("statusCode", byStatus, 500, 404, both...)
	ops("origin", byPosition, "SEED", "SEED", equality()...) // no index: every order walks its own
	ops("username", byUser, *one.Username, *two.Username, equality()...)
	ops("userID", byUser, id(one), id(two), equality()...)
	return all
}

func TestPlans(t *testing.T) { //nolint:tparallel // the subtests share a connection and the note of statements
	t.Parallel()
	p := newPlanned(t) // one for all, since it takes seconds
	t.Run("every filter and order", p.filtersAndOrders)
	t.Run("pages with cursors", p.pagesWithCursors)
	t.Run("counts", p.counts)
}

func (p *planned) filtersAndOrders(t *testing.T) {
	filters := p.filters()
	require.ElementsMatch(t, journal.EntryFilterNames(), slices.Concat(slices.Collect(maps.Keys(filters)), searchFilters()))
	for name, f := range filters {
		for _, order := range orderings() {
			own := byPosition
			if order.createdAt() {
				own = byCreatedAt
			}
			p.each(t, vars{"where": vars{name: f.value}, "orderBy": order}, func(plan planNode) error {
				switch scanned := plan.scanned(); {
				case name == "originNEQ" || name == "originNotIn":
					return nil // nothing of it is there, so the planner may read in any way: no index tells origins apart
				case len(scanned) != 1 || scanned[0] != own && scanned[0] != f.index:
					return fmt.Errorf("entries are read by %q", scanned)
				case plan.sorts() > float64(plannedEntries()/10):
					return errors.New("sorts a large part of the journal")
				case !strings.HasSuffix(name, "In") && slices.Contains(served(), name) && !order.createdAt() && scanned[0] != f.index:
					return fmt.Errorf("%s is not served by its index, but by %q", name, scanned)
				case slices.Contains(served(), name) && !order.createdAt() && name != "key" && plan.has("Sort"):
					return errors.New("sorts what its index has in order")
				}
				return nil
			})
		}
	}
}

// served are the filters that an index serves in order of position, whatever they are compared with.
func served() []string {
	return []string{"key", "position", "createdAt", "thing", "command", "statusCode", "username", "userID"}
}

func orderings() []ordering {
	return []ordering{{"POSITION", "DESC"}, {"POSITION", "ASC"}, {"CREATED_AT", "DESC"}, {"CREATED_AT", "ASC"}}
}

// A page is read by its order's index from its cursor on, in either direction, wherever it lies; with an indexed filter in
// order of position, by that filter's index.
func (p *planned) pagesWithCursors(t *testing.T) {
	for _, order := range orderings() {
		own := byPosition
		if order.createdAt() {
			own = byCreatedAt
		}
		var answer struct{ Page page }
		p.ask(p.ctx, t, &answer, entriesPage, vars{"orderBy": order, "where": vars{"position": plannedEntries() / 3}})
		cursor := answer.Page.Edges[0].Cursor
		for _, v := range []vars{
			{}, {"after": cursor}, {"before": cursor}, {"last": 50, "before": cursor}, {"last": 50, "after": cursor}, {"last": 50},
		} {
			v["orderBy"] = order
			p.each(t, v, func(plan planNode) error {
				switch {
				case !slices.Equal(plan.scanned(), []string{own}) || plan.has("Sort"):
					return errors.New("is not read by its order's index alone")
				case len(v) > 1 && (v["after"] != nil || v["before"] != nil) && !plan.begins("position"):
					return errors.New("does not begin at the cursor")
				}
				return nil
			})
		}
		if order.createdAt() {
			continue
		}
		p.each(t, vars{"after": cursor, "orderBy": order, "where": vars{"thing": "SECRET"}}, func(plan planNode) error {
			if !slices.Equal(plan.scanned(), []string{byThing}) || plan.has("Sort") || !plan.begins("position") {
				return errors.New("is not read by the index of things from the cursor on")
			}
			return nil
		})
	}
}

// each runs a page and holds PostgreSQL's plans of its statement to a rule, both that with the values known and that without.
func (p *planned) each(t *testing.T, v vars, rule func(planNode) error) {
	t.Helper()
	const document = `query(
			$after: Cursor, $first: Int, $before: Cursor, $last: Int, $orderBy: EntryOrder, $where: EntryWhereInput
		) {
		entries(after: $after, first: $first, before: $before, last: $last, orderBy: $orderBy, where: $where) {
			edges { cursor node { key thing } } pageInfo { endCursor } } }`
	calls := p.queries(p.ctx, t, document, v)
	require.Len(t, calls, 1)
	for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
		plan := explain(t, p.conn, mode, calls[0])
		require.NoError(t, rule(plan), "%s %v\n%s\n%s", mode, v, calls[0].query, plan)
	}
}

// explain returns the plan of a statement as PostgreSQL makes it for a prepared one: with its parameters, or without.
func explain(t *testing.T, conn *pgx.Conn, mode string, s statement) planNode {
	t.Helper()
	_, err := conn.Exec(t.Context(), "SET plan_cache_mode = "+mode)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "PREPARE explained AS "+s.query)
	require.NoError(t, err)
	var literals []string
	for _, arg := range s.args {
		switch v := arg.(type) {
		case pgx.QueryResultFormatsByOID: // an option of the driver
		case time.Time:
			literals = append(literals, "'"+v.Format(time.RFC3339Nano)+"'")
		default:
			literals = append(literals, "'"+strings.ReplaceAll(fmt.Sprint(v), "'", "''")+"'")
		}
	}
	var text string
	execute := "EXPLAIN (FORMAT JSON) EXECUTE explained"
	if len(literals) > 0 {
		execute += "(" + strings.Join(literals, ", ") + ")"
	}
	require.NoError(t, conn.QueryRow(t.Context(), execute, pgx.QueryExecModeSimpleProtocol).Scan(&text))
	_, err = conn.Exec(t.Context(), "DEALLOCATE explained")
	require.NoError(t, err)
	var plans []struct{ Plan planNode }
	require.NoError(t, json.Unmarshal([]byte(text), &plans))
	return plans[0].Plan
}
