package graph

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"samjournal/ent"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// Heads reads what pages need beside their rows. *store.Store is one.
type Heads interface {
	// HeadAndCounts returns the head and, as of the same moment, the numbers of entries that match and are in scope.
	journal.Counter
	journal.SearchIndex
}

// Resolver answers the GraphQL fields: it translates, calls the core or Ent once, and translates back.
type Resolver struct {
	Journal *journal.Journal
	Ent     *ent.Client // scoped to the viewer of each context
	Heads   Heads
	Admin   Admin
	Log     *slog.Logger
	// PayloadLimit is the longest request or response that is stored whole, in bytes; 0: no limit but that of the body.
	PayloadLimit int
	// AnswerBytes is how many bytes of requests and responses one answer holds at most; a page ends early. One entry that is
	// longer is still an answer. Default 16 MiB.
	AnswerBytes int64
	// JournalReads journals searches, and subscriptions that show requests or responses; ReadJournal does so with queries.
	JournalReads bool
	// SearchFirst is how many entries a page of a search looks at before it asks the index. 0: none.
	SearchFirst int
	// Answers is the memory for the payloads of all answers together. Default: no limit.
	Answers *Answers
	Clock   func() time.Time // default time.Now
}

func (r *Resolver) now() time.Time {
	if r.Clock == nil {
		return time.Now()
	}
	return r.Clock()
}

// viewerScope returns the viewer of a request and what it may see.
func viewerScope(ctx context.Context) (model.Viewer, model.Scope, error) {
	v, err := model.ViewerFrom(ctx)
	if err != nil {
		return v, model.Scope{}, fmt.Errorf("resolve: %w", err)
	}
	return v, v.Scope(), nil
}
