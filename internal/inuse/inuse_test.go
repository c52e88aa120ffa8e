package inuse_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/inuse"
)

func TestANameHasOneValueWhileItIsUsed(t *testing.T) {
	t.Parallel()

	made := 0
	table := inuse.NewTable(func() *int {
		made++

		return new(made)
	})

	first, leaveFirst := table.Enter("alice")
	second, leaveSecond := table.Enter("alice")
	other, leaveOther := table.Enter("bob")

	require.Same(t, first, second)
	require.NotSame(t, first, other)
	require.Equal(t, 2, table.Len())

	leaveFirst()

	third, leaveThird := table.Enter("alice")
	require.Same(t, first, third, "it is still in use")

	leaveSecond()
	leaveThird()
	leaveOther()
	require.Zero(t, table.Len())

	fresh, leave := table.Enter("alice")
	defer leave()

	require.NotSame(t, first, fresh)
}
