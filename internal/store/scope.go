package store

import (
	entsql "entgo.io/ent/dialect/sql"

	"samjournal/ent/entry"
	"samjournal/internal/model"
)

// ScopeEntries limits a selector over entries to what the scope may see. Ent's interceptor and every raw statement use it.
func ScopeEntries(scope model.Scope) func(*entsql.Selector) {
	return func(s *entsql.Selector) {
		s.Where(entsql.EQ(s.C(entry.FieldAccountID), scope.AccountID))
		if scope.OnlyUserID != nil {
			s.Where(entsql.EQ(s.C(entry.FieldUserID), *scope.OnlyUserID))
		}
		if !scope.Entries {
			s.Where(entsql.False())
		}
	}
}
