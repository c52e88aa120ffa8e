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
