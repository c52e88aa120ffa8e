package model

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// MinTruncateLimit is the smallest useful limit of Truncate: room for the marker and about a hundred bytes of text.
const MinTruncateLimit = 256

// Truncate returns p itself when it is at most limit bytes long or limit is zero or less. A longer payload becomes a marker,
//
//	{"truncated":true,"bytes":N,"sha256":"<64 hex digits>","head":"<beginning>"}
//
// with the length of p in bytes, the SHA-256 of its canonical form (see TruncationDigest), and as much of the beginning of its
// text as fits into limit bytes for the whole marker, cut between two characters. Under a limit too small for a marker with an
// empty head (see MinTruncateLimit) the marker is longer than the limit. Truncation comes after redaction: p must not hold
// secrets, because neither its digest nor its head hides them.
func Truncate(p Payload, limit int) (Payload, bool) {
	if limit <= 0 || len(p) <= limit {
		return p, false
	}
	const end = `"}`
	b := append(make([]byte, 0, max(limit, MinTruncateLimit)), `{"truncated":true,"bytes":`...)
	b = strconv.AppendInt(b, int64(len(p)), 10)
	b = append(b, `,"sha256":"`...)
	b = append(b, TruncationDigest(p)...)
	b = append(b, `","head":`...)
	head := headWithin(string(p), limit-len(b)-len(`"`)-len(end))
	if quoted, err := jsontext.AppendQuote(b, head); err == nil {
		b = quoted
	} else {
		b = append(b, `""`...) // a Payload is valid UTF-8, so this is not one
	}
	return Payload(append(b, '}')), true
}

// TruncationDigest is what the marker of a truncated payload is recognised by: the SHA-256 of the redacted payload's canonical
// form, in lower-case hex. The order of members, which the API does not keep, does not count, so that whoever has the original
// in any spelling can make it again.
func TruncationDigest(p Payload) string {
	sum := sha256.Sum256(p.Canonical())
	return hex.EncodeToString(sum[:])
}

// headWithin is the longest beginning of s that takes at most room bytes between the quotes of a JSON string.
func headWithin(s string, room int) string {
	for i := 0; i < len(s); {
		size, cost := 1, 1
		switch c := s[i]; {
		case c == '"' || c == '\\':
			cost = 2
		case c < ' ':
			cost = len(`\u0000`) // a Payload's text has none: they are escaped in it
		case c >= utf8.RuneSelf:
			_, size = utf8.DecodeRuneInString(s[i:])
			cost = size
		}
		if room -= cost; room < 0 {
			return s[:i]
		}
		i += size
	}
	return s
}
