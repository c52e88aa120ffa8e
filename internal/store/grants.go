package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"samjournal/internal/model"
)

// grant is what the serving role may do with a table.
type grant struct {
	table   string
	insert  bool     // may add rows
	columns []string // may change these; nothing else of a row
}

// grants lists what the serving role needs, and no more. It reads all of them.
func grants() []grant {
	return []grant{
		{table: "accounts", insert: true, columns: []string{"name"}},
		{table: "users", insert: true, columns: []string{"email", "display_name", "disabled_at"}},
		{table: "entries", insert: true},
		{table: "erasures"},
		// A trigger of accounts adds the head, as whoever adds the account.
		{table: "heads", insert: true, columns: []string{"size", "counted", "last_key", "last_recorded_at"}},
		{table: "entry_counts", insert: true, columns: []string{"n"}},
		{table: "entry_terms", insert: true, columns: []string{"terms"}},
		{table: "entry_search_heads", insert: true, columns: []string{"version", "size"}},
		{table: "tokens", insert: true, columns: []string{"last_used_at", "revoked_at", "revoked_by"}},
		{table: versions},
	}
}

// tables are the names of all tables.
func tables() []string {
	all := grants()
	names := make([]string, 0, len(all))
	for _, g := range all {
		names = append(names, g.table)
	}
	return names
}

// versions is the table of the migrations that were applied.
const versions = "goose_db_version"

// sequences number rows for the server itself; an INSERT needs no right to them.
func sequences() []string { return []string{"accounts_id_seq", "goose_db_version_id_seq"} }

func (g grant) statement(role string) string {
	rights := []string{"SELECT"}
	if g.insert {
		rights = append(rights, "INSERT")
	}
	if len(g.columns) > 0 {
		rights = append(rights, "UPDATE ("+strings.Join(g.columns, ", ")+")")
	}
	return "GRANT " + strings.Join(rights, ", ") + " ON " + g.table + " TO " + role
}

// rights lists a grant in the words of rightsOf.
func (g grant) rights() []string {
	list := []string{g.table + " SELECT"}
	if g.insert {
		list = append(list, g.table+" INSERT")
	}
	for _, c := range g.columns {
		list = append(list, g.table+"."+c+" UPDATE")
	}
	return list
}

// GrantStatements returns the statements by which the owner of the tables on PostgreSQL gives a serving role exactly what it
// needs, without semicolons, always the same ones in the same order. They are safe to run again, and together in one
// transaction they leave a running server undisturbed. They take all other rights in these tables from the role, and all from
// PUBLIC, which the role would have too. An *model.InputError says that the name is not one of a role.
func GrantStatements(role string) ([]string, error) {
	const most = 63 // bytes, of PostgreSQL's names
	if role == "" || len(role) > most || strings.ContainsRune(role, 0) || role == "public" || role == "none" {
		return nil, &model.InputError{
			Path: []any{"role"}, Reason: fmt.Sprintf("must be the name of a role: 1 to %d bytes, neither public nor none", most),
		}
	}
	quoted := pgx.Identifier{role}.Sanitize()
	var given []string
	for _, g := range grants() {
		given = append(given, g.statement(quoted))
	}
	return slices.Concat([]string{
		"REVOKE ALL ON TABLE " + strings.Join(tables(), ", ") + " FROM PUBLIC, " + quoted,
		"REVOKE ALL ON SEQUENCE " + strings.Join(sequences(), ", ") + " FROM PUBLIC, " + quoted,
	}, given), nil
}

// wanted lists all rights that the serving role should have, sorted.
func wanted() []string {
	var list []string
	for _, g := range grants() {
		list = append(list, g.rights()...)
	}
	slices.Sort(list)
	return list
}

// rightsOf lists the rights that a role, or PUBLIC, was given in our tables and sequences of a schema, sorted: "entries SELECT",
// "heads.size UPDATE". Whoever may give a right on has it twice, the second time with a star.
func rightsOf(ctx context.Context, db *sql.DB, schema, role string) ([]string, error) {
	names := slices.Concat(sequences(), tables())
	rows, err := db.QueryContext(ctx, `WITH relations AS (
			SELECT oid, relname, relacl FROM pg_class WHERE relnamespace = $1::regnamespace AND relname = ANY($2)),
		given AS (
			SELECT relname::text AS what, (aclexplode(relacl)).* FROM relations
			UNION ALL
			SELECT relname || '.' || attname, (aclexplode(attacl)).*
			FROM relations JOIN pg_attribute ON attrelid = relations.oid AND attnum > 0 AND NOT attisdropped),
		of_role AS (
			SELECT what, privilege_type, is_grantable FROM given
			WHERE grantee = 0 OR grantee = (SELECT oid FROM pg_roles WHERE rolname = $3))
		SELECT what || ' ' || privilege_type FROM of_role
		UNION ALL SELECT what || ' ' || privilege_type || '*' FROM of_role WHERE is_grantable`, quote(schema), names, role)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var right string
		if err := rows.Scan(&right); err != nil {
			return nil, err
		}
		list = append(list, right)
	}
	slices.Sort(list)
	return slices.Compact(list), rows.Err()
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// ownsTables reports whether the serving role owns a table itself or is a superuser on PostgreSQL, so that it needs no grants.
func (s *Store) ownsTables(ctx context.Context) (bool, error) {
	var owns bool
	err := s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = current_user AND (rolsuper
		OR EXISTS (SELECT FROM unnest($1::text[]) AS t (name) JOIN pg_class ON pg_class.oid = to_regclass(t.name)
			WHERE relowner = pg_roles.oid)))`, tables()).Scan(&owns)
	if err != nil {
		return false, fmt.Errorf("read who owns the tables: %w", translate(err))
	}
	return owns, nil
}
