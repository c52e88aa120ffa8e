package e2e

import (
	"database/sql"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// indexed is how many entries of the default account are in the index of searches.
func indexed(t testing.TB, db *sql.DB) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT COALESCE(MAX(size), 0) FROM entry_search_heads").Scan(&n))
	return n
}

// found is how many entries a search finds.
func (s *server) found(t testing.TB, where map[string]any) any {
	t.Helper()
	return value(t, s.query(t, `query($where: EntryWhereInput) { entries(where: $where) { totalCount } }`,
		map[string]any{"where": where}), "entries", "totalCount")
}

// Wherever a crash leaves the index, answers are complete, and the next server goes on.
func TestASearchIsCompleteAfterAServerIsKilledThatWasIndexing(t *testing.T) {
	t.Parallel()
	const entries = 6000
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			must(t, db.where, "seed", "--entries="+strconv.Itoa(entries))
			rows := db.open(t)
			words := map[string]any{"search": "delete secret"}
			looked := map[string]any{"createdAtGTE": "2000-01-01T00:00:00Z", "not": map[string]any{"not": words}}

			s := serve(t, db.where)
			eventually(t, "some entries are indexed", func() bool { return indexed(t, rows) > 0 })
			s.kill(t)
			require.Less(t, indexed(t, rows), entries, "it was killed while it was indexing")

			s = serve(t, db.where, "--no-search-index")
			want := s.found(t, looked)
			require.NotEqual(t, "0", want)
			require.Equal(t, want, s.found(t, words), "part of it is indexed")
			before := indexed(t, rows)
			s.stop(t)
			require.Equal(t, before, indexed(t, rows), "nobody has indexed meanwhile")

			s = serve(t, db.where)
			eventually(t, "all entries are indexed", func() bool { return indexed(t, rows) == entries })
			require.Equal(t, want, s.found(t, words))
			require.Equal(t, "6,000 entries indexed\n", must(t, db.where, "search", "rebuild").stdout, "while the server runs")
			require.Equal(t, want, s.found(t, words))
		})
	}
}

// What is found and what is not tells of payloads, even where none is shown.
func TestASearchIsJournaledWhereReadingIs(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			auditor := newToken(t, db.where, "--role=auditor", "--user=ines")
			local := serve(t, db.where)
			local.append(t, nil)
			s := serve(t, db.where, "--auth=required", "--journal-reads").as(auditor)
			s.query(t, `{ entries(where: {search: "gobstopper"}) { totalCount } }`, nil)
			s.query(t, `query counts { entryStats(where: {requestPath: {path: "$.a", eq: "b"}}) { totalCount } }`, nil)
			reads := local.reads(t)
			require.Len(t, reads, 2)
			require.Equal(t, map[string]any{"search": "gobstopper"}, value(t, reads[0], "node", "request", "read", "where"))
			require.Equal(t, "ines", value(t, reads[0], "node", "user", "username"))
			require.Equal(t, "counts", value(t, reads[1], "node", "request", "read", "operation"))
			require.Equal(t, "$.a", value(t, reads[1], "node", "request", "read", "where", "requestPath", "path"))
		})
	}
}
