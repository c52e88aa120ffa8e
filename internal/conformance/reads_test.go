package conformance_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/journal"
)

// The journal keeps for ever what it is told of a read, and whoever may read chooses a part of that.
func TestWhoeverReadsPutsLittleOfItsOwnIntoTheJournal(t *testing.T) {
	t.Parallel()
	n := start(t, newSQLite(t), settings{})
	ctx := n.as(t, "default")
	short := journal.Read{Operation: strings.Repeat("é", 200), Where: map[string]any{"username": "alice"}}
	recorded := n.recorded(ctx, t, short)
	require.Equal(t, short.Operation, recorded.Operation)
	require.Equal(t, short.Where, recorded.Where)

	names := make([]string, 500)
	for i := range names {
		names[i] = strings.Repeat("u", 100)
	}
	recorded = n.recorded(ctx, t, journal.Read{Operation: short.Operation + "é", Where: map[string]any{"usernameIn": names}})
	require.Equal(t, short.Operation+"…", recorded.Operation)
	require.Equal(t, true, recorded.Where["truncated"])
	require.EqualValues(t, len(`{"usernameIn":[]}`)+500*len(`"",`)-1+500*100, recorded.Where["bytes"])
	require.Len(t, recorded.Where["sha256"], 64)
}

// recorded journals a read and returns what the journal has of it.
func (n *node) recorded(ctx context.Context, t *testing.T, read journal.Read) journal.Read {
	t.Helper()
	require.NoError(t, n.journal.RecordRead(ctx, read))
	var got struct {
		Entries struct {
			Edges []struct {
				Node struct {
					Request struct{ Read journal.Read }
				}
			}
		}
	}
	n.ask(ctx, t, &got, `{ entries(first: 1) { edges { node { request } } } }`, nil)
	require.Len(t, got.Entries.Edges, 1)
	return got.Entries.Edges[0].Node.Request.Read
}
