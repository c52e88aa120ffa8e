package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStatsRebuildCorrectsCountersOfOneAccountOrOfAll(t *testing.T) {
	t.Parallel()
	for dialect, fresh := range databases() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			must(t, db.where, "account", "create", "acme")
			must(t, db.where, "seed", "--entries=1000")
			must(t, db.where, "seed", "--entries=500", "--account=acme")
			require.Regexp(t, `^account acme: 500 entries, [0-9,]+ counters, none of them wrong
account default: 1,000 entries, [0-9,]+ counters, none of them wrong\n$`, must(t, db.where, "stats", "rebuild").stdout)

			db.exec(t, "UPDATE entry_counts SET n = n + 1")

			require.Regexp(t, `^account acme: 500 entries, [0-9,]+ counters, [0-9,]+ wrong ones corrected\n$`,
				must(t, db.where, "stats", "rebuild", "--account=acme").stdout)
			require.Contains(t, must(t, db.where, "stats", "rebuild", "--account=acme").stdout, "none of them wrong")
			require.Contains(t, must(t, db.where, "stats", "rebuild").stdout, "wrong ones corrected", "the other's")
			unknown := run(t, db.where, "stats", "rebuild", "--account=nobody")
			require.Equal(t, 1, unknown.code)
			require.Contains(t, unknown.stderr, "samjournal account list")
		})
	}
}
