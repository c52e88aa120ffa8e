package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"samjournal/internal/journal"
	"samjournal/internal/model"
	"samjournal/internal/progress"
)

// Defaults of Options.
const (
	DefaultBatchRows  = 500
	DefaultBatchBytes = 4 << 20
)

// Appender is what the importer needs of the journal; the account is that of the context's viewer.
//
// Append makes the whole batch durable before it returns and answers for each input at its index. An input whose key is
// there with the same content is not an error (Created is false); Err is a *model.InputError or wraps journal.ErrConflict
// when this one input was refused. An error of Append itself means that the batch may or may not be there; sending it
// again is safe. EnsureUsers leaves users that exist as they are.
type Appender interface {
	Append(ctx context.Context, inputs []journal.Input) ([]journal.Result, error)
	EnsureUsers(ctx context.Context, users []journal.UserProfile) error
}

// Options say how an export is imported. The zero value imports everything with defaults and says nothing.
type Options struct {
	// DryRun reads and checks everything, and writes nothing.
	DryRun bool
	// Check is asked about every entry of a dry run: what the journal would refuse, redaction included, whether it would
	// truncate, and what is the same entry. May be nil: then rows of one key are.
	Check func(journal.Input) (journal.Checked, error)
	// Heard is told of every entry before it is appended or checked. May be nil.
	Heard func(journal.Input)
	// UserModel names the model of the users, for example "accounts.member". Empty: auth.user, or any model called user.
	UserModel string
	// MissingCreatedAt is the time of rows without created_at; nil rejects them.
	MissingCreatedAt *time.Time
	// Truncate cuts stored payloads to so many bytes; 0 keeps them whole. That is the default here, whatever the limit of a
	// server: the source of an import may be given up afterwards, and what was cut cannot be had back.
	Truncate int
	// BatchRows and BatchBytes bound one transaction: entries, and bytes of payload. 0: 500 and 4 MiB.
	BatchRows, BatchBytes int
	// Rejects gets one JSON line for each rejected row. May be nil.
	Rejects io.Writer
	// Stderr gets the first rejected rows as text. May be nil.
	Stderr io.Writer
	// Progress hears how far the two phases are. May be nil.
	Progress progress.Reporter
	// StagingDir is where the staging file is made. Empty: the system's directory for temporary files.
	StagingDir string
	// Now is the clock; nil is time.Now. It dates the disabling of users who are not active.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.BatchRows <= 0 {
		o.BatchRows = DefaultBatchRows
	}
	if o.BatchBytes <= 0 {
		o.BatchBytes = DefaultBatchBytes
	}
	if o.Rejects == nil {
		o.Rejects = io.Discard
	}
	if o.Stderr == nil {
		o.Stderr = io.Discard
	}
	if o.Check == nil {
		o.Check = func(journal.Input) (journal.Checked, error) { return journal.Checked{}, nil }
	}
	if o.Heard == nil {
		o.Heard = func(journal.Input) {}
	}
	if o.Progress == nil {
		o.Progress = progress.Silent()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MissingCreatedAt != nil {
		at := model.Microseconds(*o.MissingCreatedAt)
		o.MissingCreatedAt = &at
	}
	return o
}

// run is one import under way. One goroutine uses it.
type run struct {
	opts    Options
	to      Appender
	staging *staging
	rejects *rejectLog
	sum     Summary
	byPlace bool // entries are in the order in which they are to be appended
}

// Run imports the export that src holds; size is its length in bytes, or -1 when nobody knows. The summary is valid with an
// error too and tells how far it came: whatever was written stays, and running again completes the rest.
//
// The error is a *SyntaxError when the export cannot be read to its end; nothing is written then. Rejected rows are no
// error: see Summary.ExitStatus.
func Run(ctx context.Context, src io.Reader, size int64, to Appender, opts Options) (_ Summary, err error) {
	opts = opts.withDefaults()
	r := &run{opts: opts, to: to, rejects: newRejectLog(opts.Stderr, opts.Rejects)}
	r.sum.DryRun = opts.DryRun
	if r.staging, err = openStaging(ctx, opts.StagingDir); err != nil {
		return r.sum, err
	}
	defer func() { err = errors.Join(err, r.rejects.close(), r.staging.close()) }()
	if err := r.read(ctx, src, size); err != nil {
		return r.sum, err
	}
	if err := r.rejects.flush(); err != nil {
		return r.sum, err
	}
	if err := r.staging.finish(ctx); err != nil {
		return r.sum, err
	}
	if opts.DryRun {
		return r.sum, r.check(ctx)
	}
	return r.sum, r.write(ctx)
}

// read parses the whole export into the staging file.
func (r *run) read(ctx context.Context, src io.Reader, size int64) error {
	r.opts.Progress.Begin("reading", size, progress.Bytes)
	defer r.opts.Progress.End()
	rows, err := newSplitter(&countingReader{src, r.opts.Progress}, maxRow)
	if err != nil {
		return readError(err)
	}
	r.rejects.lines = rows.lines
	p := parser{userModel: r.opts.UserModel, missingCreatedAt: r.opts.MissingCreatedAt}
	for {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("interrupted while reading, nothing is written yet: %w", err)
		}
		next, err := rows.next()
		if errors.Is(err, io.EOF) {
			return r.whole(&p)
		}
		if err != nil {
			return readError(err)
		}
		if err := r.take(ctx, &p, next); err != nil {
			return err
		}
	}
}

// whole looks whether an export of samjournal is complete: what is only a part of a journal is not taken for all of it.
func (r *run) whole(p *parser) error {
	r.byPlace = p.own.count > 0
	if r.byPlace && p.django {
		return readError(errBothKinds)
	}
	if err := p.own.complete(); err != nil {
		return readError(err)
	}
	return nil
}

func readError(err error) error {
	if _, ok := errors.AsType[*SyntaxError](err); ok {
		return fmt.Errorf("%w; nothing was written", err)
	}
	return fmt.Errorf("read the export: %w; nothing was written", err)
}

// take puts one row where it belongs: staged, rejected or ignored.
func (r *run) take(ctx context.Context, p *parser, next row) error {
	got, err := p.parse(next)
	if torn, ok := errors.AsType[*broken](err); ok {
		if !r.rejects.lines {
			// An array whose brackets fit but whose content does not has no trustworthy end.
			return readError(&SyntaxError{next.offset + torn.offset, torn.reason})
		}
		err = &reject{"", fmt.Sprintf("%s, at byte %d of the line", torn.reason, torn.offset+1)}
	}
	if got.manifest && err == nil {
		return nil
	}
	isUser := got.model != "" && p.isUser(got.model)
	if !isUser && (got.model == entryModel || err != nil) {
		r.sum.Read++
	}
	var refused *reject
	switch {
	case errors.As(err, &refused):
		return r.refuse(isUser, rejection{pk: got.pk, place: next.place, reject: *refused})
	case err != nil:
		return readError(err)
	case got.entry != nil:
		r.count(got.entry)
		return r.staging.putEntry(ctx, next.place, got.entry)
	case got.user != nil:
		return r.takeUser(ctx, got, next.place)
	}
	r.sum.Ignored++
	return nil
}

func (r *run) takeUser(ctx context.Context, got parsed, place int64) error {
	if r.sum.UserModel == "" {
		r.sum.UserModel = got.model
	}
	if r.sum.UserModel != got.model {
		return fmt.Errorf("the export has users of two models, %s and %s; name one with --user-model; nothing was written",
			shownMember(r.sum.UserModel), shownMember(got.model))
	}
	err := r.staging.putUser(ctx, place, got.user)
	if errors.Is(err, errUserTaken) {
		return r.refuse(true, rejection{pk: got.pk, place: place, reject: reject{"username", err.Error()}})
	}
	if err == nil {
		r.sum.Users++
		r.sum.LeftOut += got.user.leftOut
	}
	return err
}

func (r *run) refuse(isUser bool, why rejection) error {
	if isUser {
		r.sum.RejectedUsers++
	} else {
		r.sum.Rejected++
	}
	return r.rejects.add(why)
}

func (r *run) count(e *entryRow) {
	if e.mapped {
		r.sum.MappedNames++
	}
	if e.defaulted {
		r.sum.Defaulted++
	}
	if e.naive {
		r.sum.NaiveTimes++
	}
}

// input is what the journal is given for a row. It is asked for once.
func (r *run) input(e *stagedEntry) journal.Input {
	in := journal.Input{
		Key: e.key, Username: e.username, Thing: e.thing, Command: e.command, StatusCode: e.status,
		Request: e.request, Response: e.response, CreatedAt: &e.createdAt,
		Origin: model.OriginImport, Truncate: r.opts.Truncate, Truncated: e.truncated, RedactedPaths: e.redacted,
	}
	r.opts.Heard(in)
	return in
}

// countingReader tells the progress how many bytes went by.
type countingReader struct {
	in       io.Reader
	progress progress.Reporter
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.progress.Add(int64(n))
	return n, err
}
