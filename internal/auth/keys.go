package auth

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// maxKeySet bounds what is read of an issuer or a file, in bytes, and maxKeys the keys in it.
	maxKeySet = 1 << 20
	maxKeys   = 100
	// minRSA is the least size of an RSA key in bits (RFC 7518, section 3.3).
	minRSA = 2048
)

// keySource is where an issuer's keys come from.
type keySource interface {
	// known are the keys at hand. It does not wait.
	known() []jose.JSONWebKey
	// fresh are the keys after asking again, as often as that may be done. Its error matches store.ErrUnavailable when the
	// source cannot be asked now.
	fresh(ctx context.Context) ([]jose.JSONWebKey, error)
}

// issuerKeys verifies the signatures of one issuer; it is the oidc.KeySet of the issuer's verifier.
type issuerKeys struct {
	source     keySource
	algorithms []jose.SignatureAlgorithm
}

// VerifySignature returns the payload that one of the issuer's keys signed. The header's own jwk, jku, x5c and x5u count for
// nothing. The verifier around it drops the error's chain, so the error is left in the context's outcome as well.
func (k *issuerKeys) VerifySignature(ctx context.Context, text string) ([]byte, error) {
	payload, err := k.verify(ctx, text)
	if o, ok := ctx.Value(outcomeKey{}).(*outcome); ok {
		o.err = err
	}
	return payload, err
}

// outcome carries the error of VerifySignature past the verifier. It belongs to the goroutine that verifies.
type outcome struct{ err error }

type outcomeKey struct{}

func (k *issuerKeys) verify(ctx context.Context, text string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(text, k.algorithms)
	if err != nil || len(jws.Signatures) != 1 {
		return nil, errNotJWT()
	}
	header := jws.Signatures[0].Protected
	payload, named := signedBy(jws, header, k.source.known())
	if payload != nil {
		return payload, nil
	}
	if named { // asking again would let forged tokens cost the issuer a request
		return nil, errSignature()
	}
	keys, err := k.source.fresh(ctx)
	if err != nil {
		return nil, err
	}
	if payload, _ = signedBy(jws, header, keys); payload == nil {
		return nil, errSignature()
	}
	return payload, nil
}

func errSignature() error {
	return unauthenticated("the JWT is not signed by a key of its issuer")
}

// signedBy returns the payload if one of the keys signed it, else nil. named tells that the header names one of the keys.
func signedBy(jws *jose.JSONWebSignature, header jose.Header, keys []jose.JSONWebKey) (payload []byte, named bool) {
	for i := range keys {
		key := &keys[i]
		if header.KeyID != "" && header.KeyID != key.KeyID {
			continue
		}
		named = named || header.KeyID != ""
		if key.Algorithm != "" && key.Algorithm != header.Algorithm {
			continue
		}
		if payload, err := jws.Verify(key.Key); err == nil && payload != nil {
			return payload, true
		}
	}
	return nil, named
}

// parseKeys reads a JSON Web Key Set. Keys that cannot verify signatures here are passed over (RFC 7517, section 5).
func parseKeys(text []byte) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, errors.New("is not a JSON Web Key Set")
	}
	if len(set.Keys) > maxKeys {
		return nil, errors.New("has more than 100 keys")
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if err := json.Unmarshal(raw, &key); err == nil && verifies(key) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("has no public key to verify signatures with (RSA of at least 2048 bits, EC or Ed25519)")
	}
	return keys, nil
}

// verifies tells whether a key is a public one for signatures.
func verifies(key jose.JSONWebKey) bool {
	if !key.Valid() || !key.IsPublic() || key.Use != "" && key.Use != "sig" {
		return false
	}
	rsaKey, ok := key.Key.(*rsa.PublicKey)
	return !ok || rsaKey.N.BitLen() >= minRSA
}

// fileKeys are keys in a file, which is looked at again, at most once an interval, when keys are needed.
type fileKeys struct {
	path     string
	interval time.Duration
	now      func() time.Time
	log      *slog.Logger

	mu     sync.Mutex
	keys   []jose.JSONWebKey // guarded by mu; replaced, never changed
	seen   os.FileInfo       // guarded by mu: the file that keys are from
	looked time.Time         // guarded by mu
	failed bool              // guarded by mu: the file has changed and cannot be read
}

// newFileKeys reads the file. The error names it.
func newFileKeys(path string, interval time.Duration, now func() time.Time, log *slog.Logger) (*fileKeys, error) {
	f := &fileKeys{path: path, interval: interval, now: now, log: log, looked: now()}
	if err := f.read(); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *fileKeys) known() []jose.JSONWebKey {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := f.now(); now.Sub(f.looked) >= f.interval {
		f.looked = now
		err := f.read()
		if err != nil && !f.failed {
			f.log.Warn("the file of an issuer's keys cannot be read; the keys known so far stay", "error", err)
		}
		f.failed = err != nil
	}
	return f.keys
}

func (f *fileKeys) fresh(context.Context) ([]jose.JSONWebKey, error) { return f.known(), nil }

// read takes the keys from the file, unless it is the one that was read last. The caller holds mu or is alone.
func (f *fileKeys) read() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return &os.PathError{Op: "read the keys in", Path: f.path, Err: unwrapped(err)}
	}
	if f.seen != nil && os.SameFile(info, f.seen) && info.ModTime().Equal(f.seen.ModTime()) && info.Size() == f.seen.Size() {
		return nil
	}
	if info.Size() > maxKeySet {
		return &os.PathError{Op: "read the keys in", Path: f.path, Err: errors.New("is larger than 1 MiB")}
	}
	text, err := os.ReadFile(f.path)
	if err != nil {
		return &os.PathError{Op: "read the keys in", Path: f.path, Err: unwrapped(err)}
	}
	keys, err := parseKeys(text)
	if err != nil {
		return &os.PathError{Op: "read the keys in", Path: f.path, Err: err}
	}
	f.keys, f.seen = slices.Clip(keys), info
	return nil
}

// unwrapped is the reason alone, where the error names the file as well.
func unwrapped(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err
	}
	return err
}
