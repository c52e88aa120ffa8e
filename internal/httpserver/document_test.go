package httpserver_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/httpserver"
	"samjournal/internal/httpserver/internal/testschema"
)

func TestTooMuchIsToldInFull(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.Document.MaxDepth, c.Document.MaxCost = 2, 3 })

	depth := s.ask(t, "{ nested { nested { hello } } }")
	require.Equal(t, http.StatusOK, depth.status)
	require.Equal(t, "the document's selections nest 3 levels deep; the limit is 2 (SAMJOURNAL_MAX_QUERY_DEPTH)",
		depth.Errors[0].Message)
	require.Equal(t, map[string]any{
		"code": "QUERY_TOO_COMPLEX", "limit": "depth", "value": 3., "max": 2., "setting": "SAMJOURNAL_MAX_QUERY_DEPTH",
	}, depth.Errors[0].Extensions)

	for range 2 { // also when the document is known
		cost := s.ask(t, "{ hello requestID viewer __typename }")
		require.Equal(t, map[string]any{
			"code": "QUERY_TOO_COMPLEX", "limit": "cost", "value": 4., "max": 3., "setting": "SAMJOURNAL_MAX_QUERY_COST",
		}, cost.Errors[0].Extensions)
	}

	w := s.connect(t)
	w.subscribe("1", "{ nested { nested { hello } } }")
	require.Equal(t, "QUERY_TOO_COMPLEX", w.expectError("1"))
}

func TestIntrospectionCanBeOff(t *testing.T) {
	t.Parallel()

	const hidden = "{ ...q } fragment q on Query { nested { t: __type(name: \"Query\") { name } } }"

	queries := []string{"{ __schema { types { name } } }", "{ __type(name: \"Query\") { name } }", hidden}

	on := start(t, nil)
	off := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.Document.Introspection = false })

	for _, query := range queries {
		require.Empty(t, on.ask(t, query).Errors, query)

		for range 2 { // also when the document is known
			a := off.ask(t, query)
			require.Equal(t, "FORBIDDEN", a.code(t), query)
			require.Contains(t, a.Errors[0].Message, "SAMJOURNAL_INTROSPECTION")
		}
	}

	require.Equal(t, "Query", off.ask(t, "{ __typename }").Data["__typename"])
}

func TestSuggestionsCanBeOff(t *testing.T) {
	t.Parallel()

	off := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.Document.Suggestions = false })

	require.Contains(t, start(t, nil).ask(t, "{ helo }").text, "Did you mean")

	for _, query := range []string{"{ helo }", "{ hello(nam: 1) }", "{ nested }", "{ ...q } fragment q on Quer { hello }"} {
		a := off.ask(t, query)
		require.NotEmpty(t, a.Errors)
		require.NotContains(t, a.text, "Did you mean", query)
	}
}

func TestLimitsOfDocumentsAreChecked(t *testing.T) {
	t.Parallel()

	for name, change := range map[string]func(*httpserver.DocumentLimits){
		"MaxLength":      func(l *httpserver.DocumentLimits) { l.MaxLength = 0 },
		"MaxNesting":     func(l *httpserver.DocumentLimits) { l.MaxNesting = 0 },
		"MaxNested":      func(l *httpserver.DocumentLimits) { l.MaxNested = 0 },
		"MaxVariables":   func(l *httpserver.DocumentLimits) { l.MaxVariables = 0 },
		"MaxTokens":      func(l *httpserver.DocumentLimits) { l.MaxTokens = 0 },
		"MaxCost":        func(l *httpserver.DocumentLimits) { l.MaxCost = -1 },
		"MaxAliases":     func(l *httpserver.DocumentLimits) { l.MaxAliases = -1 },
		"CacheBytes":     func(l *httpserver.DocumentLimits) { l.CacheBytes = -1 },
		"PersistedBytes": func(l *httpserver.DocumentLimits) { l.PersistedBytes = -1 },
	} {
		cfg := httpserver.DefaultConfig()
		change(&cfg.Document)

		_, err := httpserver.New(cfg, testschema.NewExecutableSchema(testschema.Config{}), httpserver.Deps{})
		require.ErrorContains(t, err, "Config.Document."+name+" must be at least")
	}
}

// Without a cache every document is read anew, and answered all the same.
func TestTheCacheOfDocumentsCanBeOff(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.Document.CacheBytes = 0 })
	for range 2 {
		require.Equal(t, "hello Ada", s.ask(t, greeting).Data["hello"])
	}
}
