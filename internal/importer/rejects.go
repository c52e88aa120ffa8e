package importer

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// shownRejects is how many rejected rows are told on stderr; the file gets all.
const shownRejects = 20

// ExitRejected is the exit status of an import that came to its end and rejected rows.
const ExitRejected = 3

// rejection names a row that is not imported.
type rejection struct {
	reject

	pk    string
	place int64
}

// rejectLine is a line of the rejects file.
type rejectLine struct {
	PK     string `json:"pk"`
	Field  string `json:"field"`
	Reason string `json:"reason"`
	Line   *int64 `json:"line,omitempty"`  // 1-based, of a JSON Lines export
	Index  *int64 `json:"index,omitempty"` // 0-based, in an array
}

// rejectLog writes rejected rows: all as JSON lines, the first few as text. The text waits until a phase ends, so as not to
// tear the progress bar.
type rejectLog struct {
	lines  bool // places are line numbers, else indexes
	text   io.Writer
	json   *json.Encoder
	kept   []string
	total  int
	hidden int
}

func newRejectLog(text, all io.Writer) *rejectLog {
	l := &rejectLog{text: text, json: json.NewEncoder(all)}
	l.json.SetEscapeHTML(false)
	return l
}

func (l *rejectLog) add(r rejection) error {
	l.total++
	if l.total <= shownRejects {
		l.kept = append(l.kept, l.render(r))
	} else {
		l.hidden++
	}
	line := rejectLine{PK: r.pk, Field: r.field, Reason: r.reason}
	if l.lines {
		line.Line = &r.place
	} else {
		line.Index = &r.place
	}
	if err := l.json.Encode(line); err != nil {
		return fmt.Errorf("write the rejects file: %w", err)
	}
	return nil
}

func (l *rejectLog) render(r rejection) string {
	var b strings.Builder
	b.WriteString("rejected: ")
	if l.lines {
		fmt.Fprintf(&b, "line %d", r.place)
	} else {
		fmt.Fprintf(&b, "index %d", r.place)
	}
	if r.pk != "" {
		fmt.Fprintf(&b, ", pk %s", r.pk)
	}
	if r.field != "" {
		fmt.Fprintf(&b, ", %s", r.field)
	}
	fmt.Fprintf(&b, ": %s\n", r.reason)
	return b.String()
}

// flush writes the text that waits.
func (l *rejectLog) flush() error {
	for _, line := range l.kept {
		if _, err := io.WriteString(l.text, line); err != nil {
			return fmt.Errorf("write to stderr: %w", err)
		}
	}
	l.kept = l.kept[:0]
	return nil
}

func (l *rejectLog) close() error {
	if err := l.flush(); err != nil {
		return err
	}
	if l.hidden == 0 {
		return nil
	}
	if _, err := fmt.Fprintf(l.text, "… and %d more; --rejects FILE lists all\n", l.hidden); err != nil {
		return fmt.Errorf("write to stderr: %w", err)
	}
	return nil
}
