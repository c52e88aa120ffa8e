package importer

import (
	"fmt"
	"strings"
)

// Summary counts what became of an export. For an import that came to its end, Read = Written + AlreadyThere + Rejected.
type Summary struct {
	DryRun bool

	Read         int64 // rows of the journal, and rows too broken to tell
	Written      int64 // entries that are new; in a dry run, that would be written unless they are there
	AlreadyThere int64 // entries that were in the journal, or twice in the file, with the same content
	Rejected     int64 // rows of the journal that are not imported, each named on stderr and in the rejects file

	Truncated    int64 // new entries with a request or response longer than Options.Truncate, counted as written too
	MappedNames  int64 // entries whose thing or command had the name of an older version
	Defaulted    int64 // entries with an empty thing, command or status, which got the default
	NaiveTimes   int64 // entries whose created_at had no zone and was taken as UTC
	UnknownUsers int64 // entries whose user is not in the file; its username is django:<pk>

	UserModel     string // the model that the users are of; empty when there are none
	Users         int64  // users read
	RejectedUsers int64
	LeftOut       int64 // e-mail addresses and names for people that no user may have, of users who have none now
	Ignored       int64 // rows of other models
}

// ExitStatus is 0 when all rows are in the journal, and ExitRejected when some were rejected.
func (s Summary) ExitStatus() int {
	if s.Rejected > 0 || s.RejectedUsers > 0 {
		return ExitRejected
	}
	return 0
}

// String is the summary as people read it, a line each, the numbers in a column. What is rare shows only when there is some.
func (s Summary) String() string {
	written := "written"
	if s.DryRun {
		written = "would be written"
	}
	lines := []struct {
		name   string
		count  int64
		always bool
		note   string
	}{
		{"read", s.Read, true, ""},
		{written, s.Written, true, ""},
		{"already there", s.AlreadyThere, true, ""},
		{"rejected", s.Rejected, true, ""},
		{"users", s.Users, true, ""},
		{"rejected users", s.RejectedUsers, false, "their entries have the username django:<pk>"},
		{"names left out", s.LeftOut, false, "e-mail addresses and names of users: too long, or with characters that no name may have"},
		{"truncated", s.Truncated, false, "request or response is stored as its beginning, length and digest"},
		{"of unknown users", s.UnknownUsers, false, "the user is not in the file; the username is django:<pk>"},
		{"older names", s.MappedNames, false, "thing or command mapped to today's name"},
		{"defaults", s.Defaulted, false, "empty thing, command or status"},
		{"times without zone", s.NaiveTimes, false, "taken as UTC"},
		{"other models", s.Ignored, false, "ignored"},
	}
	var b strings.Builder
	for _, line := range lines {
		if !line.always && line.count == 0 {
			continue
		}
		fmt.Fprintf(&b, "%-18s %10d", line.name, line.count)
		if line.note != "" {
			fmt.Fprintf(&b, "  (%s)", line.note)
		}
		b.WriteByte('\n')
	}
	if s.DryRun {
		b.WriteString("dry run: nothing was written\n")
	}
	return b.String()
}
