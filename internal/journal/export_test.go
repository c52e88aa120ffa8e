package journal

import (
	"context"

	"samjournal/internal/model"
)

// Follower is what a Reader goes by.
type Follower = follower

// Follow returns a follower that begins after the cursor, or at the journal's end when it is nil.
func (j *Journal) Follow(ctx context.Context, after *model.Cursor) (*follower, error) {
	place, err := j.PlaceAfter(ctx, after)
	if err != nil {
		return nil, err
	}
	return j.follow(place)
}

// Waiting returns how many entries of all accounts wait for a commit.
func Waiting(j *Journal) int {
	c := j.committer
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, w := range c.accounts {
		n += w.rows
	}
	return n
}

// Kept returns how many entries the account's feed keeps for its readers.
func Kept(j *Journal, accountID int64) int {
	j.feeds.mu.Lock()
	f := j.feeds.byAccount[accountID]
	j.feeds.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.recent.entries
}
