package auth

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"samjournal/internal/model"
	"samjournal/internal/store"
)

const (
	// maxTokenYears is how far ahead a token's end may be.
	maxTokenYears = 10
	// digestKeySize is the length of an account's digest key in bytes.
	digestKeySize = 32
)

// AdminBackend is what Admin needs of the store. What a method has done is durable when it returns.
type AdminBackend interface {
	// CreateToken creates the token's user too, when the account does not have it.
	CreateToken(ctx context.Context, accountID int64, t store.NewToken) error
	// Token fails with store.ErrNoToken.
	Token(ctx context.Context, accountID, id int64) (store.Token, error)
	// HasOperatorToken tells whether a user acts by a token of an operator that is valid, but for the user being disabled.
	HasOperatorToken(ctx context.Context, accountID, userID int64, now time.Time) (bool, error)
	// UserByName is false when there is no such user.
	UserByName(ctx context.Context, accountID int64, username string) (store.User, bool, error)
	// RevokeToken fails with store.ErrNoToken; of a revoked token it changes nothing.
	RevokeToken(ctx context.Context, accountID, id int64, now time.Time, by *string) error
	// CreateAccount fails with store.ErrAccountExists or an *model.InputError.
	CreateAccount(ctx context.Context, slug, name string, digestKey []byte) (model.Account, error)
	// UpdateAccount fails with an *model.InputError.
	UpdateAccount(ctx context.Context, accountID int64, name string) error
	// UpdateUser fails with store.ErrNoUser or an *model.InputError.
	UpdateUser(ctx context.Context, accountID, userID int64, now time.Time, c store.UserChange) error
}

// Admin changes what an account has beside its journal. Each method works in the account of its context's viewer, checks first
// whether that viewer may do it, and fails with model.ErrNoViewer, ErrForbidden, an *model.InputError whose path begins with
// the name of what was given, or an error of the store, such as store.ErrUnavailable. What a method has done is durable when it
// returns.
type Admin struct {
	// Store must be given.
	Store AdminBackend
	// Clock tells the time. Default time.Now.
	Clock func() time.Time
	// Random is where secrets come from. Default crypto/rand.
	Random io.Reader
	// MayCreateOperators allows tokens of operators, to operators. It is for the command line. Default false.
	MayCreateOperators bool
}

// TokenInput is a token to be created.
type TokenInput struct {
	// Name says what the token is for: 1 to 100 characters of model.CheckName.
	Name string
	Role model.Role
	// Username is the user that the token acts as, created when the account does not have it. A READER needs one.
	Username *string
	// ExpiresAt is from when on the token is refused: in the future, and within ten years. Nil is never.
	ExpiresAt *time.Time
}

// NewToken is a token as it was stored, with the digest of its secret.
type NewToken = store.NewToken

// CreateToken creates a token in the viewer's account. secret is what its holder sends, and is known to nobody else; created
// is the token as it was stored, so that the secret is not lost to a failure of reading it back.
func (a Admin) CreateToken(ctx context.Context, in TokenInput) (secret string, created NewToken, err error) {
	v, err := administrator(ctx)
	if err != nil {
		return "", NewToken{}, err
	}
	now := model.Microseconds(a.now())
	if in.Role == model.RoleOperator && (!a.MayCreateOperators || !v.Scope().Operate) {
		return "", NewToken{}, &refusal{kind: ErrForbidden, reason: "tokens of operators are created on the command line"}
	}
	created = NewToken{Name: in.Name, Role: in.Role, CreatedBy: subjectOf(v), CreatedAt: now}
	if err := in.validate(now); err != nil {
		return "", NewToken{}, err
	}
	if in.ExpiresAt != nil {
		created.ExpiresAt = new(model.Microseconds(*in.ExpiresAt))
	}
	if in.Username != nil {
		name, err := a.username(ctx, v.Account.ID, *in.Username)
		if err != nil {
			return "", NewToken{}, err
		}
		created.Username = &name
	}
	if created.ID, err = a.number(); err != nil {
		return "", NewToken{}, err
	}
	token, err := NewSecret(a.random(), v.Account.ID, created.ID)
	if err != nil {
		return "", NewToken{}, err
	}
	created.Digest = token.Digest()
	if err := a.Store.CreateToken(ctx, v.Account.ID, created); err != nil {
		return "", NewToken{}, err
	}
	return token.Text(), created, nil
}

// username is one of a user that the account has, whose name may be any that entries name, or of one that may be created here:
// model.CheckName holds for it, too.
func (a Admin) username(ctx context.Context, accountID int64, given string) (string, error) {
	const field = "username"
	name, err := model.NormalUsername(given)
	if err != nil {
		return "", model.InputUnder(err, field)
	}
	if wrong := model.CheckName(field, name, model.MaxUsername); wrong != nil {
		_, exists, err := a.Store.UserByName(ctx, accountID, name)
		if err != nil {
			return "", err
		}
		if !exists {
			return "", wrong
		}
	}
	return name, nil
}

func (in TokenInput) validate(now time.Time) error {
	wrong := func(field, reason string, args ...any) error {
		return &model.InputError{Path: []any{field}, Reason: fmt.Sprintf(reason, args...)}
	}
	if err := model.CheckName("name", in.Name, model.MaxTokenName); err != nil {
		return err
	}
	switch {
	case !in.Role.Valid():
		return wrong("role", "must be WRITER, READER, AUDITOR, ADMIN or OPERATOR")
	case in.Role == model.RoleReader && in.Username == nil:
		return wrong("username", "must be given for the role READER, which reads the entries of one user")
	case in.ExpiresAt == nil:
		return nil
	case !in.ExpiresAt.After(now):
		return wrong("expiresAt", "must be in the future")
	case in.ExpiresAt.After(now.AddDate(maxTokenYears, 0, 0)):
		return wrong("expiresAt", "must be within %d years; leave it out for a token that does not expire", maxTokenYears)
	}
	return nil
}

// RevokeToken makes a token of the viewer's account invalid for ever, on all nodes and for open streams too, within seconds. To
// revoke one that is revoked is no error. A token of another account looks like one that does not exist. That of an operator only
// operators revoke: it is good for other accounts, too.
func (a Admin) RevokeToken(ctx context.Context, id int64) error {
	v, err := administrator(ctx)
	if err != nil {
		return err
	}
	if !v.Scope().Operate {
		err = a.notOfOperator(ctx, v.Account.ID, id)
	}
	if err == nil {
		err = a.Store.RevokeToken(ctx, v.Account.ID, id, a.now(), subjectOf(v))
	}
	if errors.Is(err, store.ErrNoToken) {
		return &model.InputError{Path: []any{"id"}, Reason: "there is no such token"}
	}
	return err
}

// notOfOperator refuses a token of an operator. A token's role never changes, so that what it says stays true.
func (a Admin) notOfOperator(ctx context.Context, accountID, id int64) error {
	token, err := a.Store.Token(ctx, accountID, id)
	if err == nil && token.Role == model.RoleOperator {
		err = &refusal{
			kind: ErrForbidden, reason: "the token is one of an operator, who may act in other accounts, too: only operators revoke it",
		}
	}
	return err
}

// UpdateUser changes a user of the viewer's account. A user that is disabled is refused within seconds, whatever its
// credential. A user of another account looks like one that does not exist. Whether a user is disabled that has a valid token of
// an operator, only operators say.
func (a Admin) UpdateUser(ctx context.Context, userID int64, c store.UserChange) error {
	v, err := administrator(ctx)
	if err != nil {
		return err
	}
	if c.Disabled != nil && !v.Scope().Operate {
		operates, err := a.Store.HasOperatorToken(ctx, v.Account.ID, userID, a.now())
		if err != nil {
			return err
		}
		if operates {
			return &refusal{
				kind: ErrForbidden, reason: "the user has a token of an operator, who may act in other accounts, too: " +
					"only operators disable it or make it active again",
			}
		}
	}
	err = a.Store.UpdateUser(ctx, v.Account.ID, userID, a.now(), c)
	if errors.Is(err, store.ErrNoUser) {
		return &model.InputError{Path: []any{"id"}, Reason: "there is no such user"}
	}
	return err
}

// UpdateAccount gives the viewer's account another name.
func (a Admin) UpdateAccount(ctx context.Context, name string) error {
	v, err := administrator(ctx)
	if err != nil {
		return err
	}
	return a.Store.UpdateAccount(ctx, v.Account.ID, name)
}

// CreateAccount creates an account with an empty journal. It is for operators. Where the slug is taken it fails with
// store.ErrAccountExists.
func (a Admin) CreateAccount(ctx context.Context, slug, name string) (model.Account, error) {
	v, err := model.ViewerFrom(ctx)
	if err != nil {
		return model.Account{}, err
	}
	if !v.Scope().Operate {
		return model.Account{}, &refusal{kind: ErrForbidden, reason: "only operators create accounts"}
	}
	key := make([]byte, digestKeySize)
	if _, err := io.ReadFull(a.random(), key); err != nil {
		return model.Account{}, fmt.Errorf("draw a digest key: %w", err)
	}
	return a.Store.CreateAccount(ctx, slug, name, key)
}

// administrator is the viewer of the context, if it may change tokens, users and settings of its account.
func administrator(ctx context.Context) (model.Viewer, error) {
	v, err := model.ViewerFrom(ctx)
	if err != nil {
		return model.Viewer{}, err
	}
	if !v.Scope().Administer {
		return model.Viewer{}, &refusal{kind: ErrForbidden, reason: "only admins and operators change tokens, users and accounts"}
	}
	return v, nil
}

// subjectOf is who did something, nil for the local operator.
func subjectOf(v model.Viewer) *string {
	if v.Subject == "" {
		return nil
	}
	return &v.Subject
}

// number draws the number of a token, from 1 to 2^63-1.
func (a Admin) number() (int64, error) {
	var b [8]byte
	for {
		if _, err := io.ReadFull(a.random(), b[:]); err != nil {
			return 0, fmt.Errorf("draw a token's number: %w", err)
		}
		if n := int64(binary.BigEndian.Uint64(b[:]) & math.MaxInt64); n > 0 {
			return n, nil
		}
	}
}

func (a Admin) now() time.Time {
	if a.Clock == nil {
		return time.Now()
	}
	return a.Clock()
}

func (a Admin) random() io.Reader {
	if a.Random == nil {
		return rand.Reader
	}
	return a.Random
}
