package oracle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"unicode/utf8"
)

// mostFaults bounds what Verify tells: a journal that is broken throughout would tell it of every row.
const mostFaults = 20

var keyPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Verify checks the whole database and returns all faults that it finds, joined, at most 20.
func (d *Database) Verify(ctx context.Context) error {
	accounts, err := d.Accounts(ctx)
	if err != nil {
		return err
	}
	c := &check{
		users: map[[2]int64]string{}, heads: map[int64]Head{}, erased: map[[2]int64]bool{}, slugs: map[string]bool{},
		counts: map[Counter]int64{},
	}
	for _, a := range accounts {
		c.thatf(!c.slugs[a.Slug], "slug %q twice", a.Slug)
		c.slugs[a.Slug] = true
	}
	if err := c.load(ctx, d); err != nil {
		return err
	}
	seen := int64(0)
	for _, a := range accounts {
		entries, err := d.Entries(ctx, a.ID, 0)
		if err != nil {
			return err
		}
		seen += int64(len(entries))
		c.journal(a.ID, entries)
		c.count(entries)
	}
	if err := c.counters(ctx, d); err != nil {
		return err
	}
	c.thatf(len(c.heads) == len(accounts), "%d heads for %d accounts", len(c.heads), len(accounts))
	return errors.Join(c.noOrphans(ctx, d, seen), errors.Join(c.faults...))
}

// check collects faults.
type check struct {
	users  map[[2]int64]string // by account and id
	slugs  map[string]bool
	heads  map[int64]Head
	erased map[[2]int64]bool // by account and position
	counts map[Counter]int64 // as they have to be
	faults []error
}

// thatf notes a fault unless ok.
func (c *check) thatf(ok bool, format string, args ...any) {
	if !ok && len(c.faults) < mostFaults {
		c.faults = append(c.faults, fmt.Errorf(format, args...))
	}
}

func (c *check) load(ctx context.Context, d *Database) error {
	users, err := d.Users(ctx)
	if err != nil {
		return err
	}
	names := map[int64]map[string]bool{}
	for _, u := range users {
		if names[u.AccountID] == nil {
			names[u.AccountID] = map[string]bool{}
		}
		c.thatf(!names[u.AccountID][u.Username], "account %d: username %q twice", u.AccountID, u.Username)
		c.thatf(u.ID == int64(len(names[u.AccountID]))+1, "account %d: user %q has id %d, ids are not dense",
			u.AccountID, u.Username, u.ID)
		names[u.AccountID][u.Username] = true
		c.users[[2]int64{u.AccountID, u.ID}] = u.Username
	}
	heads, err := d.Heads(ctx)
	if err != nil {
		return err
	}
	for _, h := range heads {
		c.heads[h.AccountID] = h
	}
	erasures, err := each(ctx, d.db, `SELECT account_id, position FROM erasures`, func(at *[2]int64) []any {
		return []any{&at[0], &at[1]}
	})
	for _, at := range erasures {
		c.erased[at] = true
	}
	return err
}

// noOrphans checks that no row belongs to an account that is not there, seen being the entries of those that are.
func (c *check) noOrphans(ctx context.Context, d *Database, seen int64) error {
	counts, err := each(ctx, d.db, `SELECT (SELECT count(*) FROM entries),
		(SELECT count(*) FROM users WHERE account_id NOT IN (SELECT id FROM accounts)),
		(SELECT count(*) FROM heads WHERE account_id NOT IN (SELECT id FROM accounts))`,
		func(n *[3]int64) []any { return []any{&n[0], &n[1], &n[2]} })
	if err != nil {
		return err
	}
	n := counts[0]
	c.thatf(n[0] == seen, "%d entries, but %d belong to an account", n[0], seen)
	c.thatf(n[1] == 0, "%d users without account", n[1])
	c.thatf(n[2] == 0, "%d heads without account", n[2])
	return nil
}

// journal checks the entries of one account, which come in order of position.
func (c *check) journal(accountID int64, entries []Entry) {
	head, ok := c.heads[accountID]
	c.thatf(ok, "account %d has no head", accountID)
	c.thatf(head.Size == int64(len(entries)), "account %d: head says %d entries, there are %d", accountID, head.Size, len(entries))
	keys := make(map[string]int64, len(entries))
	last := int64(0)
	for i := range entries {
		e := &entries[i]
		at := fmt.Sprintf("account %d position %d", accountID, e.Position)
		c.thatf(e.Position == int64(i), "%s: is number %d of its journal", at, i)
		before, twice := keys[e.Key]
		c.thatf(!twice, "%s: key %s is at position %d too", at, e.Key, before)
		keys[e.Key] = e.Position
		c.thatf(i == 0 || e.RecordedAt >= last, "%s: recorded_at %d is before that of the entry before, %d", at, e.RecordedAt, last)
		last = e.RecordedAt
		c.entry(at, e)
	}
	if len(entries) == 0 {
		c.thatf(head.LastKey == nil && head.LastRecordedAt == nil, "account %d: the head of an empty journal names an entry", accountID)
		return
	}
	c.thatf(head.LastKey != nil && *head.LastKey == entries[len(entries)-1].Key,
		"account %d: head names another last key", accountID)
	c.thatf(head.LastRecordedAt != nil && *head.LastRecordedAt == last, "account %d: head has another last recorded_at", accountID)
}

// entry checks what can be said of an entry by itself.
func (c *check) entry(at string, e *Entry) {
	c.thatf(keyPattern.MatchString(e.Key), "%s: key %q", at, e.Key)
	c.thatf(e.FormatVersion == 1, "%s: format version %d", at, e.FormatVersion)
	c.thatf(e.StatusCode >= 0 && e.StatusCode <= 32767, "%s: status %d", at, e.StatusCode)
	c.thatf(e.Thing != "" && e.Command != "", "%s: thing %q, command %q", at, e.Thing, e.Command)
	switch e.Origin {
	case "API":
		c.thatf(e.CreatedAt == e.RecordedAt, "%s: created_at %d is not recorded_at %d", at, e.CreatedAt, e.RecordedAt)
	case "IMPORT", "SEED":
	default:
		c.thatf(false, "%s: origin %q", at, e.Origin)
	}
	c.thatf((e.UserID == nil) == (e.Username == nil), "%s: user id and username are not there together", at)
	if e.UserID != nil && e.Username != nil {
		name, ok := c.users[[2]int64{e.AccountID, *e.UserID}]
		c.thatf(ok && name == *e.Username, "%s: username %q, but user %d is %q", at, *e.Username, *e.UserID, name)
	}
	c.thatf(len(e.RequestDigest) == sha256.Size && len(e.ResponseDigest) == sha256.Size && len(e.SentDigest) == sha256.Size,
		"%s: digests of %d, %d and %d bytes", at, len(e.RequestDigest), len(e.ResponseDigest), len(e.SentDigest))
	c.thatf(e.PayloadState == "STORED" || e.PayloadState == "TRUNCATED", "%s: payload state %q", at, e.PayloadState)
	var pointers []string
	err := json.Unmarshal([]byte(e.RedactedPaths), &pointers)
	c.thatf(err == nil && pointers != nil, "%s: redacted_paths %q is no array of strings: %v", at, e.RedactedPaths, err)
	if e.Request == nil || e.Response == nil || e.Salt == nil {
		c.thatf(e.Request == nil && e.Response == nil && e.Salt == nil, "%s: only a part of it is erased", at)
		c.thatf(c.erased[[2]int64{e.AccountID, e.Position}], "%s: payloads are gone and no erasure says why", at)
		return
	}
	c.payloads(at, e, pointers)
}

func (c *check) payloads(at string, e *Entry, pointers []string) {
	c.thatf(len(e.Salt) == sha256.Size, "%s: salt of %d bytes", at, len(e.Salt))
	truncated := false
	for _, p := range []struct {
		name, text string
		digest     []byte
	}{{"request", *e.Request, e.RequestDigest}, {"response", *e.Response, e.ResponseDigest}} {
		sum := sha256.Sum256(append(bytes.Clone(e.Salt), p.text...))
		c.thatf(bytes.Equal(sum[:], p.digest), "%s: digest of the %s is another", at, p.name)
		c.thatf(utf8.ValidString(p.text), "%s: %s is not UTF-8", at, p.name)
		value, err := decode(p.text)
		c.thatf(err == nil, "%s: %s is not JSON: %v", at, p.name, err)
		cut := e.PayloadState == "TRUNCATED" && isMarker(value)
		truncated = truncated || cut
		if !cut && err == nil {
			c.masked(at, p.name, value, pointers)
		}
	}
	c.thatf(truncated == (e.PayloadState == "TRUNCATED"), "%s: payload state %q, but truncated: %t", at, e.PayloadState, truncated)
}
