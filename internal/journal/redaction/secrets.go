package redaction

import (
	"bytes"
	"strings"
)

// longestRun bounds how far a look reads before it decides; what is longer counts as secret. Without it a text made of
// beginnings would take quadratic time.
const longestRun = 1024

// knownKey is a kind of key that is known by its beginning.
type knownKey struct {
	prefix string
	least  int  // how many more bytes there must be
	digit  bool // whether one of them must be a digit
}

func knownKeys() []knownKey {
	return []knownKey{
		{"sjt_", 32, false}, // our own
		{"sk-", 16, true},
		{"sk_live_", 8, false},
		{"sk_test_", 8, false},
		{"rk_live_", 8, false},
		{"rk_test_", 8, false},
		{"whsec_", 8, false},
		{"ghp_", 16, false},
		{"gho_", 16, false},
		{"ghu_", 16, false},
		{"ghs_", 16, false},
		{"ghr_", 16, false},
		{"github_pat_", 16, false},
		{"glpat-", 12, false},
		{"AKIA", 16, true},
		{"ASIA", 16, true},
		{"AIza", 30, false},
		{"ya29.", 16, false},
		{"xoxa-", 8, true},
		{"xoxb-", 8, true},
		{"xoxp-", 8, true},
		{"xoxr-", 8, true},
		{"xoxs-", 8, true},
		{"xapp-", 8, true},
		{"hf_", 20, false},
		{"npm_", 30, false},
		{"pypi-", 40, false},
		{"dop_v1_", 20, false},
		{"gsk_", 20, true},
		{"pplx-", 20, true},
		{"SG.", 30, true},
		{"pbkdf2_", 20, true},
		{"$argon2", 20, true},
		{"$2a$", 20, true},
		{"$2b$", 20, true},
		{"$2y$", 20, true},
	}
}

func (k knownKey) look(_ *Redactor, _ *buffers, t []byte, start, end int) (span, bool) {
	if string(t[start:end]) != k.prefix || start > 0 && isAlnum(t[start-1]) {
		return span{}, false
	}
	stop, digit := end, false
	for stop < len(t) && isKeyByte(t[stop]) {
		digit = digit || '0' <= t[stop] && t[stop] <= '9'
		stop++
	}
	if stop-end < k.least || k.digit && !digit && stop-end < longestRun {
		return span{}, false
	}
	return span{start, stop, "key beginning with " + k.prefix}, true
}

func isKeyByte(c byte) bool {
	return isAlnum(c) || strings.IndexByte("_-.+/=$", c) >= 0
}

// lookJWT finds JSON Web Tokens: base64url of {"…, with one dot or more.
func lookJWT(_ *Redactor, _ *buffers, t []byte, start, end int) (span, bool) {
	if string(t[start:end]) != "eyJ" || start > 0 && isAlnum(t[start-1]) {
		return span{}, false
	}
	stop, dots, first := end, 0, 0
	for ; stop < len(t); stop++ {
		c := t[stop]
		if c == '.' {
			dots++
			if dots == 1 {
				first = stop - start
			}
		} else if !isAlnum(c) && c != '_' && c != '-' {
			break
		}
	}
	if stop-start < longestRun && (dots == 0 || first < 10 || stop-start < 20) {
		return span{}, false
	}
	return span{start, stop, "JSON Web Token"}, true
}

// lookPEM finds private keys, also cut off ones; certificates and public keys stay.
func lookPEM(_ *Redactor, _ *buffers, t []byte, start, end int) (span, bool) {
	const mark, longestLabel = "PRIVATE KEY", 64
	label := t[end:min(len(t), end+longestLabel)]
	if at := bytes.Index(label, []byte("-----")); at >= 0 {
		label = label[:at]
	}
	if !bytes.Contains(label, []byte(mark)) {
		return span{}, false
	}
	foot := bytes.Index(t[end:], []byte("-----END"))
	if foot < 0 {
		return span{start, len(t), "PEM private key"}, true
	}
	stop := end + foot + len("-----END")
	if tail := bytes.Index(t[stop:], []byte("-----")); tail >= 0 {
		stop += tail + len("-----")
	} else {
		stop = len(t)
	}
	return span{start, stop, "PEM private key"}, true
}

// lookScheme finds the credentials after the name of an authentication scheme. Where the scheme and one more word are all of
// the text, that word is masked unless it is an ordinary one; within a longer text only if it looks like a secret.
func lookScheme(_ *Redactor, _ *buffers, t []byte, start, end int) (span, bool) {
	if start > 0 && (isAlnum(t[start-1]) || t[start-1] == '_' || t[start-1] == '-') {
		return span{}, false
	}
	from := end
	for from < len(t) && (isSpace(t[from]) || t[from] == '+' || bytes.HasPrefix(t[from:], []byte("%20"))) {
		if t[from] == '%' {
			from += 2
		}
		from++
	}
	if from == end {
		return span{}, false
	}
	stop := from
	for stop < len(t) && isCredentialByte(t[stop]) {
		stop++
	}
	all := len(bytes.TrimSpace(t[:start])) == 0 && len(bytes.TrimSpace(t[stop:])) == 0
	for !all && stop > from && strings.IndexByte(".,:", t[stop-1]) >= 0 {
		stop--
	}
	word := t[from:stop]
	if len(word) == 0 || !all && len(word) < longestRun && !looksSecret(word) || isOrdinaryWord(word) {
		return span{}, false
	}
	return span{from, stop, "credentials after " + strings.ToLower(string(t[start:end]))}, true
}

func isCredentialByte(c byte) bool {
	return isAlnum(c) || strings.IndexByte("._~+/=:%|-$!@#*&^", c) >= 0
}

// isOrdinaryWord knows the words that follow Token, Basic or Bearer in messages and names.
func isOrdinaryWord(word []byte) bool {
	const longest = 16
	if len(word) > longest {
		return false
	}
	switch strings.ToLower(string(bytes.TrimRight(word, ".,:!"))) {
	case "auth", "authentication", "authorization", "authenticate", "realm", "scheme", "header", "headers", "format", "type",
		"expired", "invalid", "missing", "required", "revoked", "rejected", "accepted", "refreshed", "created", "deleted",
		"not", "is", "was", "has", "for", "of", "and", "or", "in", "on", "to", "with", "from", "by", "at",
		"limit", "limits", "count", "counts", "usage", "budget", "name", "id", "error", "errors", "support", "exchange",
		"plan", "tier", "account", "access", "info", "information", "settings", "setup", "usage.", "test", "tests", "example",
		"refresh", "rotation", "renewal", "endpoint", "lifetime", "expiry", "expiration", "validation", "verification",
		"token", "tokens", "bearer", "user", "users", "service", "store", "manager", "list", "details", "price", "pricing":
		return true
	}
	return false
}

// lookAddress finds the password in scheme://user:password@host. start and end are those of the colon.
func lookAddress(t []byte, end int) (span, bool) {
	from := end + len("//")
	stop := from
	for stop < len(t) && !isSpace(t[stop]) && strings.IndexByte(`/?#"'<>`+"`", t[stop]) < 0 {
		stop++
	}
	authority := t[from:stop]
	at := bytes.LastIndexByte(authority, '@')
	colon := bytes.IndexByte(authority, ':')
	if at < 0 && colon >= 0 && !startsWithDigits(authority[colon+1:]) {
		// A password with a slash or the like in it, which should have been escaped.
		for stop < len(t) && stop-from < longestRun && !isSpace(t[stop]) && !isQuote(t[stop]) {
			stop++
		}
		authority = t[from:stop]
		at = bytes.LastIndexByte(authority, '@')
	}
	if at < 0 {
		return span{}, false
	}
	const longestUser = 19 // a longer user without a password is a token
	switch {
	case colon >= 0 && colon < at:
		return span{from + colon + 1, from + at, "password in an address"}, true
	case at > longestUser:
		return span{from, from + at, "token in an address"}, true
	}
	return span{}, false
}

func startsWithDigits(b []byte) bool { return len(b) == 0 || '0' <= b[0] && b[0] <= '9' }
