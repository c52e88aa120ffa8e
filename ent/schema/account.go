package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/privacy"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Account is a tenant: it owns users and its own journal.
type Account struct{ ent.Schema }

// Policy denies writing through Ent. Reading is for the server itself: the account of a request is part of its viewer.
func (Account) Policy() ent.Policy {
	return privacy.Policy{Mutation: privacy.MutationPolicy{readOnly{}}}
}

// Annotations name the table and keep the entity out of the generated GraphQL schema.
func (Account) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("accounts"), entgql.Skip(entgql.SkipAll)}
}

// Fields of an account.
func (Account) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("slug").MaxLen(maxSlug).Immutable().
			Comment("Short name of the account, unique, never changes."),
		field.String("name").MaxLen(maxName).
			Comment("Name of the account for people."),
		field.Bytes("digest_key").Sensitive().Immutable().
			Comment("Key of the HMAC over what writers sent; see sent_digest of an entry."),
		field.Time("created_at").Immutable().
			Comment("When the account was created."),
	}
}

// Indexes of an account.
func (Account) Indexes() []ent.Index {
	return []ent.Index{index.Fields("slug").Unique()}
}

const (
	maxSlug     = 63
	maxName     = 200
	maxUsername = 150
	maxEmail    = 254
)
