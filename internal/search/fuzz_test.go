package search_test

import (
	"testing"

	"samjournal/internal/model"
	"samjournal/internal/search"
)

func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{"$", "$.a[0]['b'][*]", `$["\u0041\n"]`, "$[?(@.a)]", "$..a"} {
		f.Add(seed)
	}
	e := entry(`{"a":[{"b":[1,2]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		path, err := search.ParsePath(text)
		if err != nil {
			return
		}
		pf := &search.PathFilter{Side: search.Request, Path: path, Exists: new(bool)}
		*pf.Exists = true
		if pf.Match(e) {
			requireTerms(t, pf.Terms(), e)
		}
	})
}

func FuzzText(f *testing.F) {
	f.Add(`"hello wor*" ld`, "Hello, World*")
	f.Add("e\u0301*", "é")
	f.Fuzz(func(t *testing.T, text, in string) {
		quoted, err := model.PayloadOf(in)
		parsed, bad := search.ParseText(text)
		if err != nil || bad != nil {
			return
		}
		e := &search.Entry{Request: &quoted}
		if parsed.Match(e) {
			requireTerms(t, parsed.Terms(), e)
		}
	})
}
