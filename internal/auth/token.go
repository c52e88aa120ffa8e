package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

const (
	// tokenPrefix tells API tokens from JWTs, and scanners for leaked secrets that they found one.
	tokenPrefix = "sjt_"
	// secretSize is the length of the secret in bytes.
	secretSize = 32
	// tokenChecksum is the length of the checksum in bytes. It finds typing errors; what forgers lack is the secret.
	tokenChecksum = 4
	// maxTokenBytes and maxTokenText bound what is decoded at all.
	maxTokenBytes = 2*binary.MaxVarintLen64 + secretSize + tokenChecksum
	maxTokenText  = len(tokenPrefix) + (maxTokenBytes*8+4)/5
)

// Token is an API token as its holder has it. Formatting it with fmt or slog does not show the secret.
type Token struct {
	AccountID int64
	ID        int64
	secret    [secretSize]byte
}

// NewSecret draws a secret from random for the token of this account and ID, both of which are positive.
func NewSecret(random io.Reader, accountID, id int64) (Token, error) {
	if accountID < 1 || id < 1 {
		return Token{}, errors.New("a token's account and ID must be positive")
	}
	t := Token{AccountID: accountID, ID: id}
	if _, err := io.ReadFull(random, t.secret[:]); err != nil {
		return Token{}, fmt.Errorf("draw a secret: %w", err)
	}
	return t, nil
}

// Text is the token as its holder sends it: sjt_ and, in base32 with lower-case letters and no padding, the account, the ID, the
// secret and a checksum. Whoever sees it has what the token gives.
func (t Token) Text() string {
	b := binary.AppendUvarint(make([]byte, 0, maxTokenBytes), uint64(t.AccountID)) //nolint:gosec // positive
	b = binary.AppendUvarint(b, uint64(t.ID))                                      //nolint:gosec // positive
	b = append(b, t.secret[:]...)
	sum := tokenSum(b)
	return tokenPrefix + strings.ToLower(tokenEncoding().EncodeToString(append(b, sum[:]...)))
}

// Digest is what is stored of the secret.
func (t Token) Digest() [sha256.Size]byte { return sha256.Sum256(t.secret[:]) }

// matches tells in constant time whether a stored digest is that of the secret.
func (t Token) matches(digest [sha256.Size]byte) bool {
	own := t.Digest()
	return subtle.ConstantTimeCompare(own[:], digest[:]) == 1
}

// String names the token without its secret.
func (t Token) String() string {
	return fmt.Sprintf("%s…(account %d, id %d)", tokenPrefix, t.AccountID, t.ID)
}

// GoString is String, for %#v.
func (t Token) GoString() string { return t.String() }

// LogValue is String, for slog.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// ParseToken reads the text of a token. Every token has one spelling; any other is refused. Errors say what is wrong and
// repeat nothing of the text.
func ParseToken(text string) (Token, error) {
	encoded, ok := strings.CutPrefix(text, tokenPrefix)
	switch {
	case !ok:
		return Token{}, errors.New("does not begin with " + tokenPrefix)
	case len(text) > maxTokenText:
		return Token{}, fmt.Errorf("is longer than %d characters", maxTokenText)
	}
	for _, c := range []byte(encoded) {
		if (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return Token{}, errors.New("has a character other than a-z and 2-7")
		}
	}
	raw, err := tokenEncoding().DecodeString(strings.ToUpper(encoded))
	if err != nil || len(raw) < secretSize+tokenChecksum {
		return Token{}, errIncompleteToken()
	}
	body, sum := raw[:len(raw)-tokenChecksum], raw[len(raw)-tokenChecksum:]
	if want := tokenSum(body); [tokenChecksum]byte(sum) != want {
		return Token{}, errIncompleteToken()
	}
	accountID, rest, ok := positive(body)
	if !ok {
		return Token{}, errIncompleteToken()
	}
	id, rest, ok := positive(rest)
	if !ok || len(rest) != secretSize {
		return Token{}, errIncompleteToken()
	}
	t := Token{AccountID: accountID, ID: id, secret: [secretSize]byte(rest)}
	if t.Text() != text { // numbers or last bits written in another way
		return Token{}, errIncompleteToken()
	}
	return t, nil
}

func errIncompleteToken() error {
	return errors.New("is damaged or incomplete: its checksum does not fit; copy all of it")
}

// positive reads a number from 1 to 2^63-1.
func positive(b []byte) (n int64, rest []byte, ok bool) {
	u, size := binary.Uvarint(b)
	n = int64(u) //nolint:gosec // what does not fit is negative and refused
	if size <= 0 || n < 1 {
		return 0, nil, false
	}
	return n, b[size:], true
}

func tokenSum(body []byte) [tokenChecksum]byte {
	sum := sha256.Sum256(append([]byte("samjournal token\x00"), body...))
	return [tokenChecksum]byte(sum[:tokenChecksum])
}

func tokenEncoding() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }
