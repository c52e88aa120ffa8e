package export

import (
	"bufio"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
)

// ErrIncomplete says that an export has no manifest: it was cut off.
var ErrIncomplete = errors.New("the export is incomplete: it does not end with its manifest")

// maxLine bounds a line that is read, in bytes: far more than any entry has.
const maxLine = 1 << 30

// Contents is what a file of NDJSON was found to hold.
type Contents struct {
	Count      int64
	First      int64 // position, when Count is not 0
	Last       int64
	LastCursor string // where to go on
	Whole      int64  // bytes up to the end of the last whole line that is an entry's
	Manifest   *Manifest
	sum        hash.Hash // of those bytes
}

// shape is what a line is looked at for.
type shape struct {
	Key      *string   `json:"key"`
	Position *int64    `json:"position"`
	Cursor   string    `json:"cursor"`
	Manifest *Manifest `json:"manifest"`
}

// Read reads NDJSON to its end and checks that each line is an entry's, in order of position. A last line that was cut off is
// as if it were not there. What follows a manifest is an error.
func Read(r io.Reader) (*Contents, error) {
	c := &Contents{sum: sha256.New()}
	in := bufio.NewReaderSize(r, 1<<16)
	for n := int64(1); ; n++ {
		line, err := readLine(in)
		switch {
		case errors.Is(err, io.EOF):
			return c, nil
		case err != nil:
			return c, fmt.Errorf("line %d: %w", n, err)
		case c.Manifest != nil:
			return c, fmt.Errorf("line %d: stands behind the manifest, which is the last line of an export", n)
		}
		if err := c.line(line); err != nil {
			return c, fmt.Errorf("line %d: %w", n, err)
		}
	}
}

// readLine returns the next line with its line break; io.EOF also for a rest without one.
func readLine(in *bufio.Reader) (line []byte, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			return nil, fmt.Errorf("is longer than %d bytes", maxLine)
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

func (c *Contents) line(line []byte) error {
	var l shape
	if err := json.Unmarshal(line, &l); err != nil {
		return fmt.Errorf("is not JSON of an export: %w", err)
	}
	if l.Manifest != nil {
		c.Manifest = l.Manifest
		return nil
	}
	if l.Key == nil || l.Position == nil {
		return errors.New("is neither an entry (it has no key and position) nor the manifest")
	}
	if c.Count == 0 {
		c.First = *l.Position
	} else if *l.Position <= c.Last {
		return fmt.Errorf("has position %d after position %d: entries are in order of position", *l.Position, c.Last)
	}
	c.Count, c.Last, c.LastCursor = c.Count+1, *l.Position, l.Cursor
	c.Whole += int64(len(line))
	_, err := c.sum.Write(line)
	return err
}

// Verify reads an export of NDJSON and returns its manifest when it is complete and as it was written. It fails with
// ErrIncomplete when there is no manifest, and says what differs when it does not fit.
func Verify(r io.Reader) (Manifest, error) {
	c, err := Read(r)
	if err != nil {
		return Manifest{}, err
	}
	if c.Manifest == nil {
		if c.Count == 0 {
			return Manifest{}, ErrIncomplete
		}
		return Manifest{}, fmt.Errorf("%w; its last whole line is the entry at position %d", ErrIncomplete, c.Last)
	}
	found := Manifest{Count: c.Count, SHA256: hex.EncodeToString(c.sum.Sum(nil))}
	if c.Count > 0 {
		found.FirstPosition, found.LastPosition = &c.First, &c.Last
	}
	return *c.Manifest, c.Manifest.compare(NDJSON, found)
}

// VerifyCSV is Verify for CSV, whose manifest is not in the file.
func VerifyCSV(r io.Reader, m Manifest) error {
	sum := sha256.New()
	in := csv.NewReader(io.TeeReader(r, sum))
	in.ReuseRecord = true
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: the file is empty", ErrIncomplete)
	}
	if err != nil {
		return err
	}
	if len(header) < 2 || header[0] != "key" || header[1] != "position" {
		return errors.New("line 1: is not the header of an export: it begins with key,position")
	}
	var found Manifest
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		position, err := strconv.ParseInt(cells[1], 10, 64)
		if err != nil {
			line, _ := in.FieldPos(1)
			return fmt.Errorf("line %d: position is not a number", line)
		}
		found.Count++
		if found.Count == 1 {
			first := position
			found.FirstPosition = &first
		}
		found.LastPosition = &position
	}
	found.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return m.compare(CSV, found)
}

// compare says what of the lines that were found is not as the manifest has it.
func (m Manifest) compare(format Format, found Manifest) error {
	switch {
	case m.Version != ManifestVersion:
		return fmt.Errorf("the manifest has version %d, this samjournal knows version %d", m.Version, ManifestVersion)
	case m.Format != format:
		return fmt.Errorf("the manifest is of the format %q, the file is %s", m.Format, format)
	case m.Count != found.Count:
		return fmt.Errorf("the manifest says %d entries, the file has %d", m.Count, found.Count)
	case !equal(m.FirstPosition, found.FirstPosition) || !equal(m.LastPosition, found.LastPosition):
		return fmt.Errorf("the manifest says positions %s to %s, the file has %s to %s", text(m.FirstPosition), text(m.LastPosition),
			text(found.FirstPosition), text(found.LastPosition))
	case m.SHA256 != found.SHA256:
		return fmt.Errorf("the file was changed: the manifest says SHA-256 %s, it is %s", m.SHA256, found.SHA256)
	}
	return nil
}

func equal(a, b *int64) bool { return a == b || a != nil && b != nil && *a == *b }

func text(n *int64) string {
	if n == nil {
		return "none"
	}
	return strconv.FormatInt(*n, 10)
}
