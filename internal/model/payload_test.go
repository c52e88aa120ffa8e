package model_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"entgo.io/ent/schema/field"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver that the column test opens

	"samjournal/internal/model"
)

func TestPayloadKeepsWhatTheWriterWrote(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"white space goes":             {" { \"a\" : [ 1 , 2 ] }\r\n", `{"a":[1,2]}`},
		"member order stays":           {`{"b":1,"a":2}`, `{"b":1,"a":2}`},
		"trailing zeros stay":          {`1.10`, `1.10`},
		"numbers beyond float64 stay":  {`1e400`, `1e400`},
		"long integers stay":           {`123456789012345678901234567890`, `123456789012345678901234567890`},
		"minus zero and exponents":     {`[-0,-0.0,1E+2]`, `[-0,-0.0,1E+2]`},
		"escapes become the shortest":  {`"\u0061\/\u00e9\u000a"`, `"a/é\n"`},
		"NUL stays an escape":          {`"\u0000"`, `"\u0000"`},
		"surrogate pairs become runes": {`"\ud83d\ude80"`, `"🚀"`},
		"html is not escaped":          {`"<&>"`, `"<&>"`},
		"a string":                     {`"x"`, `"x"`},
		"null":                         {`null`, `null`},
		"an empty name":                {`{"":0}`, `{"":0}`},
		"the depth limit itself":       {nested(model.MaxPayloadDepth), nested(model.MaxPayloadDepth)},
		"brackets in strings":          {`"` + strings.Repeat("[", 300) + `"`, `"` + strings.Repeat("[", 300) + `"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := model.ParsePayload([]byte(c.in))
			require.NoError(t, err)
			require.Equal(t, c.want, string(p))
		})
	}
}

func TestRefusedTextNamesTheSpot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   string
		path []any
	}{
		"empty":                         {``, nil},
		"white space only":              {"  ", nil},
		"two values":                    {`1 2`, nil},
		"text after the value":          {`{"a":1}}`, nil},
		"ends early":                    {`{"a":[1,`, []any{"a"}},
		"trailing comma":                {`{"a":[1,]}`, []any{"a"}},
		"single quotes":                 {`{'a':1}`, nil},
		"leading zero":                  {`[{"a":01}]`, []any{0}},
		"byte order mark":               {"\ufeff1", nil},
		"duplicate name":                {`{"x":[0,{"a":1,"b":2,"a":3}]}`, []any{"x", 1, "a"}},
		"duplicate name, other escapes": {`{"a":1,"\u0061":2}`, []any{"a"}},
		"a name that looks like index":  {`{"0":[{"1":"\ud800"}]}`, []any{"0", 0, "1"}},
		"lone high surrogate":           {`{"m":[{"c":"\ud800"}]}`, []any{"m", 0, "c"}},
		"lone low surrogate":            {`["\udc00"]`, []any{0}},
		"surrogates in reverse order":   {`["\udc00\ud800"]`, []any{0}},
		"surrogates as UTF-8":           {"{\"a\":\"\xed\xa0\x80\"}", []any{"a"}},
		"invalid UTF-8":                 {"{\"a\":{\"b\":\"\xff\"}}", []any{"a", "b"}},
		"control character":             {"{\"a\":\"\x01\"}", []any{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := model.ParsePayload([]byte(c.in))
			require.Equal(t, c.path, inputError(t, err).Path, err)
			_, err = model.DecodePayloadValue([]byte(c.in))
			require.Equal(t, c.path, inputError(t, err).Path, err)
		})
	}
}

func TestTooDeepIsRefusedAtTheBracketTooMany(t *testing.T) {
	t.Parallel()
	_, err := model.ParsePayload([]byte(`{"a":` + nested(model.MaxPayloadDepth) + `}`))
	path := inputError(t, err).Path
	require.Len(t, path, model.MaxPayloadDepth)
	require.Equal(t, "a", path[0])
	require.Equal(t, 0, path[1])
	_, err = model.ParsePayload([]byte(strings.Repeat(`[`, 1<<20)))
	require.ErrorContains(t, err, "200")
}

func TestReasonsDoNotRepeatThePayload(t *testing.T) {
	t.Parallel()
	for _, in := range []string{`{"a":hunter2}`, `["hunter2]`, `{"hunter1":1,"a":"hunter2","a":"hunter3"}`, `"hunter\ud800"`} {
		_, err := model.ParsePayload([]byte(in))
		require.NotContains(t, err.Error(), "hunter")
	}
}

func TestPayloadOfDecodedValues(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   any
		want string
	}{
		"explicit null":        {nil, `null`},
		"number text":          {json.Number("1.10"), `1.10`},
		"huge number":          {json.Number("1e400"), `1e400`},
		"int":                  {7, `7`},
		"int64":                {int64(-1 << 63), `-9223372036854775808`},
		"float64":              {0.5, `0.5`},
		"names are sorted":     {map[string]any{"b": 1, "a": []any{true, "x"}}, `{"a":[true,"x"],"b":1}`},
		"strings are escaped":  {"a\"\\\n\x00é<", `"a\"\\\n\u0000é<"`},
		"empty object, array":  {[]any{map[string]any{}, []any{}}, `[{},[]]`},
		"payload in the value": {map[string]any{"p": model.Payload(`{"b":1,"a":1.0}`)}, `{"p":{"b":1,"a":1.0}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := model.PayloadOf(c.in)
			require.NoError(t, err)
			require.Equal(t, c.want, string(p))
			again, err := model.ParsePayload([]byte(p))
			require.NoError(t, err)
			require.Equal(t, p, again)
		})
	}
}

func TestPayloadOfRefuses(t *testing.T) {
	t.Parallel()
	deep := any("x")
	for range model.MaxPayloadDepth {
		deep = []any{deep}
	}
	_, err := model.PayloadOf(deep)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		in   any
		path []any
	}{
		"invalid UTF-8":         {map[string]any{"a": []any{"\xff"}}, []any{"a", 0}},
		"invalid UTF-8 in name": {map[string]any{"a": map[string]any{"\xff": 1}}, []any{"a", "\ufffd"}},
		"not a number":          {[]any{math.NaN()}, []any{0}},
		"infinite":              {math.Inf(1), nil},
		"no number text":        {json.Number("1,2"), nil},
		"number with space":     {json.Number(" 1"), nil},
		"empty number":          {json.Number(""), nil},
		"a literal as number":   {json.Number("true"), nil},
		"a struct":              {struct{}{}, nil},
		"no payload":            {map[string]any{"p": model.Payload("")}, []any{"p"}},
		"payload too deep":      {[]any{model.Payload(nested(model.MaxPayloadDepth))}, []any{0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := model.PayloadOf(c.in)
			require.Equal(t, c.path, inputError(t, err).Path)
		})
	}
	_, err = model.PayloadOf(map[string]any{"a": deep})
	require.Len(t, inputError(t, err).Path, model.MaxPayloadDepth)
}

func TestDecodedValuesKeepTheirNumbers(t *testing.T) {
	t.Parallel()
	const text = `{"a":[1.10,1e400,null,true,"é"],"b":{}}`
	v, err := model.DecodePayloadValue([]byte(text))
	require.NoError(t, err)
	p, err := model.PayloadOf(v)
	require.NoError(t, err)
	require.Equal(t, text, string(p))
}

func TestCanonicalIsEqualForEqualContent(t *testing.T) {
	t.Parallel()
	canonical := func(text string) string {
		p, err := model.ParsePayload([]byte(text))
		require.NoError(t, err)
		return string(p.Canonical())
	}
	require.Equal(t, `{"a":[{"c":2,"d":1}],"b":"é"}`, canonical(`{"b":"\u00e9", "a":[{"d":1,"c":2}]}`))
	require.Equal(t, canonical(`{"":1,"\u0061":"/","é":0,"😀":1,"ﬀ":2}`), canonical(`{"ﬀ":2,"😀":1,"é":0,"a":"\/","":1}`))
	require.NotEqual(t, canonical(`1.0`), canonical(`1`), "numbers are told apart by their text")
	require.NotEqual(t, canonical(`[1,2]`), canonical(`[2,1]`))
}

func TestMarshalGQLWritesTheStoredBytes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"b":1.10,"a":"<é>"}`, `null`, ` 1 `} {
		var out bytes.Buffer
		model.Payload(text).MarshalGQL(&out)
		require.Equal(t, text, out.String())
	}
}

func TestUnmarshalGQLLeavesTheTargetOnError(t *testing.T) {
	t.Parallel()
	p := model.Payload(`1`)
	require.Error(t, p.UnmarshalGQL(make(chan int)))
	require.Equal(t, model.Payload(`1`), p)
	require.NoError(t, p.UnmarshalGQL(nil))
	require.Equal(t, model.PayloadNull, p)
}

func TestPayloadInColumns(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", "file::memory:")
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(t.Context(), `CREATE TABLE t (p text)`)
	require.NoError(t, err)
	want := model.Payload(`{"b":1.10,"a":"\u0000"}`)
	for _, arg := range []any{want, &want, (*model.Payload)(nil)} {
		_, err = db.ExecContext(t.Context(), `INSERT INTO t VALUES (?)`, arg)
		require.NoError(t, err)
	}
	_, err = db.ExecContext(t.Context(), `INSERT INTO t VALUES (?)`, model.Payload(""))
	require.Error(t, err, "the zero Payload is never stored")

	rows, err := db.QueryContext(t.Context(), `SELECT p, p, typeof(p) FROM t ORDER BY rowid`)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	for i := 0; rows.Next(); i++ {
		var (
			pointer *model.Payload
			null    sql.Null[model.Payload]
			kind    string
		)
		require.NoError(t, rows.Scan(&pointer, &null, &kind))
		if i == 2 {
			require.Nil(t, pointer)
			require.False(t, null.Valid)
			continue
		}
		require.Equal(t, want, *pointer)
		require.Equal(t, want, null.V)
		require.Equal(t, "text", kind)
	}
	require.NoError(t, rows.Err())
}

func TestScanRefusesWhatIsNoPayload(t *testing.T) {
	t.Parallel()
	var p model.Payload
	for _, src := range []any{nil, "", []byte{}, 1} {
		require.Error(t, p.Scan(src))
	}
	require.NoError(t, p.Scan([]byte(`[1]`)))
	require.Equal(t, model.Payload(`[1]`), p)
}

func TestPayloadIsAnEntFieldType(t *testing.T) {
	t.Parallel()
	descriptor := field.Other("request", model.Payload("")).
		SchemaType(map[string]string{"sqlite3": "text", "postgres": "text"}).Optional().Nillable().Descriptor()
	require.NoError(t, descriptor.Err)
	require.Equal(t, "model.Payload", descriptor.Info.String())
	require.True(t, descriptor.Info.ValueScanner())
}

func FuzzParsePayload(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `{"a":1,"a":2}`, `"\ud800"`, "\"\xff\"", `1e400`, ` [ 1.10 , {"b":"\u0061"} ] `, nested(201), `{"a":{"a":`, `[1]]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		kept := bytes.Clone(in)
		p, err := model.ParsePayload(in)
		require.Equal(t, kept, in, "the input is the caller's")
		if err != nil {
			require.NotEmpty(t, inputError(t, err).Reason)
			_, err = model.DecodePayloadValue(in)
			require.Error(t, err)
			return
		}
		again, err := model.ParsePayload([]byte(p))
		require.NoError(t, err)
		require.Equal(t, p, again, "a payload's text is its own normal form")

		v, err := model.DecodePayloadValue(in)
		require.NoError(t, err)
		sorted, err := model.PayloadOf(v)
		require.NoError(t, err)
		require.Equal(t, string(p.Canonical()), string(sorted.Canonical()), "decoding loses nothing")

		var std any
		dec := json.NewDecoder(bytes.NewReader(in))
		dec.UseNumber()
		require.NoError(t, dec.Decode(&std))
		require.Equal(t, std, v, "encoding/json reads the same")
	})
}

func FuzzPayloadOfStrings(f *testing.F) {
	f.Add("name", "value")
	f.Add("\xff", "\x00\u2028")
	f.Fuzz(func(t *testing.T, name, value string) {
		p, err := model.PayloadOf(map[string]any{name: []any{value}})
		if err != nil {
			inputError(t, err)
			return
		}
		require.True(t, jsontext.Value(p).IsValid())
		var back map[string][]string
		require.NoError(t, json.Unmarshal([]byte(p), &back))
		require.Equal(t, map[string][]string{name: {value}}, back)
	})
}

func BenchmarkParsePayload(b *testing.B) {
	text := []byte(`[` + strings.Repeat(`{"id":807427,"score":0.895788,"note":"schema search 🚀 migrate"},`, 20) + `null]`)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := model.ParsePayload(text); err != nil {
			b.Fatal(err)
		}
	}
}

func inputError(t *testing.T, err error) *model.InputError {
	t.Helper()
	var input *model.InputError
	require.ErrorAs(t, err, &input)
	return input
}

func nested(depth int) string { return strings.Repeat(`[`, depth) + strings.Repeat(`]`, depth) }
