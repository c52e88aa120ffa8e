package journal

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"samjournal/internal/model"
)

const sentVersion = 1

// sentDigest is an HMAC-SHA256 over the content of an input before redaction and truncation: two inputs of the same key are
// the same entry when it is equal. It is keyed, so that whoever reads the database cannot guess secrets that were masked.
//
// The message: version; then each of created_at (only when the source gave one), username, thing, command, status, request
// and response, as a marker byte (0 absent, 1 present), the length in 8 bytes and the bytes. Payloads are in canonical form,
// so that order of names and spelling of escapes do not matter.
func sentDigest(key []byte, in *Input, username *string) [sha256.Size]byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte{sentVersion})
	part := func(present bool, b []byte) {
		if !present {
			mac.Write([]byte{0})
			return
		}
		mac.Write(binary.BigEndian.AppendUint64([]byte{1}, uint64(len(b))))
		mac.Write(b)
	}
	if in.CreatedAt == nil {
		part(false, nil)
	} else {
		part(true, []byte(in.CreatedAt.UTC().Format(model.TimeLayout)))
	}
	if username == nil {
		part(false, nil)
	} else {
		part(true, []byte(*username))
	}
	part(true, []byte(in.Thing))
	part(true, []byte(in.Command))
	part(true, binary.BigEndian.AppendUint64(nil, uint64(in.StatusCode))) //nolint:gosec // 0 to 32767
	part(true, in.Request.Canonical())
	part(true, in.Response.Canonical())
	var sum [sha256.Size]byte
	mac.Sum(sum[:0])
	return sum
}

// digestKey returns the account's key for sentDigest.
func (j *Journal) digestKey(ctx context.Context, account model.Account) ([]byte, error) {
	j.mu.Lock()
	key, ok := j.digestKeys[account.ID]
	j.mu.Unlock()
	if ok {
		return key, nil
	}
	if len(j.serverKey) > 0 {
		mac := hmac.New(sha256.New, j.serverKey)
		mac.Write([]byte("samjournal sent digest\x00" + account.Slug))
		key = mac.Sum(nil)
	} else {
		var err error
		if key, err = j.backend.DigestKey(ctx, account.ID); err != nil {
			return nil, err
		}
	}
	j.mu.Lock()
	j.digestKeys[account.ID] = key
	j.mu.Unlock()
	return key, nil
}

// NewDigestKey draws the key for the digests of a new account.
func NewDigestKey() ([]byte, error) {
	key := make([]byte, sha256.Size)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("draw digest key: %w", err)
	}
	return key, nil
}
