package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"samjournal/internal/model"
)

// maxTokenName is the most characters of a token's name.
const maxTokenName = 100

// Token is an API token. It is never deleted, so that what it appended names it for ever.
type Token struct{ ent.Schema }

// Mixin scopes tokens to their account.
func (Token) Mixin() []ent.Mixin { return []ent.Mixin{AccountScoped{}} }

// Annotations name the table and the GraphQL type.
func (Token) Annotations() []schema.Annotation {
	return []schema.Annotation{
		entsql.Table("tokens"),
		entgql.Skip(entgql.SkipWhereInput, entgql.SkipOrderField, entgql.SkipMutationCreateInput, entgql.SkipMutationUpdateInput),
	}
}

// Fields of a token. Its ID is a random number, unique within the account.
func (Token) Fields() []ent.Field {
	hidden := entgql.Skip()
	return []ent.Field{
		field.Int64("id"),
		field.Int64("account_id").Immutable().Annotations(hidden),
		field.String("name").MaxLen(maxTokenName).Immutable().
			Comment("What the token is for, in the words of whoever created it: 1 to 100 characters, not necessarily unique."),
		field.Enum("role").GoType(model.RoleReader).Immutable().Annotations(entgql.Type("Role")).
			Comment("What whoever holds the token may do."),
		field.Int64("user_id").Optional().Nillable().Immutable().Annotations(hidden),
		field.Bytes("secret_digest").Sensitive().Immutable().
			Comment("SHA-256 of the secret."),
		field.Time("created_at").Immutable().
			Comment("When the token was created (server clock)."),
		field.String("created_by").MaxLen(maxName).Optional().Nillable().Immutable().
			Comment("Who created it, as viewer.subject; null for the command line and the local operator."),
		field.Time("expires_at").Optional().Nillable().Immutable().
			Comment("From when on it is refused; null when it does not expire."),
		field.Time("last_used_at").Optional().Nillable().
			Comment("When it was last used, to about a minute; null while it never was."),
		field.Time("revoked_at").Optional().Nillable().
			Comment("When it was revoked; null while it is not. A revoked token never becomes valid again."),
		field.String("revoked_by").MaxLen(maxName).Optional().Nillable().
			Comment("Who revoked it, as viewer.subject; null while it is not revoked, and for the command line and the local operator."),
	}
}

// Edges of a token.
func (Token) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("user", User.Type).Field("user_id").Unique().Immutable().
			Annotations(entgql.Skip(entgql.SkipAll), entsql.OnDelete(entsql.NoAction)),
	}
}

// Indexes of tokens: one, in the order in which they are listed.
func (Token) Indexes() []ent.Index {
	return []ent.Index{index.Fields("account_id", "created_at", "id")}
}
