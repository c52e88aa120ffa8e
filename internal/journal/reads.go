package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

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
	// Where is the filter of a subscription.
	Where map[string]any `json:"where,omitempty"`
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
// shown. It is the one append that needs no right to append: who may read causes it, and cannot choose what it says.
func (j *Journal) RecordRead(ctx context.Context, r Read) error {
	viewer, err := model.ViewerFrom(ctx)
	if err != nil {
		return err
	}
	r.Role = viewer.Role
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
