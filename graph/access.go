package graph

import (
	"context"
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"samjournal/internal/auth"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// needs is @needs of the schema: a field is resolved only for viewers whose scope has the capability. Which entries, users and
// tokens they then see, the scope tells the database; this is for fields that a role has no use for at all.
func needs(ctx context.Context, _ any, next graphql.Resolver, capability Capability) (any, error) {
	viewer, scope, err := viewerScope(ctx)
	if err != nil {
		return nil, err
	}
	if !can(scope, capability) {
		return nil, &forbiddenError{role: viewer.Role, needs: capability}
	}
	return next(ctx)
}

// can is the one place that says which part of a scope a capability is.
func can(scope model.Scope, capability Capability) bool {
	switch capability {
	case CapabilityRead:
		return scope.Entries
	case CapabilityAppend:
		return scope.Append
	case CapabilityAdminister:
		return scope.Administer
	case CapabilityOperate:
		return scope.Operate
	}
	return false
}

// forbiddenError says that a role lacks a capability.
type forbiddenError struct {
	role  model.Role
	needs Capability
}

// Error tells who may, and what the viewer's role may do instead.
func (e *forbiddenError) Error() string {
	var may []string
	for _, role := range model.Role("").Values() {
		if can(model.Viewer{Role: model.Role(role)}.Scope(), e.needs) {
			may = append(may, role)
		}
	}
	most := len(may) - 1
	who := may[most]
	if most > 0 {
		who = strings.Join(may[:most], ", ") + " or " + who
	}
	return fmt.Sprintf("this is for the role %s; %s", who, mayDo(e.role))
}

func mayDo(role model.Role) string {
	switch role {
	case model.RoleWriter:
		return "a WRITER appends entries (createEntry, createEntries) and asks who it is (viewer), and nothing else"
	case model.RoleReader:
		return "a READER reads the entries whose user it is, and nothing else"
	case model.RoleAuditor:
		return "an AUDITOR reads the whole account and changes nothing"
	case model.RoleAdmin:
		return "an ADMIN reads the whole account and changes its tokens, users and settings, and appends nothing"
	case model.RoleOperator: // may do everything
	}
	return "your role does not allow it"
}

// Admin changes what an account has beside its journal. Each method checks first whether the viewer of ctx may do it, and fails
// with auth.ErrForbidden, with an *model.InputError whose path begins with a field of what was given (also for an id that names
// nothing in the viewer's account), or with journal.ErrUnavailable. What it has done is durable. auth.Admin is one.
type Admin interface {
	// CreateToken returns the secret, which is stored nowhere, and the token as it was stored.
	CreateToken(ctx context.Context, in auth.TokenInput) (secret string, created auth.NewToken, err error)
	// RevokeToken is no error for a token that is revoked already.
	RevokeToken(ctx context.Context, id int64) error
	UpdateUser(ctx context.Context, id int64, change journal.UserChange) error
	UpdateAccount(ctx context.Context, name string) error
	// CreateAccount fails with journal.ErrAccountExists when the slug is taken.
	CreateAccount(ctx context.Context, slug, name string) (model.Account, error)
}
