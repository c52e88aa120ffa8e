package model

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
)

// Role is what a viewer may do in its account.
type Role string

// The roles, from the least to the most that may be read.
const (
	RoleWriter   Role = "WRITER"   // appends; reads nothing
	RoleReader   Role = "READER"   // reads the entries whose user it is
	RoleAuditor  Role = "AUDITOR"  // reads the whole account
	RoleAdmin    Role = "ADMIN"    // auditor that also administers the account
	RoleOperator Role = "OPERATOR" // everything, in any account
)

// MarshalGQL writes the role.
func (r Role) MarshalGQL(w io.Writer) { writeQuoted(w, string(r)) }

// UnmarshalGQL reads one of the roles.
func (r *Role) UnmarshalGQL(v any) error {
	s, ok := v.(string)
	if !ok {
		return &InputError{Reason: "Role must be one of its enum values"}
	}
	if !Role(s).Valid() {
		return &InputError{Reason: strconv.Quote(clip(s)) + " is not a Role"}
	}
	*r = Role(s)
	return nil
}

// Valid reports whether the role is one of the five.
func (r Role) Valid() bool {
	switch r {
	case RoleWriter, RoleReader, RoleAuditor, RoleAdmin, RoleOperator:
		return true
	}
	return false
}

// ParseRole reads a role in either case, as people and claims write it.
func ParseRole(s string) (Role, error) {
	for _, name := range Role("").Values() {
		if strings.EqualFold(s, name) && len(s) == len(name) { // other letters that fold to ASCII are longer
			return Role(name), nil
		}
	}
	return "", &InputError{
		Path: []any{"role"}, Reason: "must be writer, reader, auditor, admin or operator, is " + strconv.Quote(clip(s)),
	}
}

// Values lists the roles as Ent stores them.
func (Role) Values() []string {
	return []string{string(RoleWriter), string(RoleReader), string(RoleAuditor), string(RoleAdmin), string(RoleOperator)}
}

// Account is a tenant as a viewer carries it.
type Account struct {
	ID        int64
	Slug      string // unique, never changes
	Name      string
	CreatedAt time.Time
}

// Viewer is who is asking the API now.
type Viewer struct {
	Account  Account
	Role     Role
	Subject  string // token or JWT subject; "" for the local operator
	UserID   *int64 // the user the viewer acts as, if any
	Username *string
}

// Scope is what a viewer may see and do, in the terms of the database. Every query, raw statement and in-memory filter
// takes its limits from here and from nowhere else.
type Scope struct {
	AccountID  int64
	OnlyUserID *int64 // when set, only entries of this user are visible
	Entries    bool   // may read entries at all
	Payloads   bool   // may read request and response
	Append     bool   // may append entries
	Administer bool   // may read and change tokens, users and the settings of the account
	Operate    bool   // may create accounts, and act in any
}

// Scope is the one function from viewer to scope.
func (v Viewer) Scope() Scope {
	s := Scope{AccountID: v.Account.ID}
	switch v.Role {
	case RoleWriter:
		// OnlyUserID lets a writer know the user that it acts as itself.
		s.Append, s.OnlyUserID = true, v.UserID
	case RoleReader:
		// A reader without a user has no entries: no user has id 0.
		nobody := int64(0)
		s.Entries, s.Payloads, s.OnlyUserID = true, true, &nobody
		if v.UserID != nil {
			s.OnlyUserID = v.UserID
		}
	case RoleAuditor:
		s.Entries, s.Payloads = true, true
	case RoleAdmin:
		s.Entries, s.Payloads, s.Administer = true, true, true
	case RoleOperator:
		s.Entries, s.Payloads, s.Append, s.Administer, s.Operate = true, true, true, true, true
	}
	return s
}

// ErrNoViewer says that a context carries no viewer: nothing may be read or written on behalf of nobody.
var ErrNoViewer = errors.New("no viewer in context")

type viewerKey struct{}

// WithViewer returns a context that acts on behalf of v.
func WithViewer(ctx context.Context, v Viewer) context.Context {
	return context.WithValue(ctx, viewerKey{}, v)
}

// ViewerFrom returns the viewer of the context, or ErrNoViewer.
func ViewerFrom(ctx context.Context) (Viewer, error) {
	v, ok := ctx.Value(viewerKey{}).(Viewer)
	if !ok {
		return Viewer{}, ErrNoViewer
	}
	return v, nil
}

// ScopeFrom returns the scope of the context's viewer, or ErrNoViewer.
func ScopeFrom(ctx context.Context) (Scope, error) {
	v, err := ViewerFrom(ctx)
	if err != nil {
		return Scope{}, err
	}
	return v.Scope(), nil
}
