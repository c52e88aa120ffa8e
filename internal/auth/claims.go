package auth

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"samjournal/internal/model"
)

const (
	// maxSubject is the most characters of viewer.subject, which recordedBy stores.
	maxSubject = 200
	// maxNumericDate is the end of the year 9999 in seconds since 1970.
	maxNumericDate = 253402300799
)

// identity is what a JWT proves.
type identity struct {
	subject  string
	role     model.Role
	account  string  // slug
	username *string // nil: none
	expires  time.Time
}

// claim returns the value at a claim's name, or, with / in front, where a JSON Pointer (RFC 6901) leads.
func claim(claims map[string]any, name string) (any, bool) {
	if !strings.HasPrefix(name, "/") {
		value, ok := claims[name]
		return value, ok && value != nil
	}
	var at any = claims
	for step := range strings.SplitSeq(name[1:], "/") {
		step = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
		switch in := at.(type) {
		case map[string]any:
			at = in[step]
		case []any:
			index, err := strconv.Atoi(step)
			if err != nil || index < 0 || index >= len(in) || strconv.Itoa(index) != step {
				return nil, false
			}
			at = in[index]
		default:
			return nil, false
		}
	}
	return at, at != nil
}

// texts are the strings of a claim that is a string or a list of strings, as aud is; none when there is no claim.
func texts(value any) (list []string, ok bool) {
	switch value := value.(type) {
	case nil:
		return nil, true
	case string:
		return []string{value}, true
	case []any:
		for _, item := range value {
			text, ok := item.(string)
			if !ok {
				return nil, false
			}
			list = append(list, text)
		}
		return list, true
	}
	return nil, false
}

// checkTimes holds exp, nbf and iat against the clock and returns from when on the token is refused.
func checkTimes(claims map[string]any, now time.Time, skew time.Duration) (expires time.Time, err error) {
	at := map[string]time.Time{}
	for _, name := range []string{"exp", "nbf", "iat"} {
		value, present := claims[name]
		if !present {
			continue
		}
		seconds, ok := value.(float64)
		if !ok || math.Abs(seconds) > maxNumericDate {
			return time.Time{}, unauthenticated("the JWT's %s is not a time in seconds", name)
		}
		whole, fraction := math.Modf(seconds)
		at[name] = time.Unix(int64(whole), int64(fraction*float64(time.Second)))
	}
	if _, ok := at["exp"]; !ok {
		return time.Time{}, unauthenticated("the JWT has no exp: tokens that never expire are not accepted")
	}
	expires = at["exp"].Add(skew)
	switch {
	case !now.Before(expires):
		return time.Time{}, unauthenticated("the JWT has expired")
	case now.Add(skew).Before(at["nbf"]):
		return time.Time{}, unauthenticated("the JWT is not valid yet (nbf)")
	case now.Add(skew).Before(at["iat"]):
		return time.Time{}, unauthenticated("the JWT was issued in the future (iat): compare the clocks")
	}
	return expires, nil
}

// identify reads from verified claims who somebody is.
func (v *jwtVerifier) identify(issuer string, claims map[string]any) (identity, error) {
	sub, _ := claims["sub"].(string)
	who := identity{subject: issuer + "#" + sub}
	switch {
	case sub == "":
		return identity{}, unauthenticated("the JWT has no sub")
	case utf8.RuneCountInString(who.subject) > maxSubject || strings.ContainsFunc(sub, unicode.IsControl):
		return identity{}, unauthenticated(
			"the JWT's iss and sub must have at most %d characters together, without control characters", maxSubject-1)
	}
	operator := slices.Contains(v.cfg.Operators, who.subject)
	who.account = v.cfg.DefaultAccount
	if value, present := claim(claims, v.cfg.AccountClaim); present {
		slug, ok := value.(string)
		if !ok {
			return identity{}, unauthenticated("the JWT's claim %q must be a string: the account's slug", v.cfg.AccountClaim)
		}
		who.account = slug
	} else if who.account == "" && operator {
		who.account = operatorAccount
	} else if who.account == "" {
		return identity{}, unauthenticated("the JWT has no claim %q, which names the account", v.cfg.AccountClaim)
	}
	if value, present := claim(claims, v.cfg.UsernameClaim); present {
		text, ok := value.(string)
		if !ok {
			return identity{}, unauthenticated("the JWT's claim %q must be a string: the username", v.cfg.UsernameClaim)
		}
		name, err := model.NormalUsername(text)
		if err != nil {
			return identity{}, unauthenticated("the JWT's claim %q, the username, %s", v.cfg.UsernameClaim, err)
		}
		who.username = &name
	}
	if operator {
		who.role = model.RoleOperator
		return who, nil
	}
	var err error
	who.role, err = v.role(claims)
	return who, err
}

// role is the one role that the role claim names. It is a string, or a list of strings of which one is a role.
func (v *jwtVerifier) role(claims map[string]any) (model.Role, error) {
	value, _ := claim(claims, v.cfg.RoleClaim)
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	var roles []model.Role
	for _, item := range list {
		text, _ := item.(string)
		if role, err := model.ParseRole(text); err == nil && !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
	}
	const allowed = "it must name one of writer, reader, auditor and admin"
	switch {
	case len(roles) == 0:
		return "", unauthenticated("the JWT's claim %q names no role: %s", v.cfg.RoleClaim, allowed)
	case slices.Contains(roles, model.RoleOperator):
		return "", unauthenticated("the JWT's claim %q names the role operator, which no claim can give: %s; "+
			"the server's configuration names the operators", v.cfg.RoleClaim, allowed)
	case len(roles) > 1:
		return "", unauthenticated("the JWT's claim %q names %d roles: %s", v.cfg.RoleClaim, len(roles), allowed)
	}
	return roles[0], nil
}
