package conformance_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/journal"
	"samjournal/internal/journal/redaction"
	"samjournal/internal/model"
	"samjournal/internal/store"
)

// writerVariable makes the test binary a process that appends to the database it names and writes the key of each entry to
// stdout when its append is answered, until it is killed.
const writerVariable = "SAMJOURNAL_TEST_WRITER"

// writersOfChild is how many goroutines of the process append.
const writersOfChild = 8

func appendUntilKilled(ctx context.Context, databaseURL string) error {
	s, err := store.Open(ctx, databaseURL, store.Options{})
	if err != nil {
		return err
	}
	redactor, err := redaction.New(redaction.Default())
	if err != nil {
		return err
	}
	j, err := journal.New(journal.Config{Backend: s, Redactor: redactor})
	if err != nil {
		return err
	}
	account, _, err := s.AccountBySlug(ctx, "default")
	if err != nil {
		return err
	}
	ctx = model.WithViewer(ctx, model.Viewer{Account: account, Role: model.RoleOperator})
	failed := make(chan error)
	for w := range writersOfChild {
		go func() {
			for {
				in := plain()
				in.Username = new(fmt.Sprintf("user-%d", w))
				results, err := j.Append(ctx, []journal.Input{in, in})
				if err != nil {
					failed <- err
					return
				}
				// One write a line: what is killed between two lines was not answered.
				fmt.Fprintf(os.Stdout, "%s\n%s\n", results[0].Key, results[1].Key)
			}
		}()
	}
	return <-failed
}

// Invariant 3, in short: kill -9 of a process that appends. What was answered is there, and the next process goes on.
func TestAnsweredEntriesSurviveAKilledProcess(t *testing.T) {
	t.Parallel()
	for kind, databaseURL := range both(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			answered := map[string]bool{}
			for range rounds(1, 3, 20) {
				for _, key := range killedWriter(t, databaseURL, 40) {
					require.False(t, answered[key])
					answered[key] = true
				}
			}
			there := map[string]bool{}
			d := look(t, databaseURL)
			require.NoError(t, d.Verify(t.Context()))
			entries, err := d.Entries(t.Context(), 1, 0)
			require.NoError(t, err)
			for _, e := range entries {
				there[e.Key] = true
			}
			for key := range answered {
				require.True(t, there[key], "an answered entry is gone: %s", key)
			}
			n := start(t, databaseURL, settings{})
			require.EqualValues(t, len(entries), n.append(n.as(t, "default"), t, plain())[0].Position)
		})
	}
}

// killedWriter runs a writer, kills it after that many answers, and returns the keys of all entries that it was answered.
func killedWriter(t *testing.T, databaseURL string, answers int) []string {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), writerVariable+"="+databaseURL)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var keys []string
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // what comes after the last line end is no answer
		}
		keys = append(keys, strings.TrimSuffix(line, "\n"))
		if len(keys) == answers {
			require.NoError(t, cmd.Process.Kill()) // the rest of what it wrote is still read
		}
	}
	require.Error(t, cmd.Wait())
	require.GreaterOrEqual(t, len(keys), answers, "the writer ended by itself: %s", stderr.String())
	return keys
}
