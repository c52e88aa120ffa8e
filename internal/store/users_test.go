package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
	"samjournal/internal/store"
)

func TestAUserIsChangedFieldByField(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			r := filled(t, databaseURL)
			s := open(t, databaseURL, store.Options{})
			nothing := new((*string)(nil))
			text := func(value string) **string { return new(new(value)) }
			for _, step := range []struct {
				change      store.UserChange
				email, name any
			}{
				{store.UserChange{}, nil, nil},
				{store.UserChange{Email: text("bob@example.org")}, "bob@example.org", nil},
				{store.UserChange{DisplayName: text("Bób")}, "bob@example.org", "Bób"},
				{store.UserChange{}, "bob@example.org", "Bób"},
				{store.UserChange{Email: nothing}, nil, "Bób"},
				{store.UserChange{Email: text(strings.Repeat("é", 254)), DisplayName: nothing}, strings.Repeat("é", 254), nil},
			} {
				require.NoError(t, s.UpdateUser(t.Context(), 1, 2, tokenTime(), step.change))
				require.Equal(t, [][]any{{step.email, step.name}},
					r.rows(t, `SELECT email, display_name FROM users WHERE account_id = 1 AND id = 2`))
			}
			others := `SELECT count(*) FROM users WHERE email IS NOT NULL`
			require.Equal(t, "1", fmt.Sprint(r.rows(t, others)[0][0]), "no other user changed")
		})
	}
}

func TestAUserIsDisabledOnceAndMadeActiveAgain(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s := migrated(t, databaseURL)
			n := newToken(1)
			n.Username = new("alice")
			require.NoError(t, s.CreateToken(t.Context(), 1, n))
			first := tokenTime().UTC().Truncate(time.Microsecond)
			for _, step := range []struct {
				disabled *bool
				at       time.Time
				want     *time.Time
			}{
				{new(false), first, nil},
				{new(true), first, &first},
				{new(true), first.Add(time.Hour), &first},
				{nil, first, &first},
				{new(false), first, nil},
			} {
				require.NoError(t, s.UpdateUser(t.Context(), 1, 1, step.at, store.UserChange{Disabled: step.disabled}))
				u, ok, err := s.UserByName(t.Context(), 1, "alice")
				require.NoError(t, err)
				require.True(t, ok)
				require.Equal(t, store.User{ID: 1, Username: "alice", DisabledAt: step.want}, u)
				token, err := s.Token(t.Context(), 1, 1)
				require.NoError(t, err)
				require.Equal(t, step.want, token.UserDisabledAt)
			}
		})
	}
}

func TestAUserChangeThatIsNotAllowedIsRefused(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			r := filled(t, databaseURL)
			s := open(t, databaseURL, store.Options{})
			before := r.content(t)
			var input *model.InputError
			for _, text := range []string{"", "a\x00", "\xff", "a\n", "\u202ea", " ", strings.Repeat("x", 255)} {
				err := s.UpdateUser(t.Context(), 1, 1, tokenTime(), store.UserChange{Email: new(&text)})
				require.ErrorAs(t, err, &input, "%q", text)
				require.Equal(t, []any{"email"}, input.Path)
				err = s.UpdateUser(t.Context(), 1, 1, tokenTime(), store.UserChange{DisplayName: new(&text)})
				require.ErrorAs(t, err, &input, "%q", text)
				require.Equal(t, []any{"displayName"}, input.Path)
			}
			for _, of := range [][2]int64{{1, 99}, {99, 1}} {
				err := s.UpdateUser(t.Context(), of[0], of[1], tokenTime(), store.UserChange{Disabled: new(true)})
				require.ErrorIs(t, err, store.ErrNoUser)
				require.ErrorIs(t, s.UpdateUser(t.Context(), of[0], of[1], tokenTime(), store.UserChange{}), store.ErrNoUser)
			}
			require.Equal(t, before, r.content(t))
		})
	}
}

func TestUsersAreFoundByTheirExactName(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			filled(t, databaseURL)
			s := open(t, databaseURL, store.Options{})
			u, ok, err := s.UserByName(t.Context(), 7, "Bob")
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, store.User{ID: 2, Username: "Bob"}, u)
			for _, of := range []struct {
				account int64
				name    string
			}{{1, "bob"}, {1, "Bob "}, {1, ""}, {99, "Bob"}} {
				_, ok, err := s.UserByName(t.Context(), of.account, of.name)
				require.NoError(t, err)
				require.False(t, ok, of)
			}
		})
	}
}

func TestManyUsersAreFoundWithFewStatements(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s, collected := logged(t, databaseURL)
			const users = 2500
			profiles, names := make([]store.UserProfile, users), []string{"nobody", "theirs", "Bob"}
			for n := range profiles {
				profiles[n].Username = fmt.Sprintf("%d-ångström \"%d\" {,} 🚀", n, n)
				names = append(names, profiles[n].Username)
			}
			require.NoError(t, s.EnsureUsers(t.Context(), 1, tokenTime(), profiles))
			require.NoError(t, s.EnsureUsers(t.Context(), 7, tokenTime(), []store.UserProfile{{Username: "theirs"}}))
			one, _, err := s.UserByName(t.Context(), 1, names[users])
			require.NoError(t, err)
			require.NoError(t, s.UpdateUser(t.Context(), 1, one.ID, tokenTime(), store.UserChange{Disabled: new(true)}))

			collected.take()
			found, err := s.UsersByName(t.Context(), 1, names)
			require.NoError(t, err)
			require.Len(t, collected.take(), 3, "a thousand names a statement")
			expected := map[string]store.User{}
			for _, name := range names {
				u, ok, err := s.UserByName(t.Context(), 1, name)
				require.NoError(t, err)
				if ok {
					expected[name] = u
				}
			}
			require.Equal(t, expected, found)
			require.Len(t, found, users+1, "those of the names, and the account's own Bob")
			require.NotNil(t, found[one.Username].DisabledAt)

			collected.take()
			found, err = s.UsersByName(t.Context(), 1, nil)
			require.NoError(t, err)
			require.Empty(t, found)
			require.Empty(t, collected.take(), "nothing to ask")
		})
	}
}

func TestUsersAreFoundByTheirIndex(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s, collected := logged(t, databaseURL)
			profiles := make([]store.UserProfile, 5000)
			for n := range profiles {
				profiles[n].Username = fmt.Sprint("user ", n)
			}
			require.NoError(t, s.EnsureUsers(t.Context(), 1, tokenTime(), profiles))
			collected.take()
			_, err := s.UsersByName(t.Context(), 1, []string{"user 1", "user 2"})
			require.NoError(t, err)
			statement := collected.take()[0]
			want := "SEARCH users USING INDEX user_account_id_username (account_id=? AND username=?)"
			explain := "EXPLAIN QUERY PLAN " + strings.NewReplacer("= ?", "= 1", "(?)", `('["user 1"]')`).Replace(statement)
			if d == dialect.Postgres {
				want = "Index Scan using user_account_id_username on users"
				explain = "EXPLAIN " + strings.NewReplacer("$1", "1", "$2", "'{user 1,user 2}'").Replace(statement)
			}
			read, write := s.Pools()
			_, err = write.ExecContext(t.Context(), "ANALYZE users")
			require.NoError(t, err)
			rows, err := read.QueryContext(t.Context(), explain)
			require.NoError(t, err)
			defer rows.Close()
			plan, columns := "", []any{new(string)}
			if d == dialect.SQLite {
				columns = []any{new(string), new(string), new(string), columns[0]}
			}
			for rows.Next() {
				require.NoError(t, rows.Scan(columns...))
				plan += *columns[len(columns)-1].(*string) + "\n"
			}
			require.NoError(t, rows.Err())
			require.Contains(t, plan, want)
		})
	}
}
