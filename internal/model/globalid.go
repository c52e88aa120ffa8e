package model

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// The types that a global ID can name.
const (
	nodeAccount = "Account"
	nodeEntry   = "Entry"
	nodeToken   = "Token"
	nodeUser    = "User"
)

// GlobalID is a decoded Relay global ID: which type, which account, which key or number within it.
type GlobalID struct {
	Type      string // "Account", "Entry", "Token" or "User"
	AccountID int64
	Key       string // of an entry
	TokenID   int64  // of a token
	UserID    int64  // of a user
}

// EntryID returns the global ID of an entry.
func EntryID(accountID int64, key string) string { return encodeID(nodeEntry, accountID, key) }

// UserID returns the global ID of a user.
func UserID(accountID, userID int64) string {
	return encodeID(nodeUser, accountID, strconv.FormatInt(userID, 10))
}

// TokenID returns the global ID of a token.
func TokenID(accountID, tokenID int64) string {
	return encodeID(nodeToken, accountID, strconv.FormatInt(tokenID, 10))
}

// AccountID returns the global ID of an account.
func AccountID(accountID int64) string { return encodeID(nodeAccount, accountID, "") }

func encodeID(kind string, accountID int64, local string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(kind + ":" + strconv.FormatInt(accountID, 10) + ":" + local))
}

// ParseGlobalID reads a global ID. Anything that this server did not make is an *InputError without path.
func ParseGlobalID(text string) (GlobalID, error) {
	const longest = 256
	bad := &InputError{Reason: "is not an ID of this API; use the id of a node, unchanged"}
	if len(text) > longest {
		return GlobalID{}, bad
	}
	raw, err := decodeText(text)
	if err != nil {
		return GlobalID{}, bad
	}
	parts := strings.SplitN(string(raw), ":", 3)
	if len(parts) != 3 {
		return GlobalID{}, bad
	}
	id := GlobalID{Type: parts[0]}
	if id.AccountID, err = canonicalInt(parts[1]); err != nil {
		return GlobalID{}, bad
	}
	switch id.Type {
	case nodeEntry:
		id.Key, err = parts[2], ValidateKey(parts[2])
	case nodeToken:
		id.TokenID, err = canonicalInt(parts[2])
	case nodeUser:
		id.UserID, err = canonicalInt(parts[2])
	case nodeAccount:
		if parts[2] != "" {
			return GlobalID{}, bad
		}
	default:
		return GlobalID{}, bad
	}
	if err != nil {
		return GlobalID{}, bad
	}
	return id, nil
}

// canonicalInt reads a positive integer in its one spelling, so that an ID has one text.
func canonicalInt(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != s {
		return 0, strconv.ErrSyntax
	}
	return n, nil
}

// Node is anything with a global ID.
type Node interface{ IsNode() }

// IsNode marks an account as a Relay node.
func (Account) IsNode() {}

// GlobalID is the account's Relay global ID.
func (a Account) GlobalID() string { return AccountID(a.ID) }

// ParseUserID reads the global ID of a user; that of something else is an *InputError.
func ParseUserID(text string) (GlobalID, error) { return parseIDOf(nodeUser, text) }

// ParseTokenID reads the global ID of a token; that of something else is an *InputError.
func ParseTokenID(text string) (GlobalID, error) { return parseIDOf(nodeToken, text) }

func parseIDOf(kind, text string) (GlobalID, error) {
	id, err := ParseGlobalID(text)
	if err == nil && id.Type != kind {
		err = &InputError{Reason: "is the ID of " + withArticle(id.Type) + ", not of " + withArticle(kind)}
	}
	return id, err
}

func withArticle(kind string) string {
	if strings.ContainsRune("AE", rune(kind[0])) {
		return "an " + kind
	}
	return "a " + kind
}
