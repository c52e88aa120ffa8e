package importer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	// maxRow bounds the memory one row can take, in bytes; a longer one is rejected and skipped.
	maxRow = 64 << 20
	// maxRowDepth is far more than a storable payload may have and less than the JSON parser's own end.
	maxRowDepth = 5_000
)

// SyntaxError says where an export stops being readable. Offset counts bytes from the start of the file.
type SyntaxError struct {
	Offset int64
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("the export cannot be read from byte offset %d on: %s", e.Offset, e.Reason)
}

// row is one element of the array or one line, not yet parsed.
type row struct {
	raw      []byte // valid until the next call; cut at the limit when tooLarge
	offset   int64  // of raw[0] in the file
	place    int64  // 0-based index in the array, or 1-based line number
	tooLarge bool
	tooDeep  bool
}

// splitter cuts an export into its rows without parsing them. Only brackets and strings count here, so that a row whose
// content is bad (depth, encoding, repeated names) costs that row and not the file.
type splitter struct {
	in     *bufio.Reader
	limit  int
	offset int64 // of the next unread byte
	place  int64
	lines  bool // JSON Lines; else one array
	begun  bool // the array's first element has been read
	buf    []byte
}

// newSplitter reads the first bytes and finds out which of the two forms the export has.
func newSplitter(in io.Reader, limit int) (*splitter, error) {
	s := &splitter{in: bufio.NewReaderSize(in, 1<<16), limit: limit}
	head, err := s.in.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		s.skip(3)
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return nil, &SyntaxError{0, "it is UTF-16; export it again with dumpdata --output FILE, which writes UTF-8"}
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return nil, &SyntaxError{0, "it is compressed; try: gunzip --stdout FILE | samjournal import -"}
	}
	c, err := s.peekSolid()
	switch {
	case errors.Is(err, io.EOF):
		return nil, &SyntaxError{s.offset, "it is empty"}
	case err != nil:
		return nil, err
	case c == '[':
		s.skip(1)
	case c == '{':
		s.lines = true
	default:
		return nil, &SyntaxError{s.offset, "expected [ (a JSON array) or { (JSON Lines): is this an export of manage.py dumpdata?"}
	}
	return s, nil
}

// next returns the next row, io.EOF after the last, a *SyntaxError where the array breaks, or the reader's own error.
func (s *splitter) next() (row, error) {
	if s.lines {
		return s.nextLine()
	}
	return s.nextElement()
}

func (s *splitter) nextLine() (row, error) {
	for {
		r := row{offset: s.offset, place: s.place + 1}
		s.buf = s.buf[:0]
		err := bufio.ErrBufferFull
		for errors.Is(err, bufio.ErrBufferFull) {
			var part []byte
			part, err = s.in.ReadSlice('\n')
			s.offset += int64(len(part))
			s.keep(&r, part)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return row{}, err
		}
		s.place++
		r.raw = bytes.TrimSpace(s.buf)
		if len(r.raw) > 0 {
			r.tooDeep = deeperThan(r.raw, maxRowDepth)
			return r, nil
		}
		if err != nil {
			return row{}, io.EOF
		}
	}
}

func (s *splitter) nextElement() (row, error) {
	c, err := s.peekSolid()
	if err != nil {
		return row{}, s.broken(err)
	}
	if c == ']' {
		s.skip(1)
		return row{}, s.atEnd()
	}
	if s.begun {
		if c != ',' {
			return row{}, &SyntaxError{s.offset, "expected , or ] after a row"}
		}
		s.skip(1)
		if c, err = s.peekSolid(); err != nil {
			return row{}, s.broken(err)
		}
	}
	if c != '{' {
		return row{}, &SyntaxError{s.offset, "expected a row, which begins with {"}
	}
	r := row{offset: s.offset, place: s.place}
	s.begun = true
	s.place++
	if err := s.scanObject(&r); err != nil {
		return row{}, err
	}
	return r, nil
}

// scanObject reads up to the bracket that closes the one it stands on.
func (s *splitter) scanObject(r *row) error {
	s.buf = s.buf[:0]
	var n nesting
	for !n.closed {
		if _, err := s.in.Peek(1); err != nil {
			return s.broken(err)
		}
		part, err := s.in.Peek(s.in.Buffered())
		if err != nil {
			return s.broken(err)
		}
		part = part[:n.scan(part)]
		s.keep(r, part)
		s.skip(len(part))
	}
	r.raw = s.buf
	r.tooDeep = n.deepest > maxRowDepth
	return nil
}

// keep appends to the row's bytes up to the limit.
func (s *splitter) keep(r *row, part []byte) {
	if room := s.limit - len(s.buf); len(part) > room {
		r.tooLarge = true
		part = part[:room]
	}
	s.buf = append(s.buf, part...)
}

// atEnd accepts nothing but white space after the array.
func (s *splitter) atEnd() error {
	if _, err := s.peekSolid(); err == nil {
		return &SyntaxError{s.offset, "something follows the array's closing bracket"}
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	return io.EOF
}

// broken turns an end of file inside the array into an error that says so.
func (s *splitter) broken(err error) error {
	if errors.Is(err, io.EOF) {
		return &SyntaxError{s.offset, "it ends before its array does (truncated?)"}
	}
	return err
}

// peekSolid skips white space and returns the byte after it, unread.
func (s *splitter) peekSolid() (byte, error) {
	for {
		b, err := s.in.Peek(1)
		if err != nil {
			return 0, err
		}
		if c := b[0]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c, nil
		}
		s.skip(1)
	}
}

// skip consumes bytes that a Peek has shown.
func (s *splitter) skip(n int) {
	discarded, _ := s.in.Discard(n)
	s.offset += int64(discarded)
}

// nesting follows brackets and strings across chunks.
type nesting struct {
	depth, deepest   int
	inString, escape bool
	closed           bool // the first bracket has found its partner
}

// scan returns how many bytes of b it took: all, or up to and with the closing bracket.
func (n *nesting) scan(b []byte) int {
	for i, c := range b {
		switch {
		case n.escape:
			n.escape = false
		case n.inString:
			n.escape = c == '\\'
			n.inString = c != '"'
		case c == '"':
			n.inString = true
		case c == '{' || c == '[':
			n.depth++
			n.deepest = max(n.deepest, n.depth)
		case c == '}' || c == ']':
			n.depth--
			if n.depth <= 0 {
				n.closed = true
				return i + 1
			}
		}
	}
	return len(b)
}

func deeperThan(raw []byte, limit int) bool {
	var n nesting
	n.scan(raw)
	return n.deepest > limit
}
