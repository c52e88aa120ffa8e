package store_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"samjournal/internal/store"
	"samjournal/internal/testpostgres"
)

// A plan that is made while the journal is empty stays for as long as the connection does, and has to be good for a journal
// of any size.
func TestKeysAreFoundByThePrimaryKeyWhateverWasKnownOfTheJournal(t *testing.T) {
	t.Parallel()
	var (
		mu         sync.Mutex
		statements []string
	)
	address := testpostgres.New(t)
	migrated(t, address)
	s := open(t, address, store.Options{SQLLog: func(query string, _ []any) {
		mu.Lock()
		defer mu.Unlock()
		statements = append(statements, query)
	}})
	appendOne(t, s, 'a')
	one := func(part string) string {
		mu.Lock()
		defer mu.Unlock()
		for _, statement := range statements {
			if strings.Contains(statement, part) {
				return statement
			}
		}
		require.Fail(t, "no such statement", part)
		return ""
	}

	ctx := t.Context()
	conn, err := pgx.Connect(ctx, address)
	require.NoError(t, err)
	defer conn.Close(ctx)
	for _, statement := range []string{
		one("begin isolation level"), "SET LOCAL plan_cache_mode = force_generic_plan",
		"PREPARE find (bigint, text[]) AS " + one("FROM unnest($2::text[])"),
	} {
		_, err := conn.Exec(ctx, statement)
		require.NoError(t, err, statement)
	}
	rows, err := conn.Query(ctx, "EXPLAIN EXECUTE find (1, '{a,b}')", pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	plan := fmt.Sprint(lines)
	require.Contains(t, plan, "Index Scan using entries_pkey on entries")
	require.Contains(t, plan, "(account_id = $1) AND ((key)::text >= k.key)")
}
