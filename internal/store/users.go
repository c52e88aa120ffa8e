package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"entgo.io/ent/dialect"
	"github.com/jackc/pgx/v5"

	"samjournal/internal/model"
)

// ErrNoUser says that the account has no such user.
var ErrNoUser = errors.New("no such user")

// usersAtOnce is how many users one statement looks for at most.
const usersAtOnce = 1000

// User is a user as the server itself needs it.
type User struct {
	ID         int64
	Username   string
	DisabledAt *time.Time // nil: active
}

// UserByName finds a user of the account; false when there is none of this name.
func (s *Store) UserByName(ctx context.Context, accountID int64, username string) (User, bool, error) {
	u := User{Username: username}
	err := s.read.QueryRowContext(ctx, s.bind(`SELECT id, disabled_at FROM users WHERE account_id = ? AND username = ?`),
		accountID, username).Scan(&u.ID, &u.DisabledAt)
	if errors.Is(err, sql.ErrNoRows) {
		return User{}, false, nil
	}
	if err != nil {
		return User{}, false, fmt.Errorf("read user: %w", translate(err))
	}
	u.DisabledAt = inUTC(u.DisabledAt)
	return u, true, nil
}

// UsersByName finds those of the users that the account has, by name, with a statement for each thousand names.
func (s *Store) UsersByName(ctx context.Context, accountID int64, names []string) (map[string]User, error) {
	found := make(map[string]User, len(names))
	for some := range slices.Chunk(names, usersAtOnce) {
		if err := s.addUsers(ctx, accountID, some, found); err != nil {
			return nil, fmt.Errorf("read %d users: %w", len(names), translate(err))
		}
	}
	return found, nil
}

func (s *Store) addUsers(ctx context.Context, accountID int64, names []string, found map[string]User) error {
	condition, list, err := s.among("username", names)
	if err != nil {
		return err
	}
	args := []any{accountID, list}
	if s.dialect == dialect.Postgres {
		// Planned for these names: a plan from when there were few users might look at all of them for each name.
		args = append([]any{pgx.QueryExecModeExec}, args...)
	}
	rows, err := s.read.QueryContext(ctx,
		s.bind(`SELECT id, username, disabled_at FROM users WHERE account_id = ? AND `+condition), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var u User
		if err := rows.Scan(&u.ID, &u.Username, &u.DisabledAt); err != nil {
			return err
		}
		u.DisabledAt = inUTC(u.DisabledAt)
		found[u.Username] = u
	}
	return rows.Err()
}

// UserChange is what to change of a user. Nil leaves a field as it is, a pointer to nil clears it.
type UserChange struct {
	Email       **string // 1 to 254 characters of model.CheckName
	DisplayName **string // 1 to 200
	// Disabled true disables the user, whose entries stay; false makes it active again. Nothing changes where it is so already.
	Disabled *bool
}

// UpdateUser changes what may change of a user. Errors: *model.InputError, ErrNoUser.
func (s *Store) UpdateUser(ctx context.Context, accountID, userID int64, now time.Time, c UserChange) error {
	set, args := "", []any(nil)
	for _, text := range []struct {
		field, column string
		value         **string
		most          int
	}{
		{"email", "email", c.Email, model.MaxEmail},
		{"displayName", "display_name", c.DisplayName, model.MaxDisplayName},
	} {
		if text.value == nil {
			set += text.column + " = " + text.column + ", "
			continue
		}
		if *text.value != nil {
			if err := model.CheckName(text.field, **text.value, text.most); err != nil {
				return err
			}
		}
		set, args = set+text.column+" = ?, ", append(args, *text.value)
	}
	switch {
	case c.Disabled == nil:
		set += "disabled_at = disabled_at"
	case *c.Disabled:
		set, args = set+"disabled_at = coalesce(disabled_at, ?)", append(args, model.Microseconds(now))
	default:
		set += "disabled_at = NULL"
	}
	found, err := s.change(ctx, `UPDATE users SET `+set+` WHERE account_id = ? AND id = ?`,
		append(args, accountID, userID)...)
	if err == nil && !found {
		err = fmt.Errorf("%w: number %d in account %d", ErrNoUser, userID, accountID)
	}
	if err != nil {
		return fmt.Errorf("update user: %w", err)
	}
	return nil
}
