package model_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
)

func TestADurationLeadsFromATimeByTheCalendar(t *testing.T) {
	t.Parallel()
	from := time.Date(2027, 11, 30, 23, 30, 0, 123456789, time.FixedZone("east", 3600))
	for text, want := range map[string]string{
		"P90D":          "2028-02-28T22:30:00.123456Z",
		"P1Y":           "2028-11-30T22:30:00.123456Z",
		"P1M":           "2027-12-30T22:30:00.123456Z",
		"P2W":           "2027-12-14T22:30:00.123456Z",
		"PT12H":         "2027-12-01T10:30:00.123456Z",
		"P1DT1H30M5S":   "2027-12-02T00:00:05.123456Z",
		"PT0S":          "2027-11-30T22:30:00.123456Z",
		"PT1000000S":    "2027-12-12T12:16:40.123456Z",
		"P0Y0M0DT0H01M": "2027-11-30T22:31:00.123456Z",
	} {
		got, err := model.AddDuration(from, text)
		require.NoError(t, err, text)
		require.Equal(t, want, got.Format(model.TimeLayout), text)
	}
}

func TestWhatIsNoWholeDurationIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "P", "90d", "P1.5D", "-P1D", "P-1D", "PT1,5H", "P1000001D", "P9999Y", "PT9999999999H", "P1D ", "1D", "P1X", "PT",
		"P1DP30D", "P1DT1H2H", "PT1H1H", "P1D1Y", "PT5M1H", "P1DT", "p1d", "P+1D", "PT1HP1D",
	} {
		_, err := model.AddDuration(time.Unix(0, 0), text)
		var input *model.InputError
		require.ErrorAs(t, err, &input, text)
	}
}
