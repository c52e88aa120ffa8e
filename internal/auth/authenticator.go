package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"samjournal/internal/model"
	"samjournal/internal/store"
)

// defaultRecheck is for how long what is known of a credential is believed.
const defaultRecheck = 2 * time.Second

// Backend is what an Authenticator needs of the store. Its methods are called from many goroutines at once. Errors match
// store.ErrUnavailable when the same question may be answered later.
type Backend interface {
	// Token fails with store.ErrNoToken when the account has no such token.
	Token(ctx context.Context, accountID, id int64) (store.Token, error)
	// Tokens leaves out the tokens that the account does not have.
	Tokens(ctx context.Context, accountID int64, ids []int64) (map[int64]store.Token, error)
	// TouchTokens notes when tokens were last used; an earlier time than is known changes nothing.
	TouchTokens(ctx context.Context, accountID int64, used map[int64]time.Time) error
	// AccountBySlug fails with store.ErrNoAccount.
	AccountBySlug(ctx context.Context, slug string) (model.Account, []byte, error)
	// UserByName tells whether the account has the user.
	UserByName(ctx context.Context, accountID int64, username string) (store.User, bool, error)
	// UsersByName leaves out the users that the account does not have. It asks once for very many names.
	UsersByName(ctx context.Context, accountID int64, names []string) (map[string]store.User, error)
	// EnsureUsers creates those of the users that the account does not have. They are there for good when it returns.
	EnsureUsers(ctx context.Context, accountID int64, now time.Time, profiles []store.UserProfile) error
}

// Config of an Authenticator.
type Config struct {
	// Backend must be given.
	Backend Backend
	// Anonymous is the viewer of whoever sends no credential. Default nil: a credential is needed.
	Anonymous *model.Viewer
	// JWT says whose JWTs are accepted. Default nil: none are.
	JWT *JWTConfig
	// Recheck is for how long what was found out about a credential is believed, and the interval in which open streams are looked
	// at: a revocation is effective after at most that long, plus the database's answer. Default 2 s.
	Recheck time.Duration
	// Clock tells the time. Default time.Now.
	Clock func() time.Time
	// Logger hears of what keeps failing. Default: nobody.
	Logger *slog.Logger
}

// Authenticator turns credentials into viewers. Its methods may be called from many goroutines at once.
type Authenticator struct {
	cfg      Config
	jwt      *jwtVerifier // nil: no JWTs
	tokens   *memo[tokenKey, store.Token]
	accounts *memo[string, model.Account]
	users    *memo[userKey, knownUser]
	readers  *memo[userKey, knownUser]                      // who is created when unknown
	verified *lru.Cache[[sha256.Size]byte, dated[identity]] // JWTs, by digest; identity.expires holds all the same
	touches  *toucher
	watches  *watcher
	closing  sync.Once
}

// tokenKey names an API token.
type tokenKey struct{ account, id int64 }

// userKey names a user that a JWT may name.
type userKey struct {
	account int64
	name    string
}

// knownUser is a user, or that there is none.
type knownUser struct {
	store.User

	exists bool
}

// session is what a stream's viewer hangs on. It never changes.
type session struct {
	viewer  model.Viewer
	expires *time.Time // nil: never
	token   *tokenKey  // nil: no API token
	digest  [sha256.Size]byte
	user    *userKey // nil: no JWT, or none that names a user
}

type sessionKey struct{}

// New checks the configuration, reads the files it names, and starts what Close ends.
func New(cfg Config) (*Authenticator, error) {
	if cfg.Backend == nil {
		return nil, errors.New("auth: Config.Backend is missing")
	}
	if cfg.Recheck < 0 {
		return nil, fmt.Errorf("auth: Config.Recheck must not be negative, is %s", cfg.Recheck)
	}
	if cfg.Recheck == 0 {
		cfg.Recheck = defaultRecheck
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	a := &Authenticator{cfg: cfg}
	if err := a.remember(); err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	if cfg.JWT != nil {
		var err error
		if a.jwt, err = newJWTVerifier(*cfg.JWT, cfg.Recheck, cfg.Clock, cfg.Logger); err != nil {
			return nil, fmt.Errorf("auth: JWT: %w", err)
		}
	}
	a.touches = startToucher(cfg)
	a.watches = &watcher{cfg: cfg, live: map[*watch]struct{}{}}
	return a, nil
}

// remember makes the caches.
func (a *Authenticator) remember() error {
	var tokens, accounts, users, readers, verified error
	backend, ttl, now := a.cfg.Backend, a.cfg.Recheck, a.cfg.Clock
	a.tokens, tokens = newMemo(ttl, now, func(ctx context.Context, k tokenKey) (store.Token, error) {
		return backend.Token(ctx, k.account, k.id)
	})
	a.accounts, accounts = newMemo(ttl, now, func(ctx context.Context, slug string) (model.Account, error) {
		account, _, err := backend.AccountBySlug(ctx, slug)
		return account, err
	})
	known := func(ctx context.Context, k userKey) (knownUser, error) {
		user, exists, err := backend.UserByName(ctx, k.account, k.name)
		return knownUser{user, exists}, err
	}
	a.users, users = newMemo(ttl, now, known)
	a.readers, readers = newMemo(ttl, now, func(ctx context.Context, k userKey) (knownUser, error) {
		if user, err := known(ctx, k); err != nil || user.exists {
			return user, err
		}
		if err := backend.EnsureUsers(ctx, k.account, now(), []store.UserProfile{{Username: k.name}}); err != nil {
			return knownUser{}, err
		}
		return known(ctx, k)
	})
	a.verified, verified = lru.New[[sha256.Size]byte, dated[identity]](maxRemembered)
	return errors.Join(tokens, accounts, users, readers, verified)
}

// Close ends all watches, without a word to their streams, and writes down what is not yet of the last uses. No method may be
// called after it.
func (a *Authenticator) Close() {
	a.closing.Do(func() {
		a.watches.close()
		a.touches.close()
		if a.jwt != nil {
			a.jwt.close()
		}
	})
}

// Viewer returns a context with the viewer that the request's headers or the payload of connection_init prove. A credential
// that is sent must be valid, also where none is needed. Errors match ErrUnauthenticated, ErrForbidden or
// store.ErrUnavailable, or are an *model.InputError about the header X-Samjournal-Account.
func (a *Authenticator) Viewer(ctx context.Context, r *http.Request, init map[string]any) (context.Context, error) {
	sent, err := read(r, init)
	if err != nil {
		return nil, err
	}
	s, err := a.authenticate(ctx, sent.credential)
	if err != nil {
		return nil, err
	}
	if sent.hasAccount {
		if s.viewer, err = a.actIn(ctx, s.viewer, sent.account); err != nil {
			return nil, err
		}
	}
	if s.token != nil {
		a.touches.touch(*s.token)
	}
	ctx = model.WithViewer(ctx, s.viewer)
	if s.token == nil && s.expires == nil {
		return ctx, nil // the anonymous viewer, which nothing can end
	}
	return context.WithValue(ctx, sessionKey{}, &s), nil
}

// Watch calls ended, at most once and on a goroutine of its own, when the viewer of a context that Viewer returned is none
// any more: the token was revoked or has expired, or its user was disabled. It finds out within about Config.Recheck. While
// the database cannot be asked, only the clock ends anything. stop ends the watch, and waits for ended if it runs; so ended
// must not call stop.
func (a *Authenticator) Watch(ctx context.Context, ended func(error)) (stop func()) {
	s, ok := ctx.Value(sessionKey{}).(*session)
	if !ok {
		return func() {}
	}
	return a.watches.add(s, ended)
}

func (a *Authenticator) authenticate(ctx context.Context, credential string) (session, error) {
	switch {
	case credential == "" && a.cfg.Anonymous == nil:
		return session{}, unauthenticated(
			"a credential is needed: send the header Authorization: Bearer with an API token (on a WebSocket also in connection_init)")
	case credential == "":
		return session{viewer: *a.cfg.Anonymous}, nil
	case strings.HasPrefix(credential, tokenPrefix):
		return a.byToken(ctx, credential)
	case a.jwt == nil:
		return session{}, unauthenticated(
			"the credential is not an API token, which begins with %s, and this server accepts no JWTs", tokenPrefix)
	}
	return a.byJWT(ctx, credential)
}

func (a *Authenticator) byToken(ctx context.Context, text string) (session, error) {
	sent, err := ParseToken(text)
	if err != nil {
		return session{}, unauthenticated("the API token %s", err)
	}
	key := tokenKey{sent.AccountID, sent.ID}
	row, err := a.tokens.get(ctx, key)
	if errors.Is(err, store.ErrNoToken) {
		return session{}, errInvalidToken()
	}
	if err != nil {
		return session{}, fmt.Errorf("check an API token: %w", err)
	}
	if !sent.matches(row.Digest) {
		return session{}, errInvalidToken()
	}
	if err := usable(row, a.cfg.Clock()); err != nil {
		return session{}, err
	}
	a.touches.known(key, row.LastUsedAt)
	return session{
		viewer: model.Viewer{
			Account: row.Account, Role: row.Role, Subject: fmt.Sprintf("token:%d", row.ID), UserID: row.UserID, Username: row.Username,
		},
		expires: row.ExpiresAt, token: &key, digest: row.Digest,
	}, nil
}

// usable tells why a token whose secret is right is refused.
func usable(row store.Token, now time.Time) error {
	switch {
	case row.RevokedAt != nil, row.ExpiresAt != nil && !now.Before(*row.ExpiresAt):
		return errInvalidToken()
	case row.UserDisabledAt != nil:
		return errDisabledUser()
	}
	return nil
}

func (a *Authenticator) byJWT(ctx context.Context, text string) (session, error) {
	who, err := a.verifyJWT(ctx, text)
	if err != nil {
		return session{}, err
	}
	if !possibleSlug(who.account) {
		return session{}, errOtherAccount()
	}
	account, err := a.accounts.get(ctx, who.account)
	if errors.Is(err, store.ErrNoAccount) {
		return session{}, errOtherAccount()
	}
	if err != nil {
		return session{}, fmt.Errorf("find the account of a JWT: %w", err)
	}
	s := session{viewer: model.Viewer{Account: account, Role: who.role, Subject: who.subject}, expires: &who.expires}
	if who.username == nil {
		return s, nil
	}
	named := userKey{account.ID, *who.username}
	operates := who.role == model.RoleOperator
	if !operates {
		s.user = &named
	}
	users := a.users
	if who.role == model.RoleReader {
		users = a.readers // else a stream would never show the entries of a user that one of them creates
	}
	user, err := users.get(ctx, named)
	switch {
	case err != nil:
		return session{}, fmt.Errorf("find the user of a JWT: %w", err)
	case user.exists && user.DisabledAt == nil:
		s.viewer.UserID, s.viewer.Username = &user.ID, &user.Username
	case user.exists && !operates: // the configuration names the operators: no admin of an account takes that from them
		return session{}, errDisabledUser()
	}
	return s, nil
}

// verifyJWT verifies a JWT, or remembers that it did.
func (a *Authenticator) verifyJWT(ctx context.Context, text string) (identity, error) {
	key, now := sha256.Sum256([]byte(text)), a.cfg.Clock()
	if found, ok := a.verified.Get(key); ok && now.Sub(found.asked) < a.cfg.Recheck && now.Before(found.value.expires) {
		return found.value, nil
	}
	who, err := a.jwt.verify(ctx, text)
	if err != nil {
		return identity{}, err
	}
	a.verified.Add(key, dated[identity]{who, now})
	return who, nil
}

// actIn returns the viewer as it acts in the account of this slug. To all but operators any account but their own looks the
// same, whether it exists or not.
func (a *Authenticator) actIn(ctx context.Context, v model.Viewer, slug string) (model.Viewer, error) {
	if slug == v.Account.Slug {
		return v, nil
	}
	if !v.Scope().Operate {
		return model.Viewer{}, errOtherAccount()
	}
	if !possibleSlug(slug) {
		return model.Viewer{}, accountInput("names no account")
	}
	account, err := a.accounts.get(ctx, slug)
	if errors.Is(err, store.ErrNoAccount) {
		return model.Viewer{}, accountInput("names no account")
	}
	if err != nil {
		return model.Viewer{}, fmt.Errorf("find the account that an operator names: %w", err)
	}
	v.Account, v.UserID, v.Username = account, nil, nil // its user is one of another account
	return v, nil
}
