package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"samjournal/internal/model"
)

// Entry is one immutable journaled operation. It implements Smarter's SAMJournal.
type Entry struct{ ent.Schema }

// Mixin scopes entries to their account.
func (Entry) Mixin() []ent.Mixin { return []ent.Mixin{AccountScoped{}} }

// Annotations name the table and the GraphQL type.
func (Entry) Annotations() []schema.Annotation {
	return []schema.Annotation{
		entsql.Table("entries"),
		entgql.Skip(entgql.SkipWhereInput, entgql.SkipOrderField, entgql.SkipMutationCreateInput, entgql.SkipMutationUpdateInput),
	}
}

// Fields of an entry. Ent sees the key as the ID; in the database the primary key is (account_id, key).
func (Entry) Fields() []ent.Field {
	text := map[string]string{dialect.Postgres: "text", dialect.SQLite: "text"}
	short := map[string]string{dialect.Postgres: "smallint"}
	hidden := entgql.Skip()
	return []ent.Field{
		field.String("id").StorageKey("key").MaxLen(model.KeyLength).Immutable(),
		field.Int64("account_id").Immutable().Annotations(hidden),
		field.Int64("position").Immutable().Annotations(entgql.Type("Long")).
			Comment("Place in the account's journal: 0, 1, 2, … without gap or repeat, in the order entries became durable. " +
				"Whoever has seen position n can be sure that no entry will ever appear at a position ≤ n."),
		field.Time("created_at").Immutable().
			Comment("When the operation happened: equal to recordedAt for entries that came through the API, the source's own " +
				"time for imported ones (see origin)."),
		field.Time("recorded_at").Immutable().
			Comment("The server's clock when the entry was appended. Never decreases with position."),
		field.Enum("origin").GoType(model.OriginAPI).Immutable().Annotations(entgql.Type("Origin")).
			Comment("How the entry came into the journal."),
		field.String("recorded_by").MaxLen(maxName).Optional().Nillable().Immutable().Annotations(hidden),
		field.Int64("user_id").Optional().Nillable().Immutable().Annotations(hidden),
		field.String("username").MaxLen(maxUsername).Optional().Nillable().Immutable().Annotations(hidden),
		field.Enum("thing").GoType(model.ThingPrompt).Immutable().Annotations(entgql.Type("Thing")).
			Comment("What kind of thing was acted on."),
		field.Enum("command").GoType(model.CommandPrompt).Immutable().Annotations(entgql.Type("Command")).
			Comment("What was done."),
		field.Int("status_code").SchemaType(short).Immutable().
			Comment("HTTP status of the operation, 0 to 32767."),
		field.Other("request", model.Payload("")).SchemaType(text).Optional().Nillable().Immutable().Annotations(hidden),
		field.Other("response", model.Payload("")).SchemaType(text).Optional().Nillable().Immutable().Annotations(hidden),
		field.Bytes("payload_salt").Optional().Nillable().Immutable().Sensitive(),
		field.Bytes("request_digest").Immutable().Annotations(hidden),
		field.Bytes("response_digest").Immutable().Annotations(hidden),
		field.Bytes("sent_digest").Immutable().Sensitive(),
		field.Strings("redacted_paths").SchemaType(text).Immutable().
			Comment("JSON Pointers (RFC 6901) to what redaction masked, for example \"/request/META/HTTP_AUTHORIZATION\". Masked " +
				"values read \"[REDACTED]\"."),
		field.Enum("payload_state").GoType(model.PayloadStored).Immutable().Annotations(hidden),
		field.Int("format_version").SchemaType(short).Immutable().Annotations(hidden),
	}
}

// Edges of an entry.
func (Entry) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("user", User.Type).Ref("entries").Field("user_id").Unique().Immutable().
			Annotations(entgql.Skip(entgql.SkipAll)),
	}
}

// Indexes of entries: each serves one filter and ends with position, the tie-break of every order. Each costs every append,
// so measure before adding one.
func (Entry) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("account_id", "position").Unique(),
		index.Fields("account_id", "created_at", "position"),
		index.Fields("account_id", "user_id", "position"),
		index.Fields("account_id", "thing", "position"),
		index.Fields("account_id", "command", "position"),
		index.Fields("account_id", "status_code", "position"),
	}
}
