package cli

import (
	"fmt"
	"log/slog"

	"samjournal/internal/auth"
	"samjournal/internal/config"
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
