package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"samjournal/graph"
	"samjournal/internal/export"
	"samjournal/internal/journal"
	"samjournal/internal/progress"
	"samjournal/internal/requestid"
	"samjournal/internal/store"
)

type exportCmd struct {
	writing `embed:""`

	Account  string `default:"default" env:"SAMJOURNAL_ACCOUNT" placeholder:"SLUG" help:"Account whose journal is exported. Default: ${default}"`
	Output   string `short:"o" default:"-" env:"SAMJOURNAL_OUTPUT" placeholder:"FILE" help:"File to write, which must not exist unless --resume is given; - for standard output. Default: ${default}"`
	Format   string `default:"ndjson" env:"SAMJOURNAL_EXPORT_FORMAT" placeholder:"FORMAT" help:"ndjson (one JSON object a line, can be imported again) or csv. Default: ${default}"`
	Where    string `env:"SAMJOURNAL_WHERE" placeholder:"JSON" help:"Only entries that match: an EntryWhereInput of the GraphQL API, {\"statusCodeGTE\": 400}. Default: all"`
	After    string `env:"SAMJOURNAL_AFTER" placeholder:"CURSOR" help:"Only entries after this cursor, which every line has. Default: from the beginning"`
	Manifest string `env:"SAMJOURNAL_MANIFEST" placeholder:"FILE" help:"Write the manifest to this file, too; CSV needs one. With --verify, read it there."`
	Resume   bool   `env:"SAMJOURNAL_RESUME" help:"Go on with an NDJSON export that was cut off, after its last whole line. Give the same --where."`
	Verify   string `env:"SAMJOURNAL_VERIFY" placeholder:"FILE" help:"Write nothing: say whether this export is complete and as it was written."`
}

// Help teaches the command.
func (*exportCmd) Help() string {
	return `Entries come in order of position, up to the journal's end as it is when the export begins. The last line of NDJSON is
the manifest: without it the file is incomplete. That you have exported is itself an entry of the journal.

  samjournal export --output=journal.ndjson
  samjournal export --output=journal.ndjson --resume                 go on with one that was interrupted
  samjournal export --verify=journal.ndjson                          is it complete, and unchanged?
  samjournal export --format=csv --output=errors.csv --manifest=errors.json --where='{"statusCodeGTE": 400}'`
}

func (c *exportCmd) validate() error {
	if _, err := export.ParseFormat(c.Format); err != nil {
		return fmt.Errorf("--%w", err)
	}
	switch csv := c.Format == string(export.CSV); {
	case csv && c.Manifest == "":
		return errors.New("--manifest: must name a file with --format=csv: nobody can tell else whether CSV is complete")
	case csv && c.Resume:
		return errors.New("--resume: goes with --format=ndjson only")
	case c.Resume && c.Output == "-":
		return errors.New("--resume: needs --output, the file to go on with")
	case c.Resume && c.After != "":
		return errors.New("--after: cannot be given with --resume, which goes on after the last line of the file")
	}
	return c.writing.validate()
}

// Run exports, or verifies an export.
func (c *exportCmd) Run(ctx context.Context, std *streams) (err error) {
	if c.Verify != "" {
		return c.verify(std)
	}
	if err := c.validate(); err != nil {
		return err
	}
	params, err := c.params()
	if err != nil {
		return err
	}
	log := logger(c.Log, std.err)
	s, err := openStore(ctx, c.Database, log, std.err)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	j, err := openJournal(s, c.Redaction, c.Digest, log, nil)
	if err != nil {
		return err
	}
	defer j.Close()
	if ctx, err = operator(ctx, s, c.Account); err != nil {
		return err
	}
	manifest, err := c.export(ctx, std, exportsOf(s, j), params)
	if err != nil {
		return err
	}
	if c.Manifest != "" {
		if err := writeManifest(c.Manifest, manifest); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(std.err, "exported %d entries of account %s\n", manifest.Count, manifest.Account)
	return err
}

// exportsOf is where the exports of a store come from.
func exportsOf(s *store.Store, j *journal.Journal) *export.Source {
	return &export.Source{Filter: graph.EntryFilter, Ent: s.Ent(), Heads: s, Journal: j}
}

func (c *exportCmd) params() (export.Params, error) {
	p := export.Params{Format: export.Format(c.Format), RequestID: requestid.New()}
	if c.After != "" {
		p.After = &c.After
	}
	if c.Where == "" {
		return p, nil
	}
	dec := json.NewDecoder(strings.NewReader(c.Where))
	dec.UseNumber()
	if err := dec.Decode(&p.Where); err != nil || dec.More() {
		return p, errors.New(`--where: must be one JSON object, such as {"statusCodeGTE": 400}`)
	}
	p.WhereText = json.RawMessage(c.Where)
	return p, nil
}

// export writes to the output. An export that fails leaves what it has written, to be resumed.
func (c *exportCmd) export(
	ctx context.Context, std *streams, source *export.Source, params export.Params,
) (_ export.Manifest, err error) {
	if c.Output == "-" {
		x, err := source.Begin(ctx, params)
		if err != nil {
			return export.Manifest{}, err
		}
		return c.write(ctx, std, x, std.out)
	}
	file, there, err := c.open()
	if err != nil {
		return export.Manifest{}, fmt.Errorf("--output: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if there.Count > 0 {
		params.After = &there.LastCursor
	}
	x, err := source.Begin(ctx, params)
	if err != nil {
		return export.Manifest{}, errors.Join(err, c.removeEmpty(file))
	}
	if there.Count > 0 {
		x.Continue(there)
	}
	manifest, err := c.write(ctx, std, x, file)
	if err == nil {
		err = file.Sync()
	}
	return manifest, err
}

// removeEmpty takes away a file that was made for an export that did not begin.
func (c *exportCmd) removeEmpty(file *os.File) error {
	if info, err := file.Stat(); err != nil || info.Size() > 0 {
		return err
	}
	return os.Remove(c.Output)
}

// open creates the output, or opens it where it is to be gone on with.
func (c *exportCmd) open() (*os.File, *export.Contents, error) {
	const private = 0o600 // it holds payloads
	if !c.Resume {
		file, err := os.OpenFile(c.Output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, private)
		if errors.Is(err, os.ErrExist) {
			err = fmt.Errorf("%s exists; give --resume to go on with it, or another name", c.Output)
		}
		return file, &export.Contents{}, err
	}
	file, err := os.OpenFile(c.Output, os.O_RDWR, private)
	if err != nil {
		return nil, nil, err
	}
	there, err := export.Read(file)
	switch {
	case err != nil:
		err = fmt.Errorf("%s: %w", c.Output, err)
	case there.Manifest != nil:
		err = fmt.Errorf("%s is complete: it has its manifest", c.Output)
	default:
		if err = file.Truncate(there.Whole); err == nil {
			_, err = file.Seek(there.Whole, io.SeekStart)
		}
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, there, nil
}

func (*exportCmd) write(ctx context.Context, std *streams, x *export.Export, to io.Writer) (export.Manifest, error) {
	const buffer = 1 << 20
	out := bufio.NewWriterSize(to, buffer)
	from, end := x.Positions()
	bar := progress.For(std.err)
	bar.Begin("export", end-from, progress.Entries)
	x.OnProgress(func(position, _ int64) {
		bar.Add(position - from)
		from = position
	})
	manifest, err := x.Write(ctx, out)
	bar.End()
	return manifest, errors.Join(err, out.Flush())
}

func writeManifest(name string, m export.Manifest) error {
	const private = 0o600
	text, err := json.MarshalIndent(m, "", "  ")
	if err == nil {
		err = os.WriteFile(name, append(text, '\n'), private)
	}
	if err != nil {
		return fmt.Errorf("--manifest: %w", err)
	}
	return nil
}

func (c *exportCmd) verify(std *streams) error {
	file, err := os.Open(c.Verify)
	if err != nil {
		return fmt.Errorf("--verify: %w", err)
	}
	defer file.Close()
	var m export.Manifest
	if c.Manifest == "" {
		m, err = export.Verify(file)
	} else if m, err = readManifest(c.Manifest); err == nil {
		err = export.VerifyCSV(file, m)
	}
	if err != nil {
		return fmt.Errorf("--verify: %s: %w", c.Verify, err)
	}
	_, err = fmt.Fprintf(std.out, "%s: complete and unchanged, %d entries of account %s as of %s\n",
		c.Verify, m.Count, m.Account, m.ServerTime)
	return err
}

func readManifest(name string) (m export.Manifest, err error) {
	text, err := os.ReadFile(name) //nolint:gosec // the file that its user names
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return m, fmt.Errorf("--manifest: %w", err)
	}
	return m, nil
}
