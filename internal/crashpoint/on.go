//go:build crashpoint

package crashpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// variable is NAME:N, the point and the visit at which the process dies. Unset: never.
const variable = "SAMJOURNAL_CRASH_AT"

// plan is what the environment asks for.
type plan struct {
	name string
	left atomic.Int64 // visits until the process dies
}

//nolint:gochecknoglobals // visits are counted for the process, which reads its environment once
var planned = sync.OnceValue(func() *plan {
	p := &plan{}
	text, ok := os.LookupEnv(variable)
	if !ok {
		return p
	}
	name, visits, _ := strings.Cut(text, ":")
	n, err := strconv.ParseInt(visits, 10, 64)
	if err != nil || n < 1 {
		panic(fmt.Sprintf("%s=%q is not NAME:N", variable, text))
	}
	p.name = name
	p.left.Store(n)
	return p
})

// Hit ends the process when this is the visit that SAMJOURNAL_CRASH_AT names. The line on stderr lets the suite count.
func Hit(name string) {
	p := planned()
	if p.name != name || p.left.Add(-1) != 0 {
		return
	}
	fmt.Fprintf(os.Stderr, "crashpoint %s\n", name)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal is on its way: nothing may happen after this point
}
