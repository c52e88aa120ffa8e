package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"samjournal/internal/crashpoint"
	"samjournal/internal/model"
)

// ErrConflict says that an account's journal has an entry of the same key with other content.
var ErrConflict = errors.New("an entry with this key and other content exists")

// NewEntry is an entry ready to be stored: validated, redacted and digested, without what only the head's lock can give
// (position, user id, recorded_at).
type NewEntry struct {
	Key           string
	Username      *string // nil: nobody; an unknown one is created
	Thing         model.Thing
	Command       model.Command
	StatusCode    int
	CreatedAt     *time.Time // nil: equal to recorded_at
	Origin        model.Origin
	RecordedBy    *string
	Request       model.Payload
	Response      model.Payload
	Salt          []byte
	RequestDigest [32]byte
	ResponseDig   [32]byte
	SentDigest    [32]byte
	RedactedPaths []string
	PayloadState  model.PayloadState
}

// Appended is what became of one NewEntry. Err is nil or ErrConflict; with ErrConflict nothing else is set.
type Appended struct {
	Position   int64
	CreatedAt  time.Time
	RecordedAt time.Time
	Created    bool // false: the same entry was there already
	Err        error
}

// row is a NewEntry with all that its row needs.
type row struct {
	*NewEntry

	position   int64
	userID     *int64
	createdAt  time.Time
	recordedAt time.Time
}

// stored is what the append needs to know of an entry that exists.
type stored struct {
	position              int64
	createdAt, recordedAt time.Time
	sentDigest            [32]byte
}

// lockedHead is the head as read under its lock.
type lockedHead struct {
	size           int64
	lastRecordedAt *time.Time
}

// opened is what an append finds under the head's lock.
type opened struct {
	head    lockedHead
	entries map[string]stored // those of the keys that the journal has
	users   map[string]int64  // ids of those of the usernames that the account has
}

// addition is what an append writes.
type addition struct {
	users []newUser
	rows  []row // in order
	// The new head, when there are rows.
	size           int64
	lastKey        string
	lastRecordedAt time.Time
}

// appendTx is one database transaction of an account. Each dialect has its own. What write, setCounts and exec do may be done,
// and fail, as late as with the commit.
type appendTx interface {
	// open locks the account's head row until the transaction ends and reads what is needed; ErrNoAccount when there is none.
	open(ctx context.Context, keys, usernames []string) (opened, error)
	// lastUserID returns the highest user id of the account, 0 when there is none.
	lastUserID(ctx context.Context) (int64, error)
	// write adds users and entries, and moves the head when there are entries.
	write(ctx context.Context, a addition) error
	// tally counts the entries from a position on, created within a period.
	tally(ctx context.Context, position int64, p period) (tally, error)
	// setCounts sets counters.
	setCounts(ctx context.Context, c counters) error
	// exec runs one more statement, written in the dialect's own way.
	exec(ctx context.Context, statement string, args ...any) error
}

type newUser struct {
	id          int64
	username    string
	email       *string
	displayName *string
	createdAt   time.Time
	disabledAt  *time.Time
}

// Append stores a batch of one account in one transaction, in order, and returns what became of each entry. It returns
// after the commit is durable. When it fails, nothing of the batch is stored, unless the error came with the commit itself
// (a lost connection): then all of it or nothing may be. Errors match ErrUnavailable when trying again may help.
//
// What is durable when: nothing until COMMIT returns; from then on everything. A crash in between leaves either, and
// whoever was not answered finds out by sending the same key again.
func (s *Store) Append(ctx context.Context, accountID int64, now time.Time, batch []NewEntry) ([]Appended, error) {
	var results []Appended
	err := s.inAppendTx(ctx, accountID, func(tx appendTx) error {
		var err error
		results, err = appendBatch(ctx, tx, model.Microseconds(now), batch)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("append %d entries to account %d: %w", len(batch), accountID, err)
	}
	crashpoint.Hit(crashpoint.AfterCommit)
	return results, nil
}

// appendBatch is the append under the head's lock, the same on both databases.
func appendBatch(ctx context.Context, tx appendTx, now time.Time, batch []NewEntry) ([]Appended, error) {
	keys := make([]string, len(batch))
	for i := range batch {
		keys[i] = batch[i].Key
	}
	found, err := tx.open(ctx, keys, usernamesOf(batch))
	if err != nil {
		return nil, err
	}
	if last := found.head.lastRecordedAt; last != nil && last.After(now) {
		now = *last // the clock went back; recorded_at does not
	}
	results, rows := place(found.head.size, now, batch, found.entries)
	if len(rows) == 0 {
		return results, nil
	}
	users, err := nameUsers(ctx, tx, now, rows, found.users)
	if err != nil {
		return nil, err
	}
	crashpoint.Hit(crashpoint.BeforeInsert)
	last := rows[len(rows)-1]
	err = tx.write(ctx, addition{users: users, rows: rows, size: last.position + 1, lastKey: last.Key, lastRecordedAt: now})
	if err != nil {
		return nil, err
	}
	crashpoint.Hit(crashpoint.AfterInsert)
	return results, nil
}

// usernamesOf returns each username of a batch once.
func usernamesOf(batch []NewEntry) []string {
	var names []string
	seen := map[string]bool{}
	for i := range batch {
		if name := batch[i].Username; name != nil && !seen[*name] {
			seen[*name] = true
			names = append(names, *name)
		}
	}
	return names
}

// place gives each entry that is new the next position, and tells the others what is there already. known is extended by
// the batch's own entries, so that a key that comes twice in one batch is treated as if it came in two.
func place(size int64, now time.Time, batch []NewEntry, known map[string]stored) ([]Appended, []row) {
	results, rows := make([]Appended, len(batch)), make([]row, 0, len(batch))
	for i := range batch {
		e := &batch[i]
		if there, ok := known[e.Key]; ok {
			if there.sentDigest != e.SentDigest {
				results[i].Err = ErrConflict
				continue
			}
			results[i] = Appended{Position: there.position, CreatedAt: there.createdAt, RecordedAt: there.recordedAt}
			continue
		}
		created := now
		if e.CreatedAt != nil {
			created = *e.CreatedAt
		}
		r := row{NewEntry: e, position: size + int64(len(rows)), createdAt: created, recordedAt: now}
		rows = append(rows, r)
		known[e.Key] = stored{position: r.position, createdAt: created, recordedAt: now, sentDigest: e.SentDigest}
		results[i] = Appended{Position: r.position, CreatedAt: created, RecordedAt: now, Created: true}
	}
	return results, rows
}

// nameUsers gives each row its user's id and returns the users that are unknown.
func nameUsers(ctx context.Context, tx appendTx, now time.Time, rows []row, ids map[string]int64) ([]newUser, error) {
	var profiles []UserProfile
	seen := map[string]bool{}
	for _, r := range rows {
		if r.Username != nil && !seen[*r.Username] {
			seen[*r.Username] = true
			profiles = append(profiles, UserProfile{Username: *r.Username})
		}
	}
	missing, err := numberUsers(ctx, tx, now, profiles, ids)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if rows[i].Username != nil {
			id := ids[*rows[i].Username]
			rows[i].userID = &id
		}
	}
	return missing, nil
}

// UserProfile is what may be known of a user beside its name.
type UserProfile struct {
	Username    string
	Email       *string
	DisplayName *string
	DisabledAt  *time.Time
}

// EnsureUsers creates those of the users that the account does not have; the others stay as they are.
func (s *Store) EnsureUsers(ctx context.Context, accountID int64, now time.Time, profiles []UserProfile) error {
	names := make([]string, len(profiles))
	for i, p := range profiles {
		names[i] = p.Username
	}
	err := s.inAppendTx(ctx, accountID, func(tx appendTx) error {
		found, err := tx.open(ctx, nil, names)
		if err != nil {
			return err
		}
		missing, err := numberUsers(ctx, tx, model.Microseconds(now), profiles, found.users)
		if err != nil {
			return err
		}
		return tx.write(ctx, addition{users: missing})
	})
	if err != nil {
		return fmt.Errorf("ensure %d users of account %d: %w", len(profiles), accountID, err)
	}
	return nil
}

// numberUsers returns those of the users that are unknown, numbered densely per account from 1, and adds them to ids. It runs
// under the head's lock, so nobody else adds users of this account meanwhile. No name may come twice.
func numberUsers(
	ctx context.Context, tx appendTx, now time.Time, profiles []UserProfile, ids map[string]int64,
) ([]newUser, error) {
	var missing []newUser
	for _, p := range profiles {
		if _, ok := ids[p.Username]; !ok {
			missing = append(missing, newUser{
				username: p.Username, email: p.Email, displayName: p.DisplayName, createdAt: now, disabledAt: p.DisabledAt,
			})
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	last, err := tx.lastUserID(ctx)
	if err != nil {
		return nil, err
	}
	for i := range missing {
		missing[i].id = last + int64(i) + 1
		ids[missing[i].username] = missing[i].id
	}
	return missing, nil
}
