package journal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"samjournal/internal/model"
)

// Read says that a viewer is shown requests or responses of entries. It becomes the request of an entry, under "read".
type Read struct {
	Operation string     `json:"operation,omitempty"` // the client's name for it
	RequestID string     `json:"requestId"`           // under which the log has it
	Role      model.Role `json:"role"`
	Positions [][2]int64 `json:"positions,omitempty"` // runs of positions, first and last of each; of a query
	// Subscription is "begun" or "ended"; "" for a query.
	Subscription string `json:"subscription,omitempty"`
	// From and Until bound what a subscription may have shown: positions from From on, and below Until once it has ended.
	From  *int64 `json:"from,omitempty"`
	Until *int64 `json:"until,omitempty"`
	// Where is the filter of a subscription, an export or a search. A long one is journaled as its length and a digest.
	Where map[string]any `json:"where,omitempty"`
}

// What a viewer chooses of what is journaled of its reads is short: the journal keeps it for ever.
const (
	maxReadOperation = 200      // characters of Operation
	maxReadWhere     = 16 << 10 // bytes of Where as JSON
)

// shorten replaces what is too long of what the viewer has chosen.
func (r *Read) shorten() error {
	if utf8.RuneCountInString(r.Operation) > maxReadOperation {
		r.Operation = string([]rune(r.Operation)[:maxReadOperation]) + "…"
	}
	where, err := json.Marshal(r.Where)
	if err != nil {
		return fmt.Errorf("describe a filter: %w", err)
	}
	if len(where) > maxReadWhere {
		digest := sha256.Sum256(where)
		r.Where = map[string]any{"truncated": true, "bytes": len(where), "sha256": hex.EncodeToString(digest[:])}
	}
	return nil
}

// Runs puts positions together to runs.
func Runs(positions []int64) [][2]int64 {
	slices.Sort(positions)
	var runs [][2]int64
	for _, p := range positions {
		if n := len(runs); n > 0 && p <= runs[n-1][1]+1 {
			runs[n-1][1] = p
		} else {
			runs = append(runs, [2]int64{p, p})
		}
	}
	return runs
}

// RecordRead appends an entry that says what its viewer is shown, and returns when it is durable; before that nothing may be
// shown. It is the one append that needs no right to append: who may read causes it, and chooses of it only the operation's name
// and the filter.
func (j *Journal) RecordRead(ctx context.Context, r Read) error {
	viewer, err := model.ViewerFrom(ctx)
	if err != nil {
		return err
	}
	r.Role = viewer.Role
	if err := r.shorten(); err != nil {
		return err
	}
	text, err := json.Marshal(map[string]Read{"read": r})
	if err != nil {
		return fmt.Errorf("describe a read: %w", err)
	}
	request, err := model.ParsePayload(text)
	if err != nil {
		return fmt.Errorf("describe a read: %w", err)
	}
	const ok = 200
	results, err := j.appendAs(ctx, viewer, []Input{{
		Username: viewer.Username, Thing: model.ThingAccount, Command: model.CommandGet, StatusCode: ok,
		Request: request, Response: "null", Origin: model.OriginAPI,
	}})
	if err != nil {
		return fmt.Errorf("journal a read: %w", err)
	}
	return results[0].Err
}
