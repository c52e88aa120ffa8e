package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"samjournal/internal/auth"
	"samjournal/internal/config"
	"samjournal/internal/httpserver"
	"samjournal/internal/model"
	"samjournal/internal/store"
)

// newAuthenticator finds out who sends a request, as the configuration has it: without --auth=required, whoever sends no
// credential is the local operator, in the default account.
func newAuthenticator(cfg config.Access, log *slog.Logger, s *store.Store, account model.Account) (*auth.Authenticator, error) {
	c := auth.Config{Backend: s, Logger: log}
	if !cfg.Required() {
		c.Anonymous = &model.Viewer{Account: account, Role: model.RoleOperator}
	}
	if len(cfg.OIDC.Issuers) > 0 {
		c.JWT = &auth.JWTConfig{
			Audiences: cfg.OIDC.Audiences, Algorithms: cfg.OIDC.Algorithms, Skew: cfg.OIDC.Skew,
			AccountClaim: cfg.OIDC.AccountClaim, RoleClaim: cfg.OIDC.RoleClaim, UsernameClaim: cfg.OIDC.UsernameClaim,
			DefaultAccount: cfg.OIDC.DefaultAccount, Operators: cfg.OIDC.Operators,
		}
		for _, url := range cfg.OIDC.Issuers {
			c.JWT.Issuers = append(c.JWT.Issuers, auth.Issuer{URL: url, JWKSFile: cfg.OIDC.JWKSFile})
		}
	}
	authenticator, err := auth.New(c)
	if err != nil && cfg.OIDC.JWKSFile != "" {
		return nil, fmt.Errorf("--oidc-jwks-file (SAMJOURNAL_OIDC_JWKS_FILE): %w", err)
	}
	return authenticator, err
}

// newSignIn tells how people sign in to the console; nil when nobody has configured it. end ends what it does.
func newSignIn(
	cfg config.Access, log *slog.Logger,
) (signIn func(context.Context) (httpserver.SignIn, error), end func(), err error) {
	issuer := cfg.SignInIssuer()
	if issuer == "" {
		return nil, func() {}, nil
	}
	discovery, err := auth.NewSignIn(issuer, time.Now, log)
	if err != nil {
		return nil, nil, err
	}
	signIn = func(ctx context.Context) (httpserver.SignIn, error) {
		endpoints, err := discovery.Endpoints(ctx)
		if err != nil {
			return httpserver.SignIn{}, err
		}
		document, err := json.Marshal(endpoints)
		return httpserver.SignIn{
			Server: document, TokenEndpoint: endpoints.Token,
			ClientID: cfg.Console.ClientID, Scope: strings.Join(cfg.Console.Scopes, " "), Parameters: cfg.Console.Parameters,
		}, err
	}
	return signIn, discovery.Close, nil
}
