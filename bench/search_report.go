package main

import (
	"strings"
	"time"
)

// searchHeading begins the section on searches.
const searchHeading = "## Searches\n"

func searchMarkdown(cfg searchSettings, sections []*searchSection) string {
	var b strings.Builder
	line := beginSection(&b, searchHeading, searchArg)
	line("Medians over %d rounds, of ratios with the least and the greatest round in brackets.", cfg.rounds)
	for _, s := range sections {
		line("")
		line("### %s: appends while entries are indexed", s.database)
		line("")
		line("| callers | entries/s | without indexing | ÷ without | not indexed at the end |")
		line("|---:|---:|---:|---:|---:|")
		for i := range s.appends {
			c := &s.appends[i]
			line("| %d | %s | %s | %s | %s |", c.callers, thousands(int(median(c.with))), thousands(int(median(c.plain))),
				overs(c.with, c.plain), thousands(c.behind))
		}
		line("")
		line("### %s: searches among %s entries", s.database, thousands(cfg.entries))
		line("")
		line("| first page of | entries on it | by the index | by looking at each | times as fast |")
		line("|---|---:|---:|---:|---:|")
		for i := range s.questions {
			r := &s.questions[i]
			line("| %s | %d | %s | %s | **%.1f** (%.1f to %.1f) |", r.what, r.found, ms(r.index.median()), ms(r.scanned.median()),
				r.faster.median, r.faster.least, r.faster.greatest)
		}
		line("")
		line("`samjournal search rebuild` took %s, %s entries/s. The index has %.0f bytes for an entry.", s.filling.Round(time.Second),
			thousands(int(float64(cfg.entries)/s.filling.Seconds())), s.bytes)
	}
	return b.String()
}
