package model

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"time"
)

// FormatVersion is the version of the canonical form that new entries get.
const FormatVersion = 1

// CanonicalEntry is what the canonical bytes of an entry are made of. docs/format.md specifies them.
type CanonicalEntry struct {
	Account        string // the account's slug
	Position       int64
	Key            string
	CreatedAt      time.Time
	RecordedAt     time.Time
	Thing          Thing
	Command        Command
	StatusCode     int
	Username       *string
	RequestDigest  [sha256.Size]byte
	ResponseDigest [sha256.Size]byte
}

// Bytes returns the canonical bytes, format version 1: integers are big endian, texts are UTF-8 after their length as two
// bytes, times are microseconds since the Unix epoch. It fails for what no stored entry has, so that different entries never
// have the same bytes: a key in capitals, a negative position, a status beyond 16 bits, a time between two microseconds, a
// text longer than 65,535 bytes.
func (e CanonicalEntry) Bytes() ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, fmt.Errorf("canonical bytes of position %d: %w", e.Position, err)
	}
	key, err := hex.DecodeString(e.Key)
	if err != nil {
		return nil, fmt.Errorf("canonical bytes of position %d: %w", e.Position, err)
	}
	b := make([]byte, 0, 256)
	b = append(b, FormatVersion)
	if b, err = appendText(b, e.Account); err != nil {
		return nil, err
	}
	b = binary.BigEndian.AppendUint64(b, uint64(e.Position)) //nolint:gosec // positions are not negative
	b = append(b, key...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.CreatedAt.UnixMicro())) // two's complement
	b = binary.BigEndian.AppendUint64(b, uint64(e.RecordedAt.UnixMicro()))
	if b, err = appendText(b, string(e.Thing)); err != nil {
		return nil, err
	}
	if b, err = appendText(b, string(e.Command)); err != nil {
		return nil, err
	}
	b = binary.BigEndian.AppendUint16(b, uint16(e.StatusCode)) //nolint:gosec // 0 to 32767
	if e.Username == nil {
		b = append(b, 0)
	} else {
		b = append(b, 1)
		if b, err = appendText(b, *e.Username); err != nil {
			return nil, err
		}
	}
	b = append(b, e.RequestDigest[:]...)
	return append(b, e.ResponseDigest[:]...), nil
}

func (e CanonicalEntry) check() error {
	if err := ValidateKey(e.Key); err != nil {
		return err
	}
	switch {
	case e.Position < 0:
		return errors.New("position is negative")
	case e.StatusCode < 0 || e.StatusCode > math.MaxInt16:
		return fmt.Errorf("status code is %d, not 0 to %d", e.StatusCode, math.MaxInt16)
	case !e.CreatedAt.Equal(Microseconds(e.CreatedAt)) || !e.RecordedAt.Equal(Microseconds(e.RecordedAt)):
		return errors.New("a time is finer than a microsecond")
	}
	return nil
}

func appendText(b []byte, s string) ([]byte, error) {
	const most = 1<<16 - 1
	if len(s) > most {
		return nil, fmt.Errorf("canonical bytes: text of %d bytes, at most %d", len(s), most)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(s))) //nolint:gosec // checked above
	return append(b, s...), nil
}

// PayloadDigest is SHA-256 over the salt and the stored bytes of a payload. The salt keeps the digest of an erased payload
// from telling what it was.
func PayloadDigest(salt []byte, stored Payload) [sha256.Size]byte {
	h := sha256.New()
	h.Write(salt)
	h.Write([]byte(stored))
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return sum
}
