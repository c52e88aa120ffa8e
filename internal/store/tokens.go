package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"entgo.io/ent/dialect"

	"samjournal/internal/model"
)

// ErrNoToken says that the account has no such token.
var ErrNoToken = errors.New("no such token")

// maxSubject is the most characters of who did something, as viewers and recorded_by name them.
const maxSubject = 200

// NewToken is a token to be stored. Of its secret only the digest is known here.
type NewToken struct {
	ID        int64  // positive and random: unique in the account, and telling nothing
	Name      string // 1 to 100 characters of model.CheckName
	Role      model.Role
	Username  *string // nil: nobody; needed by a READER. An unknown one is created. In the form that Append takes
	Digest    [32]byte
	CreatedBy *string // subject of who creates it, 1 to 200 characters; nil: the command line or the local operator
	CreatedAt time.Time
	ExpiresAt *time.Time // nil: it does not expire
}

// Token is a token as whoever checks or lists tokens needs it.
type Token struct {
	Account        model.Account
	ID             int64
	Name           string
	Role           model.Role
	Digest         [32]byte
	UserID         *int64
	Username       *string
	UserDisabledAt *time.Time
	CreatedAt      time.Time
	ExpiresAt      *time.Time
	RevokedAt      *time.Time
	LastUsedAt     *time.Time
}

func (t *NewToken) validate() error {
	switch {
	case t.ID < 1:
		return fmt.Errorf("token id %d is not positive", t.ID)
	case !t.Role.Valid():
		return fmt.Errorf("token has no known role: %q", t.Role)
	case t.Role == model.RoleReader && t.Username == nil:
		return &model.InputError{
			Path: []any{"username"}, Reason: "must be given for the role READER, which reads the entries of one user",
		}
	case t.CreatedBy != nil && !hasCharacters(*t.CreatedBy, maxSubject):
		return fmt.Errorf("who creates a token must have 1 to %d characters", maxSubject)
	}
	return model.CheckName("name", t.Name, model.MaxTokenName)
}

// CreateToken stores a token, and its user when the account does not have it, in one transaction. Errors: *model.InputError,
// ErrNoAccount; ErrRefused when the account has a token of this ID.
func (s *Store) CreateToken(ctx context.Context, accountID int64, t NewToken) error {
	if err := t.validate(); err != nil {
		return err
	}
	t.CreatedAt = model.Microseconds(t.CreatedAt)
	if t.ExpiresAt != nil {
		at := model.Microseconds(*t.ExpiresAt)
		t.ExpiresAt = &at
	}
	err := s.inAppendTx(ctx, accountID, func(tx appendTx) error {
		var names []string
		var profiles []UserProfile
		if t.Username != nil {
			names, profiles = []string{*t.Username}, []UserProfile{{Username: *t.Username}}
		}
		found, err := tx.open(ctx, nil, names)
		if err != nil {
			return err
		}
		missing, err := numberUsers(ctx, tx, t.CreatedAt, profiles, found.users)
		if err != nil {
			return err
		}
		if err := tx.write(ctx, addition{users: missing}); err != nil {
			return err
		}
		var userID *int64
		if t.Username != nil {
			id := found.users[*t.Username]
			userID = &id
		}
		return tx.exec(ctx, s.bind(`INSERT INTO tokens
			(account_id, id, name, role, user_id, secret_digest, created_at, created_by, expires_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`),
			accountID, t.ID, t.Name, string(t.Role), userID, t.Digest[:], t.CreatedAt, t.CreatedBy, t.ExpiresAt)
	})
	if err != nil {
		return fmt.Errorf("create token of account %d: %w", accountID, err)
	}
	return nil
}

// RevokeToken makes a token invalid for ever. by is who does so, nil for the command line and the local operator. Of a token
// that is revoked already nothing changes, which is no error. An unknown one is ErrNoToken.
func (s *Store) RevokeToken(ctx context.Context, accountID, id int64, now time.Time, by *string) error {
	if by != nil && !hasCharacters(*by, maxSubject) {
		return fmt.Errorf("who revokes a token must have 1 to %d characters", maxSubject)
	}
	changed, err := s.change(ctx,
		`UPDATE tokens SET revoked_at = ?, revoked_by = ? WHERE account_id = ? AND id = ? AND revoked_at IS NULL`,
		model.Microseconds(now), by, accountID, id)
	if err == nil && !changed {
		_, err = s.Token(ctx, accountID, id) // tokens never go: it is either revoked or was never there
	}
	if err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	return nil
}

// Token reads one token, or returns ErrNoToken.
func (s *Store) Token(ctx context.Context, accountID, id int64) (Token, error) {
	found, err := s.Tokens(ctx, accountID, []int64{id})
	if err != nil {
		return Token{}, err
	}
	t, ok := found[id]
	if !ok {
		return Token{}, fmt.Errorf("%w in account %d", ErrNoToken, accountID)
	}
	return t, nil
}

// HasOperatorToken tells whether a user of the account acts by a token of an operator that is neither revoked nor expired.
// Whether the user is disabled does not count.
func (s *Store) HasOperatorToken(ctx context.Context, accountID, userID int64, now time.Time) (bool, error) {
	var has bool
	err := s.read.QueryRowContext(ctx, s.bind(`SELECT EXISTS (SELECT 1 FROM tokens
		WHERE account_id = ? AND user_id = ? AND role = 'OPERATOR' AND revoked_at IS NULL
			AND (expires_at IS NULL OR expires_at > ?))`), accountID, userID, model.Microseconds(now)).Scan(&has)
	if err != nil {
		return false, fmt.Errorf("read the tokens of a user: %w", translate(err))
	}
	return has, nil
}

//nolint:gosec // no credentials
const selectTokens = `SELECT t.id, t.name, t.role, t.secret_digest, t.created_at, t.expires_at, t.revoked_at, t.last_used_at,
		t.user_id, u.username, u.disabled_at, a.id, a.slug, a.name, a.created_at
	FROM tokens AS t JOIN accounts AS a ON a.id = t.account_id
		LEFT JOIN users AS u ON u.account_id = t.account_id AND u.id = t.user_id
	WHERE t.account_id = ?`

// Tokens reads those of the tokens that the account has, by ID; all of the account when ids is nil.
func (s *Store) Tokens(ctx context.Context, accountID int64, ids []int64) (map[int64]Token, error) {
	query, args := selectTokens, []any{accountID}
	if ids != nil {
		condition, list, err := s.among("t.id", ids)
		if err != nil {
			return nil, err
		}
		query, args = query+" AND "+condition, append(args, list)
	}
	rows, err := s.read.QueryContext(ctx, s.bind(query), args...)
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", translate(err))
	}
	defer rows.Close()
	found := make(map[int64]Token, len(ids))
	for rows.Next() {
		t, err := scanToken(rows)
		if err != nil {
			return nil, fmt.Errorf("read tokens: %w", translate(err))
		}
		found[t.ID] = t
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read tokens: %w", translate(err))
	}
	return found, nil
}

func scanToken(rows *sql.Rows) (Token, error) {
	var (
		t      Token
		digest []byte
	)
	err := rows.Scan(&t.ID, &t.Name, &t.Role, &digest, &t.CreatedAt, &t.ExpiresAt, &t.RevokedAt, &t.LastUsedAt,
		&t.UserID, &t.Username, &t.UserDisabledAt, &t.Account.ID, &t.Account.Slug, &t.Account.Name, &t.Account.CreatedAt)
	if err != nil {
		return Token{}, err
	}
	t.Digest = [32]byte(digest) // a CHECK says that there are 32
	t.CreatedAt, t.Account.CreatedAt = t.CreatedAt.UTC(), t.Account.CreatedAt.UTC()
	for _, at := range []**time.Time{&t.ExpiresAt, &t.RevokedAt, &t.LastUsedAt, &t.UserDisabledAt} {
		*at = inUTC(*at)
	}
	return t, nil
}

// TouchTokens notes when tokens were last used, by ID. An earlier time than what is there changes nothing, nor does a token
// that the account does not have.
func (s *Store) TouchTokens(ctx context.Context, accountID int64, used map[int64]time.Time) error {
	if len(used) == 0 {
		return nil
	}
	touch := s.touchSQLite
	if s.dialect == dialect.Postgres {
		touch = s.touchPostgres
	}
	if err := translate(touch(ctx, accountID, used)); err != nil {
		return fmt.Errorf("note the use of %d tokens of account %d: %w", len(used), accountID, err)
	}
	return nil
}

// touchPostgres locks the rows in one order, so that nodes that do this at the same time cannot wait for each other in a
// circle.
func (s *Store) touchPostgres(ctx context.Context, accountID int64, used map[int64]time.Time) error {
	ids, times := make([]int64, 0, len(used)), make([]time.Time, 0, len(used))
	for id, at := range used {
		ids, times = append(ids, id), append(times, model.Microseconds(at))
	}
	_, err := s.pool.Exec(ctx, `WITH locked AS (
			SELECT id FROM tokens WHERE account_id = $1 AND id = ANY($2::bigint[]) ORDER BY id FOR NO KEY UPDATE)
		UPDATE tokens AS t SET last_used_at = used.at
		FROM locked JOIN unnest($2::bigint[], $3::timestamptz[]) AS used (id, at) ON used.id = locked.id
		WHERE t.account_id = $1 AND t.id = locked.id AND (t.last_used_at < used.at) IS NOT FALSE`,
		accountID, ids, times)
	return err
}

func (s *Store) touchSQLite(ctx context.Context, accountID int64, used map[int64]time.Time) error {
	return s.inSQLiteTx(ctx, accountID, func(tx appendTx) error {
		for id, at := range used {
			at = model.Microseconds(at)
			err := tx.exec(ctx, `UPDATE tokens SET last_used_at = ? WHERE account_id = ? AND id = ?
				AND (last_used_at < ?) IS NOT FALSE`, at, accountID, id, at)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
