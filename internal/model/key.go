package model

import (
	"encoding/hex"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// KeyLength is the length of a key in hex digits.
const KeyLength = 64

// ValidateKey refuses anything but 64 lower-case hex digits, with an *InputError whose path is "key".
func ValidateKey(key string) error {
	if len(key) != KeyLength {
		return &InputError{
			Path:   []any{"key"},
			Reason: fmt.Sprintf("must be %d lower-case hex digits (0-9, a-f), has %d characters", KeyLength, utf8.RuneCountInString(key)),
		}
	}
	for i := range KeyLength {
		if c := key[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return &InputError{
				Path:   []any{"key"},
				Reason: fmt.Sprintf("must be %d lower-case hex digits (0-9, a-f), character %d is not one", KeyLength, i+1),
			}
		}
	}
	return nil
}

// NewKey returns a fresh key of 256 random bits read from random (crypto/rand.Reader in production).
func NewKey(random io.Reader) (string, error) {
	var b [KeyLength / 2]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("read random key: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

// TimeLayout is how every time is written: UTC with exactly six digits of fraction.
const TimeLayout = "2006-01-02T15:04:05.000000Z"

// Microseconds returns t in UTC without what is finer than a microsecond, which is what both databases hold.
func Microseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// validYear tells whether a time in UTC has a year that TimeLayout can write and both databases hold.
func validYear(t time.Time) bool {
	year := t.UTC().Year()
	return year >= 1 && year <= 9999
}
