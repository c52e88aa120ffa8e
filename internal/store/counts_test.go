package store_test

import (
	"testing"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
	"samjournal/internal/store"
)

// allOf is the scope of whoever reads a whole account.
func allOf(accountID int64) model.Scope { return model.Scope{AccountID: accountID, Entries: true} }

func everyDimension() []store.Dimension {
	return []store.Dimension{store.ByThing, store.ByCommand, store.ByStatusCode, store.ByUser}
}

func TestHeadAndCountsAreOfOneStatementThatCarriesTheAccount(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s, collected := logged(t, databaseURL)
			from := time.Date(2020, 1, 2, 3, 4, 5, 6, time.UTC)
			head, counts, err := s.HeadAndCounts(t.Context(), allOf(1), store.CountQuery{
				From: &from, By: everyDimension(), Grain: time.Hour, Limit: 10,
				Match: func(s *entsql.Selector) { s.Where(entsql.GTE(s.C("status_code"), 0)) },
			})
			require.NoError(t, err)
			require.EqualValues(t, 2, head.Size)
			require.Equal(t, keyB, head.LastKey)
			var n int64
			for _, c := range counts {
				n += c.N
				require.Equal(t, c.Start.Truncate(time.Hour), c.Start)
				require.True(t, c.Thing != "" && c.Command != "" && c.UserID != nil)
			}
			require.EqualValues(t, 2, n)
			run := collected.take()
			require.Len(t, run, 1)
			require.Empty(t, unscoped(run[0]), run[0])
		})
	}
}

func TestNothingIsCountedWithoutTheRightToReadEntries(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s, _ := logged(t, databaseURL)
			head, counts, err := s.HeadAndCounts(t.Context(), model.Scope{AccountID: 1}, store.CountQuery{By: everyDimension()})
			require.NoError(t, err)
			require.EqualValues(t, 2, head.Size)
			require.Empty(t, counts)
			_, _, err = s.HeadAndCounts(t.Context(), allOf(99), store.CountQuery{})
			require.ErrorIs(t, err, store.ErrNoAccount)
		})
	}
}
