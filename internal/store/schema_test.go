package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"
)

// catalog is all that the database itself says about its schema: what Ent and Atlas do not look at (triggers, CHECKs,
// functions, collations, owners and grants) as well.
func (r raw) catalog(t *testing.T) string {
	t.Helper()
	queries := []string{`SELECT sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY tbl_name, type DESC, name`}
	if r.dialect == dialect.Postgres {
		r.exec(t, `SET timezone = 'UTC'`) // some CHECKs have times in them
		queries = []string{
			`SELECT format('table %s, owner %s, grants %s%s', relname, CASE WHEN relowner = current_user::regrole THEN 'migrator' END,
				coalesce(array_to_string(relacl, ' '), 'default'), ', with ' || array_to_string(reloptions, ' '))
			FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S') ORDER BY relname`,
			`SELECT format('column %s.%s %s%s%s%s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
				CASE WHEN a.attnotnull THEN ' NOT NULL' END, ' COLLATE ' || nullif(k.collname::text, 'default'),
				' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), ' IDENTITY ' || nullif(a.attidentity::text, ''),
				' GRANTS ' || array_to_string(a.attacl, ' '))
			FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_collation k ON k.oid = a.attcollation
				LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
			WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
			ORDER BY c.relname, a.attnum`,
			// Newer servers list NOT NULL among the constraints; the columns say it above.
			`SELECT format('constraint %s on %s %s', conname, conrelid::regclass, pg_get_constraintdef(oid))
			FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND contype NOT IN ('n', 't')
			ORDER BY conrelid::regclass::text, conname`,
			`SELECT replace(indexdef, current_schema() || '.', '') FROM pg_indexes WHERE schemaname = current_schema()
			ORDER BY tablename, indexname`,
			`SELECT format('%s, enabled %s', replace(pg_get_triggerdef(t.oid), current_schema() || '.', ''), t.tgenabled)
			FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
			WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal ORDER BY c.relname, t.tgname`,
			`SELECT replace(pg_get_functiondef(oid), current_schema() || '.', '') FROM pg_proc
			WHERE pronamespace = current_schema()::regnamespace ORDER BY proname`,
		}
	}
	var b strings.Builder
	for _, query := range queries {
		for _, row := range r.rows(t, query) {
			fmt.Fprintln(&b, strings.TrimRight(fmt.Sprint(row[0]), "\n"))
		}
	}
	return b.String()
}

// A migration that builds a table anew loses its triggers and CHECKs without a word; only this comparison notices. After a
// change that is meant, run this test with SAMJOURNAL_UPDATE_GOLDEN=1 and read the difference.
func TestSchemaIsTheAgreedOne(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			migrated(t, databaseURL)
			r := rawOf(t, databaseURL)
			golden := filepath.Join("testdata", "schema."+r.dialect+".txt")
			if os.Getenv("SAMJOURNAL_UPDATE_GOLDEN") != "" {
				require.NoError(t, os.MkdirAll("testdata", 0o750))
				require.NoError(t, os.WriteFile(golden, []byte(r.catalog(t)), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), r.catalog(t))
		})
	}
}

func TestALostProtectionIsNoticed(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			migrated(t, databaseURL)
			r := rawOf(t, databaseURL)
			statements := []string{`DROP TRIGGER entries_refuse_delete`, `DROP INDEX entry_account_id_position`}
			if r.dialect == dialect.Postgres {
				statements = []string{
					`ALTER TABLE entries DISABLE TRIGGER entries_refuse_delete`,
					`DROP TRIGGER entries_refuse_truncate ON entries`,
					`ALTER TABLE entries DROP CONSTRAINT entries_thing_check`,
					`ALTER TABLE users ALTER username TYPE varchar COLLATE "default"`,
					`GRANT DELETE ON entries TO public`,
					`GRANT UPDATE (status_code) ON entries TO public`,
					`CREATE OR REPLACE FUNCTION samjournal_refuse_delete() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'`,
				}
			}
			for _, statement := range statements {
				before := r.catalog(t)
				r.exec(t, statement)
				require.NotEqual(t, before, r.catalog(t), statement)
			}
		})
	}
}

// Every key begins with the account, so that no constraint of one account can tell of another, and tables can be sharded.
func TestEveryKeyBeginsWithTheAccount(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			migrated(t, databaseURL)
			r := rawOf(t, databaseURL)
			query := `SELECT t.name || '.' || i.name, c.name FROM sqlite_master t, pragma_index_list(t.name) i, pragma_index_info(i.name) c
			WHERE t.type = 'table' AND c.seqno = 0 AND t.name NOT IN ('accounts', 'goose_db_version') AND t.name NOT LIKE 'entry_terms%'
			UNION ALL SELECT t.name || '.fk' || f.id, f."from" FROM sqlite_master t, pragma_foreign_key_list(t.name) f
			WHERE t.type = 'table' AND f.seq = 0`
			if r.dialect == dialect.Postgres {
				query = `SELECT i.indexrelid::regclass::text, a.attname::text FROM pg_index i
				JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
				WHERE i.indrelid IN ('users'::regclass, 'entries'::regclass, 'erasures'::regclass, 'heads'::regclass,
					'tokens'::regclass, 'entry_counts'::regclass)
				UNION ALL SELECT f.conname::text, a.attname::text FROM pg_constraint f
				JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1] WHERE f.contype = 'f'`
			}
			keys := r.rows(t, query)
			for _, key := range keys {
				require.Equal(t, "account_id", key[1], key[0])
			}
			require.Greater(t, len(keys), 18)
		})
	}
}
