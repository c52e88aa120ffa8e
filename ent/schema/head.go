package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"

	"samjournal/internal/model"
)

// Head is the size of an account's journal and what is derived from it: one row per account, locked by every append.
type Head struct{ ent.Schema }

// Mixin scopes heads to their account.
func (Head) Mixin() []ent.Mixin { return []ent.Mixin{AccountScoped{}} }

// Annotations name the table and keep the entity out of the generated GraphQL schema.
func (Head) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("heads"), entgql.Skip(entgql.SkipAll)}
}

// Fields of a head. Ent sees account_id as the ID.
func (Head) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").StorageKey("account_id").
			Comment("The account whose journal this is the head of."),
		field.Int64("size").
			Comment("Number of entries; also the position that the next entry gets."),
		field.Int64("counted").Default(0).
			Comment("Number of entries in the counters: equal to size, or the append was one of a samjournal that knows no counters."),
		field.String("last_key").MaxLen(model.KeyLength).Optional().Nillable().
			Comment("Key of the entry at position size-1; null while the journal is empty."),
		field.Time("last_recorded_at").Optional().Nillable().
			Comment("recorded_at of the last entry; the next one's is not earlier."),
	}
}
