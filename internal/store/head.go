package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	entsql "entgo.io/ent/dialect/sql"

	"samjournal/ent/account"
	"samjournal/ent/entry"
	"samjournal/ent/head"
	"samjournal/ent/user"
	"samjournal/internal/model"
)

// Head is the size of an account's journal and its last key, "" while it is empty.
type Head struct {
	Size    int64
	LastKey string
}

// Head reads the head of the scope's account.
func (s *Store) Head(ctx context.Context, scope model.Scope) (h Head, err error) {
	b := entsql.Dialect(s.dialect)
	heads := b.Table(head.Table)
	text, args := b.Select(heads.C(head.FieldSize), heads.C(head.FieldLastKey)).From(heads).
		Where(entsql.EQ(heads.C(head.FieldID), scope.AccountID)).Query()
	var lastKey sql.NullString
	if err := s.read.QueryRowContext(ctx, text, args...).Scan(&h.Size, &lastKey); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			err = fmt.Errorf("%w: number %d", ErrNoAccount, scope.AccountID)
		}
		return Head{}, fmt.Errorf("read head: %w", translate(err))
	}
	h.LastKey = lastKey.String
	return h, nil
}

// KeyAt returns the key of the entry at a position, "" when there is none. It does not ask whether the entry may be seen: it
// serves to check that a cursor fits the journal, and its answer goes nowhere else.
func (s *Store) KeyAt(ctx context.Context, accountID, position int64) (string, error) {
	b := entsql.Dialect(s.dialect)
	entries := b.Table(entry.Table)
	text, args := b.Select(entries.C(entry.FieldID)).From(entries).Where(entsql.And(
		entsql.EQ(entries.C(entry.FieldAccountID), accountID),
		entsql.EQ(entries.C(entry.FieldPosition), position),
	)).Query()
	var key string
	err := s.read.QueryRowContext(ctx, text, args...).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return key, translate(err)
}

// Usernames returns the names of those of the users that the account has.
func (s *Store) Usernames(ctx context.Context, accountID int64, ids []int64) (map[int64]string, error) {
	b := entsql.Dialect(s.dialect)
	users := b.Table(user.Table)
	values := make([]any, len(ids))
	for i, id := range ids {
		values[i] = id
	}
	text, args := b.Select(users.C(user.FieldID), users.C(user.FieldUsername)).From(users).Where(entsql.And(
		entsql.EQ(users.C(user.FieldAccountID), accountID),
		entsql.In(users.C(user.FieldID), values...),
	)).Query()
	rows, err := s.read.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, translate(err)
	}
	defer rows.Close()
	names := make(map[int64]string, len(ids))
	for rows.Next() {
		var (
			id   int64
			name string
		)
		if err := rows.Scan(&id, &name); err != nil {
			return nil, translate(err)
		}
		names[id] = name
	}
	return names, translate(rows.Err())
}

// DigestKey returns the account's key for digests of what was sent, or ErrNoAccount.
func (s *Store) DigestKey(ctx context.Context, accountID int64) ([]byte, error) {
	b := entsql.Dialect(s.dialect)
	accounts := b.Table(account.Table)
	text, args := b.Select(accounts.C(account.FieldDigestKey)).From(accounts).
		Where(entsql.EQ(accounts.C(account.FieldID), accountID)).Query()
	var key []byte
	err := s.read.QueryRowContext(ctx, text, args...).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%w: number %d", ErrNoAccount, accountID)
	}
	return key, translate(err)
}
