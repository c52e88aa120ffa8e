package model

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Order names the ordering that a cursor belongs to.
type Order byte

// The orders. They are part of every cursor, so their numbers never change.
const (
	OrderPosition      Order = 1  // entries by position
	OrderCreatedAt     Order = 2  // entries by (created_at, position)
	OrderUsername      Order = 16 // users by username
	OrderUserCreatedAt Order = 17 // users by (created_at, id)

	OrderTokenCreatedAt Order = 32 // tokens by (created_at, id)
)

// String is the order's name in the GraphQL schema.
func (o Order) String() string {
	switch o {
	case OrderPosition:
		return "POSITION"
	case OrderCreatedAt, OrderUserCreatedAt, OrderTokenCreatedAt:
		return "CREATED_AT"
	case OrderUsername:
		return "USERNAME"
	}
	return "unknown"
}

const (
	cursorVersion  = 1
	cursorChecksum = 4
	keyPrefix      = 8 // bytes of the key that a cursor carries
	maxCursorText  = 4096
)

// Cursor is the place of one edge in one order of one account. Direction is not part of it: the same edge has the same
// cursor in pages of either direction, in a createEntry payload and in a subscription.
//
// Bytes: version (1), order (1), position or id of a user or token (8, big endian), for CREATED_AT the time in microseconds since
// the Unix epoch (8), for entries the first 8 bytes of the key, for USERNAME the username; then 4 bytes of SHA-256 over the
// account's id and all before, so that a damaged cursor or one of another account is refused. Text: base64url, unpadded.
type Cursor struct {
	Order     Order
	Position  int64     // of an entry, −1 before the first (only in OrderPosition); of a user or token its id
	KeyPrefix [8]byte   // first bytes of the entry's key; zero for users and before the first entry
	CreatedAt time.Time // only in the CREATED_AT orders
	Username  string    // only in OrderUsername
}

// EntryCursor returns the cursor of an entry in the given order.
func EntryCursor(order Order, position int64, key string, createdAt time.Time) Cursor {
	c := Cursor{Order: order, Position: position, KeyPrefix: PrefixOfKey(key)}
	if order == OrderCreatedAt {
		c.CreatedAt = createdAt
	}
	return c
}

// PrefixOfKey returns the part of the key that a cursor carries; zero for an empty key.
func PrefixOfKey(key string) [8]byte {
	var prefix [keyPrefix]byte
	if len(key) >= 2*keyPrefix {
		_, _ = hex.Decode(prefix[:], []byte(key[:2*keyPrefix])) // keys are validated before they get here
	}
	return prefix
}

// Encode returns the cursor's text for an account.
func (c Cursor) Encode(accountID int64) string {
	b := make([]byte, 0, 64)
	b = append(b, cursorVersion, byte(c.Order))
	b = binary.BigEndian.AppendUint64(b, uint64(c.Position)) //nolint:gosec // two's complement on purpose: −1 is a value
	switch c.Order {
	case OrderPosition:
		b = append(b, c.KeyPrefix[:]...)
	case OrderCreatedAt:
		b = binary.BigEndian.AppendUint64(b, uint64(c.CreatedAt.UnixMicro()))
		b = append(b, c.KeyPrefix[:]...)
	case OrderUserCreatedAt, OrderTokenCreatedAt:
		b = binary.BigEndian.AppendUint64(b, uint64(c.CreatedAt.UnixMicro()))
	case OrderUsername:
		b = append(b, c.Username...)
	}
	sum := checksum(accountID, b)
	return base64.RawURLEncoding.EncodeToString(append(b, sum[:]...))
}

// checksum binds a cursor to its account. It guards against mistakes, not against forgers: a forged cursor shows nothing
// that the viewer may not see anyway.
func checksum(accountID int64, b []byte) [cursorChecksum]byte {
	head := binary.BigEndian.AppendUint64([]byte("samjournal cursor\x00"), uint64(accountID)) //nolint:gosec // as above
	sum := sha256.Sum256(append(head, b...))
	return [cursorChecksum]byte(sum[:cursorChecksum])
}

// ParseCursor reads a cursor of the given account. It fails with an *InputError without path when the text is not a cursor
// of this server, is damaged, or belongs to another account.
func ParseCursor(accountID int64, text string) (Cursor, error) {
	if len(text) > maxCursorText {
		return Cursor{}, malformed()
	}
	raw, err := decodeText(text)
	if err != nil || len(raw) < 2+8+cursorChecksum {
		return Cursor{}, malformed()
	}
	body, sum := raw[:len(raw)-cursorChecksum], raw[len(raw)-cursorChecksum:]
	if body[0] != cursorVersion {
		return Cursor{}, &InputError{Reason: fmt.Sprintf(
			"is a cursor of version %d, this server knows version %d; start again without it", body[0], cursorVersion)}
	}
	if want := checksum(accountID, body); [cursorChecksum]byte(sum) != want {
		return Cursor{}, malformed()
	}
	return decode(body)
}

func decode(body []byte) (Cursor, error) {
	c := Cursor{Order: Order(body[1]), Position: int64(binary.BigEndian.Uint64(body[2:]))} //nolint:gosec // as in Encode
	rest := body[10:]
	takeTime := func() {
		c.CreatedAt = time.UnixMicro(int64(binary.BigEndian.Uint64(rest))).UTC() //nolint:gosec // as in Encode
		rest = rest[8:]
	}
	switch {
	case c.Order == OrderPosition && len(rest) == keyPrefix:
		c.KeyPrefix = [8]byte(rest)
	case c.Order == OrderCreatedAt && len(rest) == 8+keyPrefix:
		takeTime()
		c.KeyPrefix = [8]byte(rest)
	case (c.Order == OrderUserCreatedAt || c.Order == OrderTokenCreatedAt) && len(rest) == 8:
		takeTime()
	case c.Order == OrderUsername && len(rest) > 0:
		c.Username = string(rest)
	default:
		return Cursor{}, malformed()
	}
	if !c.possible() {
		return Cursor{}, malformed()
	}
	return c, nil
}

// possible refuses what no row has, also under a right checksum, so that a forged cursor gives the database no value that it
// would answer with an error of its own.
func (c Cursor) possible() bool {
	switch c.Order {
	case OrderPosition:
		return c.Position >= 0 || c.Position == -1 && c.KeyPrefix == [keyPrefix]byte{}
	case OrderCreatedAt:
		return c.Position >= 0 && validYear(c.CreatedAt)
	case OrderUserCreatedAt, OrderTokenCreatedAt:
		return c.Position >= 1 && validYear(c.CreatedAt)
	case OrderUsername:
		return c.Position >= 1 && utf8.ValidString(c.Username) && !strings.ContainsRune(c.Username, 0)
	}
	return false
}

// decodeText reads unpadded base64url in its one spelling: the standard decoder, strict or not, skips line breaks.
func decodeText(text string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err == nil && base64.RawURLEncoding.EncodedLen(len(raw)) != len(text) {
		err = base64.CorruptInputError(len(text))
	}
	return raw, err
}

func malformed() *InputError {
	return &InputError{
		Reason: "is not a cursor of this account's journal; use the cursor of an edge, pageInfo or headCursor, unchanged",
	}
}
