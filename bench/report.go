package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// section is what was measured on one database.
type section struct {
	database, version string
	seeded            seeding
	pages             []pageResult
	appends           appendResult
}

type report struct {
	cfg      settings
	began    time.Time
	sections []*section
}

func (r *report) markdown() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	deep := thousands(deepPage(r.cfg.entries))
	line("# What pages and appends cost")
	line("")
	line("Written by `make bench` on %s; [README.md](README.md) tells what is compared with what, and how.",
		time.Now().UTC().Format("2006-01-02"))
	line("Ratios are medians over %d rounds, with the least and the greatest round in brackets. *The limit* is a server written",
		r.cfg.rounds)
	line("by hand for the same question. The command: `SAMJOURNAL_BENCH_ENTRIES=%d make bench`.", r.cfg.entries)
	line("")
	line("| machine | |")
	line("|---|---|")
	line("| processor | %s, %d cores |", processor(), runtime.NumCPU())
	line("| system | %s/%s |", runtime.GOOS, runtime.GOARCH)
	line("| load average at the end | %s |", load())
	line("| Go | %s |", strings.TrimPrefix(runtime.Version(), "go"))
	for _, s := range r.sections {
		line("| %s | %s |", s.database, s.versionText())
	}
	for _, s := range r.sections {
		line("")
		line("## %s", s.database)
		line("")
		line("### A page of %d, of %s entries", pageSize, thousands(r.cfg.entries))
		line("")
		line("| list | page 1 | page %s | page %s ÷ page 1 | page 1 ÷ limit | page %s ÷ limit |", deep, deep, deep)
		line("|---|---:|---:|---:|---:|---:|")
		for i := range s.pages {
			p := &s.pages[i]
			line("| %s | %s | %s | **%.2f** (%.2f to %.2f) | %s | %s |", p.list, ms(p.first.median()), ms(p.deep.median()),
				p.deepToFirst.median, p.deepToFirst.least, p.deepToFirst.greatest, p.firstToLimit, p.deepLimit)
		}
		line("")
		line("### Appends")
		line("")
		line("| what | took | limit | ÷ limit |")
		line("|---|---:|---:|---:|")
		line("| `createEntry`, one by one | %s | %s | %s |", ms(s.appends.product.median()), ms(s.appends.limit.median()),
			s.appends.toLimit)
		line("| `samjournal seed --entries=%d` | %s | | |", s.seeded.Entries, s.seeded.Took.Round(time.Second))
		line("")
		line("Seeding wrote %s entries/s and used %s of a processor's time, the database server's not counted.",
			thousands(int(float64(s.seeded.Entries)/s.seeded.Took.Seconds())), s.seeded.CPU.Round(time.Second))
		if s.seeded.On.Before(r.began) {
			line("That was an earlier run's, of %s, whose journal was used again.", s.seeded.On.Format("2006-01-02"))
		}
	}
	return b.String()
}

func (r ratio) String() string {
	return fmt.Sprintf("%.2f (%.2f to %.2f)", r.median, r.least, r.greatest)
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond)) }

func thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// versionText is that of the server, or of the driver that has SQLite in it.
func (s *section) versionText() string {
	if s.version != "" {
		return s.version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "modernc.org/sqlite" {
				return module.Path + " " + module.Version
			}
		}
	}
	return "unknown"
}

// load tells whether the machine did other things: the run alone makes for about 1.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if one, _, found := strings.Cut(string(text), " "); err == nil && found {
		return one
	}
	return "unknown"
}

func processor() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, value, found := strings.Cut(lines.Text(), ":"); found && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
