package main

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// callersHeading begins the section on appends of many callers.
const callersHeading = "## Appends of many callers\n"

// sectionHeadings are those of sections that are measured, and written, by themselves, in the order of the results.
func sectionHeadings() []string {
	return []string{callersHeading, feedHeading, countsHeading, searchHeading}
}

// sectionOf returns a section that is measured by itself, or "".
func sectionOf(results, heading string) string {
	_, rest, found := strings.Cut(results, heading)
	if !found {
		return ""
	}
	end := len(rest)
	for _, other := range sectionHeadings() {
		if at := strings.Index(rest, other); at >= 0 {
			end = min(end, at)
		}
	}
	return heading + rest[:end]
}

// ownSections returns the sections that are measured by themselves, as they are in the results.
func ownSections(results string) string {
	var b strings.Builder
	for _, heading := range sectionHeadings() {
		if section := sectionOf(results, heading); section != "" {
			b.WriteString("\n" + strings.TrimRight(section, "\n") + "\n")
		}
	}
	return b.String()
}

// replaceSection writes one section anew and leaves the others as they are.
func replaceSection(heading, text string) error {
	old, err := os.ReadFile(resultsFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(resultsFile, []byte(withSection(string(old), heading, text)), 0o644)
}

// withSection returns the results with one section in the place of the one before, if there was one.
func withSection(results, heading, text string) string {
	common := results
	for _, h := range sectionHeadings() {
		common, _, _ = strings.Cut(common, h)
	}
	var b strings.Builder
	b.WriteString(strings.TrimRight(common, "\n") + "\n")
	for _, h := range sectionHeadings() {
		section := sectionOf(results, h)
		if h == heading {
			section = text
		}
		if section != "" {
			b.WriteString("\n" + strings.TrimRight(section, "\n") + "\n")
		}
	}
	return b.String()
}

func callersMarkdown(cfg callersSettings, sections []*callersSection) string {
	var b strings.Builder
	line := beginSection(&b, callersHeading, callersArg)
	line("Each caller has a connection and waits for its answer, which comes when its entry is durable. Callers, server and")
	line("database share the cores. Ratios are medians over %d rounds of %s, with the least and the greatest round in brackets.",
		cfg.rounds, cfg.turn)
	for _, s := range sections {
		line("")
		line("### %s: `createEntry` against %s", s.database, s.reference)
		line("")
		line("| callers | entries/s | p50 | p99 | entries of a commit | a commit | reference/s | **÷ reference** | " +
			"by hand over HTTP/s | ÷ by hand |")
		line("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
		for _, c := range s.cells {
			line("| %d | %s | %s | %s | %.1f | %s | %s | **%s** | %s | %s |", c.callers, thousands(int(median(c.product))),
				ms(quantileOf(c.latency, .5)), ms(quantileOf(c.latency, .99)), c.batch, ms(c.commit),
				thousands(int(median(c.reference))), overs(c.product, c.reference),
				thousands(int(median(c.direct))), overs(c.product, c.direct))
		}
		processorLines(s.cells, line)
	}
	return b.String()
}

func quantileOf(values []time.Duration, q float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[int(q*float64(len(values)-1))]
}
