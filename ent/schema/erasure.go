package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Erasure says that the payload of one entry was removed, by whom, when and why. The entry, its digests and its position
// stay. The triggers of entries allow no update without it.
type Erasure struct{ ent.Schema }

// Mixin scopes erasures to their account.
func (Erasure) Mixin() []ent.Mixin { return []ent.Mixin{AccountScoped{}} }

// Annotations name the table and keep the entity out of the generated GraphQL schema.
func (Erasure) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("erasures"), entgql.Skip(entgql.SkipAll)}
}

// Fields of an erasure. Ent sees the position as the ID; in the database the primary key is (account_id, position).
func (Erasure) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").StorageKey("position"),
		field.Int64("account_id").Immutable(),
		field.String("reason").Immutable().SchemaType(map[string]string{dialect.Postgres: "text", dialect.SQLite: "text"}),
		field.String("erased_by").MaxLen(maxName).Immutable(),
		field.Time("erased_at").Immutable(),
	}
}
