package model_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
)

func TestEveryStatusIsInOneClass(t *testing.T) {
	t.Parallel()
	for code := range model.MaxStatusCode + 1 {
		var classes []model.StatusClass
		for _, class := range model.StatusClasses() {
			for _, r := range class.Ranges() {
				if code >= r.First && code <= r.Last {
					classes = append(classes, class)
				}
			}
		}
		require.Equal(t, []model.StatusClass{model.StatusClassOf(code)}, classes, code)
	}
}

func TestStatusClassesAsHTTPHasThem(t *testing.T) {
	t.Parallel()
	for code, class := range map[int]model.StatusClass{
		0: "OTHER", 99: "OTHER", 100: "INFORMATIONAL", 199: "INFORMATIONAL", 200: "SUCCESS", 304: "REDIRECTION",
		404: "CLIENT_ERROR", 499: "CLIENT_ERROR", 500: "SERVER_ERROR", 599: "SERVER_ERROR", 600: "OTHER", 32767: "OTHER",
	} {
		require.Equal(t, class, model.StatusClassOf(code), code)
	}
}

func TestWhatIsNoStatusClassIsRefused(t *testing.T) {
	t.Parallel()
	var c model.StatusClass
	require.NoError(t, c.UnmarshalGQL("CLIENT_ERROR"))
	require.Equal(t, model.StatusClientError, c)
	require.ErrorContains(t, c.UnmarshalGQL("4xx"), `"4xx" is not a StatusClass; allowed: INFORMATIONAL, SUCCESS, `)
	require.ErrorContains(t, c.UnmarshalGQL(4), "must be one of INFORMATIONAL")
}
