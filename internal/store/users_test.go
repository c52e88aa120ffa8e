package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

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
			for _, text := range []string{"", "a\x00", "\xff", strings.Repeat("x", 255)} {
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
