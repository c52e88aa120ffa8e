package importer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// RunFile is Run on the file at path, or on standard input when path is "-". rejectsPath, when not empty, is written anew,
// readable by its owner alone, and replaces opts.Rejects.
func RunFile(ctx context.Context, path, rejectsPath string, to Appender, opts Options) (_ Summary, err error) {
	src, size, err := openExport(path)
	if err != nil {
		return Summary{}, err
	}
	defer src.Close()
	if rejectsPath != "" {
		f, err := os.OpenFile(rejectsPath, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // the operator names it
		if err != nil {
			return Summary{}, fmt.Errorf("open the rejects file: %w", err)
		}
		out := bufio.NewWriter(f)
		opts.Rejects = out
		defer func() { err = errors.Join(err, out.Flush(), f.Close()) }()
	}
	return Run(ctx, src, size, to, opts)
}

func openExport(path string) (io.ReadCloser, int64, error) {
	if path == "-" {
		return io.NopCloser(os.Stdin), -1, nil
	}
	f, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, 0, fmt.Errorf("open the export: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("open the export: %w", err), f.Close())
	}
	size := int64(-1)
	if info.Mode().IsRegular() {
		size = info.Size()
	}
	return f, size, nil
}
