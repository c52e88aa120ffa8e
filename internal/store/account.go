package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"time"

	"samjournal/internal/model"
)

// ErrNoAccount says that there is no such account.
var ErrNoAccount = errors.New("no such account")

// ErrAccountExists says that the slug is taken.
var ErrAccountExists = errors.New("an account of this slug exists")

// digestKeySize is the length of an account's digest key in bytes.
const digestKeySize = 32

var slugPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// AccountBySlug returns an account and its digest key, or ErrNoAccount with the slug.
func (s *Store) AccountBySlug(ctx context.Context, slug string) (model.Account, []byte, error) {
	a, key := model.Account{Slug: slug}, []byte(nil)
	err := s.read.QueryRowContext(ctx, s.bind(`SELECT id, name, digest_key, created_at FROM accounts WHERE slug = ?`), slug).
		Scan(&a.ID, &a.Name, &key, &a.CreatedAt)
	if errors.Is(err, sql.ErrNoRows) {
		return model.Account{}, nil, fmt.Errorf("%w: %q", ErrNoAccount, slug)
	}
	if err != nil {
		return model.Account{}, nil, fmt.Errorf("read account %q: %w", slug, translate(err))
	}
	a.CreatedAt = a.CreatedAt.UTC()
	return a, key, nil
}

// CreateAccount adds an account with an empty journal. The slug matches ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$, the digest key
// has 32 bytes of randomness. The name is one of model.CheckName. Errors: *model.InputError, ErrAccountExists.
func (s *Store) CreateAccount(ctx context.Context, slug, name string, digestKey []byte) (model.Account, error) {
	if err := CheckSlug(slug); err != nil {
		return model.Account{}, err
	}
	if err := model.CheckName("name", name, model.MaxAccountName); err != nil {
		return model.Account{}, err
	}
	if len(digestKey) != digestKeySize {
		return model.Account{}, fmt.Errorf("digest key has %d bytes, must have %d", len(digestKey), digestKeySize)
	}
	a := model.Account{Slug: slug, Name: name, CreatedAt: model.Microseconds(time.Now())}
	if _, _, err := s.AccountBySlug(ctx, slug); !errors.Is(err, ErrNoAccount) {
		if err == nil {
			err = fmt.Errorf("%w: %q", ErrAccountExists, slug)
		}
		return model.Account{}, err
	}
	err := s.write.QueryRowContext(ctx,
		s.bind(`INSERT INTO accounts (slug, name, digest_key, created_at) VALUES (?, ?, ?, ?) RETURNING id`),
		a.Slug, a.Name, digestKey, a.CreatedAt).Scan(&a.ID)
	if err = translate(err); errors.Is(err, ErrRefused) {
		if _, _, otherErr := s.AccountBySlug(ctx, slug); otherErr == nil { // somebody else was faster
			err = ErrAccountExists
		}
	}
	if err != nil {
		return model.Account{}, fmt.Errorf("create account %q: %w", slug, err)
	}
	return a, nil
}

// CheckSlug returns an *model.InputError unless an account may have this slug.
func CheckSlug(slug string) error {
	if slugPattern.MatchString(slug) {
		return nil
	}
	return &model.InputError{
		Path: []any{"slug"}, Reason: "must be 1 to 63 of a-z, 0-9 and -, with no - at its begin or end",
	}
}

// Accounts reads all accounts, by slug.
func (s *Store) Accounts(ctx context.Context) ([]model.Account, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT id, slug, name, created_at FROM accounts ORDER BY slug`)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", translate(err))
	}
	defer rows.Close()
	var all []model.Account
	for rows.Next() {
		var a model.Account
		if err := rows.Scan(&a.ID, &a.Slug, &a.Name, &a.CreatedAt); err != nil {
			return nil, fmt.Errorf("read accounts: %w", translate(err))
		}
		a.CreatedAt = a.CreatedAt.UTC()
		all = append(all, a)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read accounts: %w", translate(err))
	}
	return all, nil
}

// UpdateAccount changes an account's name to one of model.CheckName. Errors: *model.InputError, ErrNoAccount.
func (s *Store) UpdateAccount(ctx context.Context, accountID int64, name string) error {
	if err := model.CheckName("name", name, model.MaxAccountName); err != nil {
		return err
	}
	found, err := s.change(ctx, `UPDATE accounts SET name = ? WHERE id = ?`, name, accountID)
	if err == nil && !found {
		err = fmt.Errorf("%w: number %d", ErrNoAccount, accountID)
	}
	if err != nil {
		return fmt.Errorf("update account: %w", err)
	}
	return nil
}
