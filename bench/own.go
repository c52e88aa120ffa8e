package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// variables reads settings from the environment and keeps what is wrong with them.
type variables struct{ errs []error }

func (v *variables) text(name, otherwise string) string {
	if text := os.Getenv(name); text != "" {
		return text
	}
	return otherwise
}

func (v *variables) number(name, otherwise string) int { return v.parse(name, v.text(name, otherwise)) }

// numbers reads a list with commas.
func (v *variables) numbers(name, otherwise string) (list []int) {
	for text := range strings.SplitSeq(v.text(name, otherwise), ",") {
		list = append(list, v.parse(name, text))
	}
	return list
}

func (v *variables) parse(name, text string) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 1 {
		v.errs = append(v.errs, fmt.Errorf("%s: must be a number from 1, is %q", name, text))
	}
	return n
}

func (v *variables) duration(name, otherwise string) time.Duration {
	text := v.text(name, otherwise)
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Second {
		v.errs = append(v.errs, fmt.Errorf("%s: must be a duration from 1s, is %q", name, text))
	}
	return d
}

// binary is the product, and whether it is there already.
func (v *variables) binary() (path string, built bool) {
	const name = "SAMJOURNAL_BENCH_BINARY"
	path, err := filepath.Abs(v.text(name, filepath.Join(cache, "samjournal")))
	if err != nil {
		v.errs = append(v.errs, err)
	}
	return path, os.Getenv(name) != ""
}

// build builds the product where it is not there already.
func (cfg settings) build(ctx context.Context) error {
	if err := os.MkdirAll(cache, 0o755); err != nil || cfg.built {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", cfg.product, ".")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build samjournal (run this from the top level, as make bench does): %w", err)
	}
	return nil
}

// measureEach builds the product and measures on one database after the other.
func measureEach[T any](ctx context.Context, cfg settings, databases []func() (T, error)) (sections []T, err error) {
	if err := cfg.build(ctx); err != nil {
		return nil, err
	}
	for _, measure := range databases {
		s, err := measure()
		if err != nil {
			return nil, err
		}
		sections = append(sections, s)
	}
	return sections, nil
}

// tell writes a section that is measured by itself, and replaces that of the results when the run was a whole one.
func tell(out io.Writer, heading, text string, whole bool, size string) error {
	if _, err := io.WriteString(out, text); err != nil {
		return err
	}
	if !whole {
		_, err := fmt.Fprintf(out, "\n%s is written by runs of %s only.\n", resultsFile, size)
		return err
	}
	return replaceSection(heading, text)
}

// beginSection writes a section's heading, and by what it was written, on what. line writes a further line.
func beginSection(b *strings.Builder, heading, arg string) (line func(format string, args ...any)) {
	line = func(format string, args ...any) { fmt.Fprintf(b, format+"\n", args...) }
	b.WriteString(heading)
	line("")
	line("Written by `go run ./bench %s` on %s, on %s, %d cores, Go %s, load average at the end %s.", arg,
		time.Now().UTC().Format(time.DateOnly), processor(), runtime.NumCPU(), strings.TrimPrefix(runtime.Version(), "go"), load())
	return line
}
