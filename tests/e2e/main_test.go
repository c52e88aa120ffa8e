package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience bounds every wait of these tests, on a machine that does much else.
const patience = 30 * time.Second

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
	if binary = os.Getenv("SAMJOURNAL_BIN"); binary != "" {
		return run()
	}
	dir, err := os.MkdirTemp("", "samjournal-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "samjournal")
	if out, err := exec.Command("go", "build", "-o", binary, "samjournal").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build samjournal: %v\n%s", err, out)
		return 1
	}
	return run()
}
