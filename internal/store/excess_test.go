package store_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/store"
	"samjournal/internal/testpostgres"
)

// excess is what a role has too much, with the names of the tests' roles made short.
func excess(t *testing.T, s *store.Store, database testpostgres.Database) []string {
	t.Helper()
	list, err := s.ExcessRights(t.Context())
	require.NoError(t, err)
	short := strings.NewReplacer(database.ServingRole+"_x", "other", database.ServingRole, "serving", database.OwnerRole, "owner")
	for i := range list {
		list[i] = short.Replace(list[i])
	}
	return list
}

func TestTheServingRoleHasNothingInExcess(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	require.Empty(t, excess(t, servedBy(t, database), database))
	require.Empty(t, excess(t, migrated(t, fresh(t, "sqlite3")), database))
}

func TestOwnersAndSuperusersMayDoTooMuch(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	servedBy(t, database)
	require.Contains(t, excess(t, open(t, database.OwnerURL, store.Options{}), database), "owner of the tables")
	require.Equal(t, []string{"superuser"}, excess(t, open(t, database.SuperuserURL, store.Options{}), database))
}

func TestRightsInExcessAreFound(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		statements string // with $serving, and $other, which is one more role
		want       []string
	}{
		"given itself":  {"GRANT DELETE ON entries TO $serving", []string{"DELETE on entries"}},
		"on a column":   {"GRANT UPDATE (status_code) ON entries TO $serving", []string{"UPDATE on entries.status_code"}},
		"to all":        {"GRANT TRUNCATE ON tokens TO public", []string{"TRUNCATE on tokens"}},
		"on the schema": {"GRANT CREATE ON SCHEMA public TO $serving", []string{"CREATE on the schema public"}},
		"by membership": {
			"GRANT DELETE, SELECT ON entries TO $other; GRANT $other TO $serving", []string{"DELETE on entries, as other"},
		},
		"after SET ROLE": {
			"ALTER ROLE $serving NOINHERIT; GRANT TRIGGER ON entries TO $other; GRANT $other TO $serving",
			[]string{"TRIGGER on entries, as other"},
		},
		"both ways": {
			"GRANT DELETE ON entries TO $serving, $other; GRANT $other TO $serving", []string{"DELETE on entries, as other"},
		},
		"as the owner": {"GRANT $owner TO $serving", []string{"owner of the tables, as owner"}},
		"in two steps": {"GRANT $owner TO $other; GRANT $other TO $serving", []string{"owner of the tables, as owner"}},
		"as the function's": {
			"ALTER FUNCTION samjournal_refuse_delete OWNER TO $serving", []string{"owner of the functions of triggers"},
		},
		"as another superuser": {
			"ALTER ROLE $other SUPERUSER; GRANT $other TO $serving", []string{"superuser, as other"},
		},
		"by the server's files": {
			"GRANT pg_write_server_files TO $serving", []string{"commands and files of the server, as pg_write_server_files"},
		},
		"of all data": {
			"GRANT pg_write_all_data TO $serving",
			[]string{"DELETE on entries, as pg_write_all_data", "UPDATE on entries, as pg_write_all_data"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := testpostgres.NewDatabase(t)
			s := servedBy(t, database)
			other := database.ServingRole + "_x"
			admin := rawOf(t, database.SuperuserURL)
			admin.exec(t, "CREATE ROLE "+other)
			t.Cleanup(func() {
				for _, statement := range []string{
					"REASSIGN OWNED BY " + database.ServingRole + " TO " + database.OwnerRole,
					"DROP OWNED BY " + other + ", " + database.ServingRole,
					"DROP ROLE " + other,
				} {
					_, err := admin.ExecContext(context.Background(), statement)
					require.NoError(t, err)
				}
			})
			admin.exec(t, strings.NewReplacer("$serving", database.ServingRole, "$owner", database.OwnerRole, "$other", other).
				Replace(test.statements))
			found := excess(t, s, database)
			require.Subset(t, found, test.want)
			if len(test.want) == 1 && !strings.HasPrefix(test.want[0], "owner") {
				require.Equal(t, test.want, found)
			}
		})
	}
}

func TestARightToSwitchTriggersOffIsFound(t *testing.T) {
	t.Parallel()
	database := testpostgres.NewDatabase(t)
	s := servedBy(t, database)
	admin := rawOf(t, database.SuperuserURL)
	rows := admin.rows(t, `SELECT current_setting('server_version_num')::int`)
	if version, _ := rows[0][0].(int64); version < 150000 {
		return // has no rights on settings
	}
	admin.exec(t, "GRANT SET ON PARAMETER session_replication_role TO "+database.ServingRole)
	t.Cleanup(func() {
		_, err := admin.ExecContext(context.Background(),
			"REVOKE SET ON PARAMETER session_replication_role FROM "+database.ServingRole)
		require.NoError(t, err)
	})
	require.Equal(t, []string{"SET on the setting session_replication_role"}, excess(t, s, database))
}
