package main

import (
	"slices"

	"entgo.io/ent/dialect"
)

// intended lists how the migrations differ from the Ent schema on purpose, in the words of describe. Ent can have no ID of two
// columns, so it sees what is unique within an account as the ID, and numbers such IDs.
func intended(d string) []string {
	both := []string{
		"users: primary key (account_id, id) unique to (id) unique",
		"entries: primary key (account_id, key) unique to (key) unique",
		"erasures: primary key (account_id, position) unique to (position) unique",
		"entries: foreign key entries_users_entries (account_id, user_id) on users (account_id, id) to " +
			"entries_users_entries (user_id) on users (id)",
		"tokens: primary key (account_id, id) unique to (id) unique",
		"tokens: foreign key tokens_users_user (account_id, user_id) on users (account_id, id) to " +
			"tokens_users_user (user_id) on users (id)",
		// Ent has no edges for these.
		"users: drop foreign key users_account_id_fkey (account_id) on accounts (id)",
		"erasures: drop foreign key erasures_entry_fkey (account_id, position) on entries (account_id, position)",
		"heads: drop foreign key heads_account_id_fkey (account_id) on accounts (id)",
		"tokens: drop foreign key tokens_account_id_fkey (account_id) on accounts (id)",
	}
	if d == dialect.SQLite {
		return both
	}
	return slices.Concat(both, []string{
		"users: column id bigint to id bigint *postgres.Identity (attribute)",
		"erasures: column position bigint to position bigint *postgres.Identity (attribute)",
		"tokens: column id bigint to id bigint *postgres.Identity (attribute)",
		"heads: column account_id bigint to account_id bigint *postgres.Identity (attribute)",
	})
}
