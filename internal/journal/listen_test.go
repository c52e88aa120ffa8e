package journal_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"samjournal/internal/journal"
	"samjournal/internal/journal/redaction"
	"samjournal/internal/model"
	"samjournal/internal/store"
	"samjournal/internal/testpostgres"
)

// node is one process's view of a PostgreSQL that others use too. It looks by itself only every hour, so whatever it sees
// was told to it.
func node(t *testing.T, address string) (*journal.Journal, context.Context) {
	t.Helper()
	ctx := context.Background()
	s, err := store.Open(ctx, address, store.Options{MaxConns: 4})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(ctx))
	redactor, err := redaction.New(redaction.Default())
	require.NoError(t, err)
	j, err := journal.New(journal.Config{Backend: s, Redactor: redactor, Poll: time.Hour, Listen: s.Listen})
	require.NoError(t, err)
	t.Cleanup(j.Close)
	account, _, err := s.AccountBySlug(ctx, "default")
	require.NoError(t, err)
	return j, model.WithViewer(ctx, model.Viewer{Account: account, Role: model.RoleOperator})
}

func appendOne(ctx context.Context, t *testing.T, j *journal.Journal) {
	t.Helper()
	results, err := j.Append(ctx, []journal.Input{input("alice")})
	require.NoError(t, err)
	require.NoError(t, results[0].Err)
}

func requireNext(ctx context.Context, t *testing.T, f *journal.Follower, want int64) {
	t.Helper()
	waiting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	from, to, err := f.Next(waiting)
	require.NoError(t, err)
	require.Equal(t, want, from)
	require.Equal(t, want+1, to)
	f.Advance(to)
}

func TestACommitOfAnotherProcessIsTold(t *testing.T) {
	t.Parallel()
	address := testpostgres.New(t)
	here, ctx := node(t, address)
	there, ctxThere := node(t, address)
	f, err := here.Follow(ctx, nil)
	require.NoError(t, err)
	defer f.Close()
	for want := range int64(20) {
		appendOne(ctxThere, t, there)
		requireNext(ctx, t, f, want)
	}
}

func TestAListeningConnectionThatIsLostIsMadeAgain(t *testing.T) {
	t.Parallel()
	db := testpostgres.NewDatabase(t)
	here, ctx := node(t, db.OwnerURL)
	there, ctxThere := node(t, db.OwnerURL)
	f, err := here.Follow(ctx, nil)
	require.NoError(t, err)
	defer f.Close()
	appendOne(ctxThere, t, there)
	requireNext(ctx, t, f, 0) // it listens
	for want := range int64(3) {
		// Between the end of one connection and the beginning of the next nothing is told; that nothing is missed is the point.
		db.Exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND query LIKE 'LISTEN %'`)
		appendOne(ctxThere, t, there)
		requireNext(ctx, t, f, want+1)
	}
}
