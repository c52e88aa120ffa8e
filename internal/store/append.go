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

// appendTx is one database transaction that holds an account's head locked. Each dialect has its own.
type appendTx interface {
	// lockHead locks the account's head row until the transaction ends and returns it, or ErrNoAccount.
	lockHead(ctx context.Context) (lockedHead, error)
	// existing returns those of the keys that the journal has.
	existing(ctx context.Context, keys []string) (map[string]stored, error)
	// users returns the ids of those of the usernames that the account has.
	users(ctx context.Context, usernames []string) (map[string]int64, error)
	// lastUserID returns the highest user id of the account, 0 when there is none.
	lastUserID(ctx context.Context) (int64, error)
	// insertUsers adds users.
	insertUsers(ctx context.Context, users []newUser) error
	// insertEntries adds entries, in order.
	insertEntries(ctx context.Context, rows []row) error
	// moveHead writes the head: its new size, last key and last recorded_at.
	moveHead(ctx context.Context, size int64, lastKey string, lastRecordedAt time.Time) error
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
	head, err := tx.lockHead(ctx)
	if err != nil {
		return nil, err
	}
	if head.lastRecordedAt != nil && head.lastRecordedAt.After(now) {
		now = *head.lastRecordedAt // the clock went back; recorded_at does not
	}
	keys := make([]string, len(batch))
	for i := range batch {
		keys[i] = batch[i].Key
	}
	known, err := tx.existing(ctx, keys)
	if err != nil {
		return nil, err
	}
	results, rows := place(head.size, now, batch, known)
	if len(rows) == 0 {
		return results, nil
	}
	if err := nameUsers(ctx, tx, now, rows); err != nil {
		return nil, err
	}
	crashpoint.Hit(crashpoint.BeforeInsert)
	if err := tx.insertEntries(ctx, rows); err != nil {
		return nil, err
	}
	last := rows[len(rows)-1]
	if err := tx.moveHead(ctx, last.position+1, last.Key, now); err != nil {
		return nil, err
	}
	crashpoint.Hit(crashpoint.AfterInsert)
	return results, nil
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

// nameUsers gives each row its user's id and creates the users that are unknown.
func nameUsers(ctx context.Context, tx appendTx, now time.Time, rows []row) error {
	var names []string
	seen := map[string]bool{}
	for _, r := range rows {
		if r.Username != nil && !seen[*r.Username] {
			seen[*r.Username] = true
			names = append(names, *r.Username)
		}
	}
	if len(names) == 0 {
		return nil
	}
	profiles := make([]UserProfile, len(names))
	for i, name := range names {
		profiles[i] = UserProfile{Username: name}
	}
	ids, err := ensureUsers(ctx, tx, now, profiles)
	if err != nil {
		return err
	}
	for i := range rows {
		if rows[i].Username != nil {
			id := ids[*rows[i].Username]
			rows[i].userID = &id
		}
	}
	return nil
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
	err := s.inAppendTx(ctx, accountID, func(tx appendTx) error {
		if _, err := tx.lockHead(ctx); err != nil {
			return err
		}
		_, err := ensureUsers(ctx, tx, model.Microseconds(now), profiles)
		return err
	})
	if err != nil {
		return fmt.Errorf("ensure %d users of account %d: %w", len(profiles), accountID, err)
	}
	return nil
}

// ensureUsers returns the id of each user and creates those that are unknown, numbered densely per account from 1. It runs
// under the head's lock, so nobody else adds users of this account meanwhile. No name may come twice.
func ensureUsers(ctx context.Context, tx appendTx, now time.Time, profiles []UserProfile) (map[string]int64, error) {
	names := make([]string, len(profiles))
	for i, p := range profiles {
		names[i] = p.Username
	}
	ids, err := tx.users(ctx, names)
	if err != nil {
		return nil, err
	}
	var missing []newUser
	for _, p := range profiles {
		if _, ok := ids[p.Username]; !ok {
			missing = append(missing, newUser{
				username: p.Username, email: p.Email, displayName: p.DisplayName, createdAt: now, disabledAt: p.DisabledAt,
			})
		}
	}
	if len(missing) == 0 {
		return ids, nil
	}
	last, err := tx.lastUserID(ctx)
	if err != nil {
		return nil, err
	}
	for i := range missing {
		missing[i].id = last + int64(i) + 1
		ids[missing[i].username] = missing[i].id
	}
	return ids, tx.insertUsers(ctx, missing)
}
