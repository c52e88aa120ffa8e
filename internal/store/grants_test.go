package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"samjournal/internal/model"
	"samjournal/internal/store"
	"samjournal/internal/testpostgres"
)

// servedBy is a store of the serving role over a database that the owner migrates.
func servedBy(t *testing.T, database testpostgres.Database) *store.Store {
	t.Helper()
	s := open(t, database.ServingURL, store.Options{MigrateURL: database.OwnerURL})
	require.NoError(t, s.Migrate(t.Context()))
	return s
}

// rightsOf lists all that roles beside the owner were given in a database, with $serving for the serving role.
func rightsOf(t *testing.T, database testpostgres.Database) []string {
	t.Helper()
	var list []string
	for _, row := range rawOf(t, database.SuperuserURL).rows(t, `SELECT format('%s: %s %s', grantee::regrole, what, privilege_type)
		FROM (
			SELECT relname::text AS what, (aclexplode(relacl)).*, relowner FROM pg_class
			WHERE relnamespace = 'public'::regnamespace
			UNION ALL SELECT relname || '.' || attname, (aclexplode(attacl)).*, relowner
			FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'public'::regnamespace
		) AS given WHERE grantee <> relowner ORDER BY 1`) {
		list = append(list, strings.ReplaceAll(fmt.Sprint(row[0]), database.ServingRole, "serving"))
	}
	return list
}

// agreedRights are all that the serving role may do, compared with the database like the rest of its schema.
func agreedRights() []string {
	return []string{
		"serving: accounts INSERT",
		"serving: accounts SELECT",
		"serving: accounts.name UPDATE",
		"serving: entries INSERT",
		"serving: entries SELECT",
		"serving: entry_counts INSERT",
		"serving: entry_counts SELECT",
		"serving: entry_counts.n UPDATE",
		"serving: entry_search_heads INSERT",
		"serving: entry_search_heads SELECT",
		"serving: entry_search_heads.size UPDATE",
		"serving: entry_search_heads.version UPDATE",
		"serving: entry_terms INSERT",
		"serving: entry_terms SELECT",
		"serving: entry_terms.terms UPDATE",
		"serving: erasures SELECT",
		"serving: goose_db_version SELECT",
		"serving: heads INSERT",
		"serving: heads SELECT",
		"serving: heads.counted UPDATE",
		"serving: heads.last_key UPDATE",
		"serving: heads.last_recorded_at UPDATE",
		"serving: heads.size UPDATE",
		"serving: tokens INSERT",
		"serving: tokens SELECT",
		"serving: tokens.last_used_at UPDATE",
		"serving: tokens.revoked_at UPDATE",
		"serving: tokens.revoked_by UPDATE",
		"serving: users INSERT",
		"serving: users SELECT",
		"serving: users.disabled_at UPDATE",
		"serving: users.display_name UPDATE",
		"serving: users.email UPDATE",
	}
}

func TestTheServingRoleHasExactlyTheAgreedRights(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	servedBy(t, database)
	require.ElementsMatch(t, agreedRights(), rightsOf(t, database))
}

func TestEveryTableHasItsGrant(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	servedBy(t, database)
	tables := rawOf(t, database.SuperuserURL).rows(t, `SELECT relname::text FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')`)
	require.Greater(t, len(tables), 6)
	for _, table := range tables {
		require.Contains(t, rightsOf(t, database), fmt.Sprintf("serving: %s SELECT", table[0]), "say in grants what serving takes")
	}
}

func TestRightsThatAreTooManyOrTooFewAreSetRight(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	s := servedBy(t, database)
	for _, statement := range []string{
		"GRANT DELETE ON entries TO " + database.ServingRole,
		"GRANT UPDATE (status_code) ON entries TO " + database.ServingRole,
		"GRANT ALL ON heads TO public",
		"GRANT SELECT ON users TO " + database.ServingRole + " WITH GRANT OPTION",
		"GRANT USAGE ON SEQUENCE accounts_id_seq TO " + database.ServingRole,
		"REVOKE INSERT ON entries FROM " + database.ServingRole,
		"REVOKE ALL ON goose_db_version FROM " + database.ServingRole,
	} {
		database.Exec(t, statement)
		require.NoError(t, s.Migrate(t.Context()), statement)
		require.ElementsMatch(t, agreedRights(), rightsOf(t, database), statement)
	}
}

func TestWhatIsGivenToOtherRolesStays(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	s := servedBy(t, database)
	database.Exec(t, "GRANT SELECT ON entries TO pg_monitor; GRANT DELETE ON entries TO "+database.ServingRole)
	require.NoError(t, s.Migrate(t.Context()))
	require.ElementsMatch(t, append(agreedRights(), "pg_monitor: entries SELECT"), rightsOf(t, database))
}

func TestMigratingAsOwnerAgainWritesNothing(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	servedBy(t, database)
	collected := &statements{}
	s := open(t, database.ServingURL, store.Options{MigrateURL: database.OwnerURL, SQLLog: collected.log})
	require.NoError(t, s.Migrate(t.Context()))
	run := collected.take()
	require.NotEmpty(t, run)
	for _, statement := range run {
		require.NotRegexp(t, `^(GRANT|REVOKE|CREATE|INSERT)`, statement)
	}
}

func TestManyNodesMayMigrateAsOwnerAtOnce(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	var nodes errgroup.Group
	for range 6 {
		nodes.Go(func() error {
			s, err := store.Open(t.Context(), database.ServingURL, store.Options{MigrateURL: database.OwnerURL})
			if err != nil {
				return err
			}
			return errors.Join(s.Migrate(t.Context()), s.Close())
		})
	}
	require.NoError(t, nodes.Wait())
	require.ElementsMatch(t, agreedRights(), rightsOf(t, database))
}

func TestTheStatementsForAnOperatorAreEnough(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	migrated(t, database.OwnerURL)
	owner := rawOf(t, database.OwnerURL)
	for range 2 {
		list, err := store.GrantStatements(database.ServingRole)
		require.NoError(t, err)
		for _, statement := range list {
			owner.exec(t, statement)
		}
		require.ElementsMatch(t, agreedRights(), rightsOf(t, database))
	}
	s := open(t, database.ServingURL, store.Options{})
	require.NoError(t, s.Migrate(t.Context()), "nothing is to be done")
	appendOne(t, s, 'a')
}

func TestTheNameOfARoleIsQuoted(t *testing.T) {
	t.Parallel()
	first, err := store.GrantStatements(`a"b; DROP TABLE x`)
	require.NoError(t, err)
	for _, statement := range first {
		require.Contains(t, statement, `"a""b; DROP TABLE x"`)
	}
	again, err := store.GrantStatements(`a"b; DROP TABLE x`)
	require.NoError(t, err)
	require.Equal(t, first, again)
	var input *model.InputError
	for _, role := range []string{"", "public", "none", "a\x00", strings.Repeat("x", 64)} {
		_, err := store.GrantStatements(role)
		require.ErrorAs(t, err, &input, "%q", role)
	}
}

func TestTheServingRoleCanDoAllThatServingTakes(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	s := servedBy(t, database)
	ctx := t.Context()
	e := listenTo(t, s)
	require.NoError(t, next(t, e.connected))

	acme, err := s.CreateAccount(ctx, "acme", "Acme", bytes.Repeat([]byte{7}, 32))
	require.NoError(t, err)
	require.NoError(t, s.UpdateAccount(ctx, acme.ID, "Acmé"))
	_, err = s.Append(ctx, acme.ID, time.Now(), []store.NewEntry{{
		Key: keyA, Username: new("alice"), Thing: model.ThingPlugin, Command: model.CommandApply, Origin: model.OriginAPI,
		Request: "1", Response: "2", Salt: make([]byte, 32), PayloadState: model.PayloadStored,
	}})
	require.NoError(t, err)
	require.Equal(t, acme.ID, next(t, e.committed))
	require.NoError(t, s.EnsureUsers(ctx, acme.ID, time.Now(), []store.UserProfile{{Username: "Bob"}}))
	require.NoError(t, s.UpdateUser(ctx, acme.ID, 1, time.Now(), store.UserChange{
		Email: new(new("a@example.org")), DisplayName: new(new("Alice")), Disabled: new(true),
	}))
	token := newToken(1)
	token.Username = new("carol")
	require.NoError(t, s.CreateToken(ctx, acme.ID, token))
	require.NoError(t, s.TouchTokens(ctx, acme.ID, map[int64]time.Time{1: time.Now()}))
	require.NoError(t, s.RevokeToken(ctx, acme.ID, 1, time.Now(), nil))

	asAdmin := as(t, acme.ID, model.RoleAdmin, nil)
	entries, err := s.Ent().Entry.Query().WithUser().All(asAdmin)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, "alice", entries[0].Edges.User.Username)
	tokens, err := s.Ent().Token.Query().WithUser().All(asAdmin)
	require.NoError(t, err)
	require.Len(t, tokens, 1)
	_, err = s.Ent().Erasure.Query().All(asAdmin)
	require.NoError(t, err)
	require.NoError(t, headOf(asAdmin, s))
	require.NoError(t, s.Ready(ctx))
}

func TestTheServingRoleCannotUndoWhatProtectsEntries(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	servedBy(t, database)
	owner, serving := rawOf(t, database.OwnerURL), rawOf(t, database.ServingURL)
	owner.fill(t)
	before, schema := owner.content(t), owner.catalog(t)
	list := []string{
		`UPDATE entries SET status_code = 500`,
		`UPDATE entries SET request = NULL, response = NULL, payload_salt = NULL WHERE account_id = 7`,
		`UPDATE erasures SET reason = 'x'`,
		`UPDATE accounts SET digest_key = digest_key`,
		`UPDATE accounts SET slug = 'x'`,
		`UPDATE users SET username = 'x'`,
		`UPDATE heads SET account_id = 9`,
		`UPDATE entry_counts SET status_code = 500`,
		`DELETE FROM entry_counts`,
		`UPDATE tokens SET secret_digest = secret_digest`,
		`UPDATE tokens SET expires_at = NULL`,
		`UPDATE goose_db_version SET version_id = 9`,
		`INSERT INTO erasures (account_id, position, reason, erased_by, erased_at) VALUES (1, 0, 'x', 'x', now())`,
		`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9, true)`,
		owner.insertEntry(owner.rowOf(1, keyA, 0, nil)) + ` ON CONFLICT (account_id, key) DO UPDATE SET status_code = 500`,
		`MERGE INTO entries e USING (SELECT 1) AS s ON e.position = 1 WHEN MATCHED THEN DELETE`,
		`SELECT * FROM entries FOR UPDATE`,
		`SELECT nextval('accounts_id_seq')`,
		`ALTER TABLE entries DISABLE TRIGGER entries_protect_update`,
		`ALTER TABLE entries DISABLE TRIGGER ALL`,
		`ALTER TABLE entries DROP CONSTRAINT entries_thing_check`,
		`ALTER TABLE entries OWNER TO ` + database.ServingRole,
		`DROP TRIGGER entries_refuse_delete ON entries`,
		`CREATE TRIGGER x BEFORE INSERT ON entries EXECUTE FUNCTION samjournal_refuse_delete()`,
		`CREATE RULE x AS ON INSERT TO entries DO INSTEAD NOTHING`,
		`CREATE OR REPLACE FUNCTION samjournal_refuse_delete() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'`,
		`DROP FUNCTION samjournal_refuse_delete CASCADE`,
		`DROP INDEX entry_account_id_position`,
		`SET session_replication_role = replica`,
		`SET ROLE ` + database.OwnerRole,
	}
	for _, table := range []string{"accounts", "users", "entries", "erasures", "heads", "tokens", "goose_db_version"} {
		list = append(list, `DELETE FROM `+table, `TRUNCATE `+table+` CASCADE`, `ALTER TABLE `+table+` ADD COLUMN x int`,
			`DROP TABLE `+table+` CASCADE`, `DO 'BEGIN LOCK TABLE `+table+` IN ACCESS EXCLUSIVE MODE; END'`)
	}
	for _, statement := range list {
		_, err := serving.ExecContext(t.Context(), statement)
		refused, ok := errors.AsType[*pgconn.PgError](err)
		require.True(t, ok, "%s: %v", statement, err)
		require.Equal(t, "42501", refused.Code, "%s: %v", statement, err)
	}
	serving.exec(t, `GRANT DELETE ON entries TO `+database.ServingRole) // which is a warning, and does nothing
	require.Equal(t, before, owner.content(t))
	require.Equal(t, schema, owner.catalog(t))
	require.ElementsMatch(t, agreedRights(), rightsOf(t, database))
}

func TestAMemberOfTheOwnerGetsItsGrants(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	database.Exec(t, "ALTER ROLE "+database.ServingRole+" NOINHERIT; GRANT "+database.OwnerRole+" TO "+database.ServingRole)
	s := servedBy(t, database)
	require.ElementsMatch(t, agreedRights(), rightsOf(t, database))
	appendOne(t, s, 'a')
}

func TestARoleWithoutRightsIsToldWhatToDo(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	migrated(t, database.OwnerURL)
	s := open(t, database.ServingURL, store.Options{})
	for name, err := range map[string]error{
		"ready":   s.Ready(t.Context()),
		"migrate": s.Migrate(t.Context()),
		"append": func() error {
			_, err := s.Append(t.Context(), 1, time.Now(), nil)
			return err
		}(),
		"read": func() error {
			_, err := s.Ent().Entry.Query().All(as(t, 1, model.RoleAuditor, nil))
			return err
		}(),
	} {
		require.ErrorIs(t, err, store.ErrDenied, name)
		require.NotErrorIs(t, err, store.ErrUnavailable, name)
		require.ErrorContains(t, err, "samjournal migrate grants ROLE", name)
		require.ErrorContains(t, err, "permission denied for table", name)
	}
}

func TestAMigrateURLThatDoesNotFitIsRefused(t *testing.T) {
	t.Parallel()
	database, other := testpostgres.NewDatabase(t), testpostgres.NewDatabase(t)
	const setting = "SAMJOURNAL_MIGRATE_DATABASE_URL: "
	_, err := store.Open(t.Context(), fresh(t, "sqlite3"), store.Options{MigrateURL: database.OwnerURL})
	require.ErrorContains(t, err, setting+"is for PostgreSQL only")
	_, err = store.Open(t.Context(), database.ServingURL, store.Options{MigrateURL: "file:journal.db"})
	require.ErrorContains(t, err, setting+"must be a URL of the same PostgreSQL database")

	s := open(t, database.ServingURL, store.Options{MigrateURL: other.OwnerURL})
	require.ErrorContains(t, s.Migrate(t.Context()), setting+"must lead to the same database as DATABASE_URL")
	require.Empty(t, rightsOf(t, other))

	migrated(t, database.OwnerURL)
	database.Exec(t, "GRANT CREATE ON SCHEMA public TO "+database.ServingRole)
	s = open(t, database.OwnerURL, store.Options{MigrateURL: database.ServingURL})
	err = s.Migrate(t.Context())
	require.ErrorContains(t, err, setting+`names the role "`+database.ServingRole+`", but the tables belong to "`+database.OwnerRole)
}

func TestTheServingRoleMustFindTheTablesOfTheOwner(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	database.Exec(t, "CREATE SCHEMA elsewhere AUTHORIZATION "+database.OwnerRole)
	database.Exec(t, "ALTER ROLE "+database.OwnerRole+" SET search_path = elsewhere")
	s := open(t, database.ServingURL, store.Options{MigrateURL: database.OwnerURL})
	require.ErrorContains(t, s.Migrate(t.Context()), `in the schema "elsewhere"`)

	database.Exec(t, "ALTER ROLE "+database.ServingRole+" SET search_path = elsewhere")
	s = open(t, database.ServingURL, store.Options{MigrateURL: database.OwnerURL})
	require.NoError(t, s.Migrate(t.Context()), "USAGE of the schema is given too")
	appendOne(t, s, 'a')
}

func TestErrorsOfTheMigrateURLShowNoPassword(t *testing.T) {
	t.Parallel()
	database, closed := testpostgres.NewDatabase(t), closedPort(t)
	for _, address := range []string{
		"postgres://alice:Hunter2Geheim@" + closed + "/journal",
		"postgres://alice:Hunter2Geheim@" + closed + "/journal?sslmode=wrong",
		"postgres://alice:Hunter2Geheim@" + closed + ":wrong/journal",
		"postgres://alice:Hunter2@Geheim@" + closed + "/journal",
		"postgres://" + closed + "/journal?user=alice&password=Hunter2Geheim",
		"alice:Hunter2Geheim@" + closed,
		strings.Replace(database.OwnerURL, database.OwnerRole+":", database.OwnerRole+":Hunter2Geheim", 1), // a wrong one
	} {
		s, err := store.Open(t.Context(), database.ServingURL, store.Options{MigrateURL: address})
		if err == nil {
			err = errors.Join(s.Migrate(context.WithoutCancel(t.Context())), s.Close())
		}
		require.ErrorContains(t, err, "SAMJOURNAL_MIGRATE_DATABASE_URL: ", address)
		for e := range tree(err) {
			require.NotContains(t, fmt.Sprintf("%+v %#v", e, e), "Geheim", address)
		}
	}
}
