package journal

import (
	"slices"

	entsql "entgo.io/ent/dialect/sql"

	"samjournal/ent"
	"samjournal/ent/entry"
	"samjournal/internal/model"
	"samjournal/internal/search"
	"samjournal/internal/store"
)

// seeker is the value of a condition that looks into rows.
type seeker[T any] interface {
	match(row T) bool
	// reads are the columns of payloads that it looks at.
	reads() []string
	// terms are those of the index that every row has which matches; few tells that few others have them.
	terms() (terms []store.IndexTerm, few bool)
}

func (c *condition[T]) seeker() seeker[T] {
	return c.values[0].(seeker[T]) //nolint:errcheck,forcetypeassert // searchText and searchPath give nothing else
}

// approximation says what a filter holds a search to match in SQL.
type approximation struct {
	few   bool // nothing rather than everything, as below a not
	index bool // what the index of searches has for it, rather than everything
}

// searched is what a search sees of an entry.
func searched(e *ent.Entry) *search.Entry {
	return &search.Entry{Request: e.Request, Response: e.Response, Summary: model.Summary(e.Username, e.Command, e.Thing)}
}

// textSeeker looks for words.
type textSeeker struct{ text search.Text }

func (s textSeeker) match(e *ent.Entry) bool { return s.text.Match(searched(e)) }

func (s textSeeker) terms() ([]store.IndexTerm, bool) { return indexTerms(s.text.Terms()), true }

func (textSeeker) reads() []string { return []string{entry.FieldRequest, entry.FieldResponse} }

func searchText(_ int64, v any) (any, error) {
	text, ok := v.(string)
	if !ok {
		return nil, unusable("", v)
	}
	parsed, err := search.ParseText(text)
	return seeker[*ent.Entry](textSeeker{parsed}), err
}

// pathSeeker looks at values in a payload.
type pathSeeker struct{ filter search.PathFilter }

func (s pathSeeker) match(e *ent.Entry) bool { return s.filter.Match(searched(e)) }

func (s pathSeeker) terms() ([]store.IndexTerm, bool) {
	return indexTerms(s.filter.Terms()), s.filter.Indexed()
}

func indexTerms(terms []search.Term) []store.IndexTerm {
	all := make([]store.IndexTerm, len(terms))
	for i, term := range terms {
		all[i] = store.IndexTerm(term)
	}
	return all
}

func (s pathSeeker) reads() []string {
	if s.filter.Side == search.Request {
		return []string{entry.FieldRequest}
	}
	return []string{entry.FieldResponse}
}

func searchPath(side search.Side) func(int64, any) (any, error) {
	return func(_ int64, v any) (any, error) {
		given, ok := v.(map[string]any)
		if !ok {
			return nil, unusable("", v)
		}
		f, err := pathFilter(side, given)
		return seeker[*ent.Entry](pathSeeker{f}), err
	}
}

// pathFilter reads an EntryPathFilter.
func pathFilter(side search.Side, given map[string]any) (search.PathFilter, error) {
	f := search.PathFilter{Side: side}
	path, ok := given["path"].(string)
	if !ok {
		return f, &model.InputError{Path: []any{"path"}, Reason: "must be a path such as $.messages[0].role"}
	}
	var err error
	if f.Path, err = search.ParsePath(path); err != nil {
		return f, model.InputUnder(err, "path")
	}
	alone := onlyNull(given)
	for name, operand := range map[string]**model.Payload{"eq": &f.EQ, "neq": &f.NEQ, "gt": &f.GT, "lt": &f.LT} {
		if *operand, err = operandOf(given, name, name == alone); err != nil {
			return f, model.InputUnder(err, name)
		}
	}
	if contains, ok := deref(given["contains"]).(string); ok {
		f.Contains = &contains
	}
	if exists, ok := deref(given["exists"]).(bool); ok {
		f.Exists = &exists
	}
	err = f.Check()
	return f, err
}

// onlyNull returns eq or neq when it is the only operation, and null: then it asks for the JSON value null. Otherwise null is as
// if it were not there, because clients send it for all that is not set.
func onlyNull(given map[string]any) string {
	alone := ""
	for name, v := range given {
		switch {
		case name == "path":
		case alone != "", !isNull(v), name != "eq" && name != "neq":
			return ""
		default:
			alone = name
		}
	}
	return alone
}

func isNull(v any) bool { v = deref(v); return v == nil || v == any(model.PayloadNull) }

// operandOf is a JSON value of the input, nil when it is not there.
func operandOf(given map[string]any, name string, nullAlone bool) (*model.Payload, error) {
	v, ok := given[name]
	if !ok || isNull(v) && !nullAlone {
		return nil, nil //nolint:nilnil // not there is a valid answer
	}
	p, err := model.PayloadOf(deref(v))
	return &p, err
}

// Searched returns the path to the first search in a filter, and nil when it does not search.
func (f *Filter[T]) Searched() []any {
	if f == nil {
		return nil
	}
	for i := range f.conds {
		if f.conds[i].field.searches {
			return []any{f.conds[i].field.name}
		}
	}
	for i, part := range slices.Concat(f.all, f.anyOf) {
		if path := part.Searched(); path != nil {
			if i < len(f.all) {
				return append([]any{"and", i}, path...)
			}
			return append([]any{"or", i - len(f.all)}, path...)
		}
	}
	if path := f.not.Searched(); path != nil {
		return append([]any{"not"}, path...)
	}
	return nil
}

// reads are the payloads that must be there for Match.
func (f *Filter[T]) reads() (columns []string) {
	if f == nil {
		return nil
	}
	for i := range f.conds {
		if f.conds[i].field.searches {
			columns = append(columns, f.conds[i].seeker().reads()...)
		}
	}
	for _, part := range slices.Concat(f.all, f.anyOf, []*Filter[T]{f.not}) {
		columns = append(columns, part.reads()...)
	}
	return distinct(columns)
}

// indexed is what the index of searches has for a search, nil for nothing.
func (c *condition[T]) indexed(s *entsql.Selector, accountID int64) *entsql.Predicate {
	terms, _ := c.seeker().terms()
	if len(terms) == 0 {
		return nil
	}
	return store.MatchTerms(s, accountID, search.Version, terms)
}

// whereIndexed is Where that asks the index of searches too.
func (f *Filter[T]) whereIndexed(s *entsql.Selector) {
	if p := f.predicate(s, approximation{index: true}); p != nil {
		s.Where(p)
	}
}

// narrowed tells that the index leaves few rows to look at.
func (f *Filter[T]) narrowed() bool {
	for i := range f.conds {
		if f.conds[i].field.searches {
			if _, few := f.conds[i].seeker().terms(); few {
				return true
			}
		}
	}
	if slices.ContainsFunc(f.all, (*Filter[T]).narrowed) {
		return true
	}
	return len(f.anyOf) > 0 && !slices.ContainsFunc(f.anyOf, func(part *Filter[T]) bool { return !part.narrowed() })
}

// checkSearch refuses a search through a time without beginning that only a look at each entry can answer.
func checkSearch(f *EntryFilter) error {
	path := f.Searched()
	if path == nil || f.narrowed() || CountQuery(f).From != nil {
		return nil
	}
	return &model.InputError{Path: path, Reason: "looks at every entry of a time: give its beginning too, with since, " +
		"createdAtGT or createdAtGTE beside the search or in an and"}
}
