package httpserver

import (
	"strconv"
	"strings"
)

// scanned is what a document's text shows before it is parsed. What is no GraphQL may be counted otherwise than the parser
// does, which has the same limits on tokens and depth once more.
type scanned struct {
	tokens        int
	nesting       int // of brackets, but for the round ones
	nested        int // bytes of names and strings, each as often as brackets are around it
	longest       int // token, in bytes
	loneSurrogate int // where one is escaped in a string, or -1: the parser would put U+FFFD in its place
}

// scan reads the text once, without memory of its own, until it has more than so many tokens: parsing costs a hundred times as
// much.
func scan(text string, maxTokens int) scanned {
	found := scanned{loneSurrogate: -1}
	open := 0

	for i := 0; i < len(text) && found.tokens <= maxTokens; {
		c := text[i]
		length := 1

		switch {
		case c == ' ' || c == ',' || c == '\n' || c == '\r' || c == '\t':
			i++

			continue
		case c == '#':
			length = lineLength(text[i:])
		case c == '"':
			length = found.stringAt(text, i, open)
		case wordByte(c) || c == '-':
			length = wordLength(text[i:])
			found.longest = max(found.longest, length)
			found.nested += length * open
		case c == '.' && strings.HasPrefix(text[i:], "..."):
			length = len("...")
		case c == '{' || c == '[':
			open++
			found.nesting = max(found.nesting, open)
		case c == '}' || c == ']':
			open = max(open-1, 0)
		}

		found.tokens++
		i += length
	}

	return found
}

// stringAt looks at the string or block string that begins at i, and returns its length.
func (s *scanned) stringAt(text string, i, open int) int {
	length, lone := stringLength(text[i:])
	if strings.HasPrefix(text[i:], `"""`) {
		length, lone = blockLength(text[i:]), -1
	}

	if lone >= 0 && s.loneSurrogate < 0 {
		s.loneSurrogate = i + lone
	}

	s.longest = max(s.longest, length)
	s.nested += length * open

	return length
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= '0' && c <= '9'
}

// wordLength is the length of the name or number that text starts with.
func wordLength(text string) int {
	number := text[0] == '-' || text[0] >= '0' && text[0] <= '9'

	for i := 1; i < len(text); i++ {
		if c := text[i]; !wordByte(c) && (!number || c != '.' && c != '+' && c != '-') {
			return i
		}
	}

	return len(text)
}

func lineLength(text string) int {
	if end := strings.IndexAny(text, "\r\n"); end >= 0 {
		return end
	}

	return len(text)
}

// blockLength is the length of the block string that text starts with.
func blockLength(text string) int {
	for i := 3; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], `\"""`):
			i += 3
		case strings.HasPrefix(text[i:], `"""`):
			// Of more quotes the parser takes the last three for the end.
			return len(text) - len(strings.TrimLeft(text[i:], `"`))
		}
	}

	return len(text)
}

// stringLength is the length of the string that text starts with, and the offset of a lone surrogate in it, or -1.
func stringLength(text string) (length, lone int) {
	for i := 1; i < len(text); {
		switch text[i] {
		case '"', '\r', '\n':
			return i + 1, -1
		case '\\':
			unit, ok := escapedUnit(text[i:])

			switch {
			case !ok:
				i += 2
			case unit >= 0xDC00 && unit <= 0xDFFF:
				return i, i
			case unit >= 0xD800 && unit <= 0xDBFF:
				low, ok := escapedUnit(text[i+6:])
				if !ok || low < 0xDC00 || low > 0xDFFF {
					return i, i
				}

				i += 12
			default:
				i += 6
			}
		default:
			i++
		}
	}

	return len(text), -1
}

// escapedUnit reads a \uXXXX escape at the start of text.
func escapedUnit(text string) (unit uint64, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}

	unit, err := strconv.ParseUint(text[2:6], 16, 32)

	return unit, err == nil
}
