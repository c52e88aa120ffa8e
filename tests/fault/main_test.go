//go:build fault

package fault

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience bounds every wait, on a machine that does much else.
const patience = 60 * time.Second

// binary is the samjournal under test. Only TestMain sets it.
//
//nolint:gochecknoglobals // all tests share one build
var binary string

func TestMain(m *testing.M) {
	os.Exit(withBinary(func() int {
		code := m.Run()
		if err := goleak.Find(); code == 0 && err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	}))
}

func withBinary(run func() int) int {
	dir, err := os.MkdirTemp("", "samjournal-fault-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "samjournal")
	if out, err := exec.Command("go", "build", "-tags", "crashpoint", "-o", binary, "samjournal").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build samjournal: %v\n%s", err, out)
		return 1
	}
	return run()
}

// times is how often something is done: the first number, or the second in the long form.
func times(short, long int) int {
	if os.Getenv("SAMJOURNAL_TEST_LONG") == "1" {
		return long
	}
	return short
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
