package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// User is who acted. Users are never deleted, so that history never loses its author.
type User struct{ ent.Schema }

// Mixin scopes users to their account.
func (User) Mixin() []ent.Mixin { return []ent.Mixin{AccountScoped{}} }

// Annotations name the table and the GraphQL type.
func (User) Annotations() []schema.Annotation {
	return []schema.Annotation{
		entsql.Table("users"),
		entgql.Skip(entgql.SkipWhereInput, entgql.SkipOrderField, entgql.SkipMutationCreateInput, entgql.SkipMutationUpdateInput),
	}
}

// Fields of a user. Its ID is unique within the account: users are numbered under the head's lock, from 1.
func (User) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("account_id").Immutable().Annotations(entgql.Skip()),
		field.String("username").MaxLen(maxUsername).Immutable().
			Comment("Unique name within the account, 1 to 150 characters (Unicode NFC), compared exactly. Never changes."),
		field.String("email").MaxLen(maxEmail).Optional().Nillable().
			Comment("E-mail address, when known."),
		field.String("display_name").MaxLen(maxName).Optional().Nillable().
			Comment("Name for people, when known."),
		field.Time("created_at").Immutable().
			Comment("When the user was first seen or created (server clock)."),
		field.Time("disabled_at").Optional().Nillable().
			Comment("When the user was disabled; null while active. Entries of disabled users stay."),
	}
}

// Edges of a user. GraphQL reads them with entries(where: {userID: …}), which an index serves; see docs/schema.md.
func (User) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("entries", Entry.Type).Immutable().
			Annotations(entgql.Skip(entgql.SkipAll), entsql.OnDelete(entsql.NoAction)),
	}
}

// Indexes of users.
func (User) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("account_id", "username").Unique(),
		index.Fields("account_id", "created_at", "id"),
	}
}
