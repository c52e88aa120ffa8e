package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"entgo.io/ent/dialect"

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
// has 32 bytes of randomness. Errors: *model.InputError, ErrAccountExists.
func (s *Store) CreateAccount(ctx context.Context, slug, name string, digestKey []byte) (model.Account, error) {
	if !slugPattern.MatchString(slug) {
		return model.Account{}, &model.InputError{
			Path: []any{"slug"}, Reason: "must be 1 to 63 of a-z, 0-9 and -, with no - at its begin or end",
		}
	}
	const most = 200
	if n := len([]rune(name)); n == 0 || n > most || strings.ContainsRune(name, 0) {
		return model.Account{}, &model.InputError{Path: []any{"name"}, Reason: fmt.Sprintf("must have 1 to %d characters", most)}
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
	if err != nil {
		return model.Account{}, fmt.Errorf("create account %q: %w", slug, translate(err))
	}
	return a, nil
}

// bind writes a statement's parameters the way the database wants them: SQLite ?, PostgreSQL $1, $2 and so on.
func (s *Store) bind(query string) string {
	if s.dialect != dialect.Postgres {
		return query
	}
	var b strings.Builder
	for n, part := range strings.Split(query, "?") {
		if n > 0 {
			fmt.Fprintf(&b, "$%d", n)
		}
		b.WriteString(part)
	}
	return b.String()
}
