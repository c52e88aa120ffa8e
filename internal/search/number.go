package search

import (
	"cmp"
	"math/big"
	"strings"
)

// number is a decimal of any size: 0.digits × 10^exponent. It takes no more memory than its text, whatever its exponent is.
type number struct {
	sign     int    // -1, 0 or 1
	digits   string // without zeros at either end; empty for zero
	exponent *big.Int
}

// parseNumber reads a JSON number, whose form has been checked before.
func parseNumber(text string) number {
	text, negative := strings.CutPrefix(text, "-")
	exponent := new(big.Int)
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		exponent = parseExponent(text[i+1:])
		text = text[:i]
	}
	whole, fraction, _ := strings.Cut(text, ".")
	exponent.Add(exponent, big.NewInt(int64(len(whole))))
	digits := strings.TrimLeft(whole+fraction, "0")
	exponent.Sub(exponent, big.NewInt(int64(len(whole)+len(fraction)-len(digits))))
	digits = strings.TrimRight(digits, "0")
	switch {
	case digits == "":
		return number{exponent: new(big.Int)}
	case negative:
		return number{sign: -1, digits: digits, exponent: exponent}
	default:
		return number{sign: 1, digits: digits, exponent: exponent}
	}
}

// maxExponentDigits is how long an exponent may be. To read a longer one would take time with the square of its length.
const maxExponentDigits = 1000

// parseExponent reads an exponent. One that is too long is taken for the next one that is not.
func parseExponent(text string) *big.Int {
	text, negative := strings.CutPrefix(strings.TrimPrefix(text, "+"), "-")
	if text = strings.TrimLeft(text, "0"); len(text) > maxExponentDigits {
		text = strings.Repeat("9", maxExponentDigits)
	}
	exponent, ok := new(big.Int).SetString("0"+text, 10)
	if !ok {
		return new(big.Int) // no JSON number
	}
	if negative {
		exponent.Neg(exponent)
	}
	return exponent
}

// compare orders numbers by value.
func (n number) compare(m number) int {
	if n.sign != m.sign {
		return cmp.Compare(n.sign, m.sign)
	}
	// Digits of the same exponent are fractions of the same size, ordered as texts are.
	return n.sign * cmp.Or(n.exponent.Cmp(m.exponent), strings.Compare(n.digits, m.digits))
}

// canonical is the same text for equal numbers.
func (n number) canonical() string {
	sign := ""
	if n.sign < 0 {
		sign = "-"
	}
	return sign + n.digits + "e" + n.exponent.String()
}
