package e2e

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheSameSeedGivesTheSameEntries(t *testing.T) {
	t.Parallel()
	const fields = `key position createdAt origin thing command statusCode summary request response redactedPaths user { username }`
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			var journals [3][]map[string]any
			for i, seed := range []string{"7", "7", "8"} {
				db := fresh(t)
				r := must(t, db.where, "seed", "--entries=300", "--seed="+seed, "--end=2026-06-01T00:00:00Z")
				require.Contains(t, r.stdout, "300")
				journals[i] = serve(t, db.where).all(t, fields)
				require.Len(t, journals[i], 300)
			}
			require.Equal(t, journals[0], journals[1])
			require.NotEqual(t, journals[0], journals[2])
			for _, e := range journals[0] {
				require.Equal(t, "SEED", e["origin"])
				created, err := time.Parse(time.RFC3339Nano, e["createdAt"].(string))
				require.NoError(t, err)
				require.False(t, created.After(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)))
			}
		})
	}
}

func TestSeedAddsToAJournalOnlyWhenTold(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			must(t, db.where, "seed", "--entries=20")
			r := run(t, db.where, "seed", "--entries=20")
			require.Equal(t, 1, r.code)
			require.Contains(t, r.stderr, "has 20 entries already")
			require.Contains(t, r.stderr, "--append")
			must(t, db.where, "seed", "--entries=20", "--append")
			require.Equal(t, "40", serve(t, db.where).size(t), "appended entries are others than those there")
			r = run(t, db.where, "seed", "--account=nobody")
			require.Equal(t, 1, r.code)
			require.Contains(t, r.stderr, "nobody")
		})
	}
}

func TestWithoutANumberTenThousandEntriesAreSeeded(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			must(t, db.where, "seed")
			s := serve(t, db.where)
			require.Equal(t, strconv.Itoa(10_000), s.size(t))
		})
	}
}
