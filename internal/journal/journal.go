package journal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"samjournal/internal/journal/redaction"
	"samjournal/internal/model"
	"samjournal/internal/store"
)

// Backend stores batches. *store.Store is one.
type Backend interface {
	// Append stores a batch of one account in one transaction and returns after it is durable: positions follow each other
	// without gap under the head's lock, so that appends of one account from any number of processes are one sequence. On
	// error nothing is stored, unless the commit itself failed, which cannot be told from outside.
	Append(ctx context.Context, accountID int64, now time.Time, batch []store.NewEntry) ([]store.Appended, error)
	// EnsureUsers creates those of the users that are unknown; the others stay as they are.
	EnsureUsers(ctx context.Context, accountID int64, now time.Time, profiles []store.UserProfile) error
	// Usernames returns the names of those of the users that the account has.
	Usernames(ctx context.Context, accountID int64, ids []int64) (map[int64]string, error)
	// Head returns the head of the scope's account.
	Head(ctx context.Context, scope model.Scope) (store.Head, error)
	// KeyAt returns the key at a position of an account, "" when there is none.
	KeyAt(ctx context.Context, accountID, position int64) (string, error)
	// DigestKey returns the account's key for digests of what was sent. It never changes.
	DigestKey(ctx context.Context, accountID int64) ([]byte, error)
}

// UserProfile is what may be known of a user beside its name.
type UserProfile = store.UserProfile

// UserChange is what may change of a user.
type UserChange = store.UserChange

// listenFunc is store.Store.Listen.
type listenFunc = func(ctx context.Context, committed func(accountID int64), connected func(bool, error))

// Config is what a Journal is made of. Zero values get the default named at each field.
type Config struct {
	Backend  Backend
	Redactor *redaction.Redactor
	Clock    func() time.Time // default time.Now
	Random   io.Reader        // keys and salts; default crypto/rand.Reader
	// DigestKey, when not empty, is the server's key for digests of what was sent, from which each account's is derived;
	// else each account's own in the database is used. Entries stay recognisable only while it stays the same.
	DigestKey []byte
	Limits    Limits        // of the append path
	Logger    *slog.Logger  // default: discards
	Poll      time.Duration // how often the feed looks for entries of other processes while there are subscribers; default 1 s
	// Entries reads entries for the feed's readers; see ReadEntries. Without it a reader gets nothing.
	Entries EntryReader
	Metrics prometheus.Registerer // of the append path and the feed; nil: none
	// Listen, when set, tells of commits of all processes until ctx ends; see store.Store.Listen. While it is connected the
	// feed looks by itself only every 10 s. It runs from the first subscriber on.
	Listen listenFunc
}

// Journal appends entries and feeds them to subscribers. It is safe for concurrent use.
type Journal struct {
	backend   Backend
	redactor  *redaction.Redactor
	entries   EntryReader
	clock     func() time.Time
	random    io.Reader
	committer *committer
	feeds     *feeds
	serverKey []byte // may be empty

	mu         sync.Mutex
	digestKeys map[int64][]byte // by account; they never change; guarded by mu
}

// New returns a journal. Close it to end its feeds.
func New(cfg Config) (*Journal, error) {
	if cfg.Backend == nil || cfg.Redactor == nil {
		return nil, errors.New("journal: Backend and Redactor are needed")
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Poll <= 0 {
		cfg.Poll = time.Second
	}
	committer, feeds := newCommitter(cfg.Backend, cfg.Clock, cfg.Limits), newFeeds(cfg)
	numbers, err := newMetrics(cfg.Metrics, committer)
	if err != nil {
		return nil, err
	}
	committer.metrics, feeds.metrics = numbers, numbers
	return &Journal{
		backend: cfg.Backend, redactor: cfg.Redactor, entries: cfg.Entries, clock: cfg.Clock, random: cfg.Random,
		serverKey: cfg.DigestKey, digestKeys: map[int64][]byte{}, committer: committer, feeds: feeds,
	}, nil
}

// Close ends every subscription, refuses new appends, and returns when those under way are answered.
func (j *Journal) Close() {
	j.feeds.close()
	j.committer.close()
}

// Append appends to the journal of the viewer's account, in order, and returns when all is durable. Appends of an account
// that arrive together share a transaction. Results[i] belongs to inputs[i]: a bad input fails alone. An error concerns all
// of them: with ErrQueueFull nothing is stored, with ErrTimeout or another ErrUnavailable they may or may not be, with any
// other nothing is.
func (j *Journal) Append(ctx context.Context, inputs []Input) ([]Result, error) {
	viewer, err := model.ViewerFrom(ctx)
	if err != nil {
		return nil, err
	}
	if !viewer.Scope().Append {
		return nil, fmt.Errorf("append: %w", ErrForbidden)
	}
	return j.appendAs(ctx, viewer, inputs)
}

// appendAs is Append for a viewer of whom it is known that it may.
func (j *Journal) appendAs(ctx context.Context, viewer model.Viewer, inputs []Input) ([]Result, error) {
	scope := viewer.Scope()
	results := make([]Result, len(inputs))
	batch, places, err := j.prepare(ctx, viewer, slices.Clone(inputs), results)
	if err != nil {
		return nil, err
	}
	if len(batch) == 0 {
		return results, nil
	}
	appended, err := j.committer.append(ctx, scope.AccountID, batch)
	if err != nil {
		j.committer.metrics.answered(err)
		return nil, err
	}
	added := false
	for i, a := range appended {
		r := &results[places[i]]
		if a.Err != nil {
			r.Err = a.Err
			continue
		}
		r.Position, r.CreatedAt, r.RecordedAt, r.Created = a.Position, a.CreatedAt, a.RecordedAt, a.Created
		r.Truncated = a.Created && batch[i].PayloadState == model.PayloadTruncated
		added = added || a.Created
	}
	if added {
		j.feeds.wake(scope.AccountID)
	}
	return results, nil
}

// prepare makes entries of the inputs. places[i] is the index of the input that batch[i] came from; the inputs that are
// missing there have an error in their result.
func (j *Journal) prepare(ctx context.Context, viewer model.Viewer, inputs []Input, results []Result) (
	batch []store.NewEntry, places []int, err error,
) {
	for i := range inputs {
		results[i].Key = inputs[i].Key
		results[i].Err = inputs[i].normalize()
	}
	if err := j.resolveUsers(ctx, viewer.Account.ID, inputs, results); err != nil {
		return nil, nil, err
	}
	digestKey, err := j.digestKey(ctx, viewer.Account)
	if err != nil {
		return nil, nil, err
	}
	for i := range inputs {
		if results[i].Err != nil {
			continue
		}
		entry, err := j.entry(viewer, digestKey, &inputs[i])
		if err != nil {
			results[i].Err = err
			continue
		}
		results[i].Key = entry.Key
		batch, places = append(batch, entry), append(places, i)
	}
	return batch, places, nil
}

// resolveUsers puts the username in the place of each userID. Users never change their name, so this needs no lock.
func (j *Journal) resolveUsers(ctx context.Context, accountID int64, inputs []Input, results []Result) error {
	var ids []int64
	for i := range inputs {
		if results[i].Err == nil && inputs[i].UserID != nil {
			ids = append(ids, *inputs[i].UserID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	names, err := j.backend.Usernames(ctx, accountID, ids)
	if err != nil {
		return err
	}
	for i := range inputs {
		if results[i].Err != nil || inputs[i].UserID == nil {
			continue
		}
		name, ok := names[*inputs[i].UserID]
		if !ok {
			results[i].Err = &model.InputError{Path: []any{"userID"}, Reason: "there is no such user in this account"}
			continue
		}
		inputs[i].Username = &name
	}
	return nil
}

// entry makes a checked input into what is stored: digested as sent, redacted, truncated, digested as stored.
func (j *Journal) entry(viewer model.Viewer, digestKey []byte, in *Input) (store.NewEntry, error) {
	e := store.NewEntry{
		Key: in.Key, Username: in.Username, Thing: in.Thing, Command: in.Command, StatusCode: in.StatusCode,
		CreatedAt: in.CreatedAt, Origin: in.Origin, PayloadState: model.PayloadStored,
		SentDigest: sentDigest(digestKey, in, in.Username), RedactedPaths: slices.Clone(in.RedactedPaths),
	}
	if in.Truncated {
		e.PayloadState = model.PayloadTruncated
	}
	if viewer.Subject != "" {
		e.RecordedBy = &viewer.Subject
	}
	var err error
	if e.Key == "" {
		if e.Key, err = model.NewKey(j.random); err != nil {
			return e, err
		}
	}
	const saltSize = 32
	e.Salt = make([]byte, saltSize)
	if _, err := io.ReadFull(j.random, e.Salt); err != nil {
		return e, fmt.Errorf("draw salt: %w", err)
	}
	if e.Request, err = j.payload(&e, in, redaction.Request, in.Request); err != nil {
		return e, model.InputUnder(err, "request")
	}
	if e.Response, err = j.payload(&e, in, redaction.Response, in.Response); err != nil {
		return e, model.InputUnder(err, "response")
	}
	if len(in.RedactedPaths) > 0 {
		e.RedactedPaths = once(e.RedactedPaths)
	}
	e.RequestDigest, e.ResponseDig = model.PayloadDigest(e.Salt, e.Request), model.PayloadDigest(e.Salt, e.Response)
	return e, nil
}

// once drops what is there twice, and keeps the order.
func once(paths []string) []string {
	seen := make(map[string]bool, len(paths))
	return slices.DeleteFunc(paths, func(path string) bool {
		again := seen[path]
		seen[path] = true
		return again
	})
}

// payload redacts and truncates one of the two payloads and notes in e what happened to it.
func (j *Journal) payload(e *store.NewEntry, in *Input, part redaction.Part, p model.Payload) (model.Payload, error) {
	p, masked, err := j.redactor.Redact(in.Thing, part, p)
	if err != nil {
		return "", err
	}
	for _, pointer := range masked {
		e.RedactedPaths = append(e.RedactedPaths, "/"+nameOf(part)+pointer)
	}
	if in.Truncate > 0 {
		var cut bool
		if p, cut = model.Truncate(p, in.Truncate); cut {
			e.PayloadState = model.PayloadTruncated
		}
	}
	return p, nil
}

// EnsureUsers creates those of the users that the viewer's account does not have; the others stay as they are. Names are
// brought into NFC; a bad one is an *model.InputError and then nothing is created.
func (j *Journal) EnsureUsers(ctx context.Context, profiles []UserProfile) error {
	scope, err := model.ScopeFrom(ctx)
	if err != nil {
		return err
	}
	if !scope.Append {
		return fmt.Errorf("create users: %w", ErrForbidden)
	}
	seen := map[string]bool{}
	var distinct []UserProfile
	for i, p := range profiles {
		if p.Username, err = model.NormalUsername(p.Username); err != nil {
			return model.InputUnder(err, i, "username")
		}
		if !seen[p.Username] {
			seen[p.Username] = true
			distinct = append(distinct, p)
		}
	}
	if len(distinct) == 0 {
		return nil
	}
	return j.backend.EnsureUsers(ctx, scope.AccountID, j.clock(), distinct)
}

// Check tells what Append would refuse of an input by itself, without writing: everything but a user or a key that only the
// database knows; and what else it can tell of it. Errors are *model.InputError.
func (j *Journal) Check(in Input) (found Checked, err error) {
	if err := in.normalize(); err != nil {
		return found, err
	}
	for _, p := range []struct {
		part    redaction.Part
		payload model.Payload
	}{{redaction.Request, in.Request}, {redaction.Response, in.Response}} {
		masked, _, err := j.redactor.Redact(in.Thing, p.part, p.payload)
		if err != nil {
			return found, model.InputUnder(err, nameOf(p.part))
		}
		found.Truncated = found.Truncated || in.Truncate > 0 && len(masked) > in.Truncate
	}
	found.Content = sentDigest(nil, &in, in.Username)
	return found, nil
}

// Checked is what Check finds of an input that Append would take.
type Checked struct {
	// Truncated tells that a payload would be.
	Truncated bool
	// Content is equal for inputs that are the same entry where their key is the same. It is not keyed: not to be stored.
	Content [sha256.Size]byte
}

// Head is the size of an account's journal and its last key.
type Head = store.Head

// Count is a number of entries, and what they have in common.
type Count = store.Count
