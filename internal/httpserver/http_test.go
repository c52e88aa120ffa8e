package httpserver_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"

	"samjournal/internal/httpserver"
)

const responseJSON = "application/graphql-response+json"

func TestPostAnswersAQuery(t *testing.T) {
	t.Parallel()

	a := start(t, nil).ask(t, `{ hello }`)
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	require.JSONEq(t, `{"data":{"hello":"hello world"}}`, a.text)
}

func TestGetAnswersAQueryWithVariables(t *testing.T) {
	t.Parallel()

	q := url.Values{
		"query":     {`query Greet($n: String) { hello(name: $n) }`},
		"variables": {`{"n":"you"}`}, "operationName": {"Greet"}, "extensions": {`{"a":1}`},
	}
	a := start(t, nil).do(t, http.MethodGet, "/graphql?"+q.Encode(), "")
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, "hello you", a.Data["hello"])
}

func TestMutationsNeedPost(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	a := s.do(t, http.MethodGet, "/graphql?query="+url.QueryEscape(`mutation { bump }`), "")
	require.Equal(t, http.StatusMethodNotAllowed, a.status)
	require.Equal(t, "POST", a.header.Get("Allow"))
	require.Equal(t, "BAD_USER_INPUT", a.code(t))
	require.Zero(t, s.resolver.Bumped.Load(), "a refused mutation must not run")

	a = s.do(t, http.MethodGet, "/graphql?query="+url.QueryEscape(`mutation { bump }`), "", "Accept", "text/event-stream")
	require.Equal(t, http.StatusMethodNotAllowed, a.status)
	require.Zero(t, s.resolver.Bumped.Load())

	require.EqualValues(t, 1, s.ask(t, `mutation { bump }`).Data["bump"])
}

func TestOtherMethodsAre405(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodHead, http.MethodOptions, http.MethodPatch} {
		a := s.do(t, method, "/graphql", "")
		require.Equal(t, http.StatusMethodNotAllowed, a.status, method)
		require.Equal(t, "GET, POST", a.header.Get("Allow"))
	}
}

func TestAcceptDecidesTheContentType(t *testing.T) {
	t.Parallel()

	s := start(t, nil)

	for accept, want := range map[string]string{
		"*/*":                                                  "application/json",
		"application/*":                                        "application/json",
		"application/json":                                     "application/json",
		"application/json; charset=utf-8":                      "application/json",
		responseJSON:                                           responseJSON,
		responseJSON + ", application/json":                    responseJSON,
		"application/json, " + responseJSON:                    "application/json",
		"application/json;q=0.5, " + responseJSON:              responseJSON,
		responseJSON + ";q=0, application/json;q=0.1":          "application/json",
		"text/html,application/xhtml+xml,*/*;q=0.8":            "application/json",
		responseJSON + ", application/json, text/event-stream": responseJSON,
	} {
		a := s.ask(t, `{ hello }`, "Accept", accept)
		require.Equal(t, http.StatusOK, a.status, accept)
		require.Equal(t, want+"; charset=utf-8", a.header.Get("Content-Type"), accept)
	}

	for _, accept := range []string{"text/html", "application/json;q=0", "image/png, text/plain"} {
		a := s.ask(t, `{ hello }`, "Accept", accept)
		require.Equal(t, http.StatusNotAcceptable, a.status, accept)
		require.Equal(t, "BAD_USER_INPUT", a.code(t))
	}
}

func TestInvalidDocumentsAreRequestErrorsWithoutData(t *testing.T) {
	t.Parallel()

	s := start(t, nil)

	for _, body := range []string{
		`{"query":"{"}`,
		`{"query":"{ nope }"}`,
		`{"query":"query($i: ID!) { id(id: $i) }","variables":{"i":null}}`,
		`{"query":"query A { hello } query B { hello }","operationName":"C"}`,
		`{"query":"query A { hello } query B { hello }"}`,
		`{"query":"subscription { forever }"}`,
	} {
		a := s.post(t, body, "Accept", responseJSON)
		require.Equal(t, http.StatusBadRequest, a.status, body)
		require.Equal(t, "BAD_USER_INPUT", a.code(t))
		require.NotContains(t, a.text, `"data"`)

		a = s.post(t, body, "Accept", "application/json")
		require.Equal(t, http.StatusOK, a.status, body)
		require.Equal(t, "BAD_USER_INPUT", a.code(t))
		require.NotContains(t, a.text, `"data"`)
	}
}

func TestErrorsOfExecutionStandBesideData(t *testing.T) {
	t.Parallel()

	a := start(t, nil).ask(t, `{ fail(code: "NOT_FOUND") }`, "Accept", responseJSON)
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, "NOT_FOUND", a.code(t))
	require.Contains(t, a.text, `"data":null`)
}

func TestUnsuitableBodiesAreRefused(t *testing.T) {
	t.Parallel()

	s := start(t, nil)

	for _, c := range []struct {
		body, pointer string
	}{
		{``, ""},
		{`{"query":`, "/query"},
		{`"text"`, ""},
		{`{}`, "/query"},
		{`{"query":""}`, "/query"},
		{`{"query":1}`, "/query"},
		{`{"query":"{hello}","operationName":1}`, "/operationName"},
		{`{"query":"{hello}","variables":[]}`, "/variables"},
		{`{"query":"{hello}","extensions":"x"}`, "/extensions"},
		{`{"query":"{hello}"} {}`, ""},
		{`{"query":"{hello}","query":"{hello}"}`, "/query"},
		{`{"query":"{hello}","variables":{"v":{"a":[1,{"b":1,"b":2}]}}}`, "/variables/v/a/1/b"},
		{`{"query":"{hello}","variables":{"v":["\ud800"]}}`, "/variables/v/0"},
		{"{\"query\":\"{hello}\",\"variables\":{\"v\":\"\xff\"}}", "/variables/v"},
	} {
		a := s.post(t, c.body)
		require.Equal(t, http.StatusBadRequest, a.status, c.body)
		require.Equal(t, "BAD_USER_INPUT", a.code(t))

		pointer, _ := a.Errors[0].Extensions["pointer"].(string)
		require.Equal(t, c.pointer, pointer, "%s: %s", c.body, a.text)
	}

	a := s.post(t, `[{"query":"{hello}"}]`)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.Errors[0].Message, "batches are not supported")
}

func TestUnsuitableQueryStringsAreRefused(t *testing.T) {
	t.Parallel()

	s := start(t, nil)

	for _, query := range []string{
		"",
		"query=",
		"query=%7Bhello%7D&query=%7Bhello%7D",
		"query=%7Bhello%7D&variables=%7B",
		"query=%7Bhello%7D&variables=%5B%5D",
		"query=%7Bhello%7D&variables=%7B%22a%22:1,%22a%22:2%7D",
		"query=%ff",
		"query=%zz",
	} {
		a := s.do(t, http.MethodGet, "/graphql?"+query, "")
		require.Equal(t, http.StatusBadRequest, a.status, query)
		require.Equal(t, "BAD_USER_INPUT", a.code(t))
	}
}

func TestOtherContentTypesAre415(t *testing.T) {
	t.Parallel()

	s := start(t, nil)

	for _, contentType := range []string{
		"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/graphql",
		"application/json; charset=iso-8859-1",
	} {
		a := s.do(t, http.MethodPost, "/graphql", `{"query":"{hello}"}`, "Content-Type", contentType)
		require.Equal(t, http.StatusUnsupportedMediaType, a.status, contentType)
		require.Equal(t, "BAD_USER_INPUT", a.code(t))
	}

	a := s.post(t, `{"query":"{hello}"}`, "Content-Encoding", "gzip")
	require.Equal(t, http.StatusUnsupportedMediaType, a.status)

	require.Equal(t, http.StatusOK, s.do(t, http.MethodPost, "/graphql", `{"query":"{hello}"}`,
		"Content-Type", "application/json; charset=UTF-8").status)
}

func TestLargeBodiesAre413(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.MaxBodyBytes = 1000 })
	body := `{"query":"{hello}","extensions":{"pad":"` + strings.Repeat("x", 1000) + `"}}`

	a := s.post(t, body)
	require.Equal(t, http.StatusRequestEntityTooLarge, a.status)
	require.Equal(t, "PAYLOAD_TOO_LARGE", a.code(t))
	require.NotContains(t, a.text, "xxx")
}

func TestLargeHeadersAre431(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.MaxHeaderBytes = 1000 })
	a := s.do(t, http.MethodGet, "/graphql?query=%7Bhello%7D&pad="+strings.Repeat("x", 6000), "")
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, a.status)
}

func TestCostlyDocumentsAreRefusedBeforeValidation(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) {
		c.Document.MaxTokens, c.Document.MaxDepth, c.Document.MaxFields = 2000, 10, 500
	})

	var doubling strings.Builder

	doubling.WriteString(`{ ...f0 } fragment f80 on Query { hello }`)

	for i := range 80 { // 2 to the 80th fields, which no integer holds
		fmt.Fprintf(&doubling, ` fragment f%d on Query { ...f%d ...f%d }`, i, i+1, i+1)
	}

	for name, doc := range map[string]string{
		"tokens":    `{` + strings.Repeat(" hello", 2001) + `}`,
		"fields":    `{` + strings.Repeat(" hello", 501) + `}`,
		"depth":     strings.Repeat(`{ nested `, 10) + `{ hello }` + strings.Repeat(`}`, 10),
		"fragments": doubling.String(),
		"unused":    `{ hello } fragment f on Query {` + strings.Repeat(" hello", 501) + `}`,
	} {
		a := s.ask(t, doc)
		require.Equal(t, "QUERY_TOO_COMPLEX", a.code(t), "%s: %s", name, a.text)
	}

	require.Equal(t, "BAD_USER_INPUT", s.ask(t, `{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }`).code(t))
	require.Contains(t, s.ask(t, `{ ... @defer { hello } }`).text, "@defer is not supported")
}

func TestStringsOfTheDocumentComeBackEqualOrAreRefused(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	require.Equal(t, "😀", s.ask(t, `{ id(id: "\uD83D\uDE00") }`).Data["id"])
	require.Equal(t, `\ud800`, s.ask(t, `{ id(id: "\\ud800") }`).Data["id"])
	require.Equal(t, `\ud800`, s.ask(t, `{ id(id: """\ud800""") } # "\ud800`).Data["id"])

	for _, text := range []string{`\ud800`, `a\uDE00b`, `\ud83d\ud83d\ude00`, `\ud83dx`} {
		doc := `{ id(id: "` + text + `") }`
		require.Contains(t, s.ask(t, doc).text, "lone surrogate", doc)
	}
}

func TestVariablesAndDataKeepTheirText(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	a := s.post(t, `{"query":"query($v: JSON) { echo(value: $v) }","variables":{"v":[1.10,12345678901234567890,1e400,"\u0000"]}}`)
	require.Contains(t, a.text, `[1.10,12345678901234567890,1e400,"\u0000"]`)

	require.Contains(t, s.ask(t, `{ hello(name: "<b>&") }`).text, `"hello <b>&"`)
	require.Contains(t, s.ask(t, `{ id(id: "<") nope }`).text, `"message"`)
	require.NotContains(t, s.ask(t, `{ fail(code: "<&>") }`).text, `\u003c`)
}

func TestPanicsAndUnknownErrorsShowNothing(t *testing.T) {
	t.Parallel()

	s := start(t, nil)

	for query, cause := range map[string]string{`{ leak }`: "hunter2", `{ boom }`: "panic: boom"} {
		a := s.ask(t, query, "X-Request-Id", "trace-7")
		require.Equal(t, "INTERNAL", a.code(t))
		require.Equal(t, "trace-7", a.Errors[0].Extensions["requestId"])
		require.Equal(t, "internal server error", a.Errors[0].Message)
		require.NotContains(t, a.text, "hunter2")
		require.Contains(t, s.log.String(), cause)
	}

	require.Len(t, s.log.lines(t, "internal error"), 2, "each cause is logged once")
}

// panicking is an extension that a refused document meets.
type panicking struct{}

func (panicking) ExtensionName() string                   { return "panicking" }
func (panicking) Validate(graphql.ExecutableSchema) error { return nil }
func (panicking) InterceptResponse(context.Context, graphql.ResponseHandler) *graphql.Response {
	panic("before there is an operation")
}

func TestAPanicBeforeThereIsAnOperationIsAnAnswer(t *testing.T) {
	t.Parallel()

	s := start(t, func(_ *httpserver.Config, d *httpserver.Deps) { d.Extensions = append(d.Extensions, panicking{}) })
	require.Equal(t, "INTERNAL", s.ask(t, `{ nothing }`).code(t))
	require.Len(t, s.log.lines(t, "internal error"), 1)
}

func TestTheRequestIDIsTakenAndReturned(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	a := s.ask(t, `{ requestID }`, "X-Request-Id", "trace-7")
	require.Equal(t, "trace-7", a.header.Get("X-Request-ID"))
	require.Equal(t, "trace-7", a.Data["requestID"])

	for _, bad := range []string{"", strings.Repeat("x", 129), "ümlaut"} {
		a = s.ask(t, `{ requestID }`, "X-Request-Id", bad)
		require.NotEqual(t, bad, a.header.Get("X-Request-ID"))
		require.NotEmpty(t, a.header.Get("X-Request-ID"))
		require.Equal(t, a.header.Get("X-Request-ID"), a.Data["requestID"])
	}
}

func TestOneLogLineAnOperation(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	s.post(t, `{"query":"query Greet($n: String) { hello(name: $n) }","variables":{"n":"s3cret"}}`, "X-Request-Id", "r1")
	s.ask(t, `query Bad { nope }`)
	s.ask(t, `query Failing { fail(code: "NOT_FOUND") }`)
	s.post(t, `{`)

	eventually(t, func() bool { return len(s.log.lines(t, "operation")) == 4 }, "four lines")

	lines := s.log.lines(t, "operation")
	require.Equal(t, "Greet", lines[0]["name"])
	require.Equal(t, "query", lines[0]["type"])
	require.Equal(t, "OK", lines[0]["code"])
	require.Equal(t, "r1", lines[0]["requestId"])
	require.Equal(t, "http", lines[0]["transport"])
	require.IsType(t, float64(0), lines[0]["ms"])
	require.Equal(t, "BAD_USER_INPUT", lines[1]["code"])
	require.Equal(t, "NOT_FOUND", lines[2]["code"])
	require.Equal(t, "BAD_USER_INPUT", lines[3]["code"])
	require.NotContains(t, s.log.String(), "s3cret")
}

func TestAClientThatDoesNotTakeItsAnswerIsReleased(t *testing.T) {
	t.Parallel()

	s := start(t, func(c *httpserver.Config, _ *httpserver.Deps) { c.WriteTimeout = time.Millisecond })
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.address)
	require.NoError(t, err)

	defer conn.Close()

	var query strings.Builder

	for i := range 30 {
		fmt.Fprintf(&query, ` a%d: echo(value: $v)`, i)
	}

	body := `{"query":"query($v: JSON) {` + query.String() + `}","variables":{"v":"` + strings.Repeat("x", 2<<20) + `"}}`
	_, err = fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\n\r\n%s", len(body), body)
	require.NoError(t, err)

	// 60 MB are more than the sockets' buffers hold, and nobody reads.
	eventually(t, func() bool { return len(s.log.lines(t, "operation")) == 1 }, "the operation to end")
}

func TestAnAnswerTellsTheFirstFaultsOfADocument(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	a := s.ask(t, "{ hello"+strings.Repeat(" @a", 100)+" }")
	require.Len(t, a.Errors, 11, a.text)
	require.Contains(t, a.Errors[0].Message, "Unknown directive")
	require.Equal(t, "and more errors of this kind", a.Errors[10].Message)

	a = s.ask(t, "{ "+strings.Repeat("a", 10_000)+" }")
	require.Equal(t, "BAD_USER_INPUT", a.code(t))
	require.Less(t, len(a.text), 1000)
}

func TestWhatIsNestedTooDeepNamesItsMember(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	deep := strings.Repeat("[", 600) + strings.Repeat("]", 600)

	for member, body := range map[string]string{
		"variables":  `{"query":"{hello}","variables":{"v":` + deep + `}}`,
		"extensions": `{"query":"{hello}","extensions":{"v":` + deep + `}}`,
	} {
		want := `"` + member + `" is nested deeper than the 512 levels that are allowed`
		require.Contains(t, s.post(t, body).Errors[0].Message, want)

		w := s.connect(t)
		w.send(`{"type":"subscribe","id":"1","payload":` + body + `}`)
		w.expectClose(4400, "Invalid message received: "+want)
	}

	a := s.do(t, http.MethodGet, "/graphql?query=%7Bhello%7D&variables="+url.QueryEscape(`{"v":`+deep+`}`), "")
	require.Contains(t, a.Errors[0].Message, `"variables" is nested deeper than the 512 levels that are allowed`)
}
