package store

import (
	"context"
	"database/sql"
	"fmt"

	"entgo.io/ent/dialect"
)

// ExcessRights lists what the serving role could do on PostgreSQL beyond what serving takes, whether it may do so itself, as a
// member of another role, or after SET ROLE: "owner of the tables, as journal_owner", "DELETE on entries, as pg_write_all_data",
// "UPDATE on heads.account_id". Empty is as it should be. Whoever could take a right only with the help of others has not got it.
// A SQLite file belongs to whoever may write to it: nothing is listed.
func (s *Store) ExcessRights(ctx context.Context) ([]string, error) {
	if s.dialect != dialect.Postgres {
		return nil, nil
	}
	var super bool
	err := s.read.QueryRowContext(ctx, `SELECT rolsuper FROM pg_roles WHERE rolname = session_user`).Scan(&super)
	if err != nil {
		return nil, fmt.Errorf("read the rights of the role: %w", translate(err))
	}
	if super {
		return []string{"superuser"}, nil // who is a member of every role
	}
	var version int
	if err := s.read.QueryRowContext(ctx, `SELECT current_setting('server_version_num')::int`).Scan(&version); err != nil {
		return nil, fmt.Errorf("read the server's version: %w", translate(err))
	}
	groups := [][]string{{excessPowers, excessOwners}, {excessOnTables}}
	if version >= 150000 { // which has rights on settings
		groups[1] = append(groups[1], excessSettings)
	}
	var list []string
	for _, group := range groups {
		for _, query := range group {
			found, err := s.excess(ctx, query)
			if err != nil {
				return nil, fmt.Errorf("read the rights of the role: %w", translate(err))
			}
			list = append(list, found...)
		}
		if len(list) > 0 {
			return list, nil // who may have all rights is not told each
		}
	}
	return nil, nil
}

// excess runs one of the queries below. A right that there is in many ways is said once, of another role if there is one: what is
// inherited looks like one's own.
func (s *Store) excess(ctx context.Context, query string) ([]string, error) {
	rows, err := s.read.QueryContext(ctx, excessRoles+query, tables())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := map[string]bool{}
	for _, right := range wanted() {
		known[right] = true
	}
	var list []string
	for rows.Next() {
		var what, kind string
		var via sql.NullString
		if err := rows.Scan(&what, &kind, &via); err != nil {
			return nil, err
		}
		if known[what+" "+kind] {
			continue
		}
		right := kind
		if what != "" {
			right += " on " + what
		}
		if via.Valid {
			right += ", as " + via.String
		}
		known[what+" "+kind] = true
		list = append(list, right)
	}
	return list, rows.Err()
}

// The queries of ExcessRights give what a right is on, the right, and the role by which the serving role has it, null for itself,
// which comes last. $1 are the tables. The role is the session's: whoever set another one may set it back.
const (
	excessRoles = `WITH roles AS (
			SELECT oid, rolsuper, rolcreaterole, rolname, CASE WHEN rolname <> session_user THEN rolname::text END AS via
			FROM pg_roles WHERE pg_has_role(session_user, oid, 'MEMBER')),
		tables AS (
			SELECT oid, name, relowner, relnamespace FROM unnest($1::text[]) AS given (name) JOIN pg_class ON oid = to_regclass(name)) `
	// What leads to all rights by a detour. Until PostgreSQL 16 who may create roles may join any but superusers.
	excessPowers = `SELECT '', power, via FROM roles CROSS JOIN LATERAL (
			SELECT 'superuser' WHERE rolsuper
			UNION ALL SELECT 'CREATEROLE' WHERE rolcreaterole AND current_setting('server_version_num')::int < 160000
			UNION ALL SELECT 'commands and files of the server'
				WHERE rolname IN ('pg_execute_server_program', 'pg_write_server_files')) AS powers (power)
		ORDER BY via NULLS LAST, 2`
	// The owner of a schema may drop what is in it, and a trigger does what the owner of its function says.
	excessOwners = `SELECT '', 'owner of ' || owned, via FROM roles JOIN (
			SELECT relowner, 'the tables' FROM tables
			UNION SELECT nspowner, 'the schema' FROM tables JOIN pg_namespace n ON n.oid = relnamespace
			UNION SELECT proowner, 'the functions of triggers' FROM tables JOIN pg_trigger ON tgrelid = tables.oid
				JOIN pg_proc p ON p.oid = tgfoid WHERE NOT tgisinternal
		) AS owners (owner, owned) ON owner = roles.oid ORDER BY via NULLS LAST, owned DESC`
	excessOnTables = `, of_tables AS (
			SELECT name AS what, privilege, via FROM roles, tables,
				unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p (privilege)
			WHERE has_table_privilege(roles.oid, tables.oid, privilege)),
		of_columns AS (
			SELECT name || '.' || attname AS what, privilege, via FROM roles, tables JOIN pg_attribute ON attrelid = tables.oid,
				unnest(ARRAY['INSERT', 'UPDATE', 'REFERENCES']) AS p (privilege)
			WHERE attnum > 0 AND NOT attisdropped AND has_column_privilege(roles.oid, tables.oid, attnum, privilege)
				AND NOT has_table_privilege(roles.oid, tables.oid, privilege)),
		of_schema AS (
			SELECT DISTINCT 'the schema ' || nspname AS what, 'CREATE' AS privilege, via
			FROM roles, tables JOIN pg_namespace n ON n.oid = relnamespace WHERE has_schema_privilege(roles.oid, n.oid, 'CREATE'))
		SELECT what, privilege, via FROM (
			SELECT what, privilege, via FROM of_tables UNION ALL SELECT what, privilege, via FROM of_columns
			UNION ALL SELECT what, privilege, via FROM of_schema) AS found
		ORDER BY via NULLS LAST, what, privilege`
	// With this setting no trigger fires.
	excessSettings = `SELECT 'the setting session_replication_role', 'SET', via FROM roles
		WHERE has_parameter_privilege(oid, 'session_replication_role', 'SET')
		ORDER BY via NULLS LAST`
)
